/**
 * What is to be uploaded into a session, and how far it is. One queue per session, for the life of the page.
 *
 * Promises  the same file has the same `cid` after a reload: the server says where to go on, or that it has it. Few
 *           files are in memory at a time, however many wait.
 * Tells     whenever something changed.
 */

import * as client from "./client.js";
import { words } from "./notice.js";
import { Sha256, sha256 } from "./sha256.js";

const AT_ONCE = 3;
const ITEMS_MAX = 10_000;
const TYPES = { jpg: "image/jpeg", jpeg: "image/jpeg", png: "image/png", webp: "image/webp" };

export const typeOf = (file) => TYPES[file.name.split(".").pop().toLowerCase()];

export class Uploads extends client.Told {
  items = [];
  /** Files that are no pictures. */
  passed = 0;
  paused = false;
  #known = new Set();
  #running = 0;
  #gate = Promise.resolve();
  #open = () => {};

  constructor(session) {
    super();
    this.session = session;
  }

  add(files) {
    for (const file of files) {
      const cid = cidOf(this.session, file);
      if (!typeOf(file) || this.items.length >= ITEMS_MAX) this.passed += 1;
      else if (!this.#known.has(cid)) {
        this.#known.add(cid);
        this.items.push({ cid, file, name: file.name, size: file.size, sent: 0, state: "waiting" });
      }
    }
    this.tell();
    this.#run();
  }

  /** What is under way stops before its next piece; nothing is lost. */
  pause() {
    if (this.paused) return;
    this.paused = true;
    this.#gate = new Promise((open) => (this.#open = open));
    this.tell();
  }

  resume() {
    this.paused = false;
    this.#open();
    this.tell();
    this.#run();
  }

  retry(items = this.items.filter(({ state }) => state === "failed")) {
    for (const item of items) Object.assign(item, { state: "waiting", error: undefined });
    this.tell();
    this.#run();
  }

  remove(item) {
    item.controller?.abort();
    this.items.splice(this.items.indexOf(item), 1);
    this.#known.delete(item.cid);
    this.tell();
  }

  /** Those that are done make room. */
  clear() {
    this.items = this.items.filter(({ state }) => state !== "done" && state !== "have");
    this.passed = 0;
    this.tell();
  }

  get sums() {
    const sums = { count: this.items.length, done: 0, failed: 0, active: 0, sent: 0, size: 0 };
    for (const { state, sent, size } of this.items) {
      if (state === "done" || state === "have") sums.done += 1;
      else if (state === "failed") sums.failed += 1;
      else sums.active += 1;
      sums.sent += state === "done" || state === "have" ? size : sent;
      sums.size += size;
    }
    return sums;
  }

  #run() {
    while (this.#running < AT_ONCE && !this.paused) {
      const item = this.items.find(({ state }) => state === "waiting");
      if (!item) return;
      this.#running += 1;
      item.state = "reading";
      this.#upload(item).finally(() => {
        this.#running -= 1;
        this.#run();
      });
    }
  }

  async #upload(item) {
    item.controller = new AbortController();
    try {
      const file = this.#slow(item.file);
      const hash = await sha256(file);
      item.state = "sending";
      this.tell();
      const progress = (sent) => {
        item.sent = sent;
        this.tell();
      };
      const { photo, duplicate } = await client.salon.upload(this.session, file, {
        cid: item.cid,
        sha256: hash,
        progress,
        signal: item.controller.signal,
      });
      Object.assign(item, { state: duplicate ? "have" : "done", photo, sent: item.size, file: undefined });
    } catch (error) {
      if (error.code !== "cancelled")
        Object.assign(item, { state: "failed", error: error.code ? words(error) : String(error.message ?? error) });
    }
    this.tell();
  }

  /** A file whose pieces can be made to wait. */
  #slow(file) {
    const slice = (start, end) => ({
      arrayBuffer: async () => {
        await this.#gate;
        return file.slice(start, end).arrayBuffer();
      },
    });
    return { name: file.name, size: file.size, type: typeOf(file), slice };
  }
}

/** The same for the same file in the same session, in the form of a UUID. */
export function cidOf(session, { name, size, lastModified }) {
  const text = [session, client.me?.(), name, size, lastModified].join("\n");
  const hex = new Sha256().update(new TextEncoder().encode(text)).hex();
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const queues = new Map();

export function uploads(session) {
  if (!queues.has(session)) queues.set(session, new Uploads(session));
  return queues.get(session);
}

/** Asks before the page is left while something is under way. */
addEventListener("beforeunload", (event) => {
  if ([...queues.values()].some((queue) => queue.sums.active > 0)) event.preventDefault();
});

/** The files of a drop, folders and all. */
export async function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  if (entries.length === 0) return [...transfer.files];
  const files = [];
  const walk = async (entry) => {
    if (files.length >= ITEMS_MAX) return;
    if (entry.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
    else {
      const reader = entry.createReader();
      // A reader gives some at a time, until none.
      for (let part; (part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject))).length > 0;) {
        for (const one of part) await walk(one);
      }
    }
  };
  for (const entry of entries) await walk(entry);
  return files.sort((a, b) => a.lastModified - b.lastModified || a.name.localeCompare(b.name));
}
