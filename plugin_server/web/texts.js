// The page's words in the language it was served in; texts/en.json holds them.

const texts = JSON.parse(document.getElementById("texts").textContent);

/** The text of this name, with {placeholders} filled in. */
export function t(name, values = {}) {
  const text = texts[name];
  if (text === undefined) throw new Error(`texts/*.json has no ${name}`);
  return text.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
}

/** Whether there is such a text. */
export const hasText = (name) => name in texts;
