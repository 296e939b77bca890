// A server of photo sessions that keeps everything in memory, and does what the page needs to be seen: for pictures of
// many sizes, thousands of photos, and troubles that the real one has not.

import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";

import { fakeServer } from "./socket.mjs";

export const SESSION = "0192e4a0-5555-7000-8000-000000000001";
const USER = "0192e4a0-0000-7000-8000-00000000000a";
const SIZES = [
  [3, 2],
  [2, 3],
  [3, 2],
  [4, 3],
  [3, 2],
  [16, 9],
  [1, 1],
  [2, 3],
];

const id = (number) => `0192e4a0-7777-7000-8000-${String(number).padStart(12, "0")}`;

/** A landscape of two colours as a PNG, so that each photo looks like none other. */
export function picture(seed, width, height) {
  const [r, g, b] = createHash("sha256").update(String(seed)).digest();
  const raw = Buffer.alloc((width * 3 + 1) * height);
  const horizon = 0.45 + (g % 20) / 100;
  for (let y = 0, at = 0; y < height; y += 1) {
    raw[at++] = 0;
    const down = y / height;
    for (let x = 0; x < width; x += 1) {
      const hill = horizon + 0.08 * Math.sin((x / width) * (3 + (b % 5)) + r);
      const sun = Math.hypot(x / width - 0.3 - (r % 40) / 100, ((down - 0.3) * height) / width) < 0.07;
      const shade = down > hill ? 0.42 - (down - hill) * 0.5 : 0.75 + down * 0.3;
      raw[at++] = Math.min(255, sun ? 255 : (90 + (r % 130)) * shade * 1.2);
      raw[at++] = Math.min(255, sun ? 240 : (90 + (g % 120)) * shade * 1.2);
      raw[at++] = Math.min(255, sun ? 200 : (90 + (b % 130)) * shade * 1.2);
    }
  }
  return png(width, height, raw);
}

function png(width, height, raw) {
  const table = Array.from({ length: 256 }, (_, number) => {
    let value = number;
    for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
    return value;
  });
  const chunk = (type, body) => {
    const part = Buffer.concat([Buffer.from(type), body]);
    let crc = ~0;
    for (const byte of part) crc = table[(crc ^ byte) & 255] ^ (crc >>> 8);
    const [size, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
    size.writeUInt32BE(body.length);
    sum.writeInt32BE(~crc);
    return Buffer.concat([size, part, sum]);
  };
  const head = Buffer.alloc(13);
  head.writeUInt32BE(width);
  head.writeUInt32BE(height, 4);
  head.set([8, 2, 0, 0, 0], 8);
  return Buffer.concat([
    Buffer.from("89504e470d0a1a0a", "hex"),
    chunk("IHDR", head),
    chunk("IDAT", deflateSync(raw, { level: 1 })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

export class Studio {
  photos = new Map();
  log = [];
  sockets = new Set();
  /** What was asked, by type. */
  asked = {};
  role = "owner";
  gate = false;
  last = 0;

  static async start(t, { photos = 0, pending = 0, role = "owner" } = {}) {
    const studio = new Studio();
    studio.role = role;
    for (let number = 1; number <= photos; number += 1) studio.photos.set(id(number), studio.make(number));
    studio.last = photos + pending;
    for (let number = photos + 1; number <= studio.last; number += 1)
      studio.photos.set(id(number), studio.make(number, "pending"));
    const server = await fakeServer(
      (socket) => studio.serve(socket),
      (request, answer) => studio.http(request, answer),
    );
    t.after(() => server.stop());
    studio.url = server.url;
    return studio;
  }

  make(number, state) {
    const [width, height] = SIZES[number % SIZES.length];
    const hash = createHash("sha256").update(String(number)).digest();
    const portrait = height > width;
    // Brightness in the middle, some of each wave.
    const thumb = Buffer.from([
      0x20 | (hash[0] & 7),
      0x08 | (hash[1] & 0x0f),
      0x0a,
      portrait ? 0x15 : 0x1d,
      portrait ? 0x0a : 0x8a,
      ...hash.subarray(2, 20),
    ]);
    return {
      photo: id(number),
      by: USER,
      name: `DSC_${String(number).padStart(4, "0")}.JPG`,
      tags: [],
      width: width * 1000,
      height: height * 1000,
      thumbhash: thumb.toString("base64"),
      colour: `#${hash.subarray(0, 3).toString("hex")}`,
      order: number * 1024,
      status: "ready",
      variants: [400, 1024, 2048],
      seq: number,
      likes: hash[3] % 5,
      comments: hash[4] % 7 === 0 ? 2 : 0,
      state,
    };
  }

  get info() {
    const owner = this.role === "owner";
    const permissions = { view: true, download: "preview", like: true, comment: true, select: true };
    return {
      room: SESSION,
      title: "Li and Tom's wedding",
      owner: USER,
      seq: this.log.length,
      role: this.role,
      permissions,
      gate: this.gate,
      photos: this.photos.size,
      pending: 0,
      viewers: 128,
      created_at: Date.now(),
      media: this.media,
      settings: owner
        ? {
            code: "K7MQ4XPR",
            guests: true,
            viewers_max: 10_000,
            permissions: { client: permissions, guest: { ...permissions, download: "off" } },
            watermark: { text: "© Studio", placement: "bottom_right", opacity: 60, size: 24 },
            cameras: {},
            downloads: 42,
          }
        : undefined,
    };
  }

  get media() {
    return { query: "e=1&s=x", expires_at: Date.now() + 600_000, variants: ["400", "1024", "2048"] };
  }

  http(request, answer) {
    const blob = /^\/blobs\/([^/]+)\/(\d+)/.exec(request.url);
    if (blob) {
      const photo = this.photos.get(blob[1]);
      if (!photo) return answer.writeHead(410).end();
      const scale = Number(blob[2]) / Math.max(photo.width, photo.height);
      answer.writeHead(200, { "Content-Type": "image/png", "Cache-Control": "private, max-age=600, immutable" });
      return answer.end(picture(photo.photo, Math.round(photo.width * scale), Math.round(photo.height * scale)));
    }
    const user = {
      id: USER,
      username: "ann",
      nickname: "Ann",
      role: request.url.endsWith("guest") ? "guest" : "user",
      created_at: 1,
    };
    answer.writeHead(200, { "Content-Type": "application/json" });
    return answer.end(
      JSON.stringify({ user, access_token: "a", refresh_token: "r", expires_in: 900, session: SESSION }),
    );
  }

  serve(socket) {
    this.sockets.add(socket);
    socket.onframe = (frame) => {
      if (frame instanceof ArrayBuffer) return undefined;
      (this.asked[frame.type] ??= []).push(frame.data);
      const answer = this[frame.type]?.(frame.data) ?? { items: [] };
      return answer.code ? socket.answer(frame, answer, "error") : socket.answer(frame, answer);
    };
  }

  auth() {
    const limits = { frame: 262_144, page: 200, replay_room: 1_000, inflight: 256, recall_ms: 120_000 };
    return {
      user: { id: USER, nickname: "Ann" },
      epoch: "e1",
      heartbeat_ms: 25_000,
      server_time: Date.now(),
      inbox: 0,
      rooms: [],
      stale: [],
      limits,
    };
  }

  join_session() {
    return this.info;
  }

  photo_session_get() {
    return this.info;
  }

  photo_session_list() {
    return {
      items: [this.info, { ...this.info, room: id(1), title: "Annual meeting", viewers: 0, photos: 312, pending: 4 }],
    };
  }

  session_media() {
    return this.media;
  }

  photo_list({ cursor = "0", limit = 50, state }) {
    const all = [...this.photos.values()].filter((photo) => !state || photo.state === state);
    const end = Number(cursor) + limit;
    return { items: all.slice(Number(cursor), end), cursor: end < all.length ? String(end) : undefined };
  }

  photo_mark() {
    return {};
  }

  history() {
    return { events: this.log.filter(({ type }) => type === "new_message"), more: false };
  }

  send_message({ cid, kind, text, room }) {
    this.push("new_message", { sender: USER, cid, kind, text });
    return { room, seq: this.log.length, at: Date.now() };
  }

  photo_comments() {
    return {
      events: [
        {
          type: "new_message",
          room: SESSION,
          seq: 1,
          at: Date.now(),
          data: { sender: USER, cid: id(9), kind: "text", text: "This one for the album, please." },
        },
      ],
      more: false,
    };
  }

  photo_update({ photos, ...fields }) {
    if (fields.state === "live") for (const one of photos) this.show(this.photos.get(one));
    else if (fields.state) this.push("photo_deleted", { photos, targets: [], by: USER, hidden: true });
    else this.push("photos_updated", { photos, by: USER, ...fields });
    return { seq: this.log.length };
  }

  photo_selections() {
    return {
      items: [
        { user: { id: id(5), nickname: "Li" }, list: "favourites", count: 24, at: Date.now() },
        { user: { id: id(6), nickname: "Tom" }, list: "Album", count: 11, at: Date.now() - 600_000 },
      ],
    };
  }

  photo_selection_export() {
    return { text: "DSC_0001.JPG, DSC_0004.JPG, DSC_0009.JPG", name: "favourites.txt", count: 3 };
  }

  /** To all sockets, as an event of the session. */
  push(type, data) {
    const frame = { type, room: SESSION, seq: this.log.length + 1, at: Date.now(), data };
    this.log.push(frame);
    for (const socket of this.sockets) socket.push(frame);
  }

  show(photo) {
    this.photos.set(photo.photo, { ...photo, state: undefined, seq: this.log.length + 1 });
    this.push("new_photo", this.photos.get(photo.photo));
  }

  /** New ones behind the last. */
  add(count) {
    for (let step = 0; step < count; step += 1) this.show(this.make((this.last += 1)));
  }

  retract(number) {
    this.photos.delete(id(number));
    this.push("photo_deleted", { photos: [id(number)], targets: [], by: USER });
  }
}
