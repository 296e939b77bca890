/** What can be done with photos, wherever they are shown: like, select into lists, download. */

import * as client from "./client.js";
import { dialog, form } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { notice, say, tried } from "./notice.js";
import { t } from "./texts.js";

export const FAVOURITES = "favourites";
const PHOTOS_PER_CALL_MAX = 200;

export const listName = (list) => (list === FAVOURITES ? t("favourites") : list);

export function like(album, id) {
  const photo = album.photos.get(id);
  if (!photo || !album.may("like")) return undefined;
  const liked = !photo.liked;
  say(t(liked ? "liked" : "not_liked"));
  return album.change(photo, { liked, likes: Math.max(0, (photo.likes ?? 0) + (liked ? 1 : -1)) }, () =>
    client.salon.request("photo_mark", { session: album.id, photos: [id], mark: "like", on: liked }),
  );
}

export function mark(album, id, list, on) {
  const photo = album.photos.get(id);
  const lists = on ? [...new Set([...photo.lists, list])] : photo.lists.filter((one) => one !== list);
  say(t(on ? "selected_into" : "taken_from", { list: listName(list) }));
  return album.change(photo, { lists }, () =>
    client.salon.request("photo_mark", {
      session: album.id,
      photos: [id],
      mark: "select",
      list: list === FAVOURITES ? undefined : list,
      on,
    }),
  );
}

export function toggleFavourite(album, id) {
  const photo = album.photos.get(id);
  if (photo && album.may("select")) mark(album, id, FAVOURITES, !photo.lists.includes(FAVOURITES));
}

/** One's own lists, with how many are in each. */
export function ownLists(album) {
  const counts = new Map([[FAVOURITES, 0]]);
  for (const { lists } of album.photos.values())
    for (const list of lists) counts.set(list, (counts.get(list) ?? 0) + 1);
  return counts;
}

/** Which lists these photos are in, to be ticked. */
export function listDialog(album, ids) {
  const rows = h("div.boxes");
  const draw = () =>
    fill(
      rows,
      [...ownLists(album)].map(([list, count]) => {
        const all = ids.every((id) => album.photos.get(id)?.lists.includes(list));
        const turn = (event) =>
          ids.forEach(
            (id) =>
              album.photos.get(id)?.lists.includes(list) !== event.target.checked &&
              mark(album, id, list, event.target.checked),
          );
        return h(
          "label.check",
          null,
          h("input", { type: "checkbox", checked: all, onchange: turn }),
          h("span", null, listName(list)),
          h("small.quiet", null, count),
        );
      }),
    );
  const add = (event) => {
    event.preventDefault();
    const list = input.value.trim();
    if (!list) return;
    ids.forEach((id) => mark(album, id, list, true));
    input.value = "";
    draw();
  };
  const input = h("input", { maxLength: 40, placeholder: t("new_list"), "aria-label": t("new_list") });
  const opened = dialog(
    t("select_into"),
    [rows, h("form.inline", { onsubmit: add }, input, h("button.quiet", null, t("add")))],
    { onclose: () => stop() },
  );
  const stop = album.on(draw);
  draw();
  return opened.done;
}

export const mayDownload = (album) => album.may("download") && album.info.permissions.download !== "off";
const originals = (album) => album.info.permissions.download === "original" && album.opens.includes("original");

export function download(album, id) {
  const photo = album.photos.get(id);
  if (!photo || !mayDownload(album)) return notice(t("no_download"));
  const url = album.url(photo, originals(album) ? "original" : album.variant(photo, 4096));
  return url ? save(url, photo.name) : notice(t("not_ready"));
}

/** Several as one file: `photos`, a `list`, or all. */
export async function downloadMany(album, { photos, list } = {}) {
  if (photos?.length > PHOTOS_PER_CALL_MAX) return notice(t("too_many", { count: PHOTOS_PER_CALL_MAX }));
  const original = originals(album);
  const run = async (values) => {
    const { url } = await client.salon.request("photo_download", {
      session: album.id,
      photos,
      list,
      original: values?.which === "original",
    });
    save(url.startsWith("/") || /^https?:/.test(url) ? url : `/${url}`);
  };
  if (!original) return tried(run);
  return form(
    t("download"),
    [
      {
        name: "which",
        type: "select",
        label: t("size"),
        value: "original",
        options: [
          ["original", t("originals")],
          ["preview", t("previews")],
        ],
      },
    ],
    t("download"),
    run,
  );
}

/** Lets the browser store it. */
export function save(url, name) {
  const link = h("a", { href: url, download: name ?? "" });
  (document.querySelector("dialog[open]") ?? document.body).append(link);
  link.click();
  link.remove();
}

/** What stands on a tile; `pick` has a place to click for choosing it. */
export function decorate(tile, photo, selected = false, pick = false) {
  const { liked, likes, comments, lists, pinned, state, status } = photo;
  const drawn = JSON.stringify([liked, likes, comments, lists, pinned, state, status, selected]);
  if (tile.drawn === drawn) return;
  tile.drawn = drawn;
  tile.button.classList.toggle("selected", selected);
  tile.button.classList.toggle("hidden-photo", state === "hidden");
  fill(
    tile.overlay,
    h(
      "span.corner.top",
      null,
      pinned && h("i", { title: t("pinned") }, icon("pin")),
      state === "hidden" && h("i", null, icon("hide")),
      lists.length > 0 && h("i", null, icon("mark")),
      selected && !pick && h("i.tick", null, icon("check")),
    ),
    pick && h("span.pick", { title: t("choose_this") }, icon("check")),
    h(
      "span.corner.bottom",
      null,
      status === "failed" && h("i.bad", null, t("failed")),
      likes > 0 && h("i", { class: liked ? "liked" : "" }, icon("heart"), likes),
      comments > 0 && h("i", null, icon("chat"), comments),
    ),
  );
}

export function describe(photo, at, selected = false) {
  const { liked, likes, comments, lists, pinned, state, title, name } = photo;
  return [
    t("photo_at", { at }),
    title ?? name,
    pinned && t("pinned"),
    state === "hidden" && t("hidden"),
    state === "pending" && t("pending"),
    likes > 0 && t("likes", { count: likes }),
    liked && t("liked"),
    comments > 0 && t("comments_count", { count: comments }),
    lists.length > 0 && t("in_lists", { lists: lists.map(listName).join(", ") }),
    selected && t("chosen"),
  ]
    .filter(Boolean)
    .join(", ");
}
