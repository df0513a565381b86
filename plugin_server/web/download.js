// Downloads: the result at full size and depth, as PNG, in the photo's own format, or in layers.

import { resultName } from "./request.js";
import { saveBlob } from "./save.js";
import { t } from "./texts.js";

const PNG = "image/png";
const LAYERS = "image/openraster";
const OWN = [
  [/\.tiff?$/i, "image/tiff", "TIFF"],
  [/\.(jpe?g|jpe|jfif)$/i, "image/jpeg", "JPEG"],
  [/\.webp$/i, "image/webp", "WebP"],
];

export function mountDownload(desk, coloring, say) {
  const [button, format] = ["download", "format"].map((id) => document.getElementById(id));
  const own = format.querySelector('option[value="own"]');
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
    const { name } = desk.current;
    const type = { png: PNG, layers: LAYERS, own: ownType()?.[1] }[format.value];
    const blob = await coloring.file(type);
    if (!blob) return;
    const saved = resultName(name, blob.type);
    saveBlob(blob, saved);
    say(t("statusSaved", { name: saved }));
  }

  format.addEventListener("change", () => (chosen = format.value));
  button.addEventListener("click", download);
  desk.hear("photo", show);
}
