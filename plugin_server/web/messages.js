// What the page says: a status line that screen readers hear, refusals, and the server's notices.

export class Messages {
  #status = document.getElementById("status");
  #error = document.getElementById("error");
  #errorText = document.getElementById("error-text");
  #notices = document.getElementById("notices");

  constructor() {
    document.getElementById("error-close").addEventListener("click", () => (this.#error.hidden = true));
  }

  say(text) {
    this.#status.textContent = text;
    this.#error.hidden = true;
  }

  /** Show an error's own words; what somebody cancelled is none. */
  fail(error) {
    if (error?.name === "AbortError") return;
    this.#status.textContent = "";
    this.#errorText.textContent = error.message;
    this.#error.hidden = false;
  }

  /** Show notices in place of those before; each is said once. */
  note(notices) {
    const wanted = notices.join("\n");
    if (this.#notices.dataset.shown === wanted) return;
    this.#notices.dataset.shown = wanted;
    this.#notices.replaceChildren(...notices.map(paragraph));
  }
}

function paragraph(text) {
  const element = document.createElement("p");
  element.className = "note";
  element.textContent = text;
  return element;
}
