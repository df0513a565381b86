// The server's notices are English; those that describe a reading are said in the page's language.

import { t } from "./texts.js";

const KNOWN = [
  [/^The \w+ description was read as: (?<english>.*)$/s, "noticeReadAs"],
  [/^Not understood: (?<words>.*)\. Use another word for it, or the English one\.$/s, "noticeUnknown"],
  [/^"(?<written>.*)" was read as "(?<meant>.*)"\.$/s, "noticeMended"],
  [/^Hardly anything in the photo looks like "(?<phrase>.*)": use a commoner word for it \("car" for a make of car\), or dab the colour on it\.$/s, "noticeNotFound"],
];

/** A notice in the page's language, as it came where it is none of those. */
export function inPageLanguage(notice) {
  for (const [pattern, name] of KNOWN) {
    const found = pattern.exec(notice);
    if (found) return t(name, withoutEnglish(found.groups));
  }
  return notice;
}

/** "(perhaps "kleid"?) and 2 more" needs no words. */
function withoutEnglish(values) {
  if (!values.words) return values;
  const words = values.words.replace(/\(perhaps ("[^"]*"\?)\)/g, "($1)").replace(/ and (\d+) more$/, ", +$1");
  return { words };
}
