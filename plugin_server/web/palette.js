// The palette: up to six colours for the whole picture; each is a button, so that keys do it too.

import { t } from "./texts.js";

const MOST = 6;
const START = "#807060"; // where the picker begins: neither dark nor bright, and hardly a colour

export function mountPalette(desk, picker) {
  const byId = (id) => document.getElementById(id);
  const [list, add, clear] = ["palette-list", "palette-add", "palette-clear"].map(byId);

  const palette = () => desk.edit?.palette ?? [];
  const chip = (index) => list.children[index]?.firstElementChild;
  const replaceColor = (index, patch, gesture) =>
    desk.change({ palette: palette().map((one, at) => (at === index ? { ...one, ...patch } : one)) }, gesture);
  const remove = (index) => {
    picker.close();
    desk.change({ palette: palette().filter((_, at) => at !== index) });
    (chip(Math.min(index, palette().length - 1)) ?? add).focus();
  };

  /** Open the picker at a colour; one that is new joins the palette when it is chosen. */
  function open(index, { color, weight } = palette()[index]) {
    const gesture = `palette-${index}-${performance.now()}`;
    picker.openFree({
      title: t("pickerPaletteTitle"),
      anchor: chip(index) ?? add,
      color,
      weight,
      onColor: (chosen) => {
        if (index < palette().length) replaceColor(index, { color: chosen }, gesture);
        else desk.change({ palette: [...palette(), { color: chosen, weight }] }, gesture);
      },
      onWeight: (chosen) => {
        weight = chosen;
        if (index < palette().length) replaceColor(index, { weight }, `${gesture}-weight`);
      },
      onDelete: () => (index < palette().length ? remove(index) : picker.close()),
      onClose: () => {
        desk.current?.edits.settle();
        (chip(index) ?? add).focus();
      },
    });
  }

  /** One button a colour, reused, so that the focus survives every change. */
  function render() {
    const all = palette();
    while (list.children.length > all.length) list.lastElementChild.remove();
    while (list.children.length < all.length) list.append(makeEntry(list.children.length));
    all.forEach(({ color, weight }, index) => {
      chip(index).style.setProperty("--dab", color);
      chip(index).style.setProperty("--weight", weight);
      chip(index).setAttribute("aria-label", t("paletteColor", { color, weight }));
    });
    add.disabled = !desk.current || all.length >= MOST;
    clear.hidden = !all.length;
  }

  function makeEntry(index) {
    const entry = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.className = "chip weighted";
    button.addEventListener("click", () => open(index));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Delete" && event.key !== "Backspace") return;
      event.preventDefault();
      remove(index);
    });
    entry.append(button);
    return entry;
  }

  add.addEventListener("click", () => open(palette().length, { color: START, weight: 1 }));
  clear.addEventListener("click", () => {
    picker.close();
    desk.change({ palette: [] });
    add.focus();
  });
  desk.hear("edit", render);
}
