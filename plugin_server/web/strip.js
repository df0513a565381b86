// The film strip: every open photo; click to bring one to the front, put it away with the cross.

import { t } from "./texts.js";

export function mountStrip(desk, choose) {
  const strip = document.getElementById("strip");
  const list = document.getElementById("strip-list");
  document.getElementById("strip-add").addEventListener("click", choose);

  function frameOf(photo) {
    const frame = document.createElement("li");
    const show = document.createElement("button");
    const image = document.createElement("img");
    const away = document.createElement("button");
    show.type = away.type = "button";
    show.className = "frame";
    show.title = photo.name;
    show.setAttribute("aria-current", String(photo === desk.current));
    image.src = photo.shown?.thumbnail ?? photo.thumbnail;
    image.alt = t("stripItem", { name: photo.name });
    show.append(image);
    show.addEventListener("click", () => {
      desk.show(photo);
      list.children[desk.photos.indexOf(photo)]?.firstElementChild.focus();
    });
    away.className = "away";
    away.innerHTML = '<svg aria-hidden="true"><use href="#i-close"/></svg><span class="sr"></span>';
    away.lastElementChild.textContent = t("stripRemove", { name: photo.name });
    away.addEventListener("click", () => desk.remove(photo));
    frame.append(show, away);
    return frame;
  }

  function render() {
    strip.hidden = !desk.photos.length;
    list.replaceChildren(...desk.photos.map(frameOf));
  }
  desk.hear("photos photo", render);
  desk.hear("result results", () => {
    desk.photos.forEach((photo, at) => {
      const image = list.children[at]?.querySelector("img");
      const wanted = photo.shown?.thumbnail ?? photo.thumbnail;
      if (image && image.src !== wanted) image.src = wanted;
    });
  });
}
