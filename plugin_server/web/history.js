// The list of results, newest first: click to return to one, mark those to be compared.

import { t } from "./texts.js";

export function mountHistory(desk) {
  const list = document.getElementById("results");
  const help = document.getElementById("results-help");
  const entries = new WeakMap(); // result -> its <li>
  let named = 0; // labels that have an id

  function entryOf(result) {
    if (entries.has(result)) return entries.get(result);
    const entry = document.createElement("li");
    const button = document.createElement("button");
    const image = document.createElement("img");
    const label = document.createElement("span");
    const size = document.createElement("span");
    button.type = "button";
    button.className = "result";
    button.title = t("resultReturn", { label: result.label });
    image.alt = "";
    label.textContent = result.label;
    size.className = "quiet";
    button.append(image, label, size);
    button.addEventListener("click", () => desk.tell("return", result));
    const mark = document.createElement("label");
    const box = document.createElement("input");
    mark.className = "mark";
    box.type = "checkbox";
    label.id = `result-${++named}`;
    box.setAttribute("aria-describedby", label.id);
    box.addEventListener("change", () => {
      result.marked = box.checked;
      desk.tell("results");
    });
    mark.append(box, t("resultCompare"));
    entry.append(button, mark);
    entries.set(result, entry);
    return entry;
  }

  function render() {
    const results = desk.current?.results ?? [];
    help.textContent = t(results.length ? "resultsHelp" : "resultsNone");
    const wanted = results.toReversed().map((result) => {
      const entry = entryOf(result);
      const image = entry.querySelector("img");
      if (image.src !== result.thumbnail) image.src = result.thumbnail;
      entry.querySelector("input").checked = result.marked;
      entry.querySelector(".quiet").textContent = result.files.size ? t("resultFull") : "";
      const current = result === desk.current.shown;
      entry.classList.toggle("current", current);
      entry.firstElementChild.setAttribute("aria-current", String(current));
      return entry;
    });
    if (wanted.length === list.children.length && wanted.every((entry, at) => entry === list.children[at])) return;
    list.replaceChildren(...wanted);
  }

  desk.hear("results result photo", render);
  desk.hear("return", ({ detail: result }) => {
    const { edits } = result.photo;
    edits.change({ ...result.edit });
  });
}
