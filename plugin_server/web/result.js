// A result: what was asked, the picture, and what the server said about it.

import { toHex } from "./color.js";
import { freshKey } from "./edits.js";
import { blobOf, drawn, load, THUMB_SIDE } from "./photo.js";
import { keyOf } from "./request.js";
import { decimal, t } from "./texts.js";

export const SHOWABLE = ["image/png", "image/jpeg", "image/webp"];
const COPY_SIDE = 512; // of the copy that colours are read from

export class Result {
  id = freshKey();
  marked = false; // to be compared side by side
  isFull = false; // the picture is that of full size
  files = new Map(); // media type -> the file at full size and depth
  preview = null; // the blob of the reduced copy's result, for keeping
  step = 0;

  constructor(photo, edit, answer, seconds) {
    this.photo = photo;
    this.edit = edit;
    this.key = keyOf(edit);
    this.notices = answer.notices;
    this.exemplar = answer.exemplar;
    this.score = answer.score;
    this.seconds = seconds;
    this.label = labelOf(edit);
  }

  /** `started` is when it was asked for. */
  static async of(photo, edit, answer, started) {
    const result = new Result(photo, edit, answer, (performance.now() - started) / 1000);
    if (SHOWABLE.includes(answer.blob.type)) await result.#take(answer.blob);
    return result;
  }

  async #take(blob) {
    const picture = await load(blob);
    this.url = picture.src;
    this.width = picture.naturalWidth;
    this.height = picture.naturalHeight;
    this.copy = drawn(picture, COPY_SIDE);
    const thumb = await blobOf(drawn(this.copy, THUMB_SIDE), "image/jpeg", 0.85);
    URL.revokeObjectURL(this.thumbnail);
    this.thumbnail = URL.createObjectURL(thumb);
  }

  /** Take in the same at full size; a file that the browser cannot show is kept all the same. */
  async grow(answer, started) {
    this.seconds = (performance.now() - started) / 1000;
    this.notices = answer.notices;
    const before = this.url;
    if (!this.isFull && SHOWABLE.includes(answer.blob.type)) {
      await this.#take(answer.blob);
      if (before) URL.revokeObjectURL(before);
      this.isFull = true;
    }
    this.keep(answer.blob);
  }

  /** Keep a file of full size. */
  keep(blob) {
    this.files.set(blob.type, blob);
  }

  /** What shows is of full size already: the file is the picture's own. */
  keepFull(blob) {
    this.isFull = true;
    this.keep(blob);
  }

  /** #rrggbb at a full-size place. */
  colorAt(x, y) {
    const { width, height } = this.copy;
    const column = Math.min(width - 1, Math.floor(((x + 0.5) / this.photo.width) * width));
    const row = Math.min(height - 1, Math.floor(((y + 0.5) / this.photo.height) * height));
    const { data } = this.copy.getContext("2d").getImageData(column, row, 1, 1);
    return toHex([data[0] / 255, data[1] / 255, data[2] / 255]);
  }

  get summary() {
    const seconds = decimal(this.seconds, 1);
    if (!this.files.size) return t("statusPreview", { seconds });
    return t("statusFull", { width: this.photo.width, height: this.photo.height, seconds });
  }

  close() {
    URL.revokeObjectURL(this.url);
    URL.revokeObjectURL(this.thumbnail);
  }
}

/** What was asked, in few words. */
export function labelOf(edit) {
  const count = edit.hints.length;
  const parts = [
    edit.description.trim(),
    edit.reference ? t("resultReference", { name: edit.reference.name }) : null,
    edit.exemplar ? t("resultExemplar", { caption: edit.exemplar.caption }) : null,
    count === 1 ? t("resultDab") : count ? t("resultDabs", { count }) : null,
    edit.regions.length ? t("resultRegions", { count: edit.regions.length }) : null,
    edit.things.length ? t("resultThings", { things: edit.things.map(labelOfThing).join(", ") }) : null,
    edit.palette.length ? t("resultPalette", { colors: edit.palette.map(({ color }) => color).join(" ") }) : null,
    edit.mask ? t("resultMask") : null,
    edit.saturation === 1 ? null : `${t("saturation")} ${edit.saturation}`,
    edit.strength === 1 ? null : `${t("strength")} ${edit.strength}`,
  ].filter(Boolean);
  return parts.join(", ") || t("resultPlain");
}

const labelOfThing = ({ phrase, color, use }) => (use ? [phrase, color].filter(Boolean).join(" ") : t("resultWithout", { phrase }));
