// Drawing a place on the photo: brush, rectangle and lasso, which add to it or take from it.

import { withStroke } from "./mask.js";
import { t } from "./texts.js";

const NEAR = 0.15; // of the brush's radius: points closer than this are left out
const STEP = 2; // full-size pixels between the points of a lasso, at least
const SHAPES = ["brush", "rectangle", "lasso"];

export function mountDrawing(desk, stage, spotlight) {
  const byId = (id) => document.getElementById(id);
  const controls = byId("draw-controls");
  const size = byId("brush-size");
  let erase = false;
  let stroke = null;
  let trail = []; // the places since the stroke's start

  size.addEventListener("input", showSize);
  function showSize() {
    byId("brush-size-value").textContent = `${size.value} %`;
  }
  showSize();

  for (const shape of SHAPES) byId(`shape-${shape}`).addEventListener("click", () => desk.setShape(shape));
  for (const [id, erases] of [["draw-add", false], ["draw-take", true]]) {
    byId(id).addEventListener("click", () => {
      erase = erases;
      sync();
    });
  }

  stage.addEventListener("stroke", ({ detail: { phase, at } }) => {
    if (phase === "start") trail = [rounded(at)];
    else if (phase === "move" && stroke) extend(rounded(at));
    if (phase !== "end") {
      stroke = strokeOf();
      show();
    } else if (stroke) {
      const done = isDrawn(stroke) ? stroke : null;
      stroke = null;
      if (done) desk.target?.put(withStroke(desk.target.place(), done));
      show();
    }
  });

  function extend(at) {
    const [x, y] = trail.at(-1);
    const least = desk.shape === "brush" ? NEAR * stage.brushRadius : STEP;
    if (desk.shape === "rectangle") trail = [trail[0], at];
    else if (Math.hypot(at[0] - x, at[1] - y) >= least) trail.push(at);
  }

  /** The stroke so far. What is new has nothing to take away from, save for the whole photo. */
  function strokeOf() {
    const takes = erase && (desk.target.veil || desk.target.place() !== null);
    if (desk.shape === "brush") return { points: [...trail], radius: stage.brushRadius, erase: takes };
    if (desk.shape === "lasso") return { outline: [...trail], erase: takes };
    return { box: boxAround(trail[0], trail.at(-1), desk.current), erase: takes };
  }

  function show() {
    const { target } = desk;
    if (desk.tool !== "draw" || !target || !desk.current) spotlight.draw(null);
    else spotlight.draw({ place: stroke ? withStroke(target.place(), stroke) : target.place(), veil: target.veil });
  }

  function sync() {
    if (desk.target && !desk.target.exists()) {
      desk.setTool("dab"); // which comes back here
      return;
    }
    byId("tool-dab").setAttribute("aria-pressed", String(desk.tool === "dab"));
    for (const shape of SHAPES) byId(`shape-${shape}`).setAttribute("aria-pressed", String(shape === desk.shape));
    byId("draw-add").setAttribute("aria-pressed", String(!erase));
    byId("draw-take").setAttribute("aria-pressed", String(erase));
    byId("brush-size-row").hidden = desk.shape !== "brush";
    controls.hidden = desk.tool !== "draw";
    const slot = desk.target && byId(desk.target.slot);
    if (slot && controls.parentElement !== slot) slot.append(controls);
    byId("viewport-help").textContent = t(desk.tool === "draw" ? "stageHelpDraw" : "stageHelp");
    show();
  }
  desk.hear("edit mode photo", sync);
  byId("tool-dab").addEventListener("click", () => desk.setTool("dab"));
}

const rounded = ([x, y]) => [Math.round(x * 10) / 10, Math.round(y * 10) / 10];

/** The whole pixels between two places, inside the photo: [x, y, width, height]. */
function boxAround(a, b, { width, height }) {
  const along = (axis, limit) => {
    const ends = [a[axis], b[axis]].map((place) => Math.min(limit, Math.max(0, Math.round(place + 0.5))));
    return [Math.min(...ends), Math.abs(ends[0] - ends[1])];
  };
  const [x, wide] = along(0, width);
  const [y, tall] = along(1, height);
  return [x, y, wide, tall];
}

/** A click draws a dot with the brush, and nothing with the others. */
function isDrawn({ points, outline, box }) {
  return Boolean(points) || outline?.length > 2 || (box?.[2] > 0 && box[3] > 0);
}
