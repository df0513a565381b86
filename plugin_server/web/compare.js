// Comparing: result, original, a divider between the two, or several results side by side.

import { t } from "./texts.js";

const MODES = ["result", "before", "split", "side"];
const KEY_STEP = 0.02;
const CAPTION = 40; // pixels under a picture side by side

export function mountCompare(desk, stage) {
  const byId = (id) => document.getElementById(id);
  const [before, picture, divider, side] = ["before", "picture", "divider", "side"].map(byId);
  let share = 0.5; // of the visible part of the photo, left of the divider

  for (const mode of MODES) byId(`mode-${mode}`).addEventListener("click", () => desk.setMode(mode));

  /** The part of the photo that shows, in the viewport: [from, to]. */
  const visible = () => {
    const { left, width } = stage.placed;
    return [Math.max(0, left), Math.min(stage.box.width, left + width)];
  };

  /** Say so where the preview is softer than the screen could show. */
  function showSoftness() {
    const result = desk.current?.shown;
    const coarse = result && !result.isFull && stage.placed.width * devicePixelRatio > 1.5 * result.width;
    byId("tag-soft").hidden = !coarse || desk.mode === "before" || stage.view.zoom === 1;
  }

  function placeDivider() {
    showSoftness();
    const split = desk.mode === "split" && Boolean(desk.current?.shown);
    divider.hidden = !split;
    byId("tag-before").hidden = byId("tag-after").hidden = !split;
    if (!split) {
      picture.style.clipPath = "";
      return;
    }
    const [from, to] = visible();
    const at = from + share * (to - from);
    const { left, width, top, height } = stage.placed;
    const [above, below] = [Math.max(0, top), Math.max(0, stage.box.height - top - height)];
    Object.assign(divider.style, { transform: `translateX(${at}px)`, top: `${above}px`, bottom: `${below}px` });
    Object.assign(byId("tag-before").style, { left: `${from + 12}px`, bottom: `${below + 12}px` });
    Object.assign(byId("tag-after").style, { right: `${stage.box.width - to + 12}px`, bottom: `${below + 12}px` });
    picture.style.clipPath = `inset(0 0 0 ${((at - left) / width) * 100}%)`;
    const percent = Math.round(share * 100);
    divider.setAttribute("aria-valuenow", String(percent));
    divider.setAttribute("aria-valuetext", t("dividerValue", { percent }));
  }

  const moveDivider = (to) => {
    share = Math.min(1, Math.max(0, to));
    placeDivider();
  };
  divider.addEventListener("pointerdown", (event) => {
    divider.setPointerCapture(event.pointerId);
    event.preventDefault();
    divider.focus();
  });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const [from, to] = visible();
    moveDivider((stage.at(event)[0] - from) / (to - from));
  });
  divider.addEventListener("keydown", (event) => {
    const step = event.shiftKey ? 5 * KEY_STEP : KEY_STEP;
    const moves = { ArrowLeft: share - step, ArrowRight: share + step, Home: 0, End: 1 };
    if (!(event.key in moves)) return;
    event.preventDefault();
    moveDivider(moves[event.key]);
  });

  /** Show the photo and its result as the mode wants. */
  function showPictures() {
    const photo = desk.current;
    for (const mode of MODES) {
      byId(`mode-${mode}`).setAttribute("aria-pressed", String(mode === desk.mode));
    }
    if (!photo) return;
    if (before.src !== photo.url) before.src = photo.url;
    const result = photo.shown;
    if (result && picture.src !== result.url) picture.src = result.url;
    picture.hidden = !result || desk.mode === "before";
    stage.viewport.hidden = desk.mode === "side";
    side.hidden = desk.mode !== "side";
    if (desk.mode === "side") showSide(photo);
    placeDivider();
  }

  function showSide(photo) {
    const marked = photo.results.filter((result) => result.marked);
    side.replaceChildren(...marked.map((result) => cell(result)));
    if (marked.length < 2) {
      const note = document.createElement("p");
      note.className = "side-note";
      note.textContent = t("sideEmpty");
      side.append(note);
    }
    placeCells();
  }

  function cell(result) {
    const figure = document.createElement("figure");
    const window = document.createElement("div");
    const image = document.createElement("img");
    const caption = document.createElement("figcaption");
    const choose = document.createElement("button");
    window.className = "side-window";
    image.src = result.url;
    image.alt = result.label;
    image.draggable = false;
    choose.type = "button";
    choose.className = "link";
    choose.textContent = result.label;
    choose.title = t("resultReturn", { label: result.label });
    choose.addEventListener("click", () => {
      desk.tell("return", result);
      desk.setMode("result");
    });
    window.append(image);
    caption.append(choose);
    figure.append(window, caption);
    return figure;
  }

  /** As many columns as show the photos largest. */
  function arrange() {
    const count = side.querySelectorAll("figure").length;
    const sizeWith = (columns) => {
      const [width, height] = [side.clientWidth / columns, side.clientHeight / Math.ceil(count / columns)];
      return Math.min(width / stage.size.width, (height - CAPTION) / stage.size.height);
    };
    let best = 1;
    for (let columns = 2; columns <= count; columns++) {
      if (sizeWith(columns) > sizeWith(best)) best = columns;
    }
    side.style.gridTemplateColumns = `repeat(${best}, minmax(0, 1fr))`;
  }

  /** All cells show the same part. */
  function placeCells() {
    if (desk.mode !== "side" || !desk.current) return;
    arrange();
    for (const window of side.querySelectorAll(".side-window")) {
      const box = { width: window.clientWidth, height: window.clientHeight };
      const { left, top, width, height } = stage.view.place(box, stage.size);
      Object.assign(window.firstElementChild.style, {
        left: `${left}px`,
        top: `${top}px`,
        width: `${width}px`,
        height: `${height}px`,
      });
    }
  }

  const boxOf = (window) => ({ width: window.clientWidth, height: window.clientHeight });
  side.addEventListener(
    "wheel",
    (event) => {
      const window = event.target.closest(".side-window");
      if (!window) return;
      event.preventDefault();
      const place = window.getBoundingClientRect();
      const at = [event.clientX - place.left, event.clientY - place.top];
      stage.view.zoomBy(Math.exp(-event.deltaY / 400), boxOf(window), stage.size, ...at);
    },
    { passive: false },
  );
  side.addEventListener("pointerdown", (event) => {
    const window = event.target.closest(".side-window");
    if (window) side.setPointerCapture(event.pointerId);
  });
  side.addEventListener("pointermove", (event) => {
    const window = side.querySelector(".side-window");
    if (!window || !side.hasPointerCapture(event.pointerId)) return;
    stage.view.panBy(event.movementX, event.movementY, boxOf(window), stage.size);
  });
  new ResizeObserver(placeCells).observe(side);
  stage.view.addEventListener("change", placeCells);
  stage.addEventListener("place", placeDivider);
  desk.hear("photo result mode", showPictures);
  desk.hear("results", () => desk.mode === "side" && showPictures());
}
