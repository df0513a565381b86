// The page's words in the language it was served in; texts/*.json hold them.

const texts = JSON.parse(document.getElementById("texts").textContent);

const numbers = new Intl.NumberFormat(texts.lang, { useGrouping: false });

const written = (value) => (typeof value === "number" ? numbers.format(value) : String(value));

/** The text of this name, with {placeholders} filled in and numbers as its language writes them. */
export function t(name, values = {}) {
  const text = texts[name];
  if (text === undefined) throw new Error(`texts/*.json has no ${name}`);
  return text.replace(/\{(\w+)\}/g, (_, key) => written(values[key]));
}

/** A number with so many decimals, as the page's language writes it. */
export const decimal = (value, digits) =>
  value.toLocaleString(texts.lang, { minimumFractionDigits: digits, maximumFractionDigits: digits });

/** Whether there is such a text. */
export const hasText = (name) => name in texts;
