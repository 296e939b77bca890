/**
 * One room's messages, as far as somebody has looked at them.
 *
 * Promises  in the order of `seq` and each once, whether it came live, by a page or again; a recalled message keeps no
 *           text; when nobody looks any more, only the newest page is kept.
 */

import { Told, events, me, opened, patient, renewed, salon, settled, signals } from "./client.js";

const PAGE = 60;
/** What one may have scrolled through before the newest are let go. */
const MESSAGES_MAX = 3_000;
const ROOMS_MAX = 20;
const TYPING_MS = 5_000;
/** What stands in a chat; the rest changes something that stands there. */
const SHOWN = ["new_message", "member_changed", "room_updated", "room_created"];

export class Room extends Told {
  #entries = new Map();
  #loading;
  /** Whether there are older ones. */
  more = true;
  loaded = false;
  /** `user` to `{read, delivered}`. */
  cursors = new Map();
  typing = new Map();
  /** What the person has written and not sent. */
  draft = "";

  constructor(id) {
    super();
    this.id = id;
  }

  /** Ascending. */
  get entries() {
    return [...this.#entries.values()].sort((a, b) => a.seq - b.seq);
  }

  get pending() {
    return salon?.pending().filter(({ room }) => room === this.id) ?? [];
  }

  get head() {
    return this.entries.at(-1)?.seq ?? 0;
  }

  entry(seq) {
    return this.#entries.get(seq);
  }

  /** The newest page, or the one before what is there. */
  load() {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  /** Pages back until `seq` is there; whether it is. */
  async reach(seq) {
    while (!this.#entries.has(seq) && (this.more || !this.loaded) && this.#entries.size < MESSAGES_MAX) {
      const before = this.#entries.size;
      await this.load();
      if (this.#entries.size === before && !this.more) break;
    }
    return this.#entries.has(seq);
  }

  /** Everything that was read is void. */
  forget() {
    this.#entries.clear();
    this.more = true;
    this.loaded = false;
    this.tell();
  }

  /** Nobody looks. */
  rest() {
    const old = this.entries.slice(0, -PAGE);
    if (old.length === 0) return;
    for (const { seq } of old) this.#entries.delete(seq);
    this.more = true;
  }

  raise(user, kind, seq) {
    const cursor = this.cursors.get(user) ?? { read: 0, delivered: 0 };
    cursor[kind] = Math.max(cursor[kind], seq);
    cursor.delivered = Math.max(cursor.delivered, cursor.read);
    this.cursors.set(user, cursor);
  }

  /** How far a message of one's own has got with the others: `sent`, `delivered`, `read`. */
  receipt(seq, direct) {
    const others = [...this.cursors].filter(([user]) => user !== me());
    const read = others.filter(([, cursor]) => cursor.read >= seq).length;
    const delivered = others.some(([, cursor]) => cursor.delivered >= seq);
    return { word: read > 0 ? "read" : delivered ? "delivered" : "sent", read: direct ? 0 : read };
  }

  typed(user) {
    clearTimeout(this.typing.get(user));
    const gone = () => this.typing.delete(user) && this.tell();
    this.typing.set(user, setTimeout(gone, TYPING_MS));
    this.tell();
  }

  apply(event) {
    // Before the first page nobody needs it: the page has it.
    if (!this.loaded && !this.#loading) return;
    this.#take(event, true);
    if (event.type === "new_message" && this.typing.has(event.data.sender)) {
      clearTimeout(this.typing.get(event.data.sender));
      this.typing.delete(event.data.sender);
    }
    this.tell(event);
  }

  async #read() {
    const first = this.entries[0]?.seq;
    const before = this.loaded && first ? { before: first } : {};
    const page = await patient(() => salon.history(this.id, { ...before, limit: PAGE, types: SHOWN }));
    for (const event of page.events) this.#take(event, false);
    this.more = page.more;
    this.loaded = true;
    this.tell();
  }

  #take({ type, seq, at, data }, live) {
    const target = this.#entries.get(data.target);
    if (SHOWN.includes(type)) {
      // A page that was asked for before the recall may come after it.
      if (!this.#entries.get(seq)?.data.recalled) this.#entries.set(seq, { type, seq, at, data });
    } else if (!live || !target) return;
    else if (type === "message_recalled") {
      const { sender, cid, kind } = target.data;
      target.data = { sender, cid, kind, recalled: true };
    } else if (type === "message_edited" && data.version > (target.data.edited?.version ?? 0)) {
      target.data = { ...target.data, text: data.text, edited: { at, version: data.version } };
    } else if (type === "reaction") target.data = { ...target.data, reactions: reacted(target.data.reactions, data) };
  }
}

function reacted(reactions = [], { user, emoji, on }) {
  const sums = reactions.map((sum) => ({ ...sum }));
  let sum = sums.find((one) => one.emoji === emoji);
  if (!sum) sums.push((sum = { emoji, count: 0, mine: false }));
  if (user === me()) {
    // One's own may have been counted already, when the page is read behind it.
    if (sum.mine === on) return sums.filter(({ count }) => count > 0);
    sum.mine = on;
  }
  sum.count += on ? 1 : -1;
  return sums.filter(({ count }) => count > 0);
}

const rooms = new Map();

export function room(id) {
  const known = rooms.get(id) ?? new Room(id);
  rooms.delete(id);
  rooms.set(id, known);
  if (rooms.size > ROOMS_MAX) rooms.delete(rooms.keys().next().value);
  return known;
}

export function clear() {
  rooms.clear();
}

events.on((event) => rooms.get(event.room)?.apply(event));
signals.on(({ type, room: id, data }) => {
  const known = rooms.get(id);
  if (!known) return;
  if (type === "typing") known.typed(data.user);
  else if (type === "message_read" || type === "message_delivered") {
    known.raise(data.user, type === "message_read" ? "read" : "delivered", data.seq);
    known.tell();
  }
});
settled.on(({ room: id }) => rooms.get(id)?.tell());
opened.on(({ rooms: heads }) => {
  for (const { id, peer } of heads) {
    const known = rooms.get(id);
    if (!known || !peer) continue;
    known.raise(peer.user, "read", peer.read);
    known.raise(peer.user, "delivered", peer.delivered);
    known.tell();
  }
});
renewed.on((id) => {
  for (const known of rooms.values()) {
    if (id !== null && id !== known.id) continue;
    known.forget();
    known.load().catch(() => {});
  }
});
