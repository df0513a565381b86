// The stage: the photo with its layers, pointers, wheel, keys and the crosshair of the keyboard.

import { t } from "./texts.js";
import { View } from "./view.js";

const CLICK = 5; // pixels a pointer may move and still be a click
const KEY_STEP = 8; // pixels of the screen that an arrow key moves the crosshair

export class Stage extends EventTarget {
  view = new View();
  crosshair = null; // [x, y] in full-size pixels while the keyboard is used

  #pointers = new Map();
  #moved = 0;
  #pen = false;

  /** Events: "place" (layers moved), "press" (a click or Enter: x, y), "stroke" (start, move, end). */
  constructor(desk) {
    super();
    this.desk = desk;
    this.viewport = document.getElementById("viewport");
    this.sheet = document.getElementById("sheet");
    this.cross = document.getElementById("crosshair");
    this.ring = document.getElementById("brush-ring");
    new ResizeObserver(() => this.layout()).observe(this.viewport);
    this.view.addEventListener("change", () => this.layout());
    this.#listenToPointers();
    this.viewport.addEventListener("keydown", (event) => this.#key(event));
    this.viewport.addEventListener("blur", () => this.#hideCrosshair());
    const button = (id, act) => document.getElementById(id).addEventListener("click", () => act(this.box, this.size));
    button("zoom-in", (...at) => this.view.zoomIn(...at));
    button("zoom-out", (...at) => this.view.zoomOut(...at));
    button("zoom-fit", () => this.view.reset());
    button("zoom-actual", (...at) => this.view.actual(...at));
    desk.hear("photo", () => {
      this.#hideCrosshair();
      this.view.reset();
    });
    desk.hear("mode", () => this.layout());
  }

  get size() {
    return this.desk.current ?? { width: 1, height: 1 };
  }

  /** What the photo is shown in: the viewport, or one of the windows side by side. */
  get box() {
    const window = this.viewport.hidden ? document.querySelector(".side-window") : null;
    const { clientWidth: width, clientHeight: height } = window ?? this.viewport;
    return { width, height };
  }

  get placed() {
    return this.view.place(this.box, this.size);
  }

  /** Put the sheet and whatever listens to "place" where the view says. */
  layout() {
    if (!this.desk.current) return;
    const { left, top, width, height } = this.placed;
    Object.assign(this.sheet.style, {
      left: `${left}px`,
      top: `${top}px`,
      width: `${width}px`,
      height: `${height}px`,
    });
    const level = this.view.level(this.box, this.size);
    this.sheet.classList.toggle("pixels", level >= 3);
    document.getElementById("zoom-level").textContent = `${Math.round(level * 100)} %`;
    this.viewport.classList.toggle("brushing", this.#brushes);
    this.viewport.classList.toggle("zoomed", this.view.zoom > 1);
    this.#drawCrosshair();
    this.dispatchEvent(new Event("place"));
  }

  /** Full-size pixel under a place of the viewport; outside the photo too. */
  toPhoto(x, y) {
    const { left, top, width, height } = this.placed;
    return [
      ((x - left) / width) * this.size.width - 0.5,
      ((y - top) / height) * this.size.height - 0.5,
    ];
  }

  /** The place in the viewport of a full-size pixel. */
  toView(x, y) {
    const { left, top, width, height } = this.placed;
    return [
      left + ((x + 0.5) / this.size.width) * width,
      top + ((y + 0.5) / this.size.height) * height,
    ];
  }

  inside([x, y]) {
    return x >= -0.5 && y >= -0.5 && x < this.size.width - 0.5 && y < this.size.height - 0.5;
  }

  clamp([x, y]) {
    return [
      Math.min(this.size.width - 1, Math.max(0, Math.round(x))),
      Math.min(this.size.height - 1, Math.max(0, Math.round(y))),
    ];
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** Where the pointer is, in the viewport. */
  at(event) {
    const box = this.viewport.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #listenToPointers() {
    const on = (name, listener, options) => this.viewport.addEventListener(name, listener, options);
    on("pointerdown", (event) => this.#down(event));
    on("pointermove", (event) => this.#move(event));
    on("pointerup", (event) => this.#up(event));
    on("pointercancel", (event) => this.#up(event, true));
    on("pointerleave", () => (this.ring.hidden = true));
    on(
      "wheel",
      (event) => {
        event.preventDefault();
        const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
        this.view.zoomBy(Math.exp((-event.deltaY * lines) / 400), this.box, this.size, ...this.at(event));
      },
      { passive: false },
    );
  }

  #down(event) {
    if (event.target.closest("button, .divider") || event.button > 1) return;
    this.#hideCrosshair();
    this.viewport.setPointerCapture(event.pointerId);
    this.#pointers.set(event.pointerId, this.at(event));
    this.#moved = 0;
    if (this.#paints(event)) this.tell("stroke", { phase: "start", at: this.toPhoto(...this.at(event)) });
  }

  get #draws() {
    return this.desk.tool === "draw";
  }

  get #brushes() {
    return this.#draws && this.desk.shape === "brush";
  }

  #paints(event) {
    return this.#draws && this.#pointers.size === 1 && event.button !== 1 && event.buttons !== 4;
  }

  #move(event) {
    const here = this.at(event);
    this.#drawRing(here);
    const before = this.#pointers.get(event.pointerId);
    if (!before) return;
    this.#pointers.set(event.pointerId, here);
    const delta = [here[0] - before[0], here[1] - before[1]];
    this.#moved += Math.hypot(...delta);
    if (this.#pointers.size === 2) {
      const [other] = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const length = (at) => Math.max(1, Math.hypot(at[0] - other[0], at[1] - other[1]));
      const middle = [(here[0] + other[0]) / 2, (here[1] + other[1]) / 2];
      this.view.zoomBy(length(here) / length(before), this.box, this.size, ...middle);
    } else if (this.#paints(event)) {
      for (const step of event.getCoalescedEvents?.() ?? [event]) {
        this.tell("stroke", { phase: "move", at: this.toPhoto(...this.at(step)) });
      }
    } else if (this.#moved > CLICK) {
      this.viewport.classList.add("panning");
      this.view.panBy(...delta, this.box, this.size);
    }
  }

  #up(event, cancelled = false) {
    if (!this.#pointers.delete(event.pointerId)) return;
    this.viewport.classList.remove("panning");
    if (this.#draws) {
      this.tell("stroke", { phase: "end" });
    } else if (!cancelled && this.#moved <= CLICK && !this.#pointers.size && event.button === 0) {
      this.#press(this.toPhoto(...this.at(event)));
    }
  }

  #press(place) {
    if (this.inside(place)) this.tell("press", { place: this.clamp(place) });
  }

  #key(event) {
    if (event.target !== this.viewport || event.ctrlKey || event.metaKey || event.altKey) return;
    const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    if (event.key in arrows) this.#moveCrosshair(arrows[event.key], event.shiftKey ? 5 : 1);
    else if (event.key === "Enter" || event.key === " ") this.#enter();
    else if (event.key === "+" || event.key === "=") this.view.zoomIn(this.box, this.size);
    else if (event.key === "-") this.view.zoomOut(this.box, this.size);
    else if (event.key === "0") this.view.reset();
    else if (event.key === "1") this.view.actual(this.box, this.size);
    else if (event.key === "Escape") this.#leave();
    else return;
    event.preventDefault();
  }

  #moveCrosshair([right, down], times) {
    const here = this.crosshair ?? this.toPhoto(this.box.width / 2, this.box.height / 2);
    const step = (KEY_STEP * times * this.size.width) / this.placed.width;
    const least = Math.max(1, Math.round(step));
    this.crosshair = this.clamp([here[0] + right * least, here[1] + down * least]);
    this.#follow();
    this.#drawCrosshair();
    if (this.#pen) this.tell("stroke", { phase: "move", at: this.crosshair });
  }

  /** Keep the crosshair in sight. */
  #follow() {
    const [x, y] = this.toView(...this.crosshair);
    const out = (place, room) => (place < 20 ? 60 - place : place > room - 20 ? room - 60 - place : 0);
    const [right, down] = [out(x, this.box.width), out(y, this.box.height)];
    if (right || down) this.view.panBy(right, down, this.box, this.size);
  }

  #enter() {
    this.crosshair ??= this.clamp(this.toPhoto(this.box.width / 2, this.box.height / 2));
    this.#drawCrosshair();
    if (!this.#draws) {
      this.#press(this.crosshair);
      return;
    }
    this.#pen = !this.#pen;
    this.tell("stroke", this.#pen ? { phase: "start", at: this.crosshair } : { phase: "end" });
    this.tell("say", t(this.#pen ? "penDown" : "penUp"));
  }

  /** Escape: away with the crosshair; without one, back to dabs. */
  #leave() {
    if (this.crosshair) this.#hideCrosshair();
    else if (this.desk.tool !== "dab") this.desk.setTool("dab");
  }

  #hideCrosshair() {
    if (this.#pen) this.tell("stroke", { phase: "end" });
    this.#pen = false;
    this.crosshair = null;
    this.#drawCrosshair();
  }

  #drawCrosshair() {
    this.cross.hidden = this.crosshair === null;
    if (this.crosshair === null) return;
    const [x, y] = this.toView(...this.crosshair);
    this.cross.style.transform = `translate(${x}px, ${y}px)`;
  }

  #drawRing([x, y]) {
    this.ring.hidden = !this.#brushes;
    const radius = (this.brushRadius * this.placed.width) / this.size.width;
    Object.assign(this.ring.style, {
      width: `${2 * radius}px`,
      height: `${2 * radius}px`,
      transform: `translate(${x - radius}px, ${y - radius}px)`,
    });
  }

  /** In full-size pixels. */
  get brushRadius() {
    const percent = document.getElementById("brush-size").valueAsNumber;
    return (percent / 200) * Math.min(this.size.width, this.size.height);
  }
}
