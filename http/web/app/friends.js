/** Friends: who they are, who asks, finding others; and who is there. */

import * as client from "./client.js";
import { confirm, dialog, form, menu } from "./dialog.js";
import { calm, fill, h, icon, iconButton, soon } from "./dom.js";
import { avatar, brief } from "./faces.js";
import { notice, tried } from "./notice.js";
import { t } from "./texts.js";

const FRIENDS_MAX = 1_000;

let friends = [];
let asking = [];
let asked = [];
const online = new Set();
/** Requests that came just now, and are told when there is a name. */
const fresh = new Set();
export const changed = new client.Told();

export const waiting = () => asking.length;
export const isOnline = (user) => online.has(user);

const reload = calm(200, async () => {
  const mine = client.salon;
  if (!mine || client.isGuest()) return;
  const lists = await tried(
    Promise.all([
      client.all("friends", {}, FRIENDS_MAX),
      client.all("friend_requests", { direction: "incoming" }, FRIENDS_MAX),
      client.all("friend_requests", { direction: "outgoing" }, FRIENDS_MAX),
    ]),
  );
  if (!lists || mine !== client.salon) return;
  [friends, asking, asked] = lists;
  online.clear();
  for (const { user, online: there } of friends) if (there) online.add(user.id);
  client.know(...lists.flat().map(({ user }) => user));
  for (const { user } of asking) if (fresh.delete(user.id)) notice(t("friend_asks", { name: user.nickname }));
  changed.tell();
});

client.opened.on(reload);
client.renewed.on((room) => (room === null || room === "inbox") && reload());
client.events.on(({ room, type, data }) => {
  if (room !== "inbox" || !type.startsWith("friend_")) return;
  reload();
  if (type === "friend_requested") fresh.add(data.user);
});
client.signals.on(({ type, data }) => {
  if (type !== "presence") return;
  if (data.online) online.add(data.user);
  else online.delete(data.user);
  const friend = friends.find(({ user }) => user.id === data.user);
  if (friend) Object.assign(friend, { online: data.online, last_seen: data.last_seen ?? friend.last_seen });
  changed.tell();
});

const act = (type, user, data) => tried(client.salon.request(type, { user, ...data })).then((done) => (reload(), done));

export function view() {
  const list = h("ul.people", { "aria-label": t("friends") });
  const requests = h("div");
  const results = h("ul.people", { "aria-label": t("found") });
  const input = h("input", { type: "search", placeholder: t("find_people"), "aria-label": t("find_people") });
  const find = calm(250, async (q) => {
    matches = null;
    if (!q) return fill(results);
    const found = await tried(client.salon.request("search_users", { q }));
    if (!found || input.value.trim() !== q) return undefined;
    client.know(...found.items);
    matches = found.items.filter(({ id }) => id !== client.me());
    return drawMatches();
  });
  const drawMatches = () =>
    matches && fill(results, matches.length > 0 ? matches.map(foundRow) : h("li.empty", null, t("nobody_found")));
  let matches = null;
  input.addEventListener("input", () => find(input.value.trim()));
  const element = h(
    "div.page",
    null,
    h("header.bar", null, h("h1", null, t("friends"))),
    h("div.column", null, h("label.search-field", null, icon("search"), input), results, requests, list),
  );

  const draw = soon(() => {
    fill(
      requests,
      asking.length > 0 && [h("h2", null, t("requests")), h("ul.people", null, asking.map(askRow))],
      asked.length > 0 && [h("h2", null, t("requests_sent")), h("ul.people", null, asked.map(askedRow))],
      h("h2", null, t("friends")),
    );
    const sorted = [...friends].sort((a, b) => Number(b.online) - Number(a.online) || title(a).localeCompare(title(b)));
    fill(list, sorted.length > 0 ? sorted.map(friendRow) : h("li.empty", null, t("no_friends")));
    drawMatches();
  });
  const stop = changed.on(draw);
  draw();
  return { element, close: stop };
}

const title = ({ user, remark }) => remark || user.nickname;

function row(user, name, sub, ...tools) {
  return h(
    "li.person",
    null,
    avatar(user.id, name, isOnline(user.id)),
    h("span.person-words", null, h("b", null, name), sub && h("small.quiet", null, sub)),
    h("span.person-tools", null, tools),
  );
}

function friendRow(friend) {
  const { user, remark, online: there, last_seen } = friend;
  const chat = iconButton("chat", t("chat_with", { name: title(friend) }), () => openDirect(user.id));
  const more = iconButton("more", t("more"), () =>
    menu(more, [
      {
        label: t("remark"),
        icon: "edit",
        run: () =>
          form(
            t("remark"),
            [{ name: "remark", label: t("remark"), value: remark ?? "", maxLength: 64 }],
            t("save"),
            async (values) => {
              await client.salon.request("friend_remark", { user: user.id, ...values });
              reload();
            },
          ),
      },
      {
        label: t("remove_friend"),
        icon: "trash",
        danger: true,
        run: async () => {
          if (await confirm(t("remove_friend"), t("remove_friend_sure", { name: title(friend) }), t("remove")))
            act("friend_remove", user.id);
        },
      },
    ]),
  );
  const seen = there ? t("online") : last_seen ? t("last_seen", { at: brief(last_seen) }) : "";
  return row(user, title(friend), remark ? `${user.nickname} · ${seen}` : seen, chat, more);
}

function askRow({ user, message, at }) {
  return row(
    user,
    user.nickname,
    message || brief(at),
    h("button.primary", { type: "button", onclick: () => act("friend_accept", user.id) }, t("accept")),
    h("button.quiet", { type: "button", onclick: () => act("friend_reject", user.id) }, t("reject")),
  );
}

function askedRow({ user, at }) {
  return row(
    user,
    user.nickname,
    t("asked_at", { at: brief(at) }),
    h("button.quiet", { type: "button", onclick: () => act("friend_remove", user.id) }, t("take_back")),
  );
}

function foundRow(user) {
  const isFriend = friends.some((one) => one.user.id === user.id);
  if (!isFriend && asked.some((one) => one.user.id === user.id)) return row(user, user.nickname, t("asked"));
  const ask = () =>
    form(
      t("ask_friend", { name: user.nickname }),
      [{ name: "message", label: t("words_for_request"), maxLength: 200 }],
      t("ask"),
      async ({ message }) => {
        await client.salon.request("friend_request", { user: user.id, message: message || undefined });
        notice(t("asked"));
        reload();
      },
    );
  return row(
    user,
    user.nickname,
    user.bio,
    isFriend
      ? iconButton("chat", t("chat_with", { name: user.nickname }), () => openDirect(user.id))
      : h("button.primary", { type: "button", onclick: ask }, t("add_friend")),
  );
}

async function openDirect(user) {
  const answer = await tried(client.salon.openDirect(user));
  if (answer) location.hash = `#/chats/${answer.room}`;
}

/** Lets one choose a friend: his id, or undefined. */
export async function pickFriend() {
  const buttons = friends.map((friend) =>
    h(
      "li",
      null,
      h(
        "button.person",
        { type: "button", onclick: () => opened.close(friend.user.id) },
        avatar(friend.user.id, title(friend), friend.online),
        h("b", null, title(friend)),
      ),
    ),
  );
  const none = h(
    "p.empty",
    null,
    t("no_friends"),
    " ",
    h("a", { href: "#/friends", onclick: () => opened.close() }, t("find_people")),
  );
  const opened = dialog(t("chat_with_friend"), buttons.length > 0 ? h("ul.people", null, buttons) : none);
  return opened.done;
}

/** Boxes to tick, for groups and sessions. */
export function friendBoxes(except = new Set()) {
  const open = friends.filter(({ user }) => !except.has(user.id));
  return h(
    "fieldset.friend-boxes",
    null,
    h("legend", null, t("friends")),
    open.length === 0 && h("p.empty", null, t("no_friends")),
    open.map((friend) =>
      h(
        "label.check",
        null,
        h("input", { type: "checkbox", name: "members", value: friend.user.id }),
        avatar(friend.user.id, title(friend)),
        h("span", null, title(friend)),
      ),
    ),
  );
}
