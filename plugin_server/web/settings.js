// The settings inside a result: PNG text, or XMP in the other formats (docs/http-api.md).

const KEYWORD = "photochrom";
const PNG = [0x89, 0x50, 0x4e, 0x47];
const SEARCHED = 4 << 20; // bytes at either end of a file in which an XMP packet is looked for

/** The settings object in a file, or null. */
export async function readSettings(file) {
  try {
    const head = new Uint8Array(await file.slice(0, 4).arrayBuffer());
    const text = PNG.every((byte, at) => head[at] === byte) ? await fromPng(file) : await fromXmp(file);
    const settings = text === null ? null : JSON.parse(text);
    return settings && typeof settings === "object" && "model" in settings ? settings : null;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError) return null; // damaged: none
    throw error;
  }
}

/** Walk the chunks without reading the pixels: iTXt, not compressed, with our keyword. */
async function fromPng(file) {
  for (let at = 8; at + 8 <= file.size; ) {
    const view = new DataView(await file.slice(at, at + 8).arrayBuffer());
    const length = view.getUint32(0);
    const name = String.fromCharCode(...new Uint8Array(view.buffer, 4, 4));
    if (name === "IEND") return null;
    if (name === "iTXt") {
      const content = new Uint8Array(await file.slice(at + 8, at + 8 + length).arrayBuffer());
      const text = readText(content);
      if (text !== null) return text;
    }
    at += 12 + length;
  }
  return null;
}

function readText(content) {
  const decode = (bytes) => new TextDecoder().decode(bytes);
  const keywordEnd = content.indexOf(0);
  if (decode(content.subarray(0, keywordEnd)) !== KEYWORD || content[keywordEnd + 1] !== 0) return null;
  const languageEnd = content.indexOf(0, keywordEnd + 3);
  const translatedEnd = content.indexOf(0, languageEnd + 1);
  return decode(content.subarray(translatedEnd + 1));
}

async function fromXmp(file) {
  const parts = [file.slice(0, SEARCHED)];
  if (file.size > SEARCHED) parts.push(file.slice(Math.max(SEARCHED, file.size - SEARCHED)));
  const found = /<photochrom:settings>([\s\S]*?)<\/photochrom:settings>/.exec(await new Blob(parts).text());
  return found ? found[1].replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll("&amp;", "&") : null;
}

/** SHA-256 in hex; null where the browser offers none (a page that is neither local nor https). */
export async function sha256(blob) {
  if (!globalThis.crypto?.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await blob.arrayBuffer());
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
