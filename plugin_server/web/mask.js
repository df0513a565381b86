// The mask "only here": strokes of a soft brush over an optional given mask.
//
// A mask is {base: Blob | null, strokes}; a stroke is {points: [[x, y]], radius, erase} in full-size
// pixels, or {everywhere: true}.

import { blobOf, load } from "./photo.js";

const SOFT = 0.35; // share of the radius over which a stroke fades
const RINGS = 8;
const EVERYWHERE = Object.freeze({ everywhere: true });

/** Draw a mask for a picture `scale` times the full size; white is coloured, black stays. */
export async function drawMask(mask, scale, width, height, canvas = document.createElement("canvas")) {
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  if (mask.base) {
    const picture = await load(mask.base);
    context.drawImage(picture, 0, 0, width, height);
    URL.revokeObjectURL(picture.src);
  }
  for (const stroke of mask.strokes) {
    if (stroke.everywhere) {
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
    } else {
      drawStroke(context, stroke, scale);
    }
  }
  return canvas;
}

/** One stroke: rings from wide and weak to narrow and strong, the stronger of two pixels stays. */
function drawStroke(context, { points, radius, erase }, scale) {
  context.globalCompositeOperation = erase ? "darken" : "lighten";
  context.lineCap = context.lineJoin = "round";
  for (let ring = 1; ring <= RINGS; ring++) {
    const level = Math.round((255 * ring) / RINGS);
    const grey = erase ? 255 - level : level;
    context.strokeStyle = `rgb(${grey} ${grey} ${grey})`;
    context.lineWidth = Math.max(1, 2 * radius * scale * (1 - SOFT * ((ring - 1) / (RINGS - 1))));
    context.beginPath();
    const [x, y] = points[0];
    context.moveTo((x + 0.5) * scale, (y + 0.5) * scale);
    if (points.length === 1) context.lineTo((x + 0.5) * scale + 0.01, (y + 0.5) * scale);
    for (const [nextX, nextY] of points.slice(1)) {
      context.lineTo((nextX + 0.5) * scale, (nextY + 0.5) * scale);
    }
    context.stroke();
  }
  context.globalCompositeOperation = "source-over";
}

/** The mask as it is sent: a given one that nobody painted on goes as it came. */
export async function maskBlob(mask, scale, width, height) {
  if (scale === 1 && mask.base && !mask.strokes.length) return mask.base;
  return blobOf(await drawMask(mask, scale, width, height));
}

/** The mask with one more stroke; where the first one erases, all the rest is coloured. */
export function withStroke(mask, stroke) {
  if (mask) return { ...mask, strokes: [...mask.strokes, stroke] };
  return { base: null, strokes: stroke.erase ? [EVERYWHERE, stroke] : [stroke] };
}

/** Show what will stay as it is: a veil over the black parts. */
export async function drawVeil(mask, scale, width, height, canvas) {
  const drawnMask = await drawMask(mask, scale, width, height);
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d");
  const pixels = drawnMask.getContext("2d").getImageData(0, 0, width, height);
  const { data } = pixels;
  for (let at = 0; at < data.length; at += 4) {
    const weight = data[at];
    data[at] = 190;
    data[at + 1] = 60;
    data[at + 2] = 40;
    data[at + 3] = (255 - weight) * 0.32;
  }
  context.putImageData(pixels, 0, 0);
}
