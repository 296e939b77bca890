/**
 * The one connection of the page, and who is there.
 *
 * Owns      the login, the `Salon`, the names of people.
 * Promises  `begin` and `end` leave nothing of the one before; whoever listens with `on` hears every client.
 */

import { Login, Salon } from "../salon.js";
import { calm } from "./dom.js";
import { trouble } from "./notice.js";

/** Names that are kept. */
const PEOPLE_MAX = 5_000;
const PEOPLE_PER_CALL_MAX = 100;

/** Somebody who tells something, and those who listen. */
export class Told {
  #listeners = new Set();

  on(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tell(...words) {
    for (const listener of [...this.#listeners]) listener(...words);
  }
}

export const login = new Login();
/** @type {Salon} */
export let salon = null;
export const status = new Told();
export const events = new Told();
export const signals = new Told();
/** A session is open; everything that stands in no log may have changed. */
export const opened = new Told();
/** A room's log begins anew: its id, or null for all. */
export const renewed = new Told();
/** A photo session is viewed, for the first time or again: its SessionInfo. */
export const joined = new Told();
/** Rooms are not ours any more: their ids. */
export const gone = new Told();
/** A message was sent, or will not be: `{cid, error?}`. */
export const settled = new Told();

/** The last `status`. */
export let last_status = { status: "offline" };

export const me = () => login.user?.id;
export const isGuest = () => login.user?.role === "guest";

export function begin() {
  salon = new Salon({ user: me(), token: login.token });
  const mine = salon;
  const on = (name, task) => mine.on(name, (value) => mine === salon && task(value));
  on("status", (value) => {
    last_status = value;
    status.tell(value);
  });
  on("event", (event) => events.tell(event));
  on("signal", (signal) => signals.tell(signal));
  on("session", (session) => opened.tell(session));
  on("reset", ({ room }) => renewed.tell(room));
  on("joined", (info) => joined.tell(info));
  on("gone", (ids) => gone.tell(ids));
  on("epoch", () => renewed.tell(null));
  on("sent", (sent) => settled.tell(sent));
  on("failed", ({ cid, message, error }) => {
    trouble(error);
    settled.tell({ cid, room: message.room, error });
  });
  on("error", (error) => (error?.code ? trouble(error) : console.error(error)));
  mine.connect().catch(() => {});
}

export function end() {
  salon?.close();
  salon = null;
  last_status = { status: "offline" };
  people.clear();
}

// ---- People ----------------------------------------------------------------------------------------------------------

const people = new Map();
const wanted = new Set();
/** Names came. */
export const named = new Told();

export function know(...profiles) {
  for (const profile of profiles) {
    people.delete(profile.id);
    people.set(profile.id, profile);
  }
  while (people.size > PEOPLE_MAX) people.delete(people.keys().next().value);
}

/** Who somebody is, as far as it is known; what is not known is asked for, and told by `named`. */
export function person(id) {
  if (id === me()) return login.user;
  const known = people.get(id);
  if (!known) {
    wanted.add(id);
    ask();
  }
  return known;
}

export const nameOf = (id) => person(id)?.nickname ?? "…";

const ask = calm(30, async () => {
  const ids = [...wanted].slice(0, PEOPLE_PER_CALL_MAX);
  if (ids.length === 0 || !salon) return;
  ids.forEach((id) => wanted.delete(id));
  try {
    const { items } = await salon.request("users_get", { ids });
    know(...items);
    // Somebody who is not there any more is not asked for again.
    for (const id of ids) if (!people.has(id)) people.set(id, { id, nickname: "?" });
    named.tell();
  } catch (error) {
    if (!error.retry) return;
    ids.forEach((id) => wanted.add(id));
    setTimeout(ask, error.retry_after_ms ?? 2_000);
  }
  if (wanted.size > 0) ask();
});

/** All of a list, up to `items_max`; what the server is too busy for is asked again. */
export async function all(type, data = {}, items_max = 1_000) {
  const items = [];
  for (let cursor; ;) {
    const page = await patient(() => salon.request(type, { limit: 100, ...data, cursor }));
    items.push(...page.items);
    cursor = page.cursor;
    if (cursor === undefined || items.length >= items_max) return items;
  }
}

/** Tries again what can be tried again, a few times. */
export async function patient(task, tries = 5) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await task();
    } catch (error) {
      if (!error.retry || attempt === tries) throw error;
      await new Promise((wake) => setTimeout(wake, (error.retry_after_ms ?? 200) + Math.random() * 200 * attempt));
    }
  }
}
