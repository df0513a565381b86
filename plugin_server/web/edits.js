// What a person asks for one photo, and every state it had: undo and redo without limit.

/** Nothing asked. States are never changed, only replaced. Places are in full-size pixels. */
export const NOTHING = Object.freeze({
  description: "",
  things: Object.freeze([]), // changes of what it names: {phrase, color, place, use}
  regions: Object.freeze([]), // {key, place, description, color}
  hints: Object.freeze([]),
  palette: Object.freeze([]), // [{color, weight}], six at most
  reference: null, // {key, blob, small, name}; small is a reduced copy for previews
  exemplar: null, // {id, caption, score, path}
  mask: null, // where colour may go; it and every place: see mask.js
  saturation: 1,
  strength: 1,
});

let keys = 0;

/** A name for a picture or a region, which no other has, before and after a reload. */
export const freshKey = () => `${performance.timeOrigin}-${++keys}`;

const PAUSE = 1500; // milliseconds after which typing counts as a new step

export class Edits extends EventTarget {
  #past = [];
  #future = [];
  #gesture = null;
  #changed = 0;

  /** `now` is the state to begin with. */
  constructor(now = NOTHING) {
    super();
    this.now = now;
  }

  step = 0; // grows with every step; changes of one gesture share it

  /** Change some fields. Changes of one gesture (typing, a drag) are one step of undo. */
  change(patch, gesture = null) {
    const next = Object.freeze({ ...this.now, ...patch });
    const at = performance.now();
    const goesOn = gesture !== null && gesture === this.#gesture && at - this.#changed < PAUSE;
    if (!goesOn) {
      this.#past.push(this.now);
      this.step++;
    }
    this.#gesture = gesture;
    this.#changed = at;
    this.#future = [];
    this.#become(next);
  }

  /** End the gesture: the next change is a step of its own. */
  settle() {
    this.#gesture = null;
  }

  undo() {
    if (!this.canUndo) return;
    this.#future.push(this.now);
    this.step++;
    this.#gesture = null;
    this.#become(this.#past.pop());
  }

  redo() {
    if (!this.canRedo) return;
    this.#past.push(this.now);
    this.step++;
    this.#gesture = null;
    this.#become(this.#future.pop());
  }

  get canUndo() {
    return this.#past.length > 0;
  }

  get canRedo() {
    return this.#future.length > 0;
  }

  #become(state) {
    this.now = state;
    this.dispatchEvent(new Event("change"));
  }
}
