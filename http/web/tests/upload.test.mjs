// Uploading, against a fake server, which can lose chunks where one likes.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";

import { client } from "./support/server.mjs";
import { fakeServer } from "./support/socket.mjs";

const USER = "0192e4a0-0000-7000-8000-00000000000a";
const UPLOAD = "0192e4a0-3333-7000-8000-000000000001";
const CHUNK = 1_000;
const WINDOW = 4;

const WELCOME = {
  ...{ user: { id: USER }, epoch: "e1", heartbeat_ms: 25_000, server_time: 0, inbox: 0, rooms: [], stale: [] },
  limits: { frame: 262_144, page: 200, replay_room: 1_000, inflight: 256 },
};

/** A frame in MessagePack, of the kinds that a chunk has. */
function unpack(buffer) {
  const bytes = Buffer.from(buffer);
  let at = 0;
  const take = (size) => bytes.subarray(at, (at += size));
  const value = () => {
    const [kind] = take(1);
    if (kind === 0xd9) return take(take(1)[0]).toString();
    if (kind === 0xcf) return Number(take(8).readBigUInt64BE());
    if (kind === 0xc6) return take(take(4).readUInt32BE());
    assert.equal(kind & 0xf0, 0x80, "a map");
    return Object.fromEntries(Array.from({ length: kind & 0x0f }, () => [value(), value()]));
  };
  const frame = value();
  assert.equal(at, bytes.length, "nothing behind it");
  return frame;
}

/** Keeps what is uploaded, as the server would. `trouble(socket, frame, store)` may answer instead, with true. */
class Store {
  kept = Buffer.alloc(0);
  begun = [];
  commits = 0;
  /** Chunks that were sent and not answered, and the most of them. */
  waiting = [];
  waiting_max = 0;

  constructor(trouble = () => false) {
    this.trouble = trouble;
  }

  serve(socket) {
    this.waiting = [];
    socket.onframe = (data) => {
      const frame = data instanceof ArrayBuffer ? unpack(data) : data;
      if (frame.type === "auth") return socket.answer(frame, WELCOME);
      return this.trouble(socket, frame, this) || this[frame.type](socket, frame);
    };
  }

  ping(socket, frame) {
    socket.answer(frame, { server_time: 0 });
  }

  photo_upload_begin(socket, frame) {
    this.begun.push(frame.data);
    socket.answer(frame, { upload: UPLOAD, chunk: CHUNK, offset: this.kept.length });
  }

  /** Answers only when the window is full, or nothing is to come any more. */
  photo_upload_chunk(socket, frame) {
    this.waiting.push(frame);
    this.waiting_max = Math.max(this.waiting_max, this.waiting.length);
    const { offset, bytes } = frame.data;
    const last = offset + bytes.length === this.begun.at(-1).size;
    if (this.waiting.length === WINDOW || last) this.answer(socket);
  }

  answer(socket) {
    for (const frame of this.waiting.splice(0)) {
      const { offset, bytes } = frame.data;
      if (offset !== this.kept.length) {
        socket.answer(frame, { code: "conflict", details: { offset: this.kept.length } }, "error");
        continue;
      }
      this.kept = Buffer.concat([this.kept, bytes]);
      socket.answer(frame, { offset: this.kept.length });
    }
  }

  photo_upload_commit(socket, frame) {
    this.commits += 1;
    socket.answer(frame, { photo: "p", seq: 7 });
  }
}

async function play(t, store) {
  t.mock.method(Math, "random", () => 0);
  const server = await fakeServer((socket) => store.serve(socket));
  t.after(() => server.stop());
  const salon = client(t, { user: { id: USER }, token: () => "token" }, { url: server.url });
  await salon.connect();
  return salon;
}

function picture(size) {
  const bytes = randomBytes(size);
  const file = Object.assign(new Blob([bytes], { type: "image/jpeg" }), { name: "DSC_0001.JPG" });
  return { bytes, file, sha256: createHash("sha256").update(bytes).digest("hex") };
}

test("a picture goes up in chunks, a window of them at a time", async (t) => {
  const store = new Store();
  const salon = await play(t, store);
  const { bytes, file, sha256 } = picture(10_500);
  const progress = [];
  const done = await salon.upload("s", file, { progress: (sent, size) => progress.push([sent, size]) });
  assert.deepEqual(done, { photo: "p", seq: 7 });
  assert.deepEqual(store.kept, bytes);
  assert.equal(store.waiting_max, WINDOW);
  const [{ cid, ...begun }] = store.begun;
  assert.match(cid, /^[0-9a-f-]{36}$/);
  assert.deepEqual(begun, { session: "s", name: "DSC_0001.JPG", size: 10_500, mime: "image/jpeg", sha256 });
  assert.deepEqual([progress[0], progress.at(-1)], [[0, 10_500], [10_500, 10_500]]);
});

test("after a lost connection it goes on where the server is", async (t) => {
  let cuts = 0;
  const store = new Store((socket, { type, data }, { kept, waiting }) => {
    if (type !== "photo_upload_chunk" || data.offset !== 5_000 + cuts * 1_000 || cuts === 3) return false;
    cuts += 1;
    store.answer(socket);
    socket.cut();
    return kept.length + waiting.length > 0;
  });
  const salon = await play(t, store);
  const { bytes, file } = picture(20_000);
  await salon.upload("s", file);
  assert.equal(cuts, 3);
  assert.deepEqual(store.kept, bytes);
  assert.deepEqual([store.begun.length, new Set(store.begun.map(({ cid }) => cid)).size], [4, 1]);
});

test("a chunk at a wrong place makes it ask for the right one", async (t) => {
  let lost = false;
  const store = new Store((socket, frame) => {
    if (lost || frame.type !== "photo_upload_chunk") return false;
    lost = true;
    socket.answer(frame, { code: "overloaded", retry_after_ms: 1 }, "error");
    return true;
  });
  const salon = await play(t, store);
  const { bytes, file } = picture(4_200);
  await salon.upload("s", file);
  assert.deepEqual(store.kept, bytes);
});

test("what the server has is not sent again", async (t) => {
  const store = new Store();
  const salon = await play(t, store);
  const { bytes, file, sha256 } = picture(3_000);
  store.kept = bytes;
  await salon.upload("s", file, { sha256, cid: "c" });
  assert.deepEqual([store.begun[0].cid, store.waiting_max, store.commits], ["c", 0, 1]);
});

test("four go up at once, and the others wait", async (t) => {
  const held = [];
  const store = new Store((socket, frame) => frame.type === "photo_upload_begin" && held.push([socket, frame]) > 0);
  const salon = await play(t, store);
  const { file, sha256 } = picture(10);
  const uploads = Array.from({ length: 5 }, () => salon.upload("s", file, { sha256 }));
  uploads.forEach((upload) => upload.catch(() => {}));
  // When an answer has come to what was asked later, they have been asked, too.
  for (let round = 0; round < 2; round += 1) await salon.request("ping");
  assert.equal(held.length, 4);
  const [socket, frame] = held[0];
  socket.answer(frame, { code: "too_large" }, "error");
  await assert.rejects(uploads[0], { code: "too_large" });
  for (let round = 0; round < 2; round += 1) await salon.request("ping");
  assert.equal(held.length, 5);
});

test("a refused picture is not tried again, a cancelled one is taken back", async (t) => {
  const aborted = [];
  const controller = new AbortController();
  const store = new Store((socket, frame) => {
    if (frame.type === "photo_upload_abort") {
      aborted.push(frame.data.upload);
      socket.answer(frame, {});
    } else if (frame.type === "photo_upload_commit") socket.answer(frame, { code: "bad_request" }, "error");
    else return false;
    return true;
  });
  const salon = await play(t, store);
  const { file } = picture(100);
  await assert.rejects(salon.upload("s", file), { code: "bad_request" });
  assert.equal(store.begun.length, 1);
  store.kept = Buffer.alloc(0);
  const progress = () => controller.abort();
  await assert.rejects(salon.upload("s", file, { progress, signal: controller.signal }), { code: "cancelled" });
  assert.deepEqual(aborted, [UPLOAD]);
});
