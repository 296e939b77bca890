/** A photo session as viewers see it: the wall, the chat beside it, everything one may do. */

import { Album, keepWay, way } from "./album.js";
import { chatPane } from "./chat.js";
import * as client from "./client.js";
import { menu } from "./dialog.js";
import { fill, h, icon, iconButton, soon } from "./dom.js";
import { invite } from "./invitation.js";
import { lightbox } from "./lightbox.js";
import { tried, words } from "./notice.js";
import {
  decorate,
  describe,
  download,
  downloadMany,
  like,
  listDialog,
  listName,
  mayDownload,
  ownLists,
  toggleFavourite,
} from "./photo_actions.js";
import { Picture } from "./pictures.js";
import { projector } from "./projector.js";
import { room } from "./room.js";
import { keep, kept } from "./settings.js";
import { upButton } from "./shell.js";
import { has, t } from "./texts.js";
import { wall } from "./wall.js";

/** `/s/CODE`, by somebody who is logged in: enters, and goes to the session. */
export function visit([code]) {
  const element = h("div.page", null, h("p.empty.middle", null, t("entering")));
  tried(async () => {
    try {
      const { room: session } = await client.salon.joinSession({ code });
      keepWay(session, { code, known: true });
      location.replace(`#/session/${session}`);
    } catch (error) {
      fill(element, h("p.empty.middle", null, words(error), " ", h("a", { href: "#/sessions" }, t("sessions"))));
    }
  });
  return { element };
}

export function viewer([id]) {
  const album = new Album(id);
  const chosen = new Set();
  const news = new Set();
  let newest = kept(`newest:${id}`, false);
  let list = null;
  let choosing = false;
  let open = null;

  const title = h("h1");
  const sub = h("p.session-sub", { role: "status" });
  const tools = h("div.tools");
  const bar = h("div.choice-bar", { hidden: true, role: "toolbar", "aria-label": t("chosen") });
  const state = h("div.wall-state");
  const photos = wall({
    album,
    label: t("photos"),
    newest: () => newest,
    open: (photo) => (choosing ? choose(photo) : openPhoto(photo)),
    keys,
    decorate: (tile, photo) => decorate(tile, photo, chosen.has(photo.photo)),
    describe: (photo, at) => describe(photo, at, chosen.has(photo.photo)),
  });
  const side = h("aside.session-chat", { hidden: true, "aria-label": t("chat") });
  let chat = null;
  const element = h(
    "div.session",
    null,
    h("header.bar.session-bar", null, upButton("#/sessions"), h("div.bar-title", null, title, sub), tools),
    h(
      "div.session-body",
      null,
      h("section.session-wall", { "aria-label": t("photos") }, bar, state, photos.element),
      side,
    ),
  );

  const fits = (photo) =>
    (photo.state === undefined || photo.state === "live") && (list === null || photo.lists.includes(list));
  function ids() {
    const shown = album.sorted(fits);
    // The newest first, but pinned ones stay above.
    const order = newest
      ? [...shown.filter(({ pinned }) => pinned), ...shown.filter(({ pinned }) => !pinned).reverse()]
      : shown;
    return order.map(({ photo }) => photo);
  }

  function update() {
    for (const photo of chosen) if (!album.photos.has(photo)) chosen.delete(photo);
    photos.update(ids(), [...news]);
    news.clear();
    drawState();
    drawBar();
  }
  const later = soon(update);

  function drawHead() {
    const { info } = album;
    if (!info) return;
    title.textContent = info.title;
    const count = album.sorted().length;
    fill(
      sub,
      h("span", null, t("photos_count", { count })),
      h("span.dot", { "aria-hidden": "true" }),
      h("span", null, t("viewers", { count: album.viewers })),
      info.closed_at && h("span.tag", null, t("closed")),
    );
    const more = iconButton("more", t("more"), () => menu(more, actions()));
    const count_new = room(id);
    fill(
      tools,
      h(
        "button.icon-button.chat-button",
        {
          type: "button",
          "aria-label": t("chat"),
          title: t("chat"),
          "aria-pressed": String(!side.hidden),
          onclick: turnChat,
        },
        icon("chat"),
        h("b.badge", { hidden: !count_new.unseen }, count_new.unseen ?? ""),
      ),
      info.settings?.code && iconButton("code", t("invite"), () => invite(info.settings.code, info.title)),
      iconButton("screen", t("projector"), () => projector(album, code())),
      album.staff && h("a.button.quiet", { href: `#/studio/${id}` }, icon("settings"), h("span", null, t("studio"))),
      more,
    );
  }

  const code = () => album.info.settings?.code ?? way(id).code;

  function actions() {
    const lists = [...ownLists(album)].filter(([, count]) => count > 0);
    const turn = (value) => () => {
      list = value;
      photos.update([]);
      update();
      photos.settle();
    };
    return [
      {
        label: t(newest ? "oldest_first" : "newest_first"),
        icon: "list",
        run: () => {
          newest = !newest;
          keep(`newest:${id}`, newest);
          photos.update([]);
          update();
          photos.settle();
        },
      },
      (album.may("select") || mayDownload(album)) && {
        label: t("choose"),
        icon: "check",
        run: () => choose(null, true),
      },
      list !== null && { label: t("all_photos"), icon: "photos", run: turn(null) },
      ...lists
        .filter(([name]) => name !== list)
        .map(([name, count]) => ({ label: `${listName(name)} (${count})`, icon: "mark", run: turn(name) })),
      mayDownload(album) &&
        list !== null && { label: t("download_list"), icon: "download", run: () => downloadMany(album, { list }) },
      mayDownload(album) && { label: t("download_all"), icon: "download", run: () => downloadMany(album) },
      code() &&
        !album.info.settings && { label: t("invite"), icon: "code", run: () => invite(code(), album.info.title) },
    ];
  }

  function drawState() {
    const { gone } = album;
    if (gone !== null) {
      const text = has(`session_${gone}`) ? t(`session_${gone}`) : words({ code: gone });
      fill(
        state,
        h(
          "div.empty.middle",
          null,
          icon("photos"),
          h("p", null, text),
          h("a", { href: "#/sessions" }, t("enter_code")),
        ),
      );
    } else if (!album.loaded) fill(state, h("p.empty.middle", null, t("loading")));
    else if (ids().length === 0)
      fill(
        state,
        h("div.empty.middle", null, icon("photos"), h("p", null, t(list === null ? "no_photos_yet" : "empty_list"))),
      );
    else
      fill(
        state,
        list !== null &&
          h(
            "p.filter-line",
            null,
            icon("mark"),
            listName(list),
            " ",
            h(
              "button.text-button",
              { type: "button", onclick: () => ((list = null), update(), photos.settle()) },
              t("all_photos"),
            ),
          ),
      );
  }

  function choose(photo, on = choosing) {
    choosing = on;
    if (photo) chosen.has(photo) ? chosen.delete(photo) : chosen.add(photo);
    if (!on) chosen.clear();
    element.classList.toggle("choosing", choosing);
    photos.redraw();
    drawBar();
  }

  function drawBar() {
    bar.hidden = !choosing;
    if (!choosing) return;
    const some = chosen.size > 0;
    fill(
      bar,
      h("b", { "aria-live": "polite" }, t("chosen_count", { count: chosen.size })),
      album.may("select") &&
        h(
          "button.quiet",
          { type: "button", disabled: !some, onclick: () => listDialog(album, [...chosen]) },
          icon("mark"),
          t("select_into"),
        ),
      mayDownload(album) &&
        h(
          "button.quiet",
          { type: "button", disabled: !some, onclick: () => downloadMany(album, { photos: [...chosen] }) },
          icon("download"),
          t("download"),
        ),
      h("button.quiet", { type: "button", onclick: () => choose(null, false) }, t("done")),
    );
  }

  function keys(event, photo) {
    const run = {
      l: () => like(album, photo),
      s: () => toggleFavourite(album, photo),
      d: () => download(album, photo),
      x: () => choose(photo, true),
      Escape: () => choosing && choose(null, false),
    }[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    run?.();
    return Boolean(run);
  }

  function openPhoto(photo) {
    open = lightbox(album, photo, {
      order: ids,
      closed: (last) => {
        open = null;
        if (album.photos.has(last)) photos.focus(last);
      },
    });
  }

  /** What a comment is about, small. */
  function thumb(photo) {
    const known = album.photos.get(photo);
    if (!known) return null;
    const picture = new Picture(album, known);
    picture.need(200);
    return h(
      "button.thumb",
      { type: "button", "aria-label": t("photo"), onclick: () => openPhoto(photo) },
      picture.element,
    );
  }

  function turnChat() {
    side.hidden = !side.hidden;
    element.classList.toggle("with-chat", !side.hidden);
    if (!side.hidden && !chat) {
      chat = chatPane(room(id), {
        direct: () => false,
        canWrite: () => album.may("comment") || album.staff,
        compact: true,
        photo: thumb,
      });
      fill(
        side,
        h("header.bar", null, h("h2", null, t("chat")), iconButton("close", t("close"), turnChat)),
        chat.element,
      );
    }
    if (side.hidden) {
      chat?.close();
      chat = null;
      fill(side);
    } else {
      room(id).unseen = 0;
      side.querySelector("textarea")?.focus();
    }
    drawHead();
  }

  const stops = [
    album.on(({ photos: changed, list: order, info, media, fresh = [] }) => {
      for (const photo of fresh) news.add(photo);
      // What was taken back must not stay for another frame.
      if (order && changed) update();
      else if (order) later();
      if (changed) photos.refresh(changed);
      if (media) photos.redraw();
      if (info || order) drawHead();
      if (info) (drawState(), chat?.draw());
    }),
    client.events.on((event) => {
      if (event.room !== id || event.type !== "new_message" || event.data.sender === client.me() || !side.hidden)
        return;
      room(id).unseen = (room(id).unseen ?? 0) + 1;
      drawHead();
    }),
  ];
  drawState();
  album.open();
  return {
    element,
    close() {
      open?.close();
      chat?.close();
      photos.close();
      album.close();
      stops.forEach((stop) => stop());
    },
  };
}
