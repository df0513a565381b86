// A photo on the desk: its file, the reduced copy for previews, its edits and its results.

import { colorize, keepImage, Refusal } from "./api.js";
import { Edits, freshKey } from "./edits.js";
import { t } from "./texts.js";

export const PREVIEW_SIDE = 1024; // pixels of the reduced copy's long side
export const THUMB_SIDE = 160;
const CANNOT_KEEP = [413, 501, 507]; // then the picture travels with every request
const FORGOTTEN = [404, 410]; // the server has let go of a kept picture
const UNREADABLE = [415, 422];
const TAIL = 1 << 16; // bytes at a file's end in which its end marker is looked for
const ENDS = [
  ["\xff\xd8", "\xff\xd9"], // JPEG
  ["\x89PNG", "IEND"],
];
const CONVERT = [
  [/\.(heic|heif)$/i, "errorHeic"],
  [/\.(cr2|cr3|nef|arw|raf|orf|rw2|dng|pef|srw)$/i, "errorRaw"],
];

export class Photo {
  key = freshKey(); // under which the browser keeps it
  results = []; // newest last
  shown = null; // the result on the stage
  refused = null; // the key of what the server refused last
  #kept = null; // promise of the reduced copy's id on the server

  constructor(file, picture, url, preview, edit) {
    this.edits = new Edits(edit);
    this.file = file;
    this.name = file.name || "photo.png";
    this.url = url; // of a picture that the browser can show
    this.width = picture.naturalWidth;
    this.height = picture.naturalHeight;
    this.scale = Math.min(1, PREVIEW_SIDE / Math.max(this.width, this.height));
    this.preview = preview.blob; // the reduced copy, PNG; the file itself where that is small
    this.pixels = preview.pixels; // ImageData of the reduced copy
    this.thumbnail = preview.thumbnail;
    this.previewIsFull = preview.blob === file; // and then a preview is the result itself
  }

  /** Open a file, with what is asked of it; what the browser cannot show (TIFF), the server turns into PNG first. */
  static async open(file, edit = undefined) {
    let shown = file;
    let picture = await load(shown).catch(() => null);
    if (picture === null) {
      try {
        shown = (await colorize({ image: file, saturation: 0, strength: 0 }, { accept: "image/png" })).blob;
        picture = await load(shown);
      } catch (error) {
        throw cannotOpen(file, error);
      }
    }
    const photo = new Photo(file, picture, picture.src, await reduce(picture, shown), edit);
    try {
      await photo.#check();
    } catch (error) {
      photo.close();
      throw cannotOpen(file, error);
    }
    return photo;
  }

  /** Let the server judge a file of which the browser may have shown a part for the whole. */
  async #check() {
    try {
      if (await isCutShort(this.file)) await keepImage(this.file);
    } catch (error) {
      if (UNREADABLE.includes(error.status)) throw error; // anything else, the first preview says
    }
  }

  /** The field that names the reduced copy: it is sent once and kept on the server. */
  async imageField() {
    this.#kept ??= keepImage(this.preview);
    try {
      return { image_id: await this.#kept };
    } catch (error) {
      this.#kept = null;
      if (CANNOT_KEEP.includes(error.status)) return { image: this.preview };
      throw error;
    }
  }

  /** Send a request about the reduced copy: once more where the server has let go of that. */
  async ask(send) {
    for (let attempt = 0; ; attempt++) {
      try {
        return await send(await this.imageField());
      } catch (error) {
        if (!FORGOTTEN.includes(error.status) || attempt) throw error;
        this.#kept = null;
      }
    }
  }

  /** [r, g, b] in 0..1 of the reduced copy at a full-size place. */
  colorAt(x, y) {
    const { data, width, height } = this.pixels;
    const column = Math.min(width - 1, Math.max(0, Math.floor((x + 0.5) * this.scale)));
    const row = Math.min(height - 1, Math.max(0, Math.floor((y + 0.5) * this.scale)));
    const at = 4 * (row * width + column);
    return [data[at] / 255, data[at + 1] / 255, data[at + 2] / 255];
  }

  get previewSize() {
    return [this.pixels.width, this.pixels.height];
  }

  close() {
    URL.revokeObjectURL(this.url);
    URL.revokeObjectURL(this.thumbnail);
    for (const result of this.results) result.close();
  }
}

function cannotOpen(file, error) {
  const known = CONVERT.find(([ending]) => ending.test(file.name));
  const reason = known ? t(known[1]) : error instanceof Refusal ? error.message : t("errorNoPicture");
  return new Error(t("errorOpen", { name: file.name, reason }), { cause: error });
}

/** Whether a file lacks its end, as one that was not transferred to the end. */
async function isCutShort(file) {
  const letters = async (part) =>
    Array.from(new Uint8Array(await part.arrayBuffer()), (byte) => String.fromCharCode(byte)).join("");
  const head = await letters(file.slice(0, 4));
  const [, end] = ENDS.find(([start]) => head.startsWith(start)) ?? [];
  return end !== undefined && !(await letters(file.slice(-TAIL))).includes(end);
}

/** Decode a blob into an <img>, upright. */
export async function load(blob) {
  const picture = new Image();
  picture.src = URL.createObjectURL(blob);
  try {
    await picture.decode();
  } catch (error) {
    URL.revokeObjectURL(picture.src);
    throw error;
  }
  return picture;
}

/** Draw a picture into a canvas of at most `side` pixels. */
export function drawn(picture, side, canvas = document.createElement("canvas")) {
  const [width, height] = [picture.naturalWidth ?? picture.width, picture.naturalHeight ?? picture.height];
  const scale = Math.min(1, side / Math.max(width, height));
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return canvas;
}

export const blobOf = (canvas, type = "image/png", quality = undefined) =>
  new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error(t("errorNoPicture")))), type, quality);
  });

async function reduce(picture, file) {
  const canvas = drawn(picture, PREVIEW_SIDE);
  const small = Math.max(picture.naturalWidth, picture.naturalHeight) <= PREVIEW_SIDE;
  const thumb = drawn(canvas, THUMB_SIDE);
  return {
    blob: small ? file : await blobOf(canvas),
    pixels: canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height),
    thumbnail: URL.createObjectURL(await blobOf(thumb, "image/jpeg", 0.85)),
  };
}
