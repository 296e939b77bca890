/**
 * Which conversations there are, in which order, and what is unread: the list at the side.
 *
 * Does not  keep messages: a room does.
 */

import { all, events, isGuest, Told, me, opened, renewed, salon, signals } from "./client.js";
import { calm } from "./dom.js";
import { trouble } from "./notice.js";

/** More than anybody scrolls through. */
const CONVERSATIONS_MAX = 500;
const RELOAD_MS = 300;

const items = new Map();
export const changed = new Told();
/** Whether the list was read at least once. */
export let loaded = false;

export const conversation = (room) => items.get(room);
export const unread = () => [...items.values()].reduce((sum, { muted, unread: own }) => sum + (muted ? 0 : own), 0);

/** Pinned ones, then the newest first. */
export function conversations() {
  const at = (item) => item.last?.at ?? item.moved_at ?? 0;
  return [...items.values()].sort((a, b) => Number(b.pinned) - Number(a.pinned) || at(b) - at(a));
}

export function clear() {
  items.clear();
  loaded = false;
}

export const reload = calm(RELOAD_MS, async () => {
  const mine = salon;
  // Guests have none.
  if (!mine || isGuest()) return;
  try {
    const found = await all("conversations", {}, CONVERSATIONS_MAX);
    if (mine !== salon) return;
    const before = new Map(items);
    items.clear();
    for (const item of found) {
      if (item.kind === "photo_session") continue;
      const { moved_at, read = 0 } = before.get(item.room) ?? {};
      items.set(item.room, { moved_at, ...item });
      // The server hears within a second what has been read.
      if (read > item.read) seen(item.room, read);
    }
    loaded = true;
    changed.tell();
  } catch (error) {
    trouble(error);
  }
});

/** One has read up to here, on this device. */
export function seen(room, seq) {
  const item = items.get(room);
  if (!item || item.read >= seq) return;
  item.read = seq;
  if (seq >= (item.last?.seq ?? 0)) item.unread = 0;
  changed.tell();
}

opened.on(reload);
renewed.on((room) => (room === null || room === "inbox") && reload());

events.on((event) => {
  const { type, room, seq, at, data } = event;
  if (room === "inbox") {
    if (type === "conversation_updated" && items.has(data.room) && !data.hidden) {
      Object.assign(items.get(data.room), data);
      changed.tell();
    } else if (type !== "friend_requested" && type !== "friend_updated") reload();
    return;
  }
  const item = items.get(room);
  if (!item) {
    if (type === "new_message" || type === "room_created") reload();
    return;
  }
  item.seq = Math.max(item.seq, seq);
  if (type === "new_message" && seq > (item.last?.seq ?? 0)) {
    item.last = event;
    item.moved_at = at;
    if (data.sender !== me() && seq > item.read && !data.recalled) item.unread += 1;
  } else if (type === "message_recalled" || type === "message_edited") {
    if (item.last?.seq === data.target || item.unread > 0) reload();
  } else if (type === "room_updated" && data.name) item.name = data.name;
  changed.tell();
});

signals.on(({ type, room, data }) => {
  const item = items.get(room);
  if (type === "presence") return changed.tell();
  if (!item || (type !== "message_read" && type !== "message_delivered")) return undefined;
  if (data.user === me()) {
    if (type === "message_read") seen(room, data.seq);
  } else if (item.peer) {
    const { read, delivered } = item.peer;
    if (type === "message_read") item.peer.read = Math.max(read, data.seq);
    item.peer.delivered = Math.max(delivered, data.seq);
  }
  return undefined;
});
