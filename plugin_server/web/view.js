// Zoom and pan: one view, in coordinates of the photo, for everything that shows it.

const MARGIN = 16; // pixels around a photo that is fitted
const MAX_ZOOM = 16; // screen pixels for one of the photo
const STEP = 1.25;

export class View extends EventTarget {
  zoom = 1; // times the size that fits
  center = [0.5, 0.5]; // share of the photo that is in the middle

  /** Where the photo (size) lies in a box: {left, top, width, height} in CSS pixels. */
  place(box, size) {
    const width = this.fit(box, size) * this.zoom * size.width;
    const height = (width * size.height) / size.width;
    const along = (length, room, share) =>
      length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, room / 2 - share * length));
    return {
      left: along(width, box.width, this.center[0]),
      top: along(height, box.height, this.center[1]),
      width,
      height,
    };
  }

  /** CSS pixels for one pixel of the photo where all of it shows. */
  fit(box, size) {
    const [width, height] = [Math.max(40, box.width - 2 * MARGIN), Math.max(40, box.height - 2 * MARGIN)];
    return Math.min(width / size.width, height / size.height);
  }

  /** Screen pixels for one pixel of the photo. */
  level(box, size) {
    return this.fit(box, size) * this.zoom * devicePixelRatio;
  }

  reset() {
    this.zoom = 1;
    this.center = [0.5, 0.5];
    this.dispatchEvent(new Event("change"));
  }

  /** Zoom by a factor; the place at (x, y) in the box stays where it is. */
  zoomBy(factor, box, size, x = box.width / 2, y = box.height / 2) {
    const before = this.place(box, size);
    const [u, v] = [(x - before.left) / before.width, (y - before.top) / before.height];
    const most = Math.max(1, MAX_ZOOM / devicePixelRatio / this.fit(box, size));
    this.zoom = Math.min(most, Math.max(1, this.zoom * factor));
    const after = this.fit(box, size) * this.zoom * size.width;
    const tall = (after * size.height) / size.width;
    this.#moveTo(u + (box.width / 2 - x) / after, v + (box.height / 2 - y) / tall);
  }

  zoomIn(box, size) {
    this.zoomBy(STEP, box, size);
  }

  zoomOut(box, size) {
    this.zoomBy(1 / STEP, box, size);
  }

  /** One pixel of the photo on one of the screen. */
  actual(box, size) {
    this.zoomBy(1 / this.level(box, size), box, size);
  }

  panBy(x, y, box, size) {
    const placed = this.place(box, size);
    const middle = [
      (box.width / 2 - placed.left) / placed.width,
      (box.height / 2 - placed.top) / placed.height,
    ];
    this.#moveTo(middle[0] - x / placed.width, middle[1] - y / placed.height);
  }

  #moveTo(u, v) {
    this.center = [Math.min(1, Math.max(0, u)), Math.min(1, Math.max(0, v))];
    this.dispatchEvent(new Event("change"));
  }
}
