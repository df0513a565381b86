// The overlay that shows where the model is unsure, and a dab of colour helps most.

import { confidence } from "./api.js";
import { NOTHING } from "./edits.js";
import { load } from "./photo.js";
import { guidanceFields, keyOf } from "./request.js";

const TINT = [255, 255, 255]; // stripes of two greys show on every colour
const SHADE = [20, 20, 20];
const SIDE = 1400; // pixels of the overlay's long side
const STRIPE = 8;
const STRONGEST = 0.6; // opacity where the model knows least
const LEAST_RANGE = 24; // levels of grey, so that a photo that is sure all over stays clear

export function mountUnsure(desk, fail) {
  const layer = document.getElementById("unsure-layer");
  const button = document.getElementById("unsure");
  let shown = false;
  let asking = null;
  let drawnKey = null;

  async function draw() {
    const photo = desk.current;
    layer.hidden = !shown || !photo || desk.mode === "side";
    button.setAttribute("aria-pressed", String(shown));
    if (layer.hidden) return;
    const { description, hints, strength } = photo.edits.now;
    const key = keyOf({ ...NOTHING, description, hints, strength });
    if (drawnKey?.[0] === photo && drawnKey[1] === key) return;
    asking?.abort();
    const { signal } = (asking = new AbortController());
    try {
      const words = { ...NOTHING, description, hints, strength };
      const all = await guidanceFields(words, photo.scale, photo.previewSize);
      const asked = { description: all.description, hints: all.hints, strength: all.strength };
      const blob = await photo.ask((image) => confidence({ ...image, ...asked }, signal));
      const picture = await load(blob);
      if (signal.aborted) return;
      const scale = SIDE / Math.max(picture.naturalWidth, picture.naturalHeight);
      layer.width = Math.max(1, Math.round(picture.naturalWidth * scale));
      layer.height = Math.max(1, Math.round(picture.naturalHeight * scale));
      layer.getContext("2d").drawImage(picture, 0, 0, layer.width, layer.height);
      URL.revokeObjectURL(picture.src);
      tint(layer);
      drawnKey = [photo, key];
    } catch (error) {
      if (signal.aborted) return;
      shown = false;
      layer.hidden = true;
      button.setAttribute("aria-pressed", "false");
      fail(error);
    }
  }

  button.addEventListener("click", () => {
    shown = !shown;
    draw();
  });
  desk.hear("result mode photo", draw);
}

/** Turn grey (white is sure) into stripes where the model is less sure than it mostly is. */
function tint(canvas) {
  const context = canvas.getContext("2d");
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data, width } = pixels;
  const counts = new Uint32Array(256);
  for (let at = 0; at < data.length; at += 4) counts[data[at]]++;
  const least = levelOf(counts, 0.02);
  const usual = Math.max(least + LEAST_RANGE, levelOf(counts, 0.4));
  for (let at = 0; at < data.length; at += 4) {
    const doubt = Math.min(1, Math.max(0, (usual - data[at]) / (usual - least)));
    const pixel = at / 4;
    const bright = ((pixel % width) + Math.floor(pixel / width)) % STRIPE < STRIPE / 2;
    data.set([...(bright ? TINT : SHADE), Math.round(255 * STRONGEST * doubt ** 1.5)], at);
  }
  context.putImageData(pixels, 0, 0);
}

/** The grey level below which this share of the pixels lies. */
function levelOf(counts, share) {
  let left = share * counts.reduce((sum, count) => sum + count, 0);
  return Math.max(0, counts.findIndex((count) => (left -= count) <= 0));
}
