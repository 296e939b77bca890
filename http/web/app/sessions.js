/** The photo sessions that are one's own, and the way into others. */

import { keepWay } from "./album.js";
import * as client from "./client.js";
import { h, fill, icon, soon } from "./dom.js";
import { fullTime } from "./faces.js";
import { tried, words } from "./notice.js";
import { sessionForm } from "./session_form.js";
import { t } from "./texts.js";

const SESSIONS_MAX = 200;
/** Sessions whose covers are fetched: each takes a request. */
const COVERS_MAX = 24;

export function sessions() {
  const list = h("ul.session-cards");
  const fault = h("p.fault", { role: "alert" });
  const input = h("input.code-input", {
    name: "code",
    placeholder: t("access_code"),
    "aria-label": t("access_code"),
    maxLength: 40,
    autocomplete: "off",
    spellcheck: false,
    required: true,
  });
  const enter = async (event) => {
    event.preventDefault();
    fill(fault);
    try {
      const code = input.value.trim();
      const { room } = await client.salon.joinSession({ code });
      keepWay(room, { code, known: true });
      location.hash = `#/session/${room}`;
    } catch (error) {
      fill(fault, words(error));
    }
  };
  const make = async () => {
    const session = await sessionForm();
    if (session) location.hash = `#/studio/${session}`;
  };
  const element = h(
    "div.page",
    null,
    h(
      "header.bar",
      null,
      h("h1", null, t("sessions")),
      !client.isGuest() && h("button.primary", { type: "button", onclick: make }, icon("add"), t("new_session")),
    ),
    h(
      "div.column.wide",
      null,
      h("form.inline.enter-code", { onsubmit: enter }, icon("code"), input, h("button.quiet", null, t("watch"))),
      fault,
      list,
    ),
  );

  const load = soon(async () => {
    if (client.isGuest()) return;
    const items = await tried(() => client.all("photo_session_list", {}, SESSIONS_MAX));
    if (!items) return;
    fill(list, items.length > 0 ? items.map(card) : h("li.empty", null, t("no_sessions")));
  });
  const stop = client.opened.on(load);
  load();
  return { element, close: stop };
}

let covers = 0;

function card(info, at) {
  if (at === 0) covers = 0;
  const face = h("span.card-cover", null, icon("photos"));
  if (info.cover && (covers += 1) <= COVERS_MAX) cover(face, info);
  const staff = ["owner", "editor", "photographer"].includes(info.role);
  return h(
    "li.session-card",
    null,
    h(
      "a.session-open",
      { href: `#/session/${info.room}` },
      face,
      h(
        "span.card-words",
        null,
        h("b", null, info.title),
        h("small.quiet", null, t("photos_count", { count: info.photos }), " · ", t("viewers", { count: info.viewers })),
        h("small.quiet", null, info.closed_at ? t("closed") : fullTime(info.created_at)),
      ),
    ),
    staff &&
      h(
        "a.button.quiet",
        { href: `#/studio/${info.room}` },
        icon("settings"),
        t("studio"),
        info.pending > 0 && h("b.badge", { "aria-label": t("pending_count", { count: info.pending }) }, info.pending),
      ),
  );
}

async function cover(face, { room, cover: photo }) {
  try {
    const { query } = await client.salon.request("session_media", { session: room });
    const image = h("img", { alt: "", src: `/blobs/${photo}/400?${query}` });
    await image.decode();
    fill(face, image);
  } catch {
    // The sign in its place says enough.
  }
}
