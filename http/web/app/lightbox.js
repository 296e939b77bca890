/** One photo over everything: looking closer, going on, liking, selecting, commenting, downloading. */

import * as client from "./client.js";
import { uuid } from "../salon.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { avatar, brief } from "./faces.js";
import { gestures } from "./gestures.js";
import { linked } from "./message.js";
import { notice, say, tried } from "./notice.js";
import { download, FAVOURITES, like, listDialog, mayDownload, toggleFavourite } from "./photo_actions.js";
import { Picture } from "./pictures.js";
import { t } from "./texts.js";

const COMMENT_MAX = 2_000;

/** `order()` gives the ids that one may go through; `closed(id)` is told where one was last. */
export function lightbox(album, first, { order, closed, extra }) {
  let current = first;
  let picture = null;
  let enlarged = false;
  const spare = new Map();
  const stage = h("div.stage", { tabIndex: -1 });
  const moved = h("div.stage-move");
  stage.append(moved);
  const caption = h("div.caption");
  const place = h("span.place", { "aria-live": "polite" });
  const aside = h("aside.comments", { hidden: true, "aria-label": t("comments") });
  const tools = h("div.tools");
  const element = h(
    "dialog.lightbox",
    { "aria-label": t("photo") },
    h(
      "header",
      null,
      place,
      tools,
      iconButton("close", t("close"), () => element.close()),
    ),
    h(
      "div.lightbox-body",
      null,
      h(
        "div.stage-box",
        null,
        stage,
        iconButton("back", t("previous"), () => go(-1), { class: "previous" }),
        iconButton("forward", t("next"), () => go(1), { class: "next" }),
      ),
      aside,
    ),
    h("footer", null, caption),
  );
  const touch = gestures(stage, moved, {
    next: () => go(1),
    previous: () => go(-1),
    close: () => element.close(),
    tap: () => element.classList.toggle("bare"),
    scaled: (scale) => {
      enlarged = scale > 1;
      if (enlarged) picture.need(Math.max(stage.clientWidth, stage.clientHeight) * devicePixelRatio * scale);
    },
  });

  const photo = () => album.photos.get(current);
  const pixels = () => Math.max(stage.clientWidth, stage.clientHeight) * devicePixelRatio * 0.85;

  function show() {
    touch.reset();
    enlarged = false;
    const ids = order();
    const at = ids.indexOf(current);
    if (picture && picture !== spare.get(current)) picture.element.remove();
    picture = take(current);
    fill(moved, picture.element);
    picture.need(pixels(), photo());
    for (const [id, old] of spare) {
      if (![-1, 0, 1].some((step) => ids[at + step] === id)) {
        old.close();
        spare.delete(id);
      }
    }
    // The neighbours, so that going on does not wait.
    for (const step of [1, -1]) if (ids[at + step]) take(ids[at + step]).need(pixels());
    fill(place, t("photo_of", { at: at + 1, count: ids.length }));
    draw();
    if (!aside.hidden) drawComments();
  }

  function take(id) {
    if (!spare.has(id)) {
      const made = new Picture(album, album.photos.get(id), { fit: "contain" });
      const { width, height } = album.photos.get(id);
      made.element.style.aspectRatio = `${width} / ${height}`;
      made.element.style.setProperty("--ratio", width / height);
      spare.set(id, made);
    }
    return spare.get(id);
  }

  function draw() {
    const now = photo();
    if (!now) return;
    const toggle = (name, label, pressed, run, count) =>
      h(
        "button.icon-button",
        {
          type: "button",
          "aria-label": label,
          title: label,
          "aria-pressed": String(pressed),
          onclick: run,
          class: pressed ? "on" : "",
        },
        icon(name),
        count > 0 && h("span", null, count),
      );
    const focus = document.activeElement?.title;
    fill(
      tools,
      album.may("like") && toggle("heart", `${t("like")} (L)`, now.liked, () => like(album, current), now.likes),
      album.may("select") &&
        toggle("mark", `${t("favourite")} (S)`, now.lists.includes(FAVOURITES), () => toggleFavourite(album, current)),
      album.may("select") && iconButton("list", t("select_into"), () => listDialog(album, [current])),
      toggle("chat", t("comments"), !aside.hidden, turnComments, now.comments),
      mayDownload(album) && iconButton("download", `${t("download")} (D)`, () => download(album, current)),
      extra?.(current),
    );
    if (focus) [...tools.children].find(({ title }) => title === focus)?.focus();
    fill(
      caption,
      h("b", null, now.title ?? ""),
      " ",
      h("span.quiet", null, now.name),
      now.tags.map((tag) => h("span.tag", null, tag)),
    );
  }

  function go(step) {
    const ids = order();
    const next = ids[ids.indexOf(current) + step];
    if (!next) return notice(t(step > 0 ? "last_photo" : "first_photo"));
    current = next;
    show();
    return say(t("photo_of", { at: ids.indexOf(current) + 1, count: ids.length }));
  }

  function turnComments() {
    aside.hidden = !aside.hidden;
    if (!aside.hidden) drawComments();
    draw();
    picture.need(pixels());
  }

  async function drawComments() {
    const id = current;
    const list = h("ol.comment-list", null, h("li.quiet", null, t("loading")));
    const input = h("textarea", {
      rows: 2,
      maxLength: COMMENT_MAX,
      placeholder: t("write_comment"),
      "aria-label": t("write_comment"),
    });
    const send = async (event) => {
      event.preventDefault();
      const text = input.value.trim();
      if (!text) return;
      button.disabled = true;
      const cid = uuid();
      const sent = await tried(() =>
        client.patient(() => client.salon.request("photo_comment", { session: album.id, photo: id, cid, text })),
      );
      button.disabled = false;
      if (sent) input.value = "";
    };
    const button = h("button.send", { "aria-label": t("send") }, icon("send"));
    input.addEventListener(
      "keydown",
      (event) =>
        event.key === "Enter" && !event.shiftKey && !event.isComposing && (event.preventDefault(), button.click()),
    );
    fill(
      aside,
      h("h2", null, t("comments")),
      list,
      album.may("comment") && h("form.composer", { onsubmit: send }, input, button),
    );
    const page = await tried(client.salon.request("photo_comments", { session: album.id, photo: id, limit: 100 }));
    if (!page || id !== current) return;
    const rows = page.events.filter(({ type, data }) => type === "new_message" && !data.recalled).map(comment);
    fill(list, rows.length > 0 ? rows : h("li.empty", null, t("no_comments")));
    list.scrollTop = list.scrollHeight;
    list.photo = id;
  }

  function comment({ at, data }) {
    return h(
      "li",
      null,
      avatar(data.sender, client.nameOf(data.sender)),
      h(
        "div",
        null,
        h("b", null, client.nameOf(data.sender)),
        " ",
        h("small.quiet", null, brief(at)),
        h("p", null, linked(data.text ?? "")),
      ),
    );
  }

  element.addEventListener("keydown", (event) => {
    if (event.target.matches("input, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    const run = {
      ArrowRight: () => go(1),
      ArrowLeft: () => go(-1),
      " ": () => go(1),
      l: () => like(album, current),
      s: () => toggleFavourite(album, current),
      d: () => download(album, current),
      c: turnComments,
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!run || (event.key === " " && event.target.matches("button"))) return;
    event.preventDefault();
    run();
  });
  const stops = [
    album.on(({ photos = [], list, info }) => {
      if (info && album.gone !== null) return element.close();
      if (!album.photos.has(current)) {
        notice(t("photo_gone"));
        const ids = order().filter((id) => album.photos.has(id));
        if (ids.length === 0) return element.close();
        spare.get(current)?.close();
        spare.delete(current);
        current = ids[Math.min(at_before, ids.length - 1)];
        return show();
      }
      at_before = order().indexOf(current);
      if (photos.includes(current)) {
        draw();
        picture.need(pixels(), photo());
      }
      if (list) fill(place, t("photo_of", { at: at_before + 1, count: order().length }));
      return undefined;
    }),
    client.events.on(({ room, type, data }) => {
      if (room !== album.id || type !== "new_message" || data.photo !== current || aside.hidden) return;
      const list = aside.querySelector(".comment-list");
      list.querySelector(".empty")?.remove();
      list.append(comment({ at: Date.now(), data }));
      list.scrollTop = list.scrollHeight;
    }),
  ];
  let at_before = order().indexOf(first);
  const sizes = new ResizeObserver(() => picture?.need(pixels()));
  element.addEventListener("close", () => {
    stops.forEach((stop) => stop());
    sizes.disconnect();
    for (const old of spare.values()) old.close();
    element.remove();
    closed?.(current);
  });
  document.body.append(element);
  element.showModal();
  sizes.observe(stage);
  show();
  stage.focus();
  return { close: () => element.close() };
}
