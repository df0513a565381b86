// A place in a photo: strokes of a soft brush, rectangles and outlines, over an optional picture.
//
// A place is {base: Blob | null, key, strokes}; `key` names the base. A stroke is one of
// {points: [[x, y]], radius, erase}, {outline: [[x, y]], erase}, {box: [x, y, w, h], erase} and
// {everywhere: true}, in full-size pixels; a box is whole pixels.

import { freshKey } from "./edits.js";
import { blobOf } from "./photo.js";

const SOFT = 0.35; // share of the radius over which a stroke fades
const RINGS = 8;
const EVERYWHERE = Object.freeze({ everywhere: true });
const COARSE = 96; // pixels of the copy in which a place's middle is looked for

const pictures = new WeakMap(); // blob -> promise of its bitmap

export const placeOf = (base, strokes = []) => ({ base, key: base ? freshKey() : null, strokes });

/** Draw a place for a picture `scale` times the full size: white is inside. */
export async function drawMask(mask, scale, width, height, canvas = document.createElement("canvas")) {
  const picture = mask.base ? await bitmapOf(mask.base) : null;
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#000";
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  if (picture) context.drawImage(picture, 0, 0, width, height);
  for (const stroke of mask.strokes) {
    if (stroke.everywhere) {
      context.fillStyle = "#fff";
      context.fillRect(0, 0, width, height);
    } else if (stroke.points) {
      drawStroke(context, stroke, scale);
    } else {
      fillOutline(context, stroke, scale);
    }
  }
  return canvas;
}

function bitmapOf(blob) {
  if (!pictures.has(blob)) pictures.set(blob, createImageBitmap(blob));
  return pictures.get(blob);
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

function fillOutline(context, { box, outline, erase }, scale) {
  context.globalCompositeOperation = erase ? "darken" : "lighten";
  context.fillStyle = erase ? "#000" : "#fff";
  context.beginPath();
  if (box) context.rect(...box.map((length) => length * scale));
  else for (const [x, y] of outline) context.lineTo((x + 0.5) * scale, (y + 0.5) * scale);
  context.fill();
  context.globalCompositeOperation = "source-over";
}

/** The place as it is sent: a given picture that nobody painted on goes as it came. */
export async function maskBlob(mask, scale, width, height) {
  if (scale === 1 && mask.base && !mask.strokes.length) return mask.base;
  return blobOf(await drawMask(mask, scale, width, height));
}

/** The place as [x, y, width, height] where it is one rectangle; else null. */
export function boxOf({ base, strokes }) {
  return !base && strokes.length === 1 && strokes[0].box && !strokes[0].erase ? strokes[0].box : null;
}

/** The place with one more stroke; where the first one erases, all the rest is inside. */
export function withStroke(mask, stroke) {
  if (mask) return { ...mask, strokes: [...mask.strokes, stroke] };
  return placeOf(null, stroke.erase ? [EVERYWHERE, stroke] : [stroke]);
}

/** What tells a place from others, for keys of requests. */
export const placeKey = (mask) => (mask ? [mask.base ? mask.key : null, mask.strokes] : null);

/** [x, y] of a full-size pixel inside, near the place's middle; null where it is empty. */
export async function middleOf(mask, { width, height }) {
  const scale = Math.min(1, COARSE / Math.max(width, height));
  const size = [width, height].map((length) => Math.max(1, Math.round(length * scale)));
  const canvas = await drawMask(mask, scale, ...size);
  const { data } = canvas.getContext("2d").getImageData(0, 0, ...size);
  const inside = [];
  let most = 0;
  for (let at = 0; at < size[0] * size[1]; at++) most = Math.max(most, data[4 * at]);
  for (let at = 0; at < size[0] * size[1]; at++) {
    if (most && data[4 * at] >= 0.75 * most) inside.push([at % size[0], Math.floor(at / size[0])]);
  }
  if (!inside.length) return null;
  const mean = [0, 1].map((axis) => inside.reduce((sum, place) => sum + place[axis], 0) / inside.length);
  const far = (place) => Math.hypot(place[0] - mean[0], place[1] - mean[1]);
  const nearest = inside.reduce((best, place) => (far(place) < far(best) ? place : best));
  const onto = (place, limit) => Math.min(limit - 1, Math.floor((place + 0.5) / scale));
  return [onto(nearest[0], width), onto(nearest[1], height)];
}
