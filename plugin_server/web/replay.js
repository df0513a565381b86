// A result that is dropped together with its original: the settings inside it are applied again.

import { freshKey, NOTHING } from "./edits.js";
import { placeOf } from "./mask.js";
import { readSettings, sha256 } from "./settings.js";
import { t } from "./texts.js";

/** Sort dropped files: results carry settings, the others are photos, references or masks. */
export async function sortFiles(files) {
  const read = await Promise.all(files.map(async (file) => ({ file, settings: await readSettings(file) })));
  return {
    results: read.filter(({ settings }) => settings !== null),
    plain: read.filter(({ settings }) => settings === null).map(({ file }) => file),
  };
}

/** The edit that a result's settings describe, with `lacks` naming what could not be found. */
export async function editOf(settings, files) {
  const lacks = [];
  const used = [];
  const given = async (name, wanted = settings[name]) => {
    if (!wanted) return null;
    for (const file of files) {
      const sum = await sha256(file);
      if (sum === null) {
        lacks.push({ what: name, sha: wanted, unchecked: true });
        return null;
      }
      if (sum !== wanted) continue;
      used.push(file);
      return { key: freshKey(), blob: file, small: file, name: file.name };
    }
    lacks.push({ what: name, sha: wanted, unchecked: false });
    return null;
  };
  const reference = await given("reference");
  const mask = await given("mask");
  const drawn = async (sha) => {
    const file = await given("place", sha);
    return file && placeOf(file.blob);
  };
  const things = [];
  for (const { phrase, color = null, mask: sha, use = true } of settings.things ?? []) {
    things.push({ phrase, color, place: await drawn(sha), use });
  }
  const regions = [];
  for (const { mask: sha, box, description = "", color = null } of settings.regions ?? []) {
    const place = box ? placeOf(null, [{ box, erase: false }]) : await drawn(sha);
    if (place) regions.push({ key: freshKey(), place, description, color });
  }
  if (settings.hint_image) lacks.push({ what: "painted", sha: settings.hint_image, unchecked: false });
  const exemplar = typeof settings.exemplar === "string" ? settings.exemplar : settings.exemplar?.id;
  const edit = {
    ...NOTHING,
    description: settings.description ?? "",
    things,
    regions,
    hints: (settings.hints ?? []).map(({ x, y, color, radius = null }) => ({ x, y, color, radius })),
    palette: (settings.palette ?? []).map((one) => ({ color: one.color ?? one, weight: one.weight ?? 1 })),
    reference,
    exemplar: exemplar
      ? { id: exemplar, caption: exemplar, score: null, path: `/v1/exemplars/${encodeURIComponent(exemplar)}/image` }
      : null,
    mask: mask ? placeOf(mask.blob) : null,
    saturation: settings.saturation ?? 1,
    strength: settings.strength ?? 1,
  };
  return { edit, lacks, used };
}

const WORDS = { mask: "whatMask", place: "whatPlace", reference: "whatReference" };

/** Say in words what keeps a result from being repeated exactly. */
export const wordsFor = (lacks, result) =>
  lacks.map(({ what, sha, unchecked }) => {
    if (what === "painted") return t("replayPainted", { result });
    const word = t(WORDS[what]);
    return unchecked
      ? t("replayNoHash", { what: word, result })
      : t("replayLacks", { result, what: word, sha: sha.slice(0, 12) });
  });
