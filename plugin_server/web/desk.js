// The desk: the photos that are open, the one in front, and who wants to hear of changes.
//
// Events: "photo" (another one is in front), "photos" (their number changed), "edit" (what is asked
// changed), "result" (the stage shows another result), "results" (their list changed), "mode".

export class Desk extends EventTarget {
  photos = [];
  current = null;
  tool = "dab"; // "draw" (on the target), "point" (at a thing)
  shape = "brush"; // that is drawn: "rectangle", "lasso"
  target = null; // what is drawn on: {key, slot, veil, place(), put(place), exists()}
  mode = "result"; // "before", "split", "side"

  #onEdit = () => this.tell("edit");

  tell(name, detail = null) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  hear(names, listener) {
    for (const name of names.split(" ")) this.addEventListener(name, listener);
  }

  add(photo) {
    this.photos.push(photo);
    this.tell("photos");
    this.show(photo);
  }

  show(photo) {
    this.current?.edits.removeEventListener("change", this.#onEdit);
    this.current = photo;
    photo?.edits.addEventListener("change", this.#onEdit);
    this.tell("photo");
    this.tell("edit");
    this.tell("results");
    this.tell("result");
  }

  remove(photo) {
    const at = this.photos.indexOf(photo);
    this.photos.splice(at, 1);
    this.tell("photos");
    if (this.current === photo) this.show(this.photos[Math.min(at, this.photos.length - 1)] ?? null);
    photo.close();
  }

  get edit() {
    return this.current?.edits.now ?? null;
  }

  change(patch, gesture = null) {
    this.current?.edits.change(patch, gesture);
  }

  setMode(mode) {
    this.mode = mode;
    this.tell("mode");
  }

  setTool(tool) {
    this.tool = tool;
    this.target = null;
    this.tell("mode");
  }

  /** Draw on a target from now on; `slot` is the element that takes the controls. */
  draw(target, shape = this.shape) {
    this.tool = "draw";
    this.target = target;
    this.shape = shape;
    this.setMode(this.mode === "side" ? "result" : this.mode);
  }

  setShape(shape) {
    this.shape = shape;
    this.tell("mode");
  }
}
