// From what a person asks to what is sent: form fields, and the same as a command line.

import { maskBlob } from "./mask.js";

/** Everything but the image, for a picture `scale` times the full size, `size` [width, height]. */
export async function guidanceFields(edit, scale, [width, height]) {
  return {
    description: edit.description.trim(),
    hints: edit.hints.length ? JSON.stringify(scaledHints(edit.hints, scale, width, height)) : "",
    palette: edit.palette.length ? JSON.stringify(edit.palette) : "",
    reference: scale === 1 ? edit.reference?.blob : edit.reference?.small,
    exemplar: edit.exemplar?.id,
    mask: edit.mask ? await maskBlob(edit.mask, scale, width, height) : null,
    saturation: edit.saturation,
    strength: edit.strength,
  };
}

/** Hints of the full-size photo on a reduced copy: pixel centres stay where they are. */
export function scaledHints(hints, scale, width, height) {
  if (scale === 1) return hints.map(plainHint);
  const onto = (place, limit) => Math.min(limit - 1, Math.max(0, (place + 0.5) * scale - 0.5));
  return hints.map((hint) => ({
    ...plainHint(hint),
    x: onto(hint.x, width),
    y: onto(hint.y, height),
    ...(hint.radius === null ? {} : { radius: hint.radius * scale }),
  }));
}

const plainHint = ({ x, y, color, radius }) => ({ x, y, color, ...(radius === null ? {} : { radius }) });

/** A key that is the same for the same request. */
export function keyOf(edit) {
  const { reference, mask, exemplar, ...plain } = edit;
  return JSON.stringify([
    plain.description.trim(),
    plain.hints.map(plainHint),
    plain.palette,
    plain.saturation,
    plain.strength,
    identityOf(reference?.blob),
    exemplar?.id ?? null,
    mask ? [identityOf(mask.base), mask.strokes] : null,
  ]);
}

const identities = new WeakMap();
let lastIdentity = 0;

function identityOf(blob) {
  if (!blob) return null;
  if (!identities.has(blob)) identities.set(blob, ++lastIdentity);
  return identities.get(blob);
}

export const quoted = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A file name that no program takes for an option. */
const fileName = (name) => quoted(name.startsWith("-") ? `./${name}` : name);

const colorName = (name, extension) => `${name.replace(/\.[^.]*$/, "")}-color.${extension}`;

export const resultName = (name, mediaType) =>
  colorName(name, { "image/tiff": "tif", "image/webp": "webp", "image/jpeg": "jpg" }[mediaType] ?? "png");

const outputName = (name) => colorName(name, /\.tiff?$/i.test(name) ? "tif" : "png");

export const maskName = (name) => `${name.replace(/\.[^.]*$/, "")}-mask.png`;

/** The same as a command of the terminal. */
export function commandLine(photo, edit) {
  const parts = ["photochrom", "colorize", fileName(photo.name)];
  if (edit.description.trim()) parts.push("-d", quoted(edit.description.trim()));
  for (const { x, y, color, radius } of edit.hints) {
    parts.push("--hint", quoted([x, y, color, ...(radius === null ? [] : [radius])].join(",")));
  }
  if (edit.palette.length) {
    parts.push("--palette", quoted(edit.palette.map(({ color, weight }) => `${color}:${weight}`).join(",")));
  }
  if (edit.reference) parts.push("--reference", fileName(edit.reference.name));
  if (edit.exemplar) parts.push("--exemplar", quoted(edit.exemplar.id));
  if (edit.mask) parts.push("--mask", fileName(edit.mask.base?.name ?? maskName(photo.name)));
  if (edit.saturation !== 1) parts.push("--saturation", String(edit.saturation));
  if (edit.strength !== 1) parts.push("--strength", String(edit.strength));
  parts.push("-o", fileName(outputName(photo.name)));
  return parts.join(" ");
}

/** The same as a call of the HTTP API. */
export function curl(photo, edit, origin, withToken) {
  const parts = ["curl -sS --fail-with-body"];
  const file = (field, name) => parts.push(`-F ${quoted(`${field}=@"${name.replace(/["\\]/g, "\\$&")}"`)}`);
  const text = (field, value) => parts.push(`--form-string ${quoted(`${field}=${value}`)}`);
  if (withToken) parts.push('-H "Authorization: Bearer $PHOTOCHROM_TOKEN"');
  file("image", photo.name);
  if (edit.description.trim()) text("description", edit.description.trim());
  if (edit.hints.length) text("hints", JSON.stringify(edit.hints.map(plainHint)));
  if (edit.palette.length) text("palette", JSON.stringify(edit.palette));
  if (edit.reference) file("reference", edit.reference.name);
  if (edit.exemplar) text("exemplar", edit.exemplar.id);
  if (edit.mask) file("mask", edit.mask.base?.name ?? maskName(photo.name));
  if (edit.saturation !== 1) text("saturation", edit.saturation);
  if (edit.strength !== 1) text("strength", edit.strength);
  parts.push(`${quoted(`${origin}/v1/colorize`)} -o ${fileName(outputName(photo.name))}`);
  return parts.join(" \\\n  ");
}
