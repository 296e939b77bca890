/** One message: how it looks, and what can be done with it. */

import * as client from "./client.js";
import { confirm, dialog, menu } from "./dialog.js";
import { fill, h, icon, iconButton } from "./dom.js";
import { avatar, clock, fullTime } from "./faces.js";
import { notice, tried } from "./notice.js";
import { t } from "./texts.js";

const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "🙏"];
const LINK = /https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}'，。！？；：）]/g;

/** What an event of a room says in one line; undefined when it is not shown. A message says itself. */
export function outline({ type, data }) {
  const name = (id) => client.nameOf(id);
  if (type === "new_message") return " ";
  if (type === "room_created") return data.kind === "group" ? t("made_group", { name: name(data.by) }) : undefined;
  if (type === "room_updated") {
    if (data.name) return t("renamed", { name: name(data.by), title: data.name });
    return data.announcement ? t("announced", { name: name(data.by), text: data.announcement }) : undefined;
  }
  if (type !== "member_changed") return undefined;
  const key = data.action === "joined" && data.by !== data.user ? "invited" : data.action;
  return t(`member_${key}`, {
    name: name(data.user),
    by: name(data.by),
    role: data.role ? t(`role_${data.role}`) : "",
  });
}

/** The newest event in a list of conversations. */
export function preview(event, group) {
  if (!event) return "";
  const { type, data } = event;
  if (type !== "new_message") return outline(event) ?? "";
  const text = data.recalled ? t("recalled") : (data.text ?? t(data.kind === "image" ? "image" : "message"));
  if (data.sender === client.me()) return t("you_said", { text });
  return group ? `${client.nameOf(data.sender)}: ${text}` : text;
}

/** A text with its links, as elements. */
export function linked(text) {
  const parts = [];
  let end = 0;
  for (const found of text.matchAll(LINK)) {
    parts.push(text.slice(end, found.index));
    parts.push(h("a", { href: found[0], target: "_blank", rel: "noopener noreferrer" }, found[0]));
    end = found.index + found[0].length;
  }
  return [...parts, text.slice(end)];
}

export function makeMessage(room, item, acts) {
  const mine = item.entry.data.sender === client.me();
  const bubble = h("div.bubble");
  const row = h(
    "li.message",
    { class: mine ? "mine" : "" },
    h("span.face"),
    h("div.stack", null, h("span.sender"), bubble, h("div.reactions")),
    h("div.tools"),
  );
  row.item = item;
  const tools = row.lastChild;
  const react = iconButton("smile", t("react"), () => emojis(react, room, row.item.entry));
  const more = iconButton("more", t("more"), () => menu(more, actions(room, row.item.entry, acts, more)));
  fill(tools, react, more);
  bubble.addEventListener("dblclick", () => row.item.entry.seq && acts.reply(row.item.entry));
  return row;
}

/** Only what is not as it was: a room has thousands. */
export function drawMessage(row, room, item, acts) {
  const { entry, joined, pending } = item;
  const { data } = entry;
  const mine = data.sender === client.me();
  const receipt = mine && !pending ? room.receipt(entry.seq, acts.direct()) : null;
  const quoted = data.reply_to && room.entry(data.reply_to);
  row.item = item;
  const name = client.nameOf(data.sender);
  const drawn = JSON.stringify([data, joined, pending, receipt, quoted?.data, name, entry.seq]);
  if (row.drawn === drawn) return;
  row.drawn = drawn;
  row.classList.toggle("joined", Boolean(joined));
  row.classList.toggle("pending", Boolean(pending));
  row.dataset.seq = entry.seq ?? "";
  const [face, stack, tools] = row.children;
  const [sender, bubble, reactions] = stack.children;
  fill(face, !mine && !joined && avatar(data.sender, name));
  fill(sender, !mine && !joined && !acts.direct() && name);
  tools.hidden = Boolean(data.recalled || pending);
  const time = h("time.stamp", { title: fullTime(entry.at) }, data.edited && `${t("edited")} · `, clock(entry.at));
  if (data.recalled) {
    fill(bubble, h("em.quiet", null, t(mine ? "you_recalled" : "recalled")), h("span.foot", null, time));
  } else {
    const quote =
      data.reply_to &&
      h(
        "button.quote",
        { type: "button", onclick: () => acts.jump(data.reply_to) },
        h("b", null, quoted ? client.nameOf(quoted.data.sender) : t("reply")),
        " ",
        quoted ? (quoted.data.recalled ? t("recalled") : quoted.data.text) : "…",
      );
    const photo = data.photo && acts.photo?.(data.photo);
    fill(
      bubble,
      quote,
      photo,
      h("span.text", { dir: "auto" }, linked(data.text ?? t(data.kind === "image" ? "image" : "message"))),
      h("span.foot", null, time, mine && mark(room, entry, pending, receipt)),
    );
  }
  fill(
    reactions,
    (data.reactions ?? []).map(({ emoji, count, mine: own }) =>
      h(
        "button.reaction",
        {
          type: "button",
          "aria-pressed": String(own),
          "aria-label": t("reaction", { emoji, count }),
          onclick: () => tried(client.salon.react(room.id, entry.seq, emoji, !own)),
        },
        emoji,
        " ",
        count,
      ),
    ),
  );
}

/** Waiting, sent, delivered, read. */
function mark(room, entry, pending, receipt) {
  if (pending)
    return h(
      "span.receipt",
      { title: t("receipt_pending"), role: "img", "aria-label": t("receipt_pending") },
      icon("clock"),
    );
  const { word, read } = receipt;
  const label = read > 0 ? t("receipt_read_by", { count: read }) : t(`receipt_${word}`);
  return h(
    "span.receipt",
    { class: word, title: label, role: "img", "aria-label": label, dataset: { receipt: word } },
    icon(word === "sent" ? "check" : "checks"),
    read > 1 && read,
  );
}

function emojis(anchor, room, entry) {
  const own = new Set((entry.data.reactions ?? []).filter(({ mine }) => mine).map(({ emoji }) => emoji));
  menu(
    anchor,
    EMOJI.map((emoji) => ({
      label: emoji,
      run: () => tried(client.salon.react(room.id, entry.seq, emoji, !own.has(emoji))),
    })),
  );
  document.querySelector(".menu")?.classList.add("emojis");
}

function actions(room, entry, acts, anchor) {
  const { data, seq, at } = entry;
  const mine = data.sender === client.me();
  const recall = client.salon.session?.limits.recall_ms ?? 120_000;
  const role = client.salon.session?.rooms.find(({ id }) => id === room.id)?.role;
  const may = (mine && Date.now() - at < recall) || (role && role !== "member" && !acts.direct());
  return [
    { label: t("reply"), icon: "reply", run: () => acts.reply(entry) },
    { label: t("react"), icon: "smile", run: () => emojis(anchor, room, entry) },
    { label: t("copy"), icon: "copy", run: () => tried(copy(data.text ?? "")) },
    mine && data.kind === "text" && !data.photo && { label: t("edit"), icon: "edit", run: () => acts.edit(entry) },
    mine && !acts.direct() && { label: t("who_read"), icon: "eye", run: () => tried(() => readBy(room, seq)) },
    may && {
      label: t("recall"),
      icon: "trash",
      danger: true,
      run: async () => {
        if (await confirm(t("recall"), t("recall_sure"), t("recall"))) tried(client.salon.recall(room.id, seq));
      },
    },
  ];
}

export async function copy(text) {
  // Pages without TLS have no clipboard.
  if (navigator.clipboard) await navigator.clipboard.writeText(text);
  else {
    const area = h("textarea", { value: text });
    (document.querySelector("dialog[open]") ?? document.body).append(area);
    area.select();
    document.execCommand("copy");
    area.remove();
  }
  notice(t("copied"));
}

async function readBy(room, seq) {
  const { members, read, delivered, read_count } = await client.salon.request("read_by", { room: room.id, seq });
  const names = (ids) =>
    ids?.length
      ? h(
          "ul",
          null,
          ids.map((id) => h("li", null, client.nameOf(id))),
        )
      : h("p.quiet", null, t("nobody"));
  dialog(t("who_read"), [
    h("p", null, t("read_of", { read: read?.length ?? read_count ?? 0, members: members - 1 })),
    read && [h("h3", null, t("receipt_read")), names(read)],
    delivered && [h("h3", null, t("receipt_delivered")), names(delivered.filter((id) => !read?.includes(id)))],
  ]);
}
