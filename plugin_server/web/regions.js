// Regions: places that the person draws, each with a line for words, and a colour.

import { freshKey } from "./edits.js";
import { maskBlob, middleOf } from "./mask.js";
import { maskName, partsOf } from "./request.js";
import { saveBlob } from "./save.js";
import { t } from "./texts.js";

const MOST = 32;
const START = "#807060"; // where the picker begins in a region that is not on the photo

export function mountRegions(desk, { picker, spotlight, fail, say }) {
  const byId = (id) => document.getElementById(id);
  const [list, tool, clear, save] = ["region-list", "tool-region", "regions-clear", "regions-save"].map(byId);
  const rows = new Map(); // key -> row

  const regions = () => desk.edit?.regions ?? [];
  const regionOf = (key) => regions().find((region) => region.key === key);
  const change = (key, patch, gesture = null) =>
    desk.change({ regions: regions().map((one) => (one.key === key ? { ...one, ...patch } : one)) }, gesture);

  /** What is drawn next becomes a region; with the brush, more strokes join it. */
  const fresh = {
    key: "region",
    slot: "region-slot",
    veil: false,
    place: () => null,
    exists: () => true,
    put: (place) => {
      if (regions().length >= MOST) {
        say(t("regionsMost", { most: MOST }));
        return;
      }
      const key = freshKey();
      desk.change({ regions: [...regions(), { key, place, description: "", color: null }] });
      if (desk.shape === "brush") desk.draw(targetOf(key));
      rows.get(key).words.focus();
    },
  };

  const targetOf = (key) => ({
    key: `region ${key}`,
    slot: "region-slot",
    veil: false,
    place: () => regionOf(key)?.place ?? null,
    put: (place) => change(key, { place }),
    exists: () => regionOf(key) !== undefined,
  });

  async function pick(key) {
    const photo = desk.current;
    const { place, color } = regionOf(key);
    const [x, y] = (await middleOf(place, photo)) ?? [photo.width / 2, photo.height / 2];
    if (photo !== desk.current || !regionOf(key)) return;
    const gesture = `region-${key}-${performance.now()}`;
    spotlight.dim(rows.get(key));
    picker.open({
      title: t("pickerRegionTitle"),
      deleteText: t("regionNoColor"),
      anchor: rows.get(key).swatch,
      photo,
      hint: { x, y, color: color ?? photo.shown?.colorAt(x, y) ?? START },
      onColor: (chosen) => change(key, { color: chosen }, gesture),
      onDelete: () => {
        change(key, { color: null });
        picker.close();
      },
      onClose: () => {
        desk.current?.edits.settle();
        rows.get(key)?.swatch.focus();
      },
    });
  }

  function remove(key) {
    const at = regions().findIndex((region) => region.key === key);
    picker.close();
    desk.change({ regions: regions().filter((region) => region.key !== key) });
    const next = regions()[Math.min(at, regions().length - 1)];
    (next ? rows.get(next.key).words : tool).focus();
  }

  function makeRow(key) {
    const row = document.createElement("li");
    const words = document.createElement("input");
    const button = (className, icon, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = className;
      if (icon) made.innerHTML = `<svg aria-hidden="true"><use href="#i-${icon}"/></svg>`;
      made.addEventListener("click", act);
      return made;
    };
    row.className = "region";
    words.type = "text";
    words.autocomplete = "off";
    words.placeholder = t("regionPlaceholder");
    words.addEventListener("input", () => change(key, { description: words.value }, `words-${key}`));
    words.addEventListener("blur", () => desk.current?.edits.settle());
    words.addEventListener("keydown", (event) => event.key === "Enter" && event.preventDefault()); // no submit
    Object.assign(row, {
      words,
      swatch: button("chip", null, () => pick(key).catch(fail)),
      brush: button("icon", "brush", () => {
        if (desk.target?.key === `region ${key}`) desk.setTool("dab");
        else desk.draw(targetOf(key));
      }),
      cross: button("icon", "close", () => remove(key)),
    });
    row.append(row.swatch, words, row.brush, row.cross);
    spotlight.follow(row, () => regionOf(key)?.place ?? null);
    return row;
  }

  function fill(row, { key, description, color }, number) {
    if (row.words.value.trim() !== description.trim()) row.words.value = description;
    row.words.setAttribute("aria-label", t("regionWords", { number }));
    row.swatch.classList.toggle("unset", !color);
    row.swatch.style.setProperty("--dab", color ?? "transparent");
    row.swatch.setAttribute("aria-label", color ? t("regionColor", { number, color }) : t("regionColorless", { number }));
    row.brush.setAttribute("aria-pressed", String(desk.target?.key === `region ${key}`));
    row.brush.setAttribute("aria-label", t("regionDraw", { number }));
    row.brush.title = t("regionDraw", { number });
    row.cross.setAttribute("aria-label", t("regionRemove", { number }));
    row.cross.title = t("regionRemove", { number });
  }

  /** Rows are reused, so that the focus survives every change. */
  function render() {
    const all = regions();
    for (const key of rows.keys()) if (!regionOf(key)) rows.delete(key);
    all.forEach((region, at) => {
      if (!rows.has(region.key)) rows.set(region.key, makeRow(region.key));
      const row = rows.get(region.key);
      fill(row, region, at + 1);
      if (list.children[at] !== row) list.insertBefore(row, list.children[at] ?? null);
    });
    while (list.children.length > all.length) list.lastElementChild.remove();
    clear.hidden = !all.length;
    save.hidden = !desk.edit || !partsOf(desk.edit).length;
    tool.setAttribute("aria-pressed", String(desk.target === fresh));
    byId("region-new").disabled = !desk.current;
  }

  for (const opener of [tool, byId("region-new")]) {
    opener.addEventListener("click", () => {
      desk.draw(fresh, desk.shape === "brush" && desk.tool !== "draw" ? "rectangle" : desk.shape);
      say(t("regionDrawNow"));
    });
  }
  clear.addEventListener("click", () => {
    picker.close();
    desk.change({ regions: [] });
    tool.focus();
  });
  save.addEventListener("click", async () => {
    const { edits, name, width, height } = desk.current;
    for (const { part, place } of partsOf(edits.now)) {
      saveBlob(await maskBlob(place, 1, width, height), place.base?.name ?? maskName(name, part));
    }
  });
  desk.hear("edit mode photo", render);
}
