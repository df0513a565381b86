// The layer that shows a place on the photo: lit up in the dark, or what stays grey under a veil.

import { drawMask } from "./mask.js";

const SIDE = 720; // pixels of the layer's long side
const DARK = [12, 12, 14, 0.6]; // outside a place that is lit: red, green, blue, opacity
const VEIL = [190, 60, 40, 0.32]; // over what stays grey
const EDGE = 2; // pixels of the line around a place that is lit

export class Spotlight {
  #layer = document.getElementById("mask-layer");
  #lit = null; // {owner, find}: what the pointer or the focus is on
  #drawn = null; // {place, veil}: what is drawn on
  #busy = false;
  #again = false;

  constructor(desk, fail) {
    this.desk = desk;
    this.fail = fail;
    desk.hear("photo", () => {
      this.#lit = this.#drawn = null;
      this.#paint();
    });
    desk.hear("mode edit", () => this.#paint());
  }

  /** Light up a place: `find` answers it, or a promise of it; null is nowhere. */
  light(owner, find) {
    this.#lit = { owner, find };
    this.#paint();
  }

  dim(owner) {
    if (this.#lit?.owner !== owner) return;
    this.#lit = null;
    this.#paint();
  }

  /** Light a row's place up while the pointer is over the row, or the keyboard's focus in it. */
  follow(row, find) {
    row.addEventListener("pointerenter", () => this.light(row, find));
    row.addEventListener("pointerleave", () => this.dim(row));
    row.addEventListener("focusin", ({ target }) => target.matches(":focus-visible") && this.light(row, find));
    row.addEventListener("focusout", () => this.dim(row));
  }

  /** Show the place that is being drawn; null for none. */
  draw(drawn) {
    this.#drawn = drawn;
    this.#paint();
  }

  /** One drawing at a time; whatever changed meanwhile is the next one. */
  async #paint() {
    this.#again = true;
    if (this.#busy) return;
    this.#busy = true;
    try {
      while (this.#again) {
        this.#again = false;
        await this.#show();
      }
    } catch (error) {
      this.#layer.hidden = true;
      this.fail(error);
    } finally {
      this.#busy = false;
    }
  }

  async #show() {
    const photo = this.desk.current;
    const lit = this.#lit;
    const place = lit ? await lit.find() : this.#drawn?.place;
    if (lit !== this.#lit || photo !== this.desk.current) return; // and this.#again is set
    this.#layer.hidden = !photo || !place || this.desk.mode === "side";
    if (this.#layer.hidden) return;
    const scale = Math.min(1, SIDE / Math.max(photo.width, photo.height));
    const size = [photo.width, photo.height].map((length) => Math.max(1, Math.round(length * scale)));
    const canvas = await drawMask(place, scale, ...size);
    const pixels = canvas.getContext("2d").getImageData(0, 0, ...size);
    if (!lit && this.#drawn?.veil) cover(pixels, VEIL);
    else outline(pixels);
    [this.#layer.width, this.#layer.height] = size;
    this.#layer.getContext("2d").putImageData(pixels, 0, 0);
  }
}

/** Turn white into clear and black into a colour. */
function cover({ data }, [red, green, blue, opacity]) {
  for (let at = 0; at < data.length; at += 4) {
    const weight = data[at];
    data[at] = red;
    data[at + 1] = green;
    data[at + 2] = blue;
    data[at + 3] = (255 - weight) * opacity;
  }
}

/** Darken what is outside, and draw a white line around the place. */
function outline(pixels) {
  const { width, height, data } = pixels;
  const isInside = Uint8Array.from({ length: width * height }, (_, at) => Number(data[4 * at] >= 128));
  cover(pixels, DARK);
  for (let y = EDGE; y < height - EDGE; y++) {
    for (let x = EDGE; x < width - EDGE; x++) {
      const at = y * width + x;
      if (isInside[at]) continue;
      const near = isInside[at - EDGE] || isInside[at + EDGE] || isInside[at - EDGE * width] || isInside[at + EDGE * width];
      if (near) data.fill(255, 4 * at, 4 * at + 4);
    }
  }
}
