// What the server found of a description: its things, and the place of each.
//
// Event: "change" (the things of the photo in front are others now).

import { fetchPicture, findThings } from "./api.js";
import { placeOf } from "./mask.js";

const REMEMBERED = 12; // descriptions of one photo

export class Found extends EventTarget {
  #answers = new WeakMap(); // photo -> Map: description -> {things, places}

  /** Things are looked for when a description's picture is there, so that they never delay it. */
  constructor(desk, fail) {
    super();
    desk.hear("result", () => this.#ask(desk.current).catch(fail));
    desk.hear("photo edit", () => this.dispatchEvent(new Event("change")));
  }

  /** The things of what is asked now, each phrase once; null where that is not known yet. */
  things(photo) {
    const description = photo.edits.now.description.trim();
    return description ? (this.#answer(photo, description)?.things ?? null) : [];
  }

  /** The place where a thing was found; null where it was not. */
  async place(photo, thing) {
    if (!thing.mask) return null;
    const description = photo.edits.now.description.trim();
    const places = this.#answer(photo, description)?.places;
    if (!places) return null; // the words have just changed
    if (!places.has(thing.phrase)) {
      const place = this.#fetch(photo, description, thing);
      places.set(thing.phrase, place);
      place.catch(() => places.delete(thing.phrase));
    }
    return places.get(thing.phrase);
  }

  #answer(photo, description) {
    return this.#answers.get(photo)?.get(description);
  }

  async #ask(photo) {
    const description = photo?.edits.now.description.trim();
    if (!description || photo.shown?.edit.description.trim() !== description) return;
    if (this.#answer(photo, description)) return;
    if (!this.#answers.has(photo)) this.#answers.set(photo, new Map());
    const known = this.#answers.get(photo);
    const answer = { things: null, places: new Map() }; // asked for, not known yet
    known.set(description, answer);
    if (known.size > REMEMBERED) known.delete(known.keys().next().value);
    try {
      answer.things = await this.#find(photo, description);
    } catch (error) {
      known.delete(description);
      throw error;
    }
    this.dispatchEvent(new Event("change"));
  }

  async #find(photo, description) {
    const all = await photo.ask((image) => findThings({ ...image, description }));
    return all.filter(({ phrase }, at) => all.findIndex((other) => other.phrase === phrase) === at);
  }

  /** The server keeps masks for a while only: then the thing is looked for again. */
  async #fetch(photo, description, thing) {
    try {
      return placeOf(await fetchPicture(thing.mask));
    } catch (error) {
      if (error.status !== 404) throw error;
      const again = (await this.#find(photo, description)).find(({ phrase }) => phrase === thing.phrase);
      return again?.mask ? placeOf(await fetchPicture(again.mask)) : null;
    }
  }
}
