// What a person asks for one photo, and every state it had: undo and redo without limit.

/** Nothing asked. States are never changed, only replaced. Hints are in full-size pixels. */
export const NOTHING = Object.freeze({
  description: "",
  hints: Object.freeze([]),
  palette: Object.freeze([]), // [{color, weight}], six at most
  reference: null, // {blob, small, name}; small is a reduced copy for previews
  exemplar: null, // {id, caption, score, path}
  mask: null, // {base: Blob | null, strokes: see mask.js}
  saturation: 1,
  strength: 1,
});

const PAUSE = 1500; // milliseconds after which typing counts as a new step

export class Edits extends EventTarget {
  #past = [];
  #future = [];
  #gesture = null;
  #changed = 0;

  now = NOTHING;
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
