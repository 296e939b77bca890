/**
 * Photos for those who decide about them: what waits (`pending`), and all of it in order (`arrange`).
 *
 * Keys      A lets through, H hides, P pins, X chooses, Shift and arrows choose on, Ctrl+A all, T title, G tags, Delete;
 *           Alt and arrows move a photo.
 */

import * as client from "./client.js";
import { confirm, form } from "./dialog.js";
import { fill, h, icon, soon } from "./dom.js";
import { lightbox } from "./lightbox.js";
import { notice, say, tried } from "./notice.js";
import { decorate, describe } from "./photo_actions.js";
import { t } from "./texts.js";
import { wall } from "./wall.js";

const PHOTOS_PER_CALL_MAX = 200;
/** What changes so soon after one has done something is taken for its effect. */
const ACTED_MS = 3_000;

export function photoDesk(album, mode) {
  const chosen = new Set();
  let filter = "live";
  let acted = 0;
  const bar = h("div.choice-bar", { role: "toolbar", "aria-label": t("chosen") });
  const empty = h("p.empty.middle", { hidden: true });
  const photos = wall({
    album,
    label: t(`tab_${mode === "pending" ? "gate" : "arrange"}`),
    wish: 210,
    open: (id) => openPhoto(id),
    keys,
    decorate: (tile, photo) => decorate(tile, photo, chosen.has(photo.photo), true),
    describe: (photo, at) => describe(photo, at, chosen.has(photo.photo)),
    move: mode === "arrange" && album.editor ? (id, behind) => move([id], behind) : undefined,
  });
  const element = h("div.desk", null, bar, empty, photos.element);

  const fits = ({ state }) =>
    mode === "pending"
      ? state === "pending"
      : filter === "hidden"
        ? state === "hidden"
        : state === undefined || state === "live";
  const ids = () => album.sorted(fits).map(({ photo }) => photo);

  function update() {
    const there = new Set(ids());
    for (const id of chosen) if (!there.has(id)) chosen.delete(id);
    photos.update([...there]);
    // One's own doing may move things: places that became empty are closed.
    if (Date.now() - acted < ACTED_MS) photos.settle();
    empty.hidden = there.size > 0 || !album.loaded;
    empty.textContent = t(
      mode === "pending" ? "nothing_waits" : filter === "hidden" ? "nothing_hidden" : "no_photos_yet",
    );
    drawBar();
  }

  /** What is chosen, or else where one is. */
  const meant = (id) => (chosen.size > 0 ? ids().filter((one) => chosen.has(one)) : id ? [id] : []);

  /** In as few requests as the server takes. */
  async function change(list, fields) {
    acted = Date.now();
    for (let at = 0; at < list.length; at += PHOTOS_PER_CALL_MAX) {
      const photos_now = list.slice(at, at + PHOTOS_PER_CALL_MAX);
      const done = await tried(() =>
        client.patient(() =>
          client.salon.request("photo_update", { session: album.id, photos: photos_now, ...fields }),
        ),
      );
      if (!done) return;
      if (fields.state === "live")
        for (const id of photos_now) Object.assign(album.photos.get(id) ?? {}, { state: "live" });
      if (fields.state === "hidden")
        for (const id of photos_now) Object.assign(album.photos.get(id) ?? {}, { state: "hidden" });
    }
    chosen.clear();
    album.tell({ list: true, photos: list });
  }

  function state(list, value) {
    if (list.length === 0 || !album.editor) return;
    change(list, { state: value });
    say(t(value === "live" ? "let_through_count" : "hidden_count", { count: list.length }));
  }

  async function remove(list) {
    if (
      list.length === 0 ||
      !(await confirm(t("delete_photos"), t("delete_photos_sure", { count: list.length }), t("delete")))
    )
      return;
    acted = Date.now();
    for (let at = 0; at < list.length; at += PHOTOS_PER_CALL_MAX) {
      await tried(
        client.salon.request("photo_delete", { session: album.id, photos: list.slice(at, at + PHOTOS_PER_CALL_MAX) }),
      );
    }
  }

  /** `behind` undefined: to the beginning, which the server has no word for: the first one goes behind. */
  async function move(list, behind) {
    if (!album.editor) return;
    const rest = ids().filter((id) => !list.includes(id));
    if (behind !== undefined) return change(list, { behind });
    return rest[0] && change([rest[0]], { behind: list.at(-1) });
  }

  function step(id, way) {
    const order = ids();
    const at = order.indexOf(id);
    if (way > 0 && order[at + 1]) move([id], order[at + 1]);
    // One back is: the one before goes behind.
    else if (way < 0 && order[at - 1]) move([order[at - 1]], id);
    say(t("moved_to", { at: at + 1 + way }));
  }

  function choose(id, on = !chosen.has(id)) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    photos.refresh([id]);
    drawBar();
  }

  function chooseOn(id, way) {
    const order = ids();
    const next = order[order.indexOf(id) + way];
    choose(id, true);
    if (next) {
      choose(next, true);
      photos.focus(next);
    }
  }

  const titleOf = (list) =>
    form(
      t("photo_title"),
      [{ name: "title", label: t("title"), maxLength: 200, value: album.photos.get(list[0])?.title ?? "" }],
      t("save"),
      ({ title }) => change(list, { title: title.trim() }),
    );
  const tagsOf = (list) =>
    form(
      t("tags"),
      [
        {
          name: "tags",
          label: t("tags"),
          hint: t("tags_hint"),
          value: (album.photos.get(list[0])?.tags ?? []).join(", "),
        },
      ],
      t("save"),
      ({ tags }) =>
        change(list, {
          tags: [
            ...new Set(
              tags
                .split(/[,，]/)
                .map((tag) => tag.trim())
                .filter(Boolean),
            ),
          ],
        }),
    );
  const cover = ([photo]) =>
    tried(async () => {
      await client.salon.request("photo_session_update", { session: album.id, cover: photo });
      notice(t("saved"));
    });
  const pin = (list) => change(list, { pinned: !list.every((id) => album.photos.get(id)?.pinned) });

  function keys(event, id) {
    const { key, altKey, shiftKey } = event;
    const arrow = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[key];
    if (arrow && altKey && mode === "arrange") step(id, arrow);
    else if (arrow && shiftKey) chooseOn(id, arrow);
    else {
      const list = meant(id);
      const run = {
        a: () => state(list, "live"),
        h: () => state(list, "hidden"),
        p: () => mode === "arrange" && album.editor && pin(list),
        x: () => choose(id),
        t: () => titleOf(list),
        g: () => tagsOf(list),
        Delete: () => remove(list),
        Backspace: () => remove(list),
        Escape: () => (chosen.clear(), update(), photos.redraw()),
      }[key.length === 1 ? key.toLowerCase() : key];
      if (!run || altKey) return false;
      run();
    }
    return true;
  }

  element.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "a" || event.target.matches("input, textarea"))
      return;
    event.preventDefault();
    ids().forEach((id) => chosen.add(id));
    photos.redraw();
    drawBar();
  });

  function drawBar() {
    const some = chosen.size > 0;
    const all = h(
      "button.text-button",
      {
        type: "button",
        onclick: () => {
          if (some) chosen.clear();
          else ids().forEach((id) => chosen.add(id));
          photos.redraw();
          drawBar();
        },
      },
      t(some ? "choose_none" : "choose_all"),
    );
    const act = (sign, name, run, kind = "quiet") =>
      h(
        "button",
        { type: "button", class: kind, disabled: !some, onclick: () => run(meant()), title: t(name) },
        icon(sign),
        h("span", null, t(name)),
      );
    const hidden = filter === "hidden" && mode === "arrange";
    fill(
      bar,
      h(
        "b",
        { "aria-live": "polite" },
        some ? t("chosen_count", { count: chosen.size }) : t("photos_count", { count: ids().length }),
      ),
      all,
      h("span.stretch"),
      mode === "arrange" &&
        h(
          "label.inline-select",
          null,
          h("span.spoken", null, t("show")),
          h(
            "select",
            { onchange: (event) => ((filter = event.target.value), (acted = Date.now()), chosen.clear(), update()) },
            ["live", "hidden"].map((one) => h("option", { value: one, selected: one === filter }, t(`show_${one}`))),
          ),
        ),
      album.editor &&
        (mode === "pending" || hidden) &&
        act("check", "let_through", (now) => state(now, "live"), "primary"),
      album.editor && !hidden && act("hide", "hide", (now) => state(now, "hidden")),
      mode === "arrange" && album.editor && act("pin", "pin", pin),
      mode === "arrange" && album.info?.role === "owner" && chosen.size < 2 && act("photos", "cover", cover),
      act("edit", "title", titleOf),
      act("list", "tags", tagsOf),
      act("trash", "delete", remove, "danger"),
    );
  }

  function openPhoto(id) {
    const extra = () =>
      album.editor &&
      mode === "pending" && [
        h("button.primary", { type: "button", onclick: () => state([current()], "live") }, t("let_through")),
        h("button.quiet", { type: "button", onclick: () => state([current()], "hidden") }, t("hide")),
      ];
    let last = id;
    const current = () => last;
    lightbox(album, id, {
      order: ids,
      closed: (at) => album.photos.has(at) && photos.focus(at),
      extra: (at) => ((last = at), extra()),
    });
  }

  // The mark chooses, and a click with a key, as in file managers.
  element.addEventListener(
    "click",
    (event) => {
      const id = event.target.closest?.(".tile")?.dataset.photo;
      if (!id || !(event.ctrlKey || event.metaKey || event.shiftKey || event.target.closest(".pick"))) return;
      event.stopPropagation();
      choose(id);
    },
    true,
  );

  const later = soon(update);
  const stop = album.on(({ list, photos: changed, media }) => {
    if (list) later();
    if (changed) photos.refresh(changed);
    if (media) photos.redraw();
  });
  update();
  return { element, close: () => (stop(), photos.close()) };
}
