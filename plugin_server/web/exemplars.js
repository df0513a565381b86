// Exemplars: photos of the library that resemble this one; one of them may give it its colours.

import { addExemplar, fetchPicture, health, searchExemplars } from "./api.js";
import { t } from "./texts.js";

const COUNT = 8;
const BEST = 3;

export function mountExemplars(desk, { fail, tryEach }) {
  const byId = (id) => document.getElementById(id);
  const [grid, note, find, best] = ["exemplars", "find-note", "find", "try-top"].map(byId);
  const found = new WeakMap(); // photo -> its results
  const thumbnails = new Map(); // path -> promise of a URL

  const asExemplar = ({ id, caption, source, score, image }) => ({
    id,
    caption: caption || source || id,
    score,
    path: image,
  });

  async function search() {
    const photo = desk.current;
    find.disabled = true;
    note.textContent = t("finding");
    try {
      const asked = { description: desk.edit.description.trim(), k: COUNT };
      found.set(photo, await photo.ask((image) => searchExemplars({ ...image, ...asked })));
      await showCount();
    } catch (error) {
      note.textContent = "";
      fail(error);
    } finally {
      find.disabled = false;
      render();
    }
  }

  function render() {
    const photo = desk.current;
    const results = photo ? found.get(photo) : undefined;
    find.disabled = !photo;
    find.textContent = t(results ? "findAgain" : "find");
    best.hidden = !results || results.length < 2;
    if (!results) note.textContent = t("findHelp");
    else if (results.length) note.textContent = t("found", { count: results.length });
    else note.textContent = t(library ? "foundNone" : "foundEmpty");
    const used = desk.edit?.exemplar?.id;
    const wanted = results ?? [];
    if (grid.results !== wanted) grid.replaceChildren(...wanted.map(tile));
    grid.results = wanted;
    wanted.forEach(({ id }, at) => {
      grid.children[at].firstElementChild.setAttribute("aria-pressed", String(id === used));
    });
  }

  function tile(result) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    const image = document.createElement("img");
    const score = document.createElement("span");
    const percent = Math.round(result.score * 100);
    const { caption } = asExemplar(result);
    button.type = "button";
    button.className = "exemplar";
    button.title = caption;
    image.alt = caption;
    image.width = result.width;
    image.height = result.height;
    score.textContent = t("exemplarScore", { score: percent });
    button.append(image, score);
    button.addEventListener("click", () => {
      const chosen = desk.edit.exemplar?.id === result.id ? null : asExemplar(result);
      desk.change({ exemplar: chosen, reference: null });
    });
    item.append(button);
    thumbnail(result.thumbnail).then((url) => (image.src = url), fail);
    return item;
  }

  function thumbnail(path) {
    if (!thumbnails.has(path)) {
      const url = fetchPicture(path).then((blob) => URL.createObjectURL(blob));
      thumbnails.set(path, url);
      url.catch(() => thumbnails.delete(path));
    }
    return thumbnails.get(path);
  }

  let library = 0;
  async function showCount() {
    library = (await health()).exemplars;
    byId("library-count").textContent = library ? t("libraryCount", { count: library }) : "";
  }

  byId("library-add").addEventListener("click", () => byId("library-files").click());
  byId("library-files").addEventListener("change", async (event) => {
    const files = [...event.target.files];
    event.target.value = "";
    let added = 0;
    for (const [at, file] of files.entries()) {
      note.textContent = t("adding", { name: file.name, number: at + 1, count: files.length });
      try {
        await addExemplar({ image: file });
        added++;
      } catch (error) {
        fail(error);
      }
    }
    await showCount().catch(fail);
    note.textContent = t("added", { count: added });
  });
  find.addEventListener("click", search);
  best.addEventListener("click", () => {
    tryEach(found.get(desk.current).slice(0, BEST).map((result) => ({ exemplar: asExemplar(result), reference: null })));
  });
  desk.hear("photo edit", render);
  return { showCount };
}
