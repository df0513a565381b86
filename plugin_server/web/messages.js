// What the page says: a status line that screen readers hear, refusals, and the server's notices.

import { inPageLanguage } from "./notices.js";
import { t } from "./texts.js";

export class Messages {
  #status = document.getElementById("status");
  #errors = document.getElementById("errors");
  #list = document.getElementById("error-list");
  #all = document.getElementById("errors-close");
  #notices = document.getElementById("notices");

  constructor() {
    this.#all.addEventListener("click", () => {
      this.#list.replaceChildren();
      this.#count();
    });
  }

  say(text) {
    this.#status.textContent = text;
  }

  /**
   * Show an error's own words until they are dismissed; what somebody cancelled is none. An error
   * of a `topic` takes the place of the one before, and goes when that works again.
   */
  fail(error, topic = "") {
    if (error?.name === "AbortError") return;
    this.#status.textContent = "";
    if (topic) this.worked(topic);
    for (const entry of [...this.#list.children]) {
      if (entry.firstElementChild.textContent === error.message) entry.remove();
    }
    this.#list.append(this.#entry(error.message, topic));
    this.#count();
  }

  worked(topic) {
    for (const entry of [...this.#list.children]) {
      if (entry.dataset.topic === topic) entry.remove();
    }
    this.#count();
  }

  #entry(text, topic) {
    const entry = document.createElement("li");
    const words = document.createElement("p");
    const close = document.createElement("button");
    entry.className = "error";
    entry.dataset.topic = topic;
    words.textContent = text;
    close.type = "button";
    close.className = "icon";
    close.setAttribute("aria-label", t("dismiss"));
    close.innerHTML = '<svg aria-hidden="true"><use href="#i-close"/></svg>';
    close.addEventListener("click", () => {
      entry.remove();
      this.#count();
    });
    entry.append(words, close);
    return entry;
  }

  #count() {
    this.#errors.hidden = !this.#list.children.length;
    this.#all.hidden = this.#list.children.length < 2;
  }

  /** Show notices in place of those before; each is said once. */
  note(notices) {
    const wanted = notices.join("\n");
    if (this.#notices.dataset.shown === wanted) return;
    this.#notices.dataset.shown = wanted;
    this.#notices.replaceChildren(...notices.map((notice) => paragraph(inPageLanguage(notice))));
  }
}

function paragraph(text) {
  const element = document.createElement("p");
  element.className = "note";
  element.textContent = text;
  return element;
}
