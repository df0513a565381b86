// A result that is dropped together with its original: the settings inside it are applied again.

import { NOTHING } from "./edits.js";
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
  const given = async (name) => {
    const wanted = settings[name];
    if (!wanted) return null;
    for (const file of files) {
      const sum = await sha256(file);
      if (sum === null) {
        lacks.push({ what: name, sha: wanted, unchecked: true });
        return null;
      }
      if (sum !== wanted) continue;
      used.push(file);
      return { blob: file, small: file, name: file.name };
    }
    lacks.push({ what: name, sha: wanted, unchecked: false });
    return null;
  };
  const reference = await given("reference");
  const mask = await given("mask");
  const exemplar = typeof settings.exemplar === "string" ? settings.exemplar : settings.exemplar?.id;
  const edit = {
    ...NOTHING,
    description: settings.description ?? "",
    hints: (settings.hints ?? []).map(({ x, y, color, radius = null }) => ({ x, y, color, radius })),
    palette: (settings.palette ?? []).map((one) => ({ color: one.color ?? one, weight: one.weight ?? 1 })),
    reference,
    exemplar: exemplar
      ? { id: exemplar, caption: exemplar, score: null, path: `/v1/exemplars/${encodeURIComponent(exemplar)}/image` }
      : null,
    mask: mask ? { base: mask.blob, strokes: [] } : null,
    saturation: settings.saturation ?? 1,
    strength: settings.strength ?? 1,
  };
  return { edit, lacks, used };
}

/** Say in words what keeps a result from being repeated exactly. */
export const wordsFor = (lacks, result) =>
  lacks.map(({ what, sha, unchecked }) => {
    const word = t(what === "mask" ? "whatMask" : "whatReference");
    return unchecked
      ? t("replayNoHash", { what: word, result })
      : t("replayLacks", { result, what: word, sha: sha.slice(0, 12) });
  });
