// The colour of a spot: the model's guesses for it, then every colour of its lightness.
// Of a colour of the palette: every colour of every lightness, and its weight.

import { fromPolar, inGamut, maxChroma, parseColor, parseHex, toHex, toLab, toPolar, toRgb } from "./color.js";
import { decimal, t } from "./texts.js";

const HUES = 36; // at which the gamut is measured
const MARGIN = 1.12; // around it
const GAP = 14;

export class Picker {
  #element = document.getElementById("picker");
  #plane = document.getElementById("plane");
  #open = null;
  #polar = [0, 0];
  #wished = [0, 0]; // the same before sRGB's limits at this lightness
  #lightness = 50;
  #middle = [0, 0]; // a and b in the middle of the plane
  #reach = 110; // from there to its edge
  #asking = null;

  /** `suggest(photo, x, y, signal)` answers [{color, weight}]; `reference` draws the eyedropper. */
  constructor(suggest, reference) {
    this.suggest = suggest;
    this.reference = reference;
    const on = (id, name, act) => document.getElementById(id).addEventListener(name, act);
    on("hue", "input", (event) => this.#set([event.target.valueAsNumber, this.#polar[1]]));
    on("chroma", "input", (event) => {
      this.#set([this.#polar[0], (event.target.valueAsNumber / 100) * maxChroma(this.#lightness, this.#polar[0])]);
    });
    on("lightness", "input", (event) => {
      this.#light(event.target.valueAsNumber);
      this.#set(this.#wished);
    });
    on("weight", "input", (event) => {
      this.#open.onWeight(event.target.valueAsNumber);
      this.#showWeight(event.target.valueAsNumber);
    });
    on("dab-size", "input", (event) => {
      const { photo, onRadius } = this.#open;
      const radius = (event.target.valueAsNumber / 100) * Math.min(photo.width, photo.height);
      onRadius(Math.round(radius * 10) / 10);
      this.#showSize(event.target.valueAsNumber);
    });
    on("hex", "change", (event) => {
      const color = parseColor(event.target.value);
      if (color === toHex(this.#color)) return; // Enter and the browser both say that it changed
      if (color) this.#take(parseHex(color));
      this.#showValues();
      this.#explain(color);
    });
    on("hex", "keydown", (event) => event.key === "Enter" && event.target.dispatchEvent(new Event("change")));
    on("dab-delete", "click", () => this.#open.onDelete());
    on("dab-done", "click", () => this.close());
    on("plane", "pointerdown", (event) => {
      this.#plane.setPointerCapture(event.pointerId);
      this.#pickOnPlane(event);
    });
    on("plane", "pointermove", (event) => {
      if (this.#plane.hasPointerCapture(event.pointerId)) this.#pickOnPlane(event);
    });
    on("plane", "keydown", (event) => this.#moveOnPlane(event));
    this.#element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
    document.addEventListener("pointerdown", (event) => {
      if (this.#open && !event.target.closest("#picker, .dab, .chip, #reference-card")) this.close();
    });
    reference.mountDropper(document.getElementById("dropper-canvas"), (color) => this.#take(parseHex(color)));
    new ResizeObserver(() => this.#stayInside()).observe(this.#element); // notes and likely colours come later
  }

  /**
   * Open at a spot {title, anchor, photo, hint: {x, y, color}}; `onColor` hears every colour tried.
   * A dab has a `radius` too; `deleteText` is what the button says that calls `onDelete`.
   */
  open(spot) {
    const { photo, hint, radius } = spot;
    this.#show(spot, hint.color, toLab(photo.colorAt(hint.x, hint.y))[0]);
    if (radius) this.#showSize((radius / Math.min(photo.width, photo.height)) * 100);
    this.#askForSuggestions();
  }

  /** Open at a colour of the palette, {color, weight}: its lightness is free. */
  openFree(asked) {
    this.#asking?.abort();
    this.#show(asked, asked.color, toLab(parseHex(asked.color))[0]);
    this.#showWeight(asked.weight);
  }

  #show(asked, color, lightness) {
    this.#open = asked;
    const free = this.#isFree;
    const byId = (id) => document.getElementById(id);
    byId("picker-title").textContent = asked.title;
    byId("dab-delete").textContent = asked.deleteText ?? t("deleteColor");
    byId("suggestions").hidden = free;
    byId("dab-size-row").hidden = asked.radius === undefined;
    for (const id of ["lightness-row", "weight-row"]) byId(id).hidden = !free;
    this.#explain(null);
    document.getElementById("dropper").hidden = !this.reference.drawDropper();
    this.#polar = this.#wished = toPolar(parseHex(color));
    this.#element.hidden = false;
    this.#light(lightness);
    this.#showValues();
    this.#place(asked.anchor);
    this.#plane.focus();
  }

  get #isFree() {
    return this.#open.hint === undefined;
  }

  #light(lightness) {
    this.#lightness = lightness;
    this.#frame();
    this.#drawPlane();
  }

  close() {
    if (!this.#open) return;
    const { onClose } = this.#open;
    this.#open = null;
    this.#asking?.abort();
    this.#element.hidden = true;
    onClose();
  }

  /** Beside the dab, where there is room; narrow screens show it at the bottom (page.css). */
  #place(anchor) {
    const dab = anchor.getBoundingClientRect();
    const { width } = this.#element.getBoundingClientRect();
    const right = dab.right + GAP;
    const left = right + width < innerWidth ? right : Math.max(8, dab.left - GAP - width);
    this.#element.scrollTop = 0;
    Object.assign(this.#element.style, { left: `${left}px`, top: `${dab.top - 60}px` });
    this.#stayInside();
  }

  /** Move up where its end would lie below the window's. */
  #stayInside() {
    const { top, height } = this.#element.getBoundingClientRect();
    this.#element.style.top = `${Math.max(8, Math.min(innerHeight - height - 8, top))}px`;
  }

  async #askForSuggestions() {
    this.#asking?.abort();
    const asking = (this.#asking = new AbortController());
    const row = document.getElementById("suggested");
    const title = document.getElementById("suggested-title");
    row.replaceChildren();
    title.textContent = t("suggestedLoading");
    const { photo, hint } = this.#open;
    try {
      const found = await this.suggest(photo, hint.x, hint.y, asking.signal);
      if (asking.signal.aborted) return;
      title.textContent = t(found.length ? "suggested" : "suggestedNone");
      row.replaceChildren(...found.map((suggestion) => this.#swatch(suggestion)));
    } catch (error) {
      if (asking.signal.aborted) return;
      title.textContent = error.message;
    }
  }

  #swatch({ color, weight }) {
    const swatch = document.createElement("button");
    swatch.type = "button";
    swatch.className = "swatch";
    swatch.style.setProperty("--dab", color);
    const name = t("suggestedName", { color, weight: Math.round(weight * 100) });
    swatch.setAttribute("aria-label", name);
    swatch.title = name;
    swatch.addEventListener("click", () => this.#take(parseHex(color)));
    return swatch;
  }

  /** Take a colour; a dab's at the lightness of the spot. */
  #take(rgb) {
    if (this.#isFree) this.#light(toLab(rgb)[0]);
    this.#set(toPolar(rgb));
  }

  #set([hue, chroma]) {
    this.#explain(null);
    this.#wished = [hue, chroma];
    this.#polar = [hue, Math.min(chroma, maxChroma(this.#lightness, hue))];
    this.#showValues();
    this.#drawMark();
    this.#open?.onColor(toHex(this.#color));
  }

  /** Say it where a colour that was typed cannot be had at this lightness. */
  #explain(typed) {
    const given = toHex(this.#color);
    const differs = typed !== null && !this.#isFree && given !== typed;
    document.getElementById("picker-note").textContent = differs
      ? t("colorUnlike", { typed, given, lightness: Math.round(this.#lightness) })
      : "";
  }

  get #color() {
    return fromPolar(this.#lightness, ...this.#polar);
  }

  #showValues() {
    const [hue, chroma] = this.#polar;
    const most = maxChroma(this.#lightness, hue);
    const percent = most > 0 ? Math.min(100, Math.round((chroma / most) * 100)) : 0;
    document.getElementById("hue").value = String(Math.round(hue) % 360);
    document.getElementById("hue-value").textContent = `${Math.round(hue) % 360}°`;
    document.getElementById("chroma").value = String(percent);
    document.getElementById("chroma-value").textContent = `${percent} %`;
    document.getElementById("lightness").value = String(Math.round(this.#lightness));
    document.getElementById("lightness-value").textContent = String(Math.round(this.#lightness));
    document.getElementById("hex").value = toHex(this.#color);
    this.#element.style.setProperty("--picked", toHex(this.#color));
  }

  #showWeight(weight) {
    document.getElementById("weight").value = String(weight);
    document.getElementById("weight-value").textContent = String(weight);
  }

  #showSize(percent) {
    document.getElementById("dab-size").value = String(percent);
    document.getElementById("dab-size-value").textContent = `${decimal(percent, 1)} %`;
  }

  /** Let the plane show just the colours that there are at this lightness. */
  #frame() {
    const edge = Array.from({ length: HUES }, (_, at) => {
      const angle = (2 * Math.PI * at) / HUES;
      const chroma = maxChroma(this.#lightness, (360 * at) / HUES);
      return [chroma * Math.cos(angle), chroma * Math.sin(angle)];
    });
    const ends = [0, 1].map((axis) => {
      const values = edge.map((ab) => ab[axis]);
      return [Math.min(...values), Math.max(...values)];
    });
    this.#middle = ends.map(([least, most]) => (least + most) / 2);
    this.#reach = MARGIN * Math.max(1, ...ends.map(([least, most]) => (most - least) / 2));
  }

  /** Draw a and b at this lightness; what sRGB lacks stays empty. */
  #drawPlane() {
    const { width, height } = this.#plane;
    const pixels = new ImageData(width, height);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const rgb = toRgb([this.#lightness, ...this.#abAt(x, y)]);
        if (!inGamut(rgb)) continue;
        pixels.data.set([...rgb.map((v) => Math.round(v * 255)), 255], 4 * (y * width + x));
      }
    }
    this.#background = pixels;
    this.#drawMark();
  }

  #background = null;

  #drawMark() {
    const context = this.#plane.getContext("2d");
    context.putImageData(this.#background, 0, 0);
    const angle = (this.#polar[0] * Math.PI) / 180;
    const { width, height } = this.#plane;
    const [a, b] = [this.#polar[1] * Math.cos(angle), this.#polar[1] * Math.sin(angle)];
    const x = width / 2 + ((a - this.#middle[0]) / this.#reach) * (width / 2);
    const y = height / 2 - ((b - this.#middle[1]) / this.#reach) * (height / 2);
    for (const [color, lineWidth] of [["#000", 4], ["#fff", 2]]) {
      context.strokeStyle = color;
      context.lineWidth = lineWidth;
      context.beginPath();
      context.arc(x, y, 7, 0, 2 * Math.PI);
      context.stroke();
    }
  }

  #abAt(x, y) {
    const { width, height } = this.#plane;
    return [
      this.#middle[0] + ((x + 0.5) / width - 0.5) * 2 * this.#reach,
      this.#middle[1] + (0.5 - (y + 0.5) / height) * 2 * this.#reach,
    ];
  }

  #pickOnPlane(event) {
    const box = this.#plane.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * this.#plane.width;
    const y = ((event.clientY - box.top) / box.height) * this.#plane.height;
    this.#setAb(this.#abAt(x, y));
  }

  #moveOnPlane(event) {
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.key === "Enter") this.close();
    if (!(event.key in arrows)) return;
    event.preventDefault();
    const step = event.shiftKey ? 10 : 2;
    const angle = (this.#polar[0] * Math.PI) / 180;
    const [right, up] = arrows[event.key];
    this.#setAb([
      this.#polar[1] * Math.cos(angle) + right * step,
      this.#polar[1] * Math.sin(angle) + up * step,
    ]);
  }

  #setAb([a, b]) {
    this.#set([((Math.atan2(b, a) * 180) / Math.PI + 360) % 360, Math.hypot(a, b)]);
  }
}
