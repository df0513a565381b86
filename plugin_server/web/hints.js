// Dabs of colour on the photo: put, move, choose, delete; each is a button, so that keys do it too.

import { toHex } from "./color.js";
import { t } from "./texts.js";

const RADIUS_SHARE = 0.01; // of the short side, where a dab names no radius: the server's default
const LEAST = 18; // CSS pixels of a dab that is small on the screen
const CLICK = 4;

export function mountHints(desk, stage, picker) {
  const byId = (id) => document.getElementById(id);
  const [layer, list] = [byId("dab-layer"), byId("dab-list")];
  let drag = null;

  const hints = () => desk.edit?.hints ?? [];
  const replaceHint = (index, patch, gesture) =>
    desk.change({ hints: hints().map((hint, at) => (at === index ? { ...hint, ...patch } : hint)) }, gesture);
  const removeHint = (index) => {
    picker.close();
    desk.change({ hints: hints().filter((_, at) => at !== index) });
    (layer.children[Math.min(index, layer.children.length - 1)] ?? stage.viewport).focus();
  };

  /** The radius of a dab on the photo, in full-size pixels. */
  const radiusOf = (hint) =>
    hint.radius ?? RADIUS_SHARE * Math.min(desk.current.width, desk.current.height);

  function open(index) {
    const hint = hints()[index];
    const gesture = `dab-${index}-${performance.now()}`;
    picker.open({
      title: t("pickerTitle"),
      anchor: layer.children[index],
      photo: desk.current,
      hint,
      radius: radiusOf(hint),
      onColor: (color) => replaceHint(index, { color }, gesture),
      onRadius: (radius) => replaceHint(index, { radius }, `${gesture}-size`),
      onDelete: () => removeHint(index),
      onClose: () => {
        desk.current?.edits.settle();
        layer.children[index]?.focus();
      },
    });
  }

  stage.addEventListener("press", ({ detail: { place } }) => {
    if (desk.tool !== "dab" || desk.mode === "before") return;
    const [x, y] = place;
    const color = startColor(desk.current, x, y);
    desk.change({ hints: [...hints(), { x, y, color, radius: null }] });
    open(hints().length - 1);
  });

  /** One button a dab, reused, so that a drag and the focus survive every change. */
  function render() {
    const all = hints();
    while (layer.children.length > all.length) layer.lastElementChild.remove();
    while (layer.children.length < all.length) layer.append(makeDab(layer.children.length));
    while (list.children.length > all.length) list.lastElementChild.remove();
    while (list.children.length < all.length) list.append(makeEntry(list.children.length));
    all.forEach((hint, index) => {
      const name = t("dabName", { color: hint.color, x: Math.round(hint.x), y: Math.round(hint.y) });
      const dab = layer.children[index];
      dab.style.setProperty("--dab", hint.color);
      dab.setAttribute("aria-label", name);
      const chip = list.children[index].firstElementChild;
      chip.style.setProperty("--dab", hint.color);
      chip.setAttribute("aria-label", name);
    });
    byId("dabs-clear").hidden = !all.length;
    place();
  }

  function place() {
    if (!desk.current) return;
    const scale = stage.placed.width / desk.current.width;
    hints().forEach((hint, index) => {
      const dab = layer.children[index];
      if (!dab) return;
      const [x, y] = stage.toView(hint.x, hint.y);
      const side = Math.max(LEAST, 2 * radiusOf(hint) * scale);
      dab.style.width = dab.style.height = `${side}px`;
      dab.style.transform = `translate(${x - side / 2}px, ${y - side / 2}px)`;
    });
  }

  function makeDab(index) {
    const dab = document.createElement("button");
    dab.type = "button";
    dab.className = "dab";
    dab.addEventListener("click", (event) => event.detail === 0 && open(index)); // Enter, Space
    dab.addEventListener("pointerdown", (event) => {
      dab.setPointerCapture(event.pointerId);
      drag = { index, moved: 0, gesture: `drag-${performance.now()}`, from: stage.at(event) };
    });
    dab.addEventListener("pointermove", (event) => {
      if (!drag || drag.index !== index || !dab.hasPointerCapture(event.pointerId)) return;
      const at = stage.at(event);
      drag.moved = Math.max(drag.moved, Math.hypot(at[0] - drag.from[0], at[1] - drag.from[1]));
      if (drag.moved <= CLICK) return;
      picker.close();
      const [x, y] = stage.clamp(stage.toPhoto(...at));
      replaceHint(index, { x, y }, drag.gesture);
    });
    dab.addEventListener("pointerup", () => {
      if (drag && drag.moved <= CLICK) open(index);
      desk.current?.edits.settle();
      drag = null;
    });
    dab.addEventListener("pointercancel", () => (drag = null));
    dab.addEventListener("keydown", (event) => {
      const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key === "Delete" || event.key === "Backspace") removeHint(index);
      else if (event.key in arrows) {
        const step = (event.shiftKey ? 20 : 4) * (desk.current.width / stage.placed.width);
        const [right, down] = arrows[event.key].map((way) => way * Math.max(1, Math.round(step)));
        const hint = hints()[index];
        const [x, y] = stage.clamp([hint.x + right, hint.y + down]);
        replaceHint(index, { x, y }, `keys-${index}`);
      } else return;
      event.preventDefault();
      event.stopPropagation();
    });
    return dab;
  }

  function makeEntry(index) {
    const entry = document.createElement("li");
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "chip";
    chip.addEventListener("click", () => open(index));
    entry.append(chip);
    return entry;
  }

  byId("dabs-clear").addEventListener("click", () => {
    picker.close();
    desk.change({ hints: [] });
    stage.viewport.focus();
  });
  desk.hear("edit", render);
  desk.hear("photo", () => picker.close());
  desk.hear("mode", () => (layer.hidden = desk.mode === "before" || desk.tool === "draw"));
  stage.addEventListener("place", place);
}

/** A new dab starts with the colour that is there now. */
function startColor(photo, x, y) {
  return photo.shown?.colorAt(x, y) ?? toHex(photo.colorAt(x, y));
}
