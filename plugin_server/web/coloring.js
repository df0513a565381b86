// Colouring: previews while the person works, the full size when it is asked for.

import { colorize, colorizeInBackground } from "./api.js";
import { Result, SHOWABLE } from "./result.js";
import { guidanceFields, keyOf } from "./request.js";
import { t } from "./texts.js";

const SETTLE = 160; // milliseconds without a key press until a preview is asked for
const MOST_RESULTS = 200; // of one photo; each holds a picture

export class Coloring extends EventTarget {
  #timer = null;
  #running = false;

  /** Events: "say" (a status), "notices", "failed", "worked". */
  constructor(desk) {
    super();
    this.desk = desk;
    desk.hear("edit", () => this.#soon());
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** A known result shows at once; another is asked for when typing settles. */
  #soon() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const photo = this.desk.current;
    if (!photo) return;
    const known = this.#known(photo);
    if (known) this.#show(photo, known);
    else this.tell("say", t("statusColoring"));
    this.#timer = setTimeout(() => {
      this.#timer = null;
      this.#work();
    }, SETTLE);
  }

  #known(photo, edit = photo.edits.now) {
    const key = keyOf(edit);
    return photo.results.find((result) => result.key === key);
  }

  /** What to colour next: the photo in front as it is asked for now, then those never coloured. */
  #next() {
    const waits = (photo) => !this.#known(photo) && photo.refused !== keyOf(photo.edits.now);
    const front = this.desk.current;
    if (front && waits(front)) return front;
    return this.desk.photos.find((photo) => !photo.results.length && waits(photo)) ?? null;
  }

  /** One preview at a time; whatever changed meanwhile is the next one. */
  async #work() {
    const photo = this.#running ? null : this.#next();
    if (!photo) return;
    const edit = photo.edits.now;
    const { step } = photo.edits;
    this.#running = true;
    try {
      const result = await this.#make(photo, edit);
      this.#keep(photo, result, step);
      this.#show(photo, this.#known(photo) ?? result); // it may have been undone meanwhile
    } catch (error) {
      photo.refused = keyOf(edit);
      if (photo === this.desk.current && photo.refused === keyOf(photo.edits.now)) this.tell("failed", error);
    } finally {
      this.#running = false;
    }
    if (this.#timer === null) this.#work();
  }

  async #make(photo, edit) {
    const started = performance.now();
    const guidance = await guidanceFields(edit, photo.scale, photo.previewSize);
    const answer = await photo.ask((image) => colorize({ ...image, ...guidance }, { accept: "image/png" }));
    const result = await Result.of(photo, edit, answer, started);
    result.preview = answer.blob;
    if (photo.previewIsFull) result.keepFull(answer.blob);
    return result;
  }

  /** Colour the photo in front once for each change of what is asked, to compare them. */
  async candidates(patches) {
    const photo = this.desk.current;
    this.tell("say", t("statusColoring"));
    for (const result of photo.results) result.marked = false;
    for (const patch of patches) {
      const edit = { ...photo.edits.now, ...patch };
      const known = this.#known(photo, edit);
      const result = known ?? (await this.#make(photo, edit));
      result.marked = true;
      if (!known) this.#keep(photo, result, null);
    }
    this.desk.tell("results");
    this.tell("say", t("statusCompared", { count: patches.length }));
  }

  /** Results of one step of undo replace each other, unless they are marked or full. */
  #keep(photo, result, step) {
    result.step = step;
    const last = photo.results.at(-1);
    if (last && last.step === step && !last.marked && !last.files.size) {
      photo.results.pop();
      last.close();
    }
    photo.results.push(result);
    if (photo.results.length > MOST_RESULTS) {
      const oldest = photo.results.findIndex((one) => !one.marked && one !== photo.shown);
      photo.results.splice(oldest, 1)[0].close();
    }
    this.desk.tell("results");
  }

  #show(photo, result) {
    const changed = photo.shown !== result;
    photo.shown = result;
    if (photo !== this.desk.current) {
      this.desk.tell("results");
      return;
    }
    if (result.key === keyOf(photo.edits.now)) {
      const repeats = photo.repeats?.key === result.key ? photo.repeats.notes : [];
      this.tell("notices", [...repeats, ...result.notices]);
      this.tell("worked");
      this.tell("say", result.summary);
    }
    if (changed) this.desk.tell("result");
  }

  /** The file of a media type that a photo has already for what an edit asks, or undefined. */
  ready(photo, edit, mediaType) {
    return this.#known(photo, edit)?.files.get(mediaType);
  }

  /** The file of a media type, at full size and depth, for what an edit asks of a photo. */
  async file(photo, edit, mediaType, { signal, onState }) {
    const had = this.ready(photo, edit, mediaType);
    if (had) return had;
    const started = performance.now();
    const fields = { image: photo.file, ...(await guidanceFields(edit, 1, [photo.width, photo.height])) };
    const answer = await colorizeInBackground(fields, { accept: mediaType, signal, onState });
    if (!this.desk.photos.includes(photo)) return answer.blob; // it was put away meanwhile
    const isAsked = () => keyOf(edit) === keyOf(photo.edits.now);
    if (!this.#known(photo, edit) && SHOWABLE.includes(mediaType)) {
      this.#keep(photo, await Result.of(photo, edit, answer, started), isAsked() ? photo.edits.step : null);
    }
    const result = this.#known(photo, edit);
    if (!result) return answer.blob; // its preview is still to come
    await result.grow(answer, started);
    this.desk.tell("results");
    if (isAsked()) {
      photo.shown = null; // the picture itself is another one now
      this.#show(photo, result);
    }
    return answer.blob;
  }
}
