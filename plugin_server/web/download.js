// Downloads: the result at full size and depth, as PNG, in the photo's own format, or in layers.
//
// One is made after the other, each for the photo and the settings that were in front when it was
// asked for, whatever comes to the front meanwhile; a row shows each until its file is there.

import { keyOf, resultName } from "./request.js";
import { saveBlob } from "./save.js";
import { hasText, t } from "./texts.js";

const PNG = "image/png";
const LAYERS = "image/openraster";
const OWN = [
  [/\.tiff?$/i, "image/tiff", "TIFF"],
  [/\.(jpe?g|jpe|jfif|mpo)$/i, "image/jpeg", "JPEG"],
  [/\.webp$/i, "image/webp", "WebP"],
];

export function mountDownload(desk, coloring, messages) {
  const [button, format] = ["download", "format"].map((id) => document.getElementById(id));
  const own = format.querySelector('option[value="own"]');
  const rows = document.getElementById("downloads");
  const underWay = new Map(); // the rows of those that wait or run
  let last = Promise.resolve();
  let chosen = null; // what the person wants of every photo; null: what suits each

  const ownType = () => OWN.find(([ending, type]) => ending.test(desk.current.name) || desk.current.file.type === type);

  /** A TIFF stays one; a JPEG or WebP is better as PNG, since a second loss shows. */
  function show() {
    button.disabled = format.disabled = !desk.current;
    if (!desk.current) return;
    const [, type, name] = ownType() ?? [];
    own.hidden = own.disabled = !type;
    own.textContent = t("formatOwn", { format: name ?? "" });
    const fits = chosen !== "own" || type;
    format.value = chosen !== null && fits ? chosen : type === "image/tiff" ? "own" : "png";
  }

  async function download() {
    const photo = desk.current;
    const edit = photo.edits.now;
    const type = { png: PNG, layers: LAYERS, own: ownType()?.[1] }[format.value];
    const ready = coloring.ready(photo, edit, type);
    if (ready) return save(photo, ready);
    const topic = `download of ${photo.key}`;
    const key = `${photo.key} ${type} ${keyOf(edit)}`;
    if (underWay.has(key)) return; // its row shows already
    const row = rowOf(photo);
    underWay.set(key, row);
    rows.append(row.element);
    messages.say(`${t("downloadOf", photo)}…`);
    const end = () => {
      if (underWay.get(key) === row) underWay.delete(key); // one that was cancelled may be asked for again
      if (row.element.contains(document.activeElement)) button.focus();
      row.element.remove();
    };
    const cancelled = () => {
      end();
      messages.say(t("statusCancelled"));
    };
    row.signal.addEventListener("abort", cancelled);
    try {
      const turn = last.then(() => row.signal.aborted || coloring.file(photo, edit, type, row));
      last = turn.catch(() => null);
      const blob = await turn;
      if (row.signal.aborted) return;
      save(photo, blob);
      messages.worked(topic);
    } catch (error) {
      if (row.signal.aborted) return;
      if (error.name === "AbortError") cancelled(); // by somebody else, on the server
      else messages.fail(new Error(t("errorDownload", { name: photo.name, reason: error.message })), topic);
    } finally {
      end();
    }
  }

  function save(photo, blob) {
    const name = resultName(photo.name, blob.type);
    saveBlob(blob, name);
    messages.say(t("statusSaved", { name }));
  }

  // Who leaves the page leaves what is still to come.
  addEventListener("beforeunload", (event) => {
    if (underWay.size) event.preventDefault();
  });
  format.addEventListener("change", () => (chosen = format.value));
  button.addEventListener("click", download);
  desk.hear("photo", show);
}

/** How far a download is, and a button that cancels it: {element, signal, onState}. */
function rowOf({ name }) {
  const element = document.createElement("li");
  const bar = document.createElement("progress");
  const words = document.createElement("span");
  const cancel = document.createElement("button");
  const controller = new AbortController();
  bar.setAttribute("aria-label", t("downloadOf", { name }));
  words.textContent = `${name}: ${t("statusQueuedNext")}`;
  cancel.type = "button";
  cancel.textContent = t("cancel");
  cancel.title = t("downloadCancel", { name });
  cancel.addEventListener("click", () => controller.abort());
  element.append(bar, words, cancel);
  return {
    element,
    signal: controller.signal,
    onState({ state, stage, progress, position }) {
      if (state === "queued") {
        words.textContent = `${name}: ${position ? t("statusQueued", { position }) : t("statusQueuedNext")}`;
        return;
      }
      const part = t(hasText(`stage_${stage}`) ? `stage_${stage}` : "stage_other");
      bar.value = progress;
      words.textContent = `${name}: ${t("statusRunning", { stage: part, percent: Math.round(progress * 100) })}`;
    },
  };
}
