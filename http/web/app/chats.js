/** The conversations at the side, and the one that is open. */

import { chatPane } from "./chat.js";
import * as client from "./client.js";
import { conversation, conversations, changed, loaded } from "./conversations.js";
import { menu } from "./dialog.js";
import { fill, h, icon, iconButton, keyed, soon } from "./dom.js";
import { avatar, brief } from "./faces.js";
import { isOnline, pickFriend } from "./friends.js";
import { createGroup, groupDialog } from "./groups.js";
import { tried } from "./notice.js";
import { preview } from "./message.js";
import { room } from "./room.js";
import { searchDialog } from "./search.js";
import { upButton } from "./shell.js";
import { t } from "./texts.js";

export function chats([open]) {
  const list = h("ul.conversations", { "aria-label": t("chats") });
  const empty = h("p.empty", { hidden: true }, t("no_chats"));
  const pane = h("section.pane", { "aria-label": t("messages") });
  const start = iconButton("add", t("new_chat"), () =>
    menu(start, [
      { label: t("chat_with_friend"), icon: "chat", run: openFriend },
      { label: t("new_group"), icon: "friends", run: createGroup },
    ]),
  );
  const side = h(
    "section.side",
    { "aria-label": t("chats") },
    h(
      "header.bar",
      null,
      h("h1", null, t("chats")),
      iconButton("search", t("search"), () => searchDialog()),
      start,
    ),
    list,
    empty,
  );
  const element = h("div.split", null, side, pane);
  let current = null;
  let shown = null;

  const draw = soon(() => {
    const items = conversations();
    keyed(
      list,
      items,
      ({ room: id }) => id,
      makeRow,
      (row, item) => drawRow(row, item, item.room === current),
    );
    empty.hidden = items.length > 0 || !loaded;
    shown?.title();
  });

  function go([id, seq]) {
    if (id && id === current) return seq && shown.jump(Number(seq));
    current = id ?? null;
    shown?.close();
    shown = id ? openRoom(pane, id) : null;
    if (!id) fill(pane, h("div.empty.middle", null, icon("chat"), h("p", null, t("pick_chat"))));
    if (seq) shown.jump(Number(seq));
    return draw();
  }

  const told = [changed.on(draw), client.named.on(draw)];
  go([open]);
  return { element, go, close: () => (shown?.close(), told.forEach((stop) => stop())) };
}

function makeRow(item) {
  const top = h("span.row-top", null, h("b.row-name"), h("time.row-time"));
  const bottom = h("span.row-bottom", null, h("span.row-text"), h("b.badge", { hidden: true }));
  return h(
    "li",
    null,
    h("a.row", { href: `#/chats/${item.room}` }, h("span.row-face"), h("span.row-words", null, top, bottom)),
  );
}

function drawRow(row, item, isCurrent) {
  const link = row.firstChild;
  const name = titleOf(item);
  const online = isOnline(item.peer?.user);
  const drawn = JSON.stringify([
    name,
    online,
    item.last?.data,
    item.unread,
    item.draft,
    isCurrent,
    item.muted,
    item.pinned,
    client.nameOf(item.last?.data.sender),
  ]);
  if (row.drawn === drawn) return;
  row.drawn = drawn;
  const [face, word] = link.children;
  fill(face, avatar(item.peer?.user ?? item.room, name, online));
  const [top, bottom] = word.children;
  fill(top.firstChild, name, item.pinned && icon("pin"), item.muted && icon("hide"));
  top.lastChild.textContent = brief(item.last?.at ?? item.moved_at);
  const draft = item.draft && !isCurrent;
  fill(bottom.firstChild, draft ? [h("em", null, t("draft")), item.draft] : preview(item.last, item.kind === "group"));
  bottom.lastChild.hidden = item.unread === 0;
  bottom.lastChild.textContent = item.unread_more ? "999+" : item.unread;
  bottom.lastChild.setAttribute("aria-label", t("unread_count", { count: item.unread }));
  if (isCurrent) link.setAttribute("aria-current", "true");
  else link.removeAttribute("aria-current");
}

export const titleOf = (item) =>
  item
    ? ((item.kind === "direct" && item.peer ? client.person(item.peer.user)?.nickname : undefined) ?? item.name ?? "…")
    : "…";

function openRoom(pane, id) {
  const head = h("h2");
  const sub = h("small.quiet");
  const direct = () => conversation(id)?.kind === "direct";
  const more = iconButton("more", t("more"), () => {
    const item = conversation(id);
    const change = (data) => tried(client.salon.request("conversation_update", { room: id, ...data }));
    menu(more, [
      { label: t("search_here"), icon: "search", run: () => searchDialog(id) },
      !direct() && { label: t("group_members"), icon: "friends", run: () => groupDialog(id) },
      { label: t(item?.pinned ? "unpin" : "pin"), icon: "pin", run: () => change({ pinned: !item?.pinned }) },
      { label: t(item?.muted ? "unmute" : "mute"), icon: "hide", run: () => change({ muted: !item?.muted }) },
      {
        label: t("hide_chat"),
        icon: "close",
        run: async () => {
          await change({ hidden: true });
          location.hash = "#/chats";
        },
      },
    ]);
  });
  const chat = chatPane(room(id), { direct, compact: false });
  const title = () => {
    const item = conversation(id);
    fill(head, titleOf(item));
    const peer = item?.peer?.user;
    fill(sub, peer ? (isOnline(peer) ? t("online") : "") : "");
    if (item?.peer) {
      chat.room.raise(peer, "read", item.peer.read);
      chat.room.raise(peer, "delivered", item.peer.delivered);
    }
  };
  fill(pane, h("header.bar", null, upButton("#/chats"), h("div.bar-title", null, head, sub), more), chat.element);
  title();
  const item = conversation(id);
  if (item?.draft && !chat.room.draft) chat.draft(item.draft);
  return { title, close: chat.close, jump: chat.jump };
}

async function openFriend() {
  const user = await pickFriend();
  if (!user) return;
  const answer = await tried(client.salon.openDirect(user));
  if (answer) location.hash = `#/chats/${answer.room}`;
}
