// The overlay that shows where the model is unsure, and a dab of colour helps most.

import { confidence } from "./api.js";
import { drawn, load } from "./photo.js";
import { guidanceFields, keyOf } from "./request.js";

const TINT = [232, 62, 140]; // a colour that photographs rarely have
const STRONGEST = 0.75; // opacity where the model knows nothing

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
    const key = keyOf({ ...photo.edits.now, saturation: 1, mask: null });
    if (drawnKey?.[0] === photo && drawnKey[1] === key) return;
    asking?.abort();
    const { signal } = (asking = new AbortController());
    try {
      const all = await guidanceFields({ ...photo.edits.now, description, hints, strength }, photo.scale, photo.previewSize);
      const blob = await confidence({
        ...(await photo.imageField()),
        description: all.description,
        hints: all.hints,
        strength: all.strength,
      }, signal);
      const map = drawn(await load(blob), Infinity);
      if (signal.aborted) return;
      tint(map);
      layer.width = map.width;
      layer.height = map.height;
      layer.getContext("2d").drawImage(map, 0, 0);
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

/** Turn grey (white is sure) into a tint that is strongest where the model is least sure. */
function tint(canvas) {
  const context = canvas.getContext("2d");
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  const { data } = pixels;
  let [least, most] = [255, 0];
  for (let at = 0; at < data.length; at += 4) {
    least = Math.min(least, data[at]);
    most = Math.max(most, data[at]);
  }
  const range = Math.max(32, most - least); // so that a photo that is sure all over is not tinted
  for (let at = 0; at < data.length; at += 4) {
    const doubt = (most - data[at]) / range;
    data.set([...TINT, Math.round(255 * STRONGEST * doubt)], at);
  }
  context.putImageData(pixels, 0, 0);
}
