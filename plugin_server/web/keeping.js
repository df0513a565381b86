// Keeping: what changes on the desk goes to the shelf, and comes back from there after a reload.

import { NOTHING } from "./edits.js";
import { Photo } from "./photo.js";
import { Result } from "./result.js";
import { Shelf } from "./shelf.js";
import { t } from "./texts.js";

const PAUSE = 400; // milliseconds without a change until it is written
const MOST_RESULTS = 12; // of one photo, the newest
const MOST_BYTES = 8 << 20; // of one result's picture
const FRONT = "photochrom-front"; // the key of the photo in front, in the local storage

export class Keeping {
  #shelf = null;
  #kept = new Map(); // photo -> {edit, results: keys of those on the shelf}
  #timer = null;
  #writing = Promise.resolve();

  constructor(desk, messages) {
    this.desk = desk;
    this.messages = messages;
  }

  /** Bring back what was on the desk, then keep what comes. */
  async mount() {
    try {
      this.#shelf = await Shelf.open();
      for (const record of await this.#shelf.all()) await this.#restore(record);
      this.#keepFront();
    } catch {
      return; // this browser keeps nothing: the page works all the same
    }
    this.desk.hear("photos edit results", () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#write(), PAUSE);
    });
    addEventListener("pagehide", () => this.#leave());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) this.#leave();
    });
    document.getElementById("desk-clear").addEventListener("click", () => this.#clear());
  }

  #keepFront() {
    const front = this.desk.photos.find(({ key }) => key === localStorage.getItem(FRONT));
    if (front) this.desk.show(front);
    this.desk.hear("photo", () => localStorage.setItem(FRONT, this.desk.current?.key ?? ""));
  }

  async #restore({ key, file, name, edit, results }) {
    try {
      const photo = await Photo.open(new File([file], name, { type: file.type }), { ...NOTHING, ...edit });
      photo.key = key;
      for (const kept of results) {
        const result = await Result.of(photo, kept.edit, kept, performance.now());
        Object.assign(result, { id: kept.key, preview: kept.blob, seconds: kept.seconds, marked: kept.marked });
        if (photo.previewIsFull) result.keepFull(kept.blob);
        photo.results.push(result);
      }
      this.#kept.set(photo, { edit: photo.edits.now, results: new Set(results.map((kept) => kept.key)) });
      this.desk.add(photo);
    } catch (error) {
      this.messages.fail(error);
    }
  }

  /** One writing after the other; the first that fails, as on a full disk, is said once. */
  #write() {
    this.#writing = this.#writing.then(() => this.#store()).catch(() => {
      this.messages.fail(new Error(t("errorKeep")), "keeping");
    });
    return this.#writing;
  }

  /** Write the edits without waiting for anything, for the page may be gone with this event. */
  #leave() {
    for (const [photo, kept] of this.#kept) {
      const edit = photo.edits.now;
      if (kept.edit === edit || !this.desk.photos.includes(photo)) continue;
      kept.edit = edit;
      this.#shelf.put("edits", this.#record(photo)).catch(() => (kept.edit = null));
    }
    this.#write();
  }

  #record(photo) {
    return { key: photo.key, edit: photo.edits.now, at: this.desk.photos.indexOf(photo) };
  }

  async #store() {
    for (const [photo, { results }] of this.#kept) {
      if (this.desk.photos.includes(photo)) continue;
      this.#kept.delete(photo);
      for (const store of ["photos", "edits"]) await this.#shelf.remove(store, photo.key);
      for (const key of results) await this.#shelf.remove("results", key);
    }
    for (const photo of [...this.desk.photos]) await this.#storePhoto(photo);
  }

  async #storePhoto(photo) {
    const { key, file, name } = photo;
    if (!this.#kept.has(photo)) {
      await this.#shelf.put("photos", { key, file, name });
      this.#kept.set(photo, { edit: null, results: new Set() });
    }
    const kept = this.#kept.get(photo);
    const edit = photo.edits.now;
    if (kept.edit !== edit) {
      await this.#shelf.put("edits", this.#record(photo));
      kept.edit = edit;
    }
    const wanted = photo.results.filter(({ preview }) => preview && preview.size <= MOST_BYTES).slice(-MOST_RESULTS);
    for (const result of wanted) {
      if (kept.results.has(result.id)) continue;
      const { id, preview: blob, notices, seconds, marked } = result;
      const at = photo.results.indexOf(result);
      await this.#shelf.put("results", { key: id, photo: key, at, edit: result.edit, blob, notices, seconds, marked });
      kept.results.add(id);
    }
    for (const id of kept.results) {
      if (wanted.some((result) => result.id === id)) continue;
      await this.#shelf.remove("results", id);
      kept.results.delete(id);
    }
  }

  #clear() {
    if (!confirm(t("deskClearSure"))) return;
    for (const photo of [...this.desk.photos]) this.desk.remove(photo);
    this.#writing = this.#writing.then(() => this.#shelf.clear());
    this.messages.say(t("deskCleared"));
  }
}
