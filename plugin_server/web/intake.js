// How pictures come in: chosen, dropped, pasted. Results find their originals here.

import { health } from "./api.js";
import { Photo } from "./photo.js";
import { keyOf } from "./request.js";
import { editOf, sortFiles, wordsFor } from "./replay.js";
import { t } from "./texts.js";

export class Intake {
  #queue = Promise.resolve(); // files are opened one after the other
  #sample = null; // the file for which there are words to try

  constructor(desk, messages) {
    this.desk = desk;
    this.messages = messages;
  }

  /** Do this before any file is opened. */
  after(work) {
    this.#queue = this.#queue.then(work).catch((error) => this.messages.fail(error));
  }

  mount() {
    const input = document.getElementById("photo");
    const veil = document.getElementById("drop-veil");
    document.getElementById("sample").addEventListener("click", () => this.#takeSample());
    const examples = document.getElementById("examples");
    this.desk.hear("photo", () => {
      examples.hidden = !this.#sample || this.desk.current?.file !== this.#sample;
    });
    examples.addEventListener("click", ({ target }) => {
      if (target.localName !== "button") return;
      const description = document.getElementById("description");
      description.value = target.textContent;
      description.dispatchEvent(new Event("input", { bubbles: true }));
    });
    if (location.hash === "#sample") this.#takeSample(); // photochrom demo
    input.addEventListener("change", () => {
      this.take([...input.files]);
      input.value = "";
    });
    const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
    let inside = 0;
    const veilAt = (depth) => {
      inside = Math.max(0, depth);
      veil.hidden = inside === 0;
    };
    addEventListener("dragenter", (event) => carriesFiles(event) && veilAt(inside + 1));
    addEventListener("dragleave", (event) => carriesFiles(event) && veilAt(inside - 1));
    addEventListener("dragover", (event) => carriesFiles(event) && event.preventDefault());
    addEventListener("drop", () => veilAt(0), true);
    addEventListener("drop", (event) => {
      if (!event.dataTransfer?.files.length) return;
      event.preventDefault();
      this.take([...event.dataTransfer.files]);
    });
    addEventListener("paste", (event) => {
      if (!event.clipboardData?.files.length) return;
      event.preventDefault();
      this.take([...event.clipboardData.files]);
    });
  }

  /** Open files; results among them repeat what made them. */
  take(files) {
    this.#queue = this.#queue.then(() => this.#open(files)).catch((error) => this.messages.fail(error));
    return this.#queue;
  }

  async #takeSample() {
    const blob = await (await fetch("/web/sample.jpg")).blob();
    await this.take([(this.#sample = new File([blob], "sample.jpg", { type: blob.type }))]);
  }

  async #open(files) {
    const { results, plain } = await sortFiles(files);
    const rest = new Set(plain);
    for (const result of results) await this.#repeat(result, rest);
    for (const file of rest) {
      this.messages.say(t("statusOpening", { name: file.name }));
      try {
        const photo = await Photo.open(file);
        this.messages.say(t("statusLoaded", { name: photo.name, width: photo.width, height: photo.height }));
        this.desk.add(photo);
      } catch (error) {
        this.messages.fail(error);
      }
    }
  }

  /** Apply a result's settings to its original: among the files, else the photo in front. */
  async #repeat({ file, settings }, rest) {
    const { edit, lacks, used } = await editOf(settings, [...rest]);
    for (const given of used) rest.delete(given);
    const original = this.#originalOf(file, rest);
    const open = this.desk.current;
    let photo = null;
    if (original) {
      rest.delete(original);
      photo = await Photo.open(original);
    } else if (open && (await this.#hasSizeOf(file, open))) {
      photo = open;
    } else {
      this.desk.add(await Photo.open(file));
      this.messages.note([t("replayAlone", { result: file.name })]);
      return;
    }
    const notes = [...wordsFor(lacks, file.name), ...(await this.#otherModel(file, settings))];
    photo.repeats = { key: keyOf(edit), notes }; // said as long as exactly this is asked
    photo.edits.change(edit);
    if (photo !== open) this.desk.add(photo);
    this.messages.say(t("replayed", { result: file.name, photo: photo.name }));
    this.messages.note(notes);
  }

  /** The file whose name the result's begins with; else the only one there is. */
  #originalOf(file, rest) {
    const stem = (name) => name.replace(/\.[^.]*$/, "");
    const named = [...rest].filter((other) => stem(file.name).startsWith(stem(other.name)));
    return named.sort((a, b) => b.name.length - a.name.length)[0] ?? (rest.size === 1 ? [...rest][0] : null);
  }

  async #hasSizeOf(file, photo) {
    try {
      const bitmap = await createImageBitmap(file);
      const same = bitmap.width === photo.width && bitmap.height === photo.height;
      bitmap.close();
      return same;
    } catch {
      return false; // a TIFF: its original has to come along
    }
  }

  async #otherModel(file, settings) {
    const { version, models } = await health();
    const now = `${models.colorizer} ${models.clip}`;
    if (settings.model === now && settings.version === version) return [];
    const was = `${settings.version}, ${settings.model}`;
    return [t("replayModel", { result: file.name, was, now: `${version}, ${now}` })];
  }
}
