// The brush that paints the mask "only here", and the veil over what stays as it is.

import { drawVeil, maskBlob, withStroke } from "./mask.js";
import { maskName } from "./request.js";
import { saveBlob } from "./save.js";

const NEAR = 0.15; // of the radius: points closer than this are left out

export function mountBrush(desk, stage) {
  const byId = (id) => document.getElementById(id);
  const layer = byId("mask-layer");
  const size = byId("brush-size");
  let erase = false;
  let stroke = null;
  let drawing = 0;

  const showSize = () => (byId("brush-size-value").textContent = `${size.value} %`);
  size.addEventListener("input", showSize);
  showSize();

  for (const [id, erases] of [["mask-paint", false], ["mask-erase", true]]) {
    byId(id).addEventListener("click", () => {
      erase = erases;
      byId("mask-paint").setAttribute("aria-pressed", String(!erase));
      byId("mask-erase").setAttribute("aria-pressed", String(erase));
    });
  }

  stage.addEventListener("stroke", ({ detail: { phase, at } }) => {
    if (phase === "start") {
      stroke = { points: [rounded(at)], radius: stage.brushRadius, erase };
    } else if (phase === "move" && stroke) {
      const [x, y] = stroke.points.at(-1);
      if (Math.hypot(at[0] - x, at[1] - y) < NEAR * stroke.radius) return;
      stroke.points.push(rounded(at));
    } else if (phase === "end" && stroke) {
      const done = stroke;
      stroke = null;
      desk.change({ mask: withStroke(desk.edit.mask, done) });
      return;
    } else return;
    draw();
  });

  /** Redraw the veil; only the newest drawing may touch the layer. */
  async function draw() {
    const photo = desk.current;
    const mask = stroke ? withStroke(desk.edit?.mask, stroke) : desk.edit?.mask;
    const visible = Boolean(mask) && desk.tool === "brush";
    layer.hidden = !visible;
    if (!visible) return;
    const turn = ++drawing;
    const canvas = document.createElement("canvas");
    await drawVeil(mask, photo.scale, ...photo.previewSize, canvas);
    if (turn !== drawing) return;
    layer.width = canvas.width;
    layer.height = canvas.height;
    layer.getContext("2d").drawImage(canvas, 0, 0);
  }

  const sync = () => {
    byId("tool-dab").setAttribute("aria-pressed", String(desk.tool === "dab"));
    byId("tool-brush").setAttribute("aria-pressed", String(desk.tool === "brush"));
    byId("mask-section").hidden = desk.tool !== "brush" && !desk.edit?.mask;
    byId("mask-controls").hidden = desk.tool !== "brush";
    byId("mask-actions").hidden = !desk.edit?.mask;
    draw();
  };
  desk.hear("edit mode photo", sync);
  byId("tool-dab").addEventListener("click", () => desk.setTool("dab"));
  byId("tool-brush").addEventListener("click", () => {
    if (desk.mode === "side") desk.setMode("result");
    desk.setTool("brush");
  });
  byId("mask-clear").addEventListener("click", () => desk.change({ mask: null }));
  byId("mask-save").addEventListener("click", async () => {
    const photo = desk.current;
    const blob = await maskBlob(photo.edits.now.mask, 1, photo.width, photo.height);
    saveBlob(blob, photo.edits.now.mask.base?.name ?? maskName(photo.name));
  });
}

const rounded = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];
