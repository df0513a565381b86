// sRGB (IEC 61966-2-1), CIELAB (D65, 2 degrees) and the sRGB gamut: what models/color/lab.py does,
// for single colours. sRGB is [r, g, b] in 0..1, encoded; Lab is [L, a, b].

const WHITE = [0.95047, 1, 1.08883];
const TO_XYZ = [
  [0.4124564, 0.3575761, 0.1804375],
  [0.2126729, 0.7151522, 0.072175],
  [0.0193339, 0.119192, 0.9503041],
];
const TO_RGB = [
  [3.2404542, -1.5371385, -0.4985314],
  [-0.969266, 1.8760108, 0.041556],
  [0.0556434, -0.2040259, 1.0572252],
];
const KNEE = 6 / 29;
const GAMUT_STEPS = 12; // halvings of the chroma
const SLACK = 1e-4;

const apply = (matrix, [x, y, z]) => matrix.map(([a, b, c]) => a * x + b * y + c * z);
const linearise = (v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const encode = (v) => (v <= 0.0031308 ? v * 12.92 : 1.055 * v ** (1 / 2.4) - 0.055);
const f = (v) => (v > KNEE ** 3 ? Math.cbrt(v) : v / (3 * KNEE * KNEE) + 4 / 29);
const unf = (v) => (v > KNEE ? v ** 3 : 3 * KNEE * KNEE * (v - 4 / 29));

export function toLab(rgb) {
  const [x, y, z] = apply(TO_XYZ, rgb.map(linearise)).map((v, i) => f(v / WHITE[i]));
  return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
}

/** Not clipped: a component outside 0..1 means that sRGB lacks the colour. */
export function toRgb([L, a, b]) {
  const y = (L + 16) / 116;
  const xyz = [unf(y + a / 500), unf(y), unf(y - b / 200)].map((v, i) => v * WHITE[i]);
  return apply(TO_RGB, xyz).map((v) => (v < 0 ? v * 12.92 : encode(v)));
}

export const inGamut = (rgb) => rgb.every((v) => v >= -SLACK && v <= 1 + SLACK);

/** The strongest chroma that sRGB has at this lightness and hue (degrees). */
export function maxChroma(L, hue) {
  const [cos, sin] = [Math.cos((hue * Math.PI) / 180), Math.sin((hue * Math.PI) / 180)];
  let share = 0;
  for (let step = 1; step <= GAMUT_STEPS; step++) {
    const tried = share + 0.5 ** step;
    if (inGamut(toRgb([L, 140 * tried * cos, 140 * tried * sin]))) share = tried;
  }
  return 140 * share;
}

/** The colour of this lightness, hue and chroma; chroma is lowered until sRGB has it. */
export function fromPolar(L, hue, chroma) {
  const c = Math.min(chroma, maxChroma(L, hue));
  const angle = (hue * Math.PI) / 180;
  return toRgb([L, c * Math.cos(angle), c * Math.sin(angle)]).map((v) => Math.min(1, Math.max(0, v)));
}

/** [hue in degrees, chroma] of a colour. */
export function toPolar(rgb) {
  const [, a, b] = toLab(rgb);
  return [((Math.atan2(b, a) * 180) / Math.PI + 360) % 360, Math.hypot(a, b)];
}

export const toHex = (rgb) =>
  "#" + rgb.map((v) => Math.round(Math.min(1, Math.max(0, v)) * 255).toString(16).padStart(2, "0")).join("");

export const parseHex = (hex) => [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255);

/** Any colour that CSS can name as #rrggbb; null for what it cannot. */
export function parseColor(text) {
  const word = text.trim().toLowerCase();
  const probe = document.createElement("canvas").getContext("2d");
  for (const start of ["#000000", "#ffffff"]) {
    probe.fillStyle = start;
    probe.fillStyle = /^[0-9a-f]{6}$/.test(word) ? `#${word}` : word;
    if (probe.fillStyle !== start) break;
    if (start === "#ffffff" && !["#ffffff", "#fff", "white"].includes(word)) return null;
  }
  return /^#[0-9a-f]{6}$/.test(probe.fillStyle) ? probe.fillStyle : null;
}
