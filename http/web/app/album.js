/**
 * A photo session as one sees it: its photos in order, who may do what, what opens the pictures.
 *
 * Promises  up to date while it is open, over lost connections: it enters again where it was, and reads everything anew
 *           when too much was missed. What was taken back is gone at once, whatever page comes late.
 * Tells     `{photos}` (these changed in themselves), `{list: true}` (which there are, or their order; `fresh` came while
 *           one was here), `{info: true}`, `{media: true}`, `{selection}`.
 */

import * as client from "./client.js";
import { calm } from "./dom.js";
import { compare } from "./layout.js";
import { trouble } from "./notice.js";
import { keep, kept } from "./settings.js";

const PHOTOS_MAX = 20_000;
/** Addresses are renewed so long before they end. */
const MEDIA_SPARE_MS = 60_000;
const MEDIA_EVERY_MS = 2_000;

export const isShown = ({ state }) => state === undefined || state === "live";

/** How one came in: the code, and whether the client has what opens the session again. */
export const way = (session) => kept(`way:${session}`, {});
export const keepWay = (session, value) => keep(`way:${session}`, value);

export class Album extends client.Told {
  photos = new Map();
  info = null;
  /** Why one is not in any more: `closed`, `expired`, `deleted`, `renewed` (the code), or an error's code. */
  gone = null;
  loaded = false;
  viewers = 0;
  #removed = new Map();
  #seq;
  /** The newest event when one came: later photos are news. */
  #begun;
  #media;
  #asking;
  #renewing;
  #life = 0;
  #stops;

  constructor(id) {
    super();
    this.id = id;
    this.#stops = [
      client.events.on((event) => event.room === id && this.#event(event)),
      client.signals.on((signal) => signal.room === id && this.#signal(signal)),
      client.joined.on((info) => info.room === id && this.#joined(info)),
      client.gone.on((ids) => ids.includes(id) && this.#end("closed")),
      client.renewed.on((room) => (room === id || room === null) && this.#load()),
    ];
  }

  get staff() {
    return ["owner", "editor", "photographer"].includes(this.info?.role);
  }

  get editor() {
    return ["owner", "editor"].includes(this.info?.role);
  }

  may(what) {
    return Boolean(this.info?.permissions?.[what]) && this.gone === null;
  }

  /** All, in order. */
  sorted(fits = isShown) {
    return [...this.photos.values()].filter(fits).sort(compare);
  }

  /** Enters; from then on the client comes back by itself. */
  async open() {
    const life = (this.#life += 1);
    try {
      const { code, known } = way(this.id);
      const again = () => client.patient(() => client.salon.joinSession({ session: this.id }));
      const byCode = () => client.patient(() => client.salon.joinSession({ session: this.id, code }));
      // Without a reason no code is tried: guesses are counted.
      const info =
        code && !known
          ? await byCode()
          : await again().catch((error) => (code && !error.retry ? byCode() : Promise.reject(error)));
      if (life !== this.#life) return;
      if (code) keepWay(this.id, { code, known: true });
      this.#begun ??= info.seq;
      this.#enter(info);
      await this.#load();
    } catch (error) {
      if (life !== this.#life || error.code === "closed") return;
      if (error.retry) return void setTimeout(() => life === this.#life && this.open(), 2_000);
      this.#end(error.code);
    }
  }

  close() {
    this.#life += 1;
    this.#stops.forEach((stop) => stop());
    clearTimeout(this.#renewing);
    client.salon?.leaveSession(this.id).catch(() => {});
  }

  /** The session's settings anew, for those who run it. */
  refresh = calm(150, async () => {
    try {
      this.#enter(await client.salon.request("photo_session_get", { session: this.id }));
    } catch (error) {
      if (!error.retry) this.#end(error.code);
    }
  });

  /** A picture's address; undefined until there is one, or when it may not be seen. */
  url(photo, variant) {
    if (!this.#media?.variants.includes(String(variant))) return undefined;
    return `/blobs/${photo.photo}/${variant}?${this.#media.query}`;
  }

  /** The smallest variant with so many pixels at its longer side, or else the largest. */
  variant(photo, pixels) {
    const sizes = photo.variants.filter((size) => this.#media?.variants.includes(String(size))).sort((a, b) => a - b);
    return sizes.find((size) => size >= pixels) ?? sizes.at(-1);
  }

  get opens() {
    return this.#media?.variants ?? [];
  }

  /** An address was refused: another one, and not for each picture. */
  async renewMedia() {
    this.#asking ??= (async () => {
      try {
        this.#open(await client.patient(() => client.salon.request("session_media", { session: this.id })));
      } catch (error) {
        if (!error.retry && error.code !== "closed") this.#end(error.code);
      }
      setTimeout(() => (this.#asking = undefined), MEDIA_EVERY_MS);
    })();
    return this.#asking;
  }

  /** Changes what one sees at once; `request` does it, and if it fails it is as before. */
  async change(photo, fields, request) {
    const before = Object.fromEntries(Object.keys(fields).map((key) => [key, photo[key]]));
    Object.assign(photo, fields);
    this.tell({ photos: [photo.photo] });
    try {
      await request();
    } catch (error) {
      Object.assign(photo, before);
      this.tell({ photos: [photo.photo] });
      trouble(error);
    }
  }

  /** Again, after the connection was lost: what was missed comes as events, or is too much. */
  #joined(info) {
    if (!this.loaded) return;
    this.#enter(info);
    if (info.stale) this.#load();
  }

  #enter(info) {
    this.info = { ...this.info, ...info };
    this.gone = info.closed_at && !this.staff ? "closed" : null;
    this.#seq = Math.max(this.#seq ?? 0, info.seq);
    this.viewers = info.viewers;
    if (info.media) this.#open(info.media);
    this.tell({ info: true });
  }

  #open(media) {
    this.#media = media;
    clearTimeout(this.#renewing);
    const rest = media.expires_at - Date.now() - MEDIA_SPARE_MS;
    this.#renewing = setTimeout(() => this.renewMedia(), Math.max(rest, 10_000));
    this.tell({ media: true });
  }

  /** Everything, page by page; what is there is shown meanwhile. */
  async #load() {
    const life = this.#life;
    const found = new Set();
    const fresh = [];
    try {
      for (let cursor; ;) {
        const page = await client.patient(() =>
          client.salon.request("photo_list", { session: this.id, limit: 100, cursor }),
        );
        if (life !== this.#life) return;
        for (const photo of page.items) {
          const known = this.photos.has(photo.photo);
          if (!this.#put(photo)) continue;
          found.add(photo.photo);
          if (this.loaded && !known) fresh.push(photo.photo);
        }
        cursor = page.cursor;
        if (cursor === undefined || found.size >= PHOTOS_MAX) break;
        this.tell({ list: true });
      }
    } catch (error) {
      return trouble(error);
    }
    // What was there before, and is not in any page, went while we were away.
    const newest = this.#seq ?? 0;
    if (this.loaded)
      for (const [id, { seq = newest + 1 }] of this.photos) if (!found.has(id) && seq <= newest) this.photos.delete(id);
    this.loaded = true;
    return this.tell({ list: true, fresh });
  }

  #put(photo) {
    const removed = this.#removed.get(photo.photo);
    if (removed !== undefined && removed >= (photo.seq ?? 0)) return false;
    this.#removed.delete(photo.photo);
    const known = this.photos.get(photo.photo);
    const counts = known
      ? { likes: known.likes, comments: known.comments, liked: known.liked, lists: known.lists }
      : {};
    this.photos.set(photo.photo, { likes: 0, comments: 0, liked: false, lists: [], tags: [], ...counts, ...photo });
    return true;
  }

  /** Those that wait for an editor: their event has only the id. */
  #pending = calm(200, async () => {
    try {
      const items = await client.all("photo_list", { session: this.id, state: "pending" }, PHOTOS_MAX);
      items.forEach((photo) => this.#put(photo));
      this.tell({ list: true });
    } catch (error) {
      trouble(error);
    }
  });

  #event({ type, seq, data }) {
    this.#seq = Math.max(this.#seq ?? 0, seq);
    if (type === "new_photo") {
      if (data.retracted) return this.#drop([data.photo], seq, false);
      this.#put({ state: undefined, ...data, seq });
      this.tell({ list: true, fresh: seq > this.#begun ? [data.photo] : [] });
    } else if (type === "photo_pending") this.#pending();
    else if (type === "photo_deleted") this.#drop(data.photos, seq, data.hidden);
    else if (type === "photo_status_updated") this.#status(data);
    else if (type === "photos_updated") this.#updated(data);
    else if (type === "session_updated") {
      const { by, code, ...fields } = data;
      Object.assign(
        this.info ?? {},
        "permissions" in fields ? { ...fields, permissions: this.info.permissions } : fields,
      );
      if (code && this.info?.role === "guest") return this.#end("renewed");
      if (code || "permissions" in fields || this.editor) this.refresh();
      this.tell({ info: true });
    } else if (type === "session_closed") this.#end(data.reason);
    return undefined;
  }

  #signal({ type, data }) {
    if (type === "session_viewers") {
      this.viewers = data.viewers;
      this.tell({ info: true });
    } else if (type === "photo_status_updated") this.#status(data);
    else if (type === "photo_counts") {
      for (const { photo, likes, comments } of data.photos)
        Object.assign(this.photos.get(photo) ?? {}, { likes, comments });
      this.tell({ photos: data.photos.map(({ photo }) => photo) });
    } else if (type === "photo_selection") this.tell({ selection: data });
  }

  #status({ photo: id, status, variants }) {
    const photo = this.photos.get(id);
    if (!photo) return;
    Object.assign(photo, { status, variants });
    this.tell({ photos: [id] });
  }

  #updated({ photos, title, tags, pinned, order }) {
    photos.forEach((id, at) => {
      const photo = this.photos.get(id);
      if (!photo) return;
      if (title !== undefined) photo.title = title || undefined;
      if (tags !== undefined) photo.tags = tags;
      if (pinned !== undefined) photo.pinned = pinned;
      if (order !== undefined) photo.order = order[at];
    });
    this.tell({ photos, list: pinned !== undefined || order !== undefined });
  }

  #drop(photos, seq, hidden) {
    for (const id of photos) {
      const photo = this.photos.get(id);
      if (hidden && this.staff && photo) photo.state = "hidden";
      else {
        this.photos.delete(id);
        this.#removed.set(id, seq);
      }
    }
    this.tell({ list: true, photos });
  }

  #end(reason) {
    if (this.staff && (reason === "closed" || reason === "expired")) return this.refresh();
    // The first reason is the true one: what fails after it fails because of it.
    if (this.gone !== null) return undefined;
    this.gone = reason;
    this.photos.clear();
    return this.tell({ info: true, list: true });
  }
}
