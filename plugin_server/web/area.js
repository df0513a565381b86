// The area that may be coloured: a place of the whole photo; the rest stays as it is.

import { maskBlob } from "./mask.js";
import { maskName } from "./request.js";
import { saveBlob } from "./save.js";

export function mountArea(desk) {
  const byId = (id) => document.getElementById(id);
  const target = {
    key: "area",
    slot: "area-slot",
    veil: true,
    place: () => desk.edit?.mask ?? null,
    put: (mask) => desk.change({ mask }),
    exists: () => true,
  };

  function sync() {
    const draws = desk.target === target;
    byId("tool-area").setAttribute("aria-pressed", String(draws));
    byId("mask-section").hidden = !draws && !desk.edit?.mask;
    byId("mask-actions").hidden = !desk.edit?.mask;
  }
  desk.hear("edit mode photo", sync);
  byId("tool-area").addEventListener("click", () => desk.draw(target, "brush"));
  byId("mask-clear").addEventListener("click", () => desk.change({ mask: null }));
  byId("mask-save").addEventListener("click", async () => {
    const photo = desk.current;
    const { mask } = photo.edits.now;
    saveBlob(await maskBlob(mask, 1, photo.width, photo.height), mask.base?.name ?? maskName(photo.name));
  });
}
