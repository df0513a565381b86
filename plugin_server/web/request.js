// From what a person asks to what is sent: form fields, and the same as a command line.

import { boxOf, maskBlob, placeKey } from "./mask.js";

/** Everything but the image, for a picture `scale` times the full size, `size` [width, height]. */
export async function guidanceFields(edit, scale, [width, height]) {
  const draw = (place) => maskBlob(place, scale, width, height);
  const regions = regionsOf(edit);
  return {
    description: edit.description.trim(),
    things: edit.things.length ? JSON.stringify(edit.things.map(plainThing)) : "",
    regions: regions.length ? JSON.stringify(regions.map((one, at) => plainRegion(one, at, scale))) : "",
    ...Object.fromEntries(
      await Promise.all(partsOf(edit).map(async ({ part, place }) => [part, await draw(place)])),
    ),
    hints: edit.hints.length ? JSON.stringify(scaledHints(edit.hints, scale, width, height)) : "",
    palette: edit.palette.length ? JSON.stringify(edit.palette) : "",
    reference: scale === 1 ? edit.reference?.blob : edit.reference?.small,
    exemplar: edit.exemplar?.id,
    mask: edit.mask ? await draw(edit.mask) : null,
    saturation: edit.saturation,
    strength: edit.strength,
  };
}

/** Regions that say something; the others are places that wait for words or a colour. */
const regionsOf = (edit) => edit.regions.filter(({ description, color }) => description.trim() || color);

const plainThing = ({ phrase, color, place, use }, at) => ({
  phrase,
  ...(color ? { color } : {}),
  ...(place ? { mask: `thing-${at}` } : {}),
  ...(use ? {} : { use }),
});

function plainRegion({ place, description, color }, at, scale = 1) {
  const box = boxOf(place);
  return {
    ...(box ? { box: box.map((length) => length * scale) } : { mask: `region-${at}` }),
    ...(description.trim() ? { description: description.trim() } : {}),
    ...(color ? { color } : {}),
  };
}

/** The pictures of places that travel with the form: [{part, place}]. */
export function partsOf(edit) {
  const things = edit.things.map(({ place }, at) => ({ part: `thing-${at}`, place }));
  const regions = regionsOf(edit).map(({ place }, at) => ({ part: `region-${at}`, place }));
  return [...things.filter(({ place }) => place), ...regions.filter(({ place }) => !boxOf(place))];
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
  return JSON.stringify([
    edit.description.trim(),
    edit.things.map((one, at) => [plainThing(one, at), placeKey(one.place)]),
    regionsOf(edit).map((one, at) => [plainRegion(one, at), placeKey(one.place)]),
    edit.hints.map(plainHint),
    edit.palette,
    edit.saturation,
    edit.strength,
    edit.reference?.key ?? null,
    edit.exemplar?.id ?? null,
    placeKey(edit.mask),
  ]);
}

export const quoted = (text) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** A file name that no program takes for an option. */
const fileName = (name) => quoted(name.startsWith("-") ? `./${name}` : name);

const colorName = (name, extension) => `${name.replace(/\.[^.]*$/, "")}-color.${extension}`;

const EXTENSIONS = {
  "image/tiff": "tif",
  "image/webp": "webp",
  "image/jpeg": "jpg",
  "image/openraster": "ora",
};

export const resultName = (name, mediaType) =>
  colorName(name, EXTENSIONS[mediaType] ?? "png");

const outputName = (name) => colorName(name, /\.tiff?$/i.test(name) ? "tif" : "png");

export const maskName = (name, part = "mask") => `${name.replace(/\.[^.]*$/, "")}-${part}.png`;

/** The same as a command of the terminal. */
export function commandLine(photo, edit) {
  const parts = ["photochrom", "colorize", fileName(photo.name)];
  if (edit.description.trim()) parts.push("-d", quoted(edit.description.trim()));
  const drawn = (part, place) => place.base?.name ?? maskName(photo.name, part);
  edit.things.forEach(({ phrase, color, place, use }, at) => {
    if (!use) parts.push("--not", quoted(phrase));
    else if (color) parts.push("--thing", quoted(`${phrase}=${color}`));
    if (place && use) parts.push("--thing", quoted(`${phrase}=${drawn(`thing-${at}`, place)}`));
  });
  regionsOf(edit).forEach(({ place, description, color }, at) => {
    const words = [description.trim(), color].filter(Boolean).join("=");
    const box = boxOf(place);
    parts.push("--region", quoted(`${box ? box.join(",") : drawn(`region-${at}`, place)}:${words}`));
  });
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

const HEADER = 'echo "Authorization: Bearer $PHOTOCHROM_TOKEN"';

/** The same as a call of the HTTP API. */
export function curl(photo, edit, origin, withToken) {
  // With a token echo, which no list of processes shows, hands curl the header.
  const parts = [withToken ? `${HEADER} | curl -sS --fail-with-body -H @-` : "curl -sS --fail-with-body"];
  const file = (field, name) => parts.push(`-F ${quoted(`${field}=@"${name.replace(/["\\]/g, "\\$&")}"`)}`);
  const text = (field, value) => parts.push(`--form-string ${quoted(`${field}=${value}`)}`);
  file("image", photo.name);
  if (edit.description.trim()) text("description", edit.description.trim());
  if (edit.hints.length) text("hints", JSON.stringify(edit.hints.map(plainHint)));
  if (edit.things.length) text("things", JSON.stringify(edit.things.map(plainThing)));
  const regions = regionsOf(edit).map((one, at) => plainRegion(one, at));
  if (regions.length) text("regions", JSON.stringify(regions));
  for (const { part, place } of partsOf(edit)) file(part, place.base?.name ?? maskName(photo.name, part));
  if (edit.palette.length) text("palette", JSON.stringify(edit.palette));
  if (edit.reference) file("reference", edit.reference.name);
  if (edit.exemplar) text("exemplar", edit.exemplar.id);
  if (edit.mask) file("mask", edit.mask.base?.name ?? maskName(photo.name));
  if (edit.saturation !== 1) text("saturation", edit.saturation);
  if (edit.strength !== 1) text("strength", edit.strength);
  parts.push(`${quoted(`${origin}/v1/colorize`)} -o ${fileName(outputName(photo.name))}`);
  return parts.join(" \\\n  ");
}
