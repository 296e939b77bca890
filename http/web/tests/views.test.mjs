// Viewing photo sessions: against a fake server, and against the real one as soon as that knows them.

import assert from "node:assert/strict";
import { test } from "node:test";
import { crc32, deflateSync } from "node:zlib";

import { Login, memoryStorage } from "../salon.js";
import { Server, client, next, range, seqs, told } from "./support/server.mjs";
import { fakeServer } from "./support/socket.mjs";

const USER = "0192e4a0-0000-7000-8000-00000000000a";
const SESSION = "0192e4a0-1111-7000-8000-000000000003";

const WELCOME = {
  ...{ user: { id: USER }, epoch: "e1", heartbeat_ms: 25_000, server_time: 0, inbox: 0, rooms: [], stale: [] },
  limits: { frame: 262_144, page: 200, replay_room: 1_000, inflight: 256 },
};

const message = (seq, changes) => ({
  ...{ type: "new_message", room: SESSION, seq, at: seq },
  ...{ data: { sender: "b", cid: "c", kind: "text", text: `${seq}` }, ...changes },
});

/** As `auth` tells a member of the session. */
const head = (seq) => ({
  ...{ id: SESSION, kind: "photo_session", seq, first_seq: 1, read: 0, delivered: 0, unread: 0, role: "member" },
});

/** A session with a log, and sockets that view it. `trouble(socket, frame, room)` may answer instead, with true. */
class Room {
  log = [];
  joins = [];
  pages = [];
  auths = [];
  viewers = new Set();
  info = { room: SESSION, title: "Wedding", role: "guest" };
  welcome = WELCOME;

  constructor(trouble = () => false) {
    this.trouble = trouble;
  }

  add(event = message(this.log.length + 1)) {
    this.log.push(event);
    for (const socket of this.viewers) socket.push(event);
  }

  serve(socket) {
    socket.onframe = (frame) => this.trouble(socket, frame, this) || this[frame.type](socket, frame);
  }

  auth(socket, frame) {
    this.auths.push(frame.data);
    socket.answer(frame, this.welcome);
  }

  join_session(socket, frame) {
    const { after = this.log.length, grant } = frame.data;
    this.joins.push(frame.data);
    const stale = this.log.length - after > 10 || after > this.log.length;
    socket.answer(frame, { ...this.info, seq: this.log.length, grant: grant ?? "g", ...(stale && { stale }) });
    if (!stale) for (const event of this.log.slice(after)) socket.push(event);
    this.viewers.add(socket);
  }

  leave_session(socket, frame) {
    // One that is on its way.
    socket.push(message(this.log.length + 1));
    this.viewers.delete(socket);
    socket.answer(frame, {});
  }

  history(socket, frame) {
    const { after, limit } = frame.data;
    this.pages.push(after);
    const events = this.log.slice(after, after + limit);
    socket.answer(frame, { events, more: after + limit < this.log.length });
  }

  cut() {
    const sockets = [...this.viewers];
    this.viewers.clear();
    for (const socket of sockets) socket.cut();
  }
}

async function play(t, room, options) {
  t.mock.method(Math, "random", () => 0);
  const server = await fakeServer((socket) => room.serve(socket));
  t.after(() => server.stop());
  const salon = client(t, { user: { id: USER }, token: () => "token" }, { url: server.url, ...options });
  salon.heard.joined = [];
  salon.on("joined", (info) => void salon.heard.joined.push(info));
  await salon.connect();
  return salon;
}

const heard = (salon, seq) => told(salon, "event", (event) => event.seq === seq);
const filled = (room, count) => range(1, count).forEach(() => room.add());

test("a viewer gets what is new, and after a lost connection what he missed, once and in order", async (t) => {
  const room = new Room();
  filled(room, 5);
  const salon = await play(t, room);
  const info = await salon.joinSession({ code: "K7MP-3XQ9" });
  assert.deepEqual([info.title, info.seq], ["Wedding", 5]);
  filled(room, 3);
  await heard(salon, 8);
  for (let round = 0; round < 3; round += 1) {
    room.cut();
    const back = next(salon, "joined");
    filled(room, 2);
    await back;
    room.add();
    await heard(salon, room.log.length);
  }
  assert.deepEqual(seqs(salon, SESSION), range(6, 17));
  const again = (after) => ({ session: SESSION, after, grant: "g" });
  assert.deepEqual(room.joins, [{ code: "K7MP-3XQ9" }, again(8), again(11), again(14)]);
  assert.equal(salon.heard.joined.length, 4);
  assert.deepEqual([room.pages, salon.heard.gone, salon.heard.reset], [[], [], []]);
  // A viewer is no member: `auth` is told nothing of the session.
  assert.deepEqual(room.auths.at(-1).rooms, {});
});

test("who missed too much for a replay reads pages, and what is far too much is begun anew", async (t) => {
  const room = new Room();
  const salon = await play(t, room);
  await salon.joinSession({ session: SESSION, code: "c" });
  room.cut();
  const back = next(salon, "joined");
  filled(room, 250);
  assert.equal((await back).stale, true);
  room.add();
  await heard(salon, 251);
  assert.deepEqual(seqs(salon, SESSION), range(1, 251));
  assert.deepEqual(room.pages, [0, 200]);
  const anew = next(salon, "reset");
  room.cut();
  filled(room, 10_001);
  assert.deepEqual(await anew, { room: SESSION, position: 10_252 });
});

test("the grant and the position are kept for the next time", async (t) => {
  const storage = memoryStorage();
  const room = new Room();
  filled(room, 2);
  const first = await play(t, room, { storage });
  await first.joinSession({ session: SESSION, code: "c", after: 0 });
  await heard(first, 2);
  await first.leaveSession(SESSION);
  first.close();
  filled(room, 2);
  const second = await play(t, room, { storage });
  await second.joinSession({ session: SESSION });
  await heard(second, 4);
  assert.deepEqual(room.joins[1], { session: SESSION, after: 2, grant: "g" });
  assert.deepEqual(seqs(second, SESSION), [3, 4]);
  second.close();
  // Who comes by the code is known by the answer only: what is missing is read.
  filled(room, 2);
  const third = await play(t, room, { storage });
  await third.joinSession({ code: "c" });
  await heard(third, 6);
  assert.deepEqual([seqs(third, SESSION), room.pages], [[5, 6], [4]]);
});

test("positions of another store are not used", async (t) => {
  const room = new Room();
  filled(room, 5);
  const salon = await play(t, room);
  await salon.joinSession({ code: "c", after: 4 });
  await heard(salon, 5);
  room.welcome = { ...WELCOME, epoch: "e2" };
  room.log.length = 0;
  const back = next(salon, "joined");
  room.cut();
  await back;
  room.add();
  await heard(salon, 1);
  assert.deepEqual(room.joins[1], { session: SESSION, grant: "g" });
  assert.deepEqual(seqs(salon, SESSION), [5, 1]);
});

for (const [name, last] of [
  ["closes", { type: "session_closed", data: { by: "a", reason: "closed" } }],
  ["gets another code", { type: "session_updated", data: { by: "a", code: true } }],
]) {
  test(`a session that ${name} is gone, and nobody comes back to it`, async (t) => {
    const storage = memoryStorage();
    const room = new Room();
    const salon = await play(t, room, { storage });
    await salon.joinSession({ code: "c" });
    const gone = next(salon, "gone");
    room.add(message(1, last));
    assert.deepEqual(await gone, [SESSION]);
    assert.deepEqual(seqs(salon, SESSION), [1]);
    const back = next(salon, "session");
    room.cut();
    await back;
    await salon.request("history", { room: SESSION, after: 0, limit: 1 });
    assert.equal(room.joins.length, 1);
    assert.equal(storage.getItem(`salon:${USER}:views`), "{}");
  });
}

test("who may not come back is told so, and who comes at a bad time is let in later", async (t) => {
  const codes = [undefined, "unavailable", "limit_reached", undefined, "forbidden"];
  const room = new Room((socket, frame) => {
    const code = frame.type === "join_session" ? codes.shift() : undefined;
    if (code) socket.answer(frame, { code, message: "no" }, "error");
    return code !== undefined;
  });
  const salon = await play(t, room);
  await salon.joinSession({ code: "c" });
  const back = next(salon, "joined");
  room.cut();
  await back;
  const gone = next(salon, "gone");
  room.cut();
  assert.deepEqual(await gone, [SESSION]);
  assert.deepEqual([codes, room.joins.length], [[], 2]);
  codes.push("gone");
  await assert.rejects(salon.joinSession({ code: "c" }), { code: "gone" });
});

test("what comes after leaving is not handed out", async (t) => {
  const room = new Room();
  const salon = await play(t, room);
  await salon.joinSession({ code: "c" });
  room.add();
  await heard(salon, 1);
  await salon.leaveSession(SESSION);
  await salon.leaveSession(SESSION);
  room.add();
  const back = next(salon, "session");
  salon.close();
  salon.connect();
  await back;
  assert.deepEqual(seqs(salon, SESSION), [1]);
  assert.equal(room.joins.length, 1);
});

test("a member who joins is counted, and his events are those of the room", async (t) => {
  const room = new Room();
  filled(room, 3);
  room.info = { ...room.info, role: "client" };
  room.welcome = { ...WELCOME, rooms: [head(3)] };
  const salon = await play(t, room);
  await salon.joinSession({ session: SESSION });
  room.add();
  await heard(salon, 4);
  room.welcome = { ...WELCOME, rooms: [head(4)] };
  const back = next(salon, "joined");
  room.cut();
  await back;
  room.add();
  await heard(salon, 5);
  assert.deepEqual([room.auths[1].rooms, room.joins[1]], [{ [SESSION]: 4 }, { session: SESSION, grant: "g" }]);
  assert.deepEqual(seqs(salon, SESSION), [4, 5]);
});

test("a guest who is made a member goes on where he was", async (t) => {
  const room = new Room();
  filled(room, 3);
  const salon = await play(t, room);
  await salon.joinSession({ code: "c", after: 0 });
  await heard(salon, 3);
  room.info = { ...room.info, role: "client" };
  room.welcome = { ...WELCOME, rooms: [head(4)] };
  const back = next(salon, "joined");
  room.cut();
  room.log.push(message(4));
  await back;
  room.add();
  await heard(salon, 5);
  assert.deepEqual(seqs(salon, SESSION), range(1, 5));
});

/** Ann with a session, on the real server; undefined if that does not know such a thing yet. */
async function wedding(t) {
  const server = await Server.start(t);
  const ann = client(t, await server.register("ann"), { url: server.url });
  await ann.connect();
  try {
    const cid = "7c9e6679-7425-40de-944b-e07fc1f90010";
    const made = await ann.request("photo_session_create", { cid, title: "Wedding" });
    return { server, ann, ...made };
  } catch (error) {
    if (error.code !== "unknown_type" && error.code !== "internal" && error.code !== "unavailable") throw error;
    t.skip(`this server has no photo sessions yet: ${error.code}`);
    return undefined;
  }
}

test("on the real server a guest watches, over a server that is killed, until the session closes", async (t) => {
  const real = await wedding(t);
  if (!real) return;
  const { server, ann, session, code } = real;
  const login = new Login({ url: server.url, storage: memoryStorage() });
  const { user, session: named } = await login.guest({ code, nickname: "Eve" });
  assert.deepEqual([user.role, user.nickname, named], ["guest", "Eve", session]);
  const eve = client(t, login, { url: server.url });
  await eve.connect();
  const { seq, role, media } = await eve.joinSession({ code });
  assert.equal(role, "guest");
  assert.ok(media.query);
  const { seq: first } = await ann.send({ room: session, text: "one" });
  await told(eve, "event", (event) => event.seq === first);
  await server.kill();
  const back = [next(ann, "session"), next(eve, "joined")];
  await server.start();
  await Promise.all(back);
  const { seq: last } = await ann.send({ room: session, text: "two" });
  await told(eve, "event", (event) => event.seq === last);
  const gone = next(eve, "gone");
  const { seq: end } = await ann.request("photo_session_close", { session });
  assert.deepEqual(await gone, [session]);
  assert.deepEqual(seqs(eve, session), range(seq + 1, end));
});

/** A PNG of one colour. */
function png(width, height) {
  const number = (value) => Buffer.from([24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff));
  const part = (type, bytes) => {
    const body = Buffer.concat([Buffer.from(type), bytes]);
    return Buffer.concat([number(bytes.length), body, number(crc32(body))]);
  };
  const line = Buffer.concat([Buffer.from([0]), Buffer.alloc(width * 3, 0x80)]);
  const pixels = deflateSync(Buffer.concat(Array.from({ length: height }, () => line)));
  const head = Buffer.concat([number(width), number(height), Buffer.from([8, 2, 0, 0, 0])]);
  const start = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  const bytes = Buffer.concat([start, part("IHDR", head), part("IDAT", pixels), part("IEND", Buffer.alloc(0))]);
  return Object.assign(new Blob([bytes], { type: "image/png" }), { name: "grey.png" });
}

test("on the real server a photo goes up, is shown, and is taken back", async (t) => {
  const real = await wedding(t);
  if (!real) return;
  const { server, ann, session, code } = real;
  const eve = client(t, await server.register("eve"), { url: server.url });
  await eve.connect();
  const { media } = await eve.joinSession({ code });
  const made = await ann.upload(session, png(640, 480));
  const shown = await told(eve, "event", ({ type }) => type === "new_photo");
  const { photo, width, height } = shown.data;
  assert.deepEqual([photo, width, height, shown.seq], [made.photo, 640, 480, made.seq]);
  const again = await ann.upload(session, png(640, 480));
  assert.deepEqual(again, { ...made, duplicate: true });
  await told(eve, "event", ({ type, data }) => type === "photo_status_updated" && data.status === "ready");
  const address = `${server.url}/blobs/${photo}/400?${media.query}`;
  assert.equal((await fetch(address)).status, 200);
  await ann.request("photo_update", { session, photos: [photo], state: "hidden" });
  const gone = await told(eve, "event", ({ type }) => type === "photo_deleted");
  assert.deepEqual([gone.data.photos, gone.data.targets, gone.data.hidden], [[photo], [made.seq], true]);
  assert.equal((await fetch(address)).status, 410);
  const { events } = await eve.history(session, { types: ["new_photo"] });
  assert.deepEqual(events[0].data, { photo, retracted: true });
});
