// The shelf: what the browser keeps of the desk, so that a reload loses nothing (IndexedDB).
//
// Records by store: photos {key, file, name}; edits {key: the photo's, edit, at}; results
// {key, photo, at, edit, blob, notices, seconds, marked}.

const NAME = "photochrom";
const STORES = ["photos", "edits", "results"];

const done = (request) =>
  new Promise((resolve, reject) => {
    request.addEventListener("success", () => resolve(request.result));
    request.addEventListener("error", () => reject(request.error));
  });

export class Shelf {
  #database;

  constructor(database) {
    this.#database = database;
  }

  /** Open the shelf; refused where the browser keeps nothing. */
  static async open() {
    const request = indexedDB.open(NAME, 1);
    request.addEventListener("upgradeneeded", () => {
      for (const store of STORES) request.result.createObjectStore(store, { keyPath: "key" });
    });
    return new Shelf(await done(request));
  }

  /** Everything: photos in their order, each with its edit and its results, the oldest first. */
  async all() {
    const [photos, edits, results] = await Promise.all(STORES.map((name) => done(this.#store(name).getAll())));
    const byTime = (a, b) => a.at - b.at;
    const whole = photos.map((photo) => ({
      ...photo,
      ...edits.find(({ key }) => key === photo.key),
      results: results.filter((result) => result.photo === photo.key).sort(byTime),
    }));
    return whole.sort(byTime);
  }

  /** Written at once: a page that goes away would lose a transaction that is left open. */
  async put(store, record) {
    const records = this.#store(store, "readwrite");
    const request = records.put(record);
    records.transaction.commit();
    await done(request);
  }

  async remove(store, key) {
    await done(this.#store(store, "readwrite").delete(key));
  }

  async clear() {
    await Promise.all(STORES.map((name) => done(this.#store(name, "readwrite").clear())));
  }

  #store(name, mode = "readonly") {
    return this.#database.transaction(name, mode).objectStore(name);
  }
}
