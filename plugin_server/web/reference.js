// The reference: a photo whose colours this one should take, and the eyedropper on it.

import { colorize, fetchPicture, Refusal } from "./api.js";
import { toHex } from "./color.js";
import { freshKey } from "./edits.js";
import { blobOf, drawn, load, PREVIEW_SIDE } from "./photo.js";
import { t } from "./texts.js";

const SIDE = 420; // pixels of the copy that is shown

export class Reference {
  #source = null; // canvas of the reference or exemplar in use
  #wanted = null; // the file or the id of what is shown
  #card = document.getElementById("reference-card");
  #canvas = document.getElementById("reference-canvas");

  constructor(desk, fail) {
    this.desk = desk;
    const input = document.getElementById("reference");
    input.addEventListener("change", () => {
      if (input.files[0]) this.use(input.files[0]).catch(fail);
      input.value = "";
    });
    document.getElementById("reference-remove").addEventListener("click", () => {
      desk.change({ reference: null, exemplar: null });
      input.focus();
    });
    desk.hear("edit", () => this.#show().catch(fail));
    const drop = document.getElementById("reference-drop");
    drop.addEventListener("drop", (event) => {
      if (!desk.current || !event.dataTransfer.files.length) return;
      event.preventDefault();
      event.stopPropagation();
      this.use(event.dataTransfer.files[0]).catch(fail);
    });
  }

  /** Take colours from this file. */
  async use(file) {
    const picture = await pictureOf(file); // refuse what is no picture before anything changes
    const large = Math.max(picture.naturalWidth, picture.naturalHeight) > PREVIEW_SIDE;
    const small = large ? await blobOf(drawn(picture, PREVIEW_SIDE)) : file;
    this.desk.change({ reference: { key: freshKey(), blob: file, small, name: file.name }, exemplar: null });
  }

  async #show() {
    const { reference, exemplar } = this.desk.edit ?? {};
    const wanted = reference?.blob ?? exemplar?.id ?? null;
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    const blob = reference?.blob ?? (exemplar ? await fetchPicture(exemplar.path) : null);
    const source = blob ? drawn(await pictureOf(blob), SIDE) : null;
    if (wanted !== this.#wanted) return; // another one was chosen meanwhile
    this.#source = source;
    this.#card.hidden = !source;
    if (!source) return;
    drawn(source, SIDE, this.#canvas);
    const name = reference?.name ?? exemplar.caption;
    document.getElementById("reference-name").textContent = name;
  }

  /** Draw the reference for the eyedropper; false where there is none. */
  drawDropper() {
    if (!this.#source) return false;
    const canvas = document.getElementById("dropper-canvas");
    drawn(this.#source, SIDE, canvas);
    this.#spot = [canvas.width / 2, canvas.height / 2];
    return true;
  }

  #spot = [0, 0];

  /** Let a canvas of the reference give colours, by pointer and by keys. */
  mountDropper(canvas, onColor) {
    const take = () => onColor(this.#colorAt(...this.#spot));
    const mark = () => {
      drawn(this.#source, SIDE, canvas);
      const context = canvas.getContext("2d");
      context.lineWidth = 2;
      for (const [color, radius] of [["#000", 8], ["#fff", 6]]) {
        context.strokeStyle = color;
        context.beginPath();
        context.arc(...this.#spot, radius, 0, 2 * Math.PI);
        context.stroke();
      }
    };
    canvas.addEventListener("pointerdown", (event) => {
      const box = canvas.getBoundingClientRect();
      this.#spot = [
        ((event.clientX - box.left) / box.width) * canvas.width,
        ((event.clientY - box.top) / box.height) * canvas.height,
      ];
      mark();
      take();
    });
    canvas.addEventListener("keydown", (event) => {
      const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key === "Enter" || event.key === " ") take();
      else if (event.key in arrows) {
        const step = event.shiftKey ? 20 : 4;
        const limits = [canvas.width - 1, canvas.height - 1];
        this.#spot = this.#spot.map((place, axis) =>
          Math.min(limits[axis], Math.max(0, place + arrows[event.key][axis] * step)),
        );
        mark();
      } else return;
      event.preventDefault();
    });
  }

  /** The mean of 3 x 3 pixels of the reference. */
  #colorAt(x, y) {
    const left = Math.min(Math.max(0, Math.floor(x) - 1), this.#source.width - 1);
    const top = Math.min(Math.max(0, Math.floor(y) - 1), this.#source.height - 1);
    const { data } = this.#source.getContext("2d").getImageData(left, top, 3, 3);
    const sum = [0, 0, 0];
    let weight = 0;
    for (let at = 0; at < data.length; at += 4) {
      for (let channel = 0; channel < 3; channel++) sum[channel] += data[at + channel] * data[at + 3];
      weight += data[at + 3];
    }
    return toHex(sum.map((value) => value / Math.max(1, weight) / 255));
  }
}

/** Decode a file of any kind that the server reads; TIFF goes through the server. */
async function pictureOf(file) {
  try {
    return await load(file);
  } catch {
    try {
      const { blob } = await colorize({ image: file, saturation: 0, strength: 0 }, { accept: "image/png" });
      return await load(blob);
    } catch (error) {
      const reason = error instanceof Refusal ? error.message : t("errorNoPicture");
      throw new Error(t("errorOpen", { name: file.name, reason }), { cause: error });
    }
  }
}
