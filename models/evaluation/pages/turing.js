"use strict";
/* Shows each photo once, as it was or coloured, and counts the answers. */

{
  const $ = (id) => document.getElementById(id);
  const photos = JSON.parse(atob($("data").textContent));
  const ANSWERS = { arrowleft: "original", o: "original", arrowright: "coloured", c: "coloured" };
  const Z = 1.959964; // the normal distribution's 97.5 % quantile
  let order = [];
  let answers = [];
  let since = 0;
  let saved = "";

  /** Return 0..count-1 in random order (Fisher and Yates). */
  function shuffled(count) {
    const list = Array.from({ length: count }, (_, i) => i);
    for (let i = count - 1; i > 0; i -= 1) {
      const j = Math.floor(Math.random() * (i + 1));
      [list[i], list[j]] = [list[j], list[i]];
    }
    return list;
  }

  /** Tell whether a photo's version at a place, 0 or 1, is the coloured one. */
  function isColoured(photo, place) {
    return ((photo.mark ^ photo.mask) & 1) === 1 ? place === 1 : place === 0;
  }

  /** Return the 95 % interval of a share (Wilson 1927). */
  function interval(hits, count) {
    if (count === 0) return [0, 1];
    const share = hits / count;
    const middle = share + (Z * Z) / (2 * count);
    const half = Z * Math.sqrt((share * (1 - share)) / count + (Z * Z) / (4 * count * count));
    const whole = 1 + (Z * Z) / count;
    return [Math.max(0, (middle - half) / whole), Math.min(1, (middle + half) / whole)];
  }

  function begin() {
    answers = [];
    // Half of the photos, to within one, are shown coloured.
    const flips = shuffled(photos.length).map((rank) => rank % 2);
    order = shuffled(photos.length).map((index, turn) => ({ index, coloured: flips[turn] === 1 }));
    for (const id of ["start", "end"]) $(id).hidden = true;
    $("trial").hidden = false;
    show();
  }

  function show() {
    const { index, coloured } = order[answers.length];
    const photo = photos[index];
    const turn = `Photo ${answers.length + 1} of ${order.length}`;
    $("photo").src = photo.pictures[isColoured(photo, 0) === coloured ? 0 : 1];
    $("photo").width = photo.size[0];
    $("photo").height = photo.size[1];
    $("photo").alt = turn;
    $("progress").textContent = turn;
    since = performance.now();
  }

  function answer(given) {
    if ($("trial").hidden) return;
    const { index, coloured } = order[answers.length];
    const milliseconds = Math.round(performance.now() - since);
    const truth = coloured ? "coloured" : "original";
    answers.push({ photo: index, truth, answer: given, milliseconds });
    if (answers.length < order.length) show();
    else finish();
  }

  /** Count the "original"s among the photos that truly were one or the other. */
  function count(truth) {
    const those = answers.filter((one) => one.truth === truth);
    const called = those.filter((one) => one.answer === "original").length;
    const share = those.length ? called / those.length : null;
    return { shown: those.length, called_original: called, share, interval_95: interval(called, those.length) };
  }

  const percent = (share) => (share === null ? "–" : `${Math.round(100 * share)}\u00a0%`);

  function finish() {
    const counts = { coloured: count("coloured"), original: count("original") };
    const right = answers.filter((one) => one.truth === one.answer).length;
    const fooled = counts.coloured;
    $("trial").hidden = true;
    $("end").hidden = false;
    $("verdict").textContent =
      `${fooled.called_original} of ${fooled.shown} coloured photos fooled you: ` +
      `${percent(fooled.share)} (95\u00a0% interval ${fooled.interval_95.map(percent).join(" to ")}).`;
    $("meaning").textContent =
      `${right} of ${answers.length} answers were right. Whoever cannot tell at all calls coloured ` +
      "photos original as often as the true originals.";
    $("counts").replaceChildren(
      ...Object.entries(counts).map(([truth, row]) => {
        const line = document.createElement("tr");
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = truth;
        line.append(head);
        for (const text of [
          row.shown,
          row.called_original,
          percent(row.share),
          row.interval_95.map(percent).join(" to "),
        ]) {
          line.insertCell().textContent = text;
        }
        return line;
      }),
    );
    $("seen").replaceChildren(
      ...answers.map((one, turn) => {
        const item = document.createElement("li");
        const picture = document.createElement("img");
        const photo = photos[one.photo];
        picture.src = photo.pictures[isColoured(photo, 0) === (one.truth === "coloured") ? 0 : 1];
        picture.alt = `Photo ${turn + 1}`;
        const words = document.createElement("span");
        words.className = one.truth === one.answer ? "quiet" : "wrong";
        words.textContent = `${one.truth}; you said ${one.answer}`;
        item.append(picture, words);
        return item;
      }),
    );
    const result = { photos: answers.length, right, ...counts, answers };
    if (saved) URL.revokeObjectURL(saved);
    saved = URL.createObjectURL(
      new Blob([`${JSON.stringify(result, null, 1)}\n`], { type: "application/json" }),
    );
    $("save").href = saved;
    $("question").focus();
  }

  $("begin").addEventListener("click", begin);
  $("again").addEventListener("click", begin);
  $("original").addEventListener("click", () => answer("original"));
  $("coloured").addEventListener("click", () => answer("coloured"));
  document.addEventListener("keydown", (event) => {
    const given = ANSWERS[event.key.toLowerCase()];
    if (!given || event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    if ($("trial").hidden) return;
    event.preventDefault();
    answer(given);
  });
}
