/**
 * For a screen in the room: one photo after the other, each new one as soon as it is there, and the way in.
 *
 * Promises  a photo is shown when it is loaded, not before; one that is taken back is gone at once.
 */

import { fill, h, iconButton, still } from "./dom.js";
import { linkOf, qrCanvas, spelled } from "./invitation.js";
import { Picture } from "./pictures.js";
import { t } from "./texts.js";

const SHOWN_MS = 6_000;
/** A picture that does not come must not stop the others. */
const PATIENCE_MS = 8_000;

export function projector(album, code) {
  const seen = new Set(album.sorted().map(({ photo }) => photo));
  const queue = [];
  const stage = h("div.projector-stage");
  const count = h("p.quiet");
  const corner = h(
    "div.projector-corner",
    null,
    code && [qrCanvas(linkOf(code), { scale: 4 }), h("b", null, spelled(code))],
    count,
  );
  const element = h(
    "dialog.projector",
    { "aria-label": t("projector") },
    stage,
    corner,
    h("div.projector-title", null, album.info.title),
    iconButton("close", t("close"), () => element.close()),
  );
  let shown = null;
  let timer;
  let at = -1;

  function next() {
    clearTimeout(timer);
    const photos = album.sorted().filter(({ variants }) => variants.length > 0);
    let photo;
    while (queue.length > 0 && !photo) photo = album.photos.get(queue.shift());
    if (!photo && photos.length > 0) {
      at = (at + 1) % photos.length;
      photo = photos[at];
    }
    if (!photo) {
      fill(stage, h("p.projector-wait", null, t("waiting_for_photos")));
      return void (timer = setTimeout(next, 2_000));
    }
    show(photo);
  }

  function show(photo) {
    const picture = new Picture(album, photo, { fit: "contain" });
    picture.element.style.setProperty("--ratio", photo.width / photo.height);
    const frame = h("div.projector-frame", { class: still() ? "" : "soft" }, picture.element);
    picture.need(Math.max(innerWidth, innerHeight) * devicePixelRatio * 0.85, photo);
    const since = Date.now();
    const ready = () => {
      if (!element.open) return picture.close();
      if (!picture.sharp && Date.now() - since < PATIENCE_MS) return setTimeout(ready, 100);
      const before = shown;
      shown = { id: photo.photo, picture, frame };
      stage.append(frame);
      requestAnimationFrame(() => frame.classList.add("there"));
      setTimeout(
        () => {
          before?.frame.remove();
          before?.picture.close();
          stage.querySelector(".projector-wait")?.remove();
        },
        still() ? 0 : 900,
      );
      return (timer = setTimeout(next, SHOWN_MS));
    };
    ready();
  }

  const stop = album.on(({ list, info }) => {
    if (info) {
      if (album.gone !== null) return element.close();
      count.textContent = t("viewers", { count: album.viewers });
    }
    if (!list) return undefined;
    for (const { photo } of album.sorted()) {
      if (seen.has(photo)) continue;
      seen.add(photo);
      queue.push(photo);
    }
    if (shown && !album.photos.has(shown.id)) {
      shown.frame.remove();
      shown.picture.close();
      shown = null;
      next();
    }
    return undefined;
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "ArrowRight" || event.key === " ") next();
  });
  element.addEventListener("close", () => {
    stop();
    clearTimeout(timer);
    shown?.picture.close();
    if (document.fullscreenElement) document.exitFullscreen().catch(() => {});
    element.remove();
  });
  let asleep;
  navigator.wakeLock?.request("screen").then(
    (lock) => (asleep = lock),
    () => {},
  );
  const whole = () => document.fullscreenElement || element.close();
  element.addEventListener("close", () => {
    document.removeEventListener("fullscreenchange", whole);
    asleep?.release();
  });
  count.textContent = t("viewers", { count: album.viewers });
  const open = (full) => {
    document.body.append(element);
    element.showModal();
    if (full) document.addEventListener("fullscreenchange", whole);
    next();
  };
  // What becomes full screen later would lie above the dialog. Some browsers do not let a page: then it fills the window.
  const full = document.documentElement.requestFullscreen?.();
  if (full)
    full.then(
      () => open(true),
      () => open(false),
    );
  else open(false);
}
