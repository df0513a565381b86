// The page: everything is put together here, and nothing else is decided.

import { health, server, setToken, suggestions } from "./api.js";
import { mountArea } from "./area.js";
import { Coloring } from "./coloring.js";
import { mountCompare } from "./compare.js";
import { Desk } from "./desk.js";
import { mountDownload } from "./download.js";
import { mountDrawing } from "./drawing.js";
import { mountExemplars } from "./exemplars.js";
import { Found } from "./found.js";
import { mountHints } from "./hints.js";
import { mountHistory } from "./history.js";
import { Intake } from "./intake.js";
import { Keeping } from "./keeping.js";
import { Messages } from "./messages.js";
import { mountPalette } from "./palette.js";
import { Picker } from "./picker.js";
import { Reference } from "./reference.js";
import { mountRegions } from "./regions.js";
import { commandLine, curl } from "./request.js";
import { copyText } from "./save.js";
import { Spotlight } from "./spotlight.js";
import { Stage } from "./stage.js";
import { mountStrip } from "./strip.js";
import { decimal, t } from "./texts.js";
import { mountThings } from "./things.js";
import { mountUnsure } from "./unsure.js";

const byId = (id) => document.getElementById(id);
const onClick = (id, act) => byId(id).addEventListener("click", act);

const messages = new Messages();
const fail = (error) => messages.fail(error);
const say = (text) => messages.say(text);
const desk = new Desk();
const stage = new Stage(desk);
const coloring = new Coloring(desk);
const intake = new Intake(desk, messages);
const reference = new Reference(desk, fail);
const picker = new Picker(suggest, reference);
const spotlight = new Spotlight(desk, fail);
const found = new Found(desk, fail);
const keeping = new Keeping(desk, messages);

mountCompare(desk, stage);
mountDrawing(desk, stage, spotlight);
mountArea(desk);
mountThings(desk, stage, { picker, spotlight, found, fail });
mountRegions(desk, { picker, spotlight, fail, say });
mountHints(desk, stage, picker);
mountPalette(desk, picker);
mountHistory(desk);
mountUnsure(desk, fail);
mountStrip(desk, () => byId("photo").click());
mountDownload(desk, coloring, messages);
const exemplars = mountExemplars(desk, { fail, tryEach });

/** Likely colours for a full-size place. */
async function suggest(photo, x, y, signal) {
  const [width, height] = photo.previewSize;
  const onto = (place, limit) => Math.min(limit - 1, Math.max(0, (place + 0.5) * photo.scale - 0.5));
  const { description } = photo.edits.now;
  const place = { x: onto(x, width), y: onto(y, height) };
  return photo.ask((image) => suggestions({ ...image, ...place, description }, signal));
}

async function tryEach(patches) {
  try {
    await coloring.candidates(patches);
    desk.setMode("side");
  } catch (error) {
    fail(error);
  }
}

/* What is asked for: description and sliders. */

const description = byId("description");
let early = ""; // typed before the first photo came, and meant for it
description.addEventListener("input", () => {
  if (desk.current) desk.change({ description: description.value }, "description");
  else early = description.value;
});
description.addEventListener("blur", () => desk.current?.edits.settle());
for (const name of ["saturation", "strength"]) {
  const slider = byId(name);
  slider.addEventListener("input", () => desk.change({ [name]: slider.valueAsNumber }, name));
  slider.addEventListener("change", () => desk.current?.edits.settle());
  slider.addEventListener("dblclick", () => desk.change({ [name]: 1 }));
}

function showEdit() {
  const edit = desk.edit;
  const words = edit?.description ?? early;
  if (description.value.trim() !== words.trim()) description.value = words;
  for (const name of ["saturation", "strength"]) {
    byId(name).value = String(edit?.[name] ?? 1);
    byId(`${name}-value`).textContent = decimal(edit?.[name] ?? 1, 2);
  }
  byId("undo").disabled = !desk.current?.edits.canUndo;
  byId("redo").disabled = !desk.current?.edits.canRedo;
}
desk.hear("edit photo", showEdit);

const undo = () => desk.current?.edits.undo();
const redo = () => desk.current?.edits.redo();
onClick("undo", undo);
onClick("redo", redo);
document.addEventListener("keydown", (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const key = event.key.toLowerCase();
  if (key === "z" && !event.shiftKey) undo();
  else if (key === "y" || key === "z") redo();
  else return;
  event.preventDefault();
});

/* Which photo is in front. */

desk.hear("photo", () => {
  const open = desk.current !== null;
  byId("view").hidden = !open;
  byId("drop").classList.toggle("tucked", open);
  for (const id of ["copy-command", "copy-curl"]) byId(id).disabled = !open;
  if (desk.mode === "side") desk.setMode("result");
  if (open && early && !desk.edit.description) desk.change({ description: early }, "description");
  if (open) early = "";
  document.body.classList.toggle("working", open);
  stage.layout();
});

/* What is said of the colouring. */

coloring.addEventListener("say", ({ detail }) => say(detail));
coloring.addEventListener("notices", ({ detail }) => messages.note(detail));
coloring.addEventListener("failed", ({ detail }) => messages.fail(detail, "coloring"));
coloring.addEventListener("worked", () => messages.worked("coloring"));
stage.addEventListener("say", ({ detail }) => say(detail));

const copy = async (text) => (await copyText(text)) && say(t("copied"));
onClick("copy-command", () => copy(commandLine(desk.current, desk.edit)));
onClick("copy-curl", () => copy(curl(desk.current, desk.edit, location.origin, byId("token").value !== "")));

/* The server, the token, the theme. */

async function showHealth() {
  try {
    const { version, device, models } = await health();
    byId("health").textContent = t("health", { version, device, colorizer: models.colorizer });
    await exemplars.showCount();
  } catch (error) {
    if (error.status !== 401) fail(error);
  }
}

server.addEventListener("busy", ({ detail }) => say(t("statusBusy", detail)));
server.addEventListener("token", () => {
  if (!byId("token-row").hidden) return;
  byId("token-row").hidden = false;
  byId("token").focus();
});
byId("token").addEventListener("change", () => {
  setToken(byId("token").value);
  showHealth();
  if (desk.current) desk.tell("edit");
});

const theme = byId("theme");
theme.value = document.documentElement.dataset.theme ?? "auto";
theme.addEventListener("change", () => {
  const chosen = theme.value === "auto" ? null : theme.value;
  if (chosen) document.documentElement.dataset.theme = chosen;
  else delete document.documentElement.dataset.theme;
  try {
    if (chosen) localStorage.setItem("photochrom-theme", chosen);
    else localStorage.removeItem("photochrom-theme");
  } catch {
    // Storage is switched off: the choice lasts until the page is left.
  }
});

byId("form").addEventListener("submit", (event) => event.preventDefault());
for (const element of document.querySelectorAll("[data-script]")) element.hidden = false;
byId("photo").required = false;
byId("colorize").hidden = true; // the form's own button, for where no script runs
intake.after(() => keeping.mount());
intake.mount();
showEdit();
showHealth();
