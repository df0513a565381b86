// The things that the description names: a chip for each, with its colour, its place, how sure.

import { middleOf } from "./mask.js";
import { t } from "./texts.js";

const SURE = [[0.75, "sureYes"], [0.5, "sureRather"], [0, "sureHardly"]];

export function mountThings(desk, stage, { picker, spotlight, found, fail }) {
  const section = document.getElementById("things");
  const list = document.getElementById("thing-list");
  let rows = new Map(); // phrase -> row
  let shown = null; // the photo whose things these are
  let pointed = null; // the thing that the next click on the photo is for

  const changeOf = (phrase) => desk.edit?.things.find((one) => one.phrase === phrase);
  const colorOf = (thing) => changeOf(thing.phrase)?.color ?? thing.color;

  function change(phrase, patch, gesture = null) {
    const was = changeOf(phrase) ?? { phrase, color: null, place: null, use: true };
    const now = { ...was, ...patch };
    const others = desk.edit.things.filter((one) => one.phrase !== phrase);
    const isPlain = now.use && !now.color && !now.place;
    desk.change({ things: isPlain ? others : [...others, now] }, gesture);
  }

  /** What was found, and after it the changes of what the words do not name any more. */
  function current() {
    const things = desk.current ? found.things(desk.current) : [];
    if (things === null) return null;
    const left = desk.edit?.things.filter(({ phrase }) => !things.some((thing) => thing.phrase === phrase)) ?? [];
    return [...things, ...left.map(({ phrase, color }) => ({ phrase, color, found: 0, mask: null, isLeft: true }))];
  }

  const place = async (thing) => changeOf(thing.phrase)?.place ?? found.place(desk.current, thing);

  function targetOf(phrase, had) {
    return {
      key: `thing ${phrase}`,
      slot: "thing-slot",
      veil: false,
      place: () => changeOf(phrase)?.place ?? had,
      put: (drawn) => change(phrase, { place: drawn, use: true }),
      exists: () => rows.has(phrase),
    };
  }

  async function pick(row) {
    const { thing } = row;
    const photo = desk.current;
    const where = await place(thing);
    const [x, y] = (where && (await middleOf(where, photo))) ?? [photo.width / 2, photo.height / 2];
    if (photo !== desk.current) return;
    const gesture = `thing-${thing.phrase}-${performance.now()}`;
    spotlight.dim(row);
    picker.open({
      title: t("pickerThingTitle", { phrase: thing.phrase }),
      deleteText: t("thingOwnColor"),
      anchor: row.swatch,
      photo,
      hint: { x, y, color: colorOf(thing) },
      onColor: (color) => change(thing.phrase, { color }, gesture),
      onDelete: () => {
        change(thing.phrase, { color: null });
        picker.close();
      },
      onClose: () => {
        desk.current?.edits.settle();
        row.swatch.focus();
      },
    });
  }

  async function draw(row) {
    const { phrase } = row.thing;
    if (desk.target?.key === `thing ${phrase}`) desk.setTool("dab");
    else desk.draw(targetOf(phrase, await found.place(desk.current, row.thing)), "brush");
  }

  /** The next click on the photo says where it is: a dab of its colour there. */
  function point(row) {
    desk.setTool("point");
    if (desk.mode !== "result") desk.setMode("result");
    pointed = row.thing;
    stage.viewport.focus();
    stage.tell("say", t("pointNow", { phrase: pointed.phrase }));
  }

  stage.addEventListener("press", ({ detail: { place: [x, y] } }) => {
    if (desk.tool !== "point" || !pointed) return;
    const color = colorOf(pointed);
    setTimeout(() => desk.setTool("dab")); // when everyone has heard of this press
    desk.change({ hints: [...desk.edit.hints, { x, y, color, radius: null }] });
  });

  function makeRow(phrase) {
    const row = document.createElement("li");
    const button = (className, icon, act) => {
      const made = document.createElement("button");
      made.type = "button";
      made.className = className;
      if (icon) made.innerHTML = `<svg aria-hidden="true"><use href="#i-${icon}"/></svg>`;
      made.addEventListener("click", () => Promise.resolve(act(row)).catch(fail));
      return made;
    };
    const [name, sure, help] = ["span", "span", "p"].map((tag) => document.createElement(tag));
    row.className = "thing";
    name.className = "thing-name";
    name.textContent = phrase;
    sure.className = "sure";
    help.className = "help";
    row.swatch = button("chip", null, pick);
    row.brush = button("icon thing-draw", "brush", draw);
    row.cross = button("icon", "close", () => change(phrase, drop(phrase)));
    row.point = button("small", null, point);
    row.point.textContent = t("thingPoint");
    row.append(row.swatch, name, sure, row.brush, row.cross, help, row.point);
    row.brush.setAttribute("aria-label", t("thingDraw", { phrase }));
    row.brush.title = t("thingDraw", { phrase });
    Object.assign(row, { sure, help });
    spotlight.follow(row, () => place(row.thing));
    return row;
  }

  /** What the cross does: away with the thing, back with it, or away with a change of nothing. */
  function drop(phrase) {
    if (rows.get(phrase).thing.isLeft) return { color: null, place: null, use: true };
    return { use: changeOf(phrase)?.use === false };
  }

  function fill(row, thing) {
    const { phrase } = thing;
    const mine = changeOf(phrase);
    const isOut = mine?.use === false;
    const isFound = Boolean(thing.mask || mine?.place);
    const [, level] = SURE.find(([least]) => thing.found >= least);
    row.thing = thing;
    row.classList.toggle("out", isOut);
    row.swatch.style.setProperty("--dab", colorOf(thing) ?? "transparent");
    row.swatch.setAttribute("aria-label", t("thingColor", { phrase, color: colorOf(thing) ?? "" }));
    row.sure.textContent = sureness(thing, mine, level);
    row.sure.title = t("thingFound", { percent: Math.round(thing.found * 100) });
    row.sure.style.setProperty("--found", mine?.place ? 1 : thing.found);
    row.brush.setAttribute("aria-pressed", String(desk.target?.key === `thing ${phrase}`));
    row.cross.setAttribute("aria-label", t(isOut ? "thingBack" : "thingDrop", { phrase }));
    row.cross.title = row.cross.getAttribute("aria-label");
    row.cross.querySelector("use").setAttribute("href", isOut ? "#i-plus" : "#i-close");
    row.help.hidden = row.point.hidden = isFound || isOut || thing.isLeft;
    row.help.textContent = t("thingMissing");
    row.swatch.disabled = row.brush.disabled = isOut || Boolean(thing.isLeft);
  }

  const sureness = (thing, mine, level) => {
    if (thing.isLeft) return t("thingLeft");
    if (mine?.use === false) return t("thingOut");
    if (mine?.place) return t("sureDrawn");
    return t(thing.mask ? level : "sureNot");
  };

  /** Rows are reused, so that the focus survives every change. */
  function render() {
    if (shown !== desk.current) rows.clear();
    shown = desk.current;
    const things = current() ?? (rows.size ? null : []);
    if (things === null) return; // the ones before stay until the new ones are known
    const wanted = new Map(things.map(({ phrase }) => [phrase, rows.get(phrase) ?? makeRow(phrase)]));
    const same = wanted.size === list.children.length && [...wanted.values()].every((row, at) => row === list.children[at]);
    rows = wanted;
    things.forEach((thing) => fill(rows.get(thing.phrase), thing));
    if (!same) list.replaceChildren(...wanted.values());
    section.hidden = !things.length;
  }

  found.addEventListener("change", render);
  desk.hear("mode", render);
  desk.hear("photo", () => picker.close());
}
