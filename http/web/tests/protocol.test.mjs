// What the real server does seldom or never, played by a fake one.

import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryStorage, webSocketTransport } from "../salon.js";
import { client, next, range, seqs, told } from "./support/server.mjs";
import { WebSocket, fakeServer } from "./support/socket.mjs";

const USER = "0192e4a0-0000-7000-8000-00000000000a";
const ROOM = "0192e4a0-1111-7000-8000-000000000001";

const LIMITS = {
  ...{ frame: 262_144, text: 10_000, page: 200, replay_room: 1_000, replay_total: 10_000, rooms: 5_000 },
  ...{ members_call: 200, inflight: 256, recall_ms: 120_000 },
};

/** The answer to `auth`, with one room whose newest event is `seq`. */
function welcome(seq, changes) {
  const room = { id: ROOM, kind: "group", name: "Club", seq, first_seq: 1, read: 0, delivered: 0, unread: 0, role: "member" };
  const session = { user: { id: USER }, session: "s", epoch: "e1", heartbeat_ms: 25_000, server_time: 0, expires_at: 0 };
  return { ...session, limits: LIMITS, inbox: 0, rooms: [room], stale: [], ...changes };
}

const event = (seq, data = { sender: "b", cid: "c", kind: "text", text: `${seq}` }) => ({
  ...{ type: "new_message", room: ROOM, seq, at: seq, data },
});

/**
 * A client of a fake server that answers `auth` with `auths[n]` to the n-th socket (the last one for all others), and
 * gives all other frames to `serve`.
 */
async function play(t, auths, serve = () => {}, options) {
  const sockets = [];
  const asked = [];
  const server = await fakeServer((socket, number) => {
    sockets.push(socket);
    socket.onframe = (frame) => {
      if (frame.type !== "auth") return serve(socket, frame, number);
      asked.push(frame.data);
      const answer = auths[Math.min(number, auths.length - 1)];
      return typeof answer === "function" ? answer(socket, frame) : socket.answer(frame, answer);
    };
  });
  t.after(() => server.stop());
  const salon = client(t, { user: { id: USER }, token: () => "token" }, { url: server.url, receipts: false, ...options });
  return { salon, sockets, asked };
}

const bye = (code, data) => (socket) => {
  socket.push({ type: "bye", data: { code, reason: "because", ...data } });
  socket.close(code);
};

for (const code of [4002, 4003, 4004, 4077]) {
  test(`after ${code} nobody comes back`, async (t) => {
    const { salon, sockets } = await play(t, [bye(code)]);
    await assert.rejects(salon.connect(), { code: "closed" });
    assert.deepEqual(salon.heard.status.at(-1), { status: "ended", code, reason: "because" });
    assert.equal(sockets.length, 1);
    await assert.rejects(salon.request("ping"), { code: "closed" });
  });
}

test("after 4001 the token is renewed, once", async (t) => {
  const refused = [];
  const token = (old) => refused.push(old) && `token ${refused.length}`;
  const { salon, asked } = await play(t, [bye(4001), welcome(1), bye(4001), bye(4001)], undefined, { token });
  await salon.connect();
  assert.deepEqual(refused, [undefined, "token 1"]);
  assert.equal(asked[1].token, "token 2");

  // The next one is refused, and so is the one after it.
  const second = await play(t, [bye(4001)], undefined, { token: () => "token" });
  await assert.rejects(second.salon.connect(), { code: "closed" });
  assert.equal(second.sockets.length, 2);
});

test("the wait before an attempt is random below a bound that doubles", async (t) => {
  t.mock.method(Math, "random", () => 0.002);
  const breaks = [1011, 4101, 4102, 4150, 1001, 4900, 3000, 4102];
  const auths = [...breaks.map((code) => (socket) => socket.close(code)), welcome(1)];
  t.mock.timers.enable({ apis: ["Date"] });
  const { salon, sockets } = await play(t, auths);
  await salon.connect();
  const waits = salon.heard.status.filter(({ status }) => status === "waiting");
  assert.deepEqual(waits.map(({ code }) => code), breaks);
  assert.deepEqual(waits.map((wait) => wait.retry_in_ms), [1, 2, 4, 8, 16, 32, 60, 60]);

  // A session of 29 s does not count, one of 30 s does.
  for (const [open_ms, retry_in_ms] of [[29_000, 60], [30_000, 1]]) {
    t.mock.timers.tick(open_ms);
    const waiting = next(salon, "status", ({ status }) => status === "waiting");
    sockets.at(-1).cut();
    assert.equal((await waiting).retry_in_ms, retry_in_ms);
    await next(salon, "session");
  }
});

test("a server that asks for time gets it, and a person who comes back does not change that", async (t) => {
  let life;
  const transport = Object.assign(webSocketTransport(WebSocket), { watch: (on) => (life = on) && (() => {}) });
  t.mock.method(Math, "random", () => 0.01);
  const stopping = bye(4200, { retry_after_ms: 120 });
  const { salon, sockets } = await play(t, [stopping, (socket) => socket.cut(), welcome(1)], undefined, { transport });
  const begun = salon.connect();
  await next(salon, "status", ({ status }) => status === "waiting");
  const since = Date.now();
  life.wake();
  assert.equal(salon.status, "waiting");
  await begun;
  assert.ok(Date.now() - since >= 119);
  const waits = salon.heard.status.filter(({ status }) => status === "waiting");
  assert.deepEqual(waits.map((wait) => wait.retry_in_ms), [120, 5]);
  assert.equal(sockets.length, 3);
});

test("a person who comes back ends a wait of our own", async (t) => {
  let life;
  const transport = Object.assign(webSocketTransport(WebSocket), { watch: (on) => (life = on) && (() => {}) });
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { salon } = await play(t, [(socket) => socket.cut(), welcome(1)], undefined, { transport });
  const begun = salon.connect();
  await next(salon, "status", ({ status }) => status === "waiting");
  life.wake();
  await begun;
});

test("a connection that died without a word is noticed", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  let pinged;
  const ping = new Promise((asked) => (pinged = asked));
  const { salon } = await play(t, [welcome(1)], (_, { type }) => type === "ping" && pinged());
  await salon.connect();
  t.mock.timers.tick(25_000);
  await ping;
  assert.equal(salon.status, "online");
  t.mock.timers.tick(10_000);
  await told(salon, "status", ({ status }) => status === "waiting");
});

test("a request that nobody answers ends, and so does one that finds no connection", async (t) => {
  const { salon } = await play(t, [welcome(1)]);
  const late = { code: "timeout", retry: true };
  const early = salon.connect();
  await assert.rejects(salon.request("friends", {}, { timeout_ms: 0 }), late);
  await early;
  await assert.rejects(salon.request("friends", {}, { timeout_ms: 5 }), late);
  const lost = salon.request("friends");
  salon.close();
  await assert.rejects(lost, { code: "disconnected", retry: true });
  await assert.rejects(salon.request("friends"), { code: "closed", retry: false });
});

test("too many requests at once are refused", async (t) => {
  const { salon } = await play(t, [welcome(1, { limits: { ...LIMITS, inflight: 3 } })]);
  const begun = salon.connect();
  const waiting = range(1, 255).map(() => salon.request("friends"));
  await assert.rejects(salon.request("friends"), { code: "full" });
  await begun;
  await assert.rejects(waiting[254], { code: "overloaded" });
  salon.close();
  const codes = (await Promise.allSettled(waiting)).map(({ reason }) => reason.code);
  const count = (code) => codes.filter((each) => each === code).length;
  assert.deepEqual([count("disconnected"), count("overloaded")], [3, 252]);
});

test("a hole is filled before what is behind it, and a jump of the log is no hole", async (t) => {
  const asked = [];
  const pages = new Map([
    [2, { events: [event(3), event(4)], more: true }],
    [4, { events: [event(5)], more: false }],
    [7, { events: [], more: false }],
  ]);
  const { salon, sockets } = await play(t, [welcome(2)], (socket, frame) => {
    const { after } = frame.data;
    asked.push(after);
    // The first time it fails, in a way that passes.
    if (asked.length === 1) return socket.answer(frame, { code: "unavailable", retry_after_ms: 1 }, "error");
    return socket.answer(frame, pages.get(after));
  });
  await salon.connect();
  for (const seq of [1, 2, 6, 6, 7, 20, 21]) sockets[0].push(event(seq));
  await told(salon, "event", ({ seq }) => seq === 21);
  assert.deepEqual(seqs(salon, ROOM), [3, 4, 5, 6, 7, 20, 21]);
  assert.deepEqual(asked, [2, 2, 4, 7]);
});

test("more live events than may be held back come with the pages", async (t) => {
  let newest = 2_500;
  const { salon } = await play(t, [welcome(0), welcome(1_500, { stale: [ROOM] })], (socket, frame) => {
    const { after, limit } = frame.data;
    // Before the first page, a flood.
    if (after === 0) for (const seq of range(1_501, newest)) socket.push(event(seq));
    const events = range(after + 1, Math.min(after + limit, newest)).map((seq) => event(seq));
    socket.answer(frame, { events, more: after + limit < newest });
  });
  await salon.connect();
  salon.close();
  await salon.connect();
  await told(salon, "event", ({ seq }) => seq === 2_500);
  assert.deepEqual(seqs(salon, ROOM), range(1, 2_500));
});

test("a room that is too far behind, or ahead, is begun anew", async (t) => {
  const auths = [welcome(100), welcome(10_101, { stale: [ROOM] }), welcome(50, { stale: [ROOM, "inbox"], inbox: 9 })];
  const storage = memoryStorage();
  const { salon, asked } = await play(t, auths, undefined, { storage });
  for (const _ of auths) {
    await salon.connect();
    salon.close();
  }
  const resets = [10_101, 50].map((position) => ({ room: ROOM, position }));
  assert.deepEqual(salon.heard.reset, [...resets, { room: "inbox", position: 9 }]);
  assert.deepEqual(asked.map(({ rooms }) => rooms?.[ROOM]), [undefined, 100, 10_101]);
  // Also when the page is loaded again.
  const again = await play(t, [welcome(50)], undefined, { storage });
  await again.salon.connect();
  assert.deepEqual([again.asked[0].rooms[ROOM], again.asked[0].inbox], [50, 9]);
});

test("a room in which we may not read any more is told, and does not stop the others", async (t) => {
  const { salon, sockets } = await play(t, [welcome(2)], (socket, frame) => {
    socket.answer(frame, { code: "forbidden", message: "no" }, "error");
  });
  await salon.connect();
  sockets[0].push(event(5));
  await told(salon, "event", ({ seq }) => seq === 5);
  const [{ room, position, error }] = salon.heard.reset;
  assert.deepEqual([room, position, error.code], [ROOM, 4, "forbidden"]);
});

test("a message is tried again as the server says, and nothing overtakes it", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const came = [];
  const { salon } = await play(t, [welcome(0)], (socket, frame) => {
    came.push({ cid: frame.data.cid, text: frame.data.text, at: Date.now() });
    if (came.length === 1) return socket.answer(frame, { code: "rate_limited", retry_after_ms: 60 }, "error");
    if (came.length === 2) return socket.answer(frame, { code: "internal" }, "error");
    return socket.answer(frame, { room: ROOM, seq: came.length, at: 1 });
  });
  await salon.connect();
  const sending = ["one", "two"].map((text) => salon.send({ room: ROOM, text }));
  await Promise.all(sending);
  assert.deepEqual(came.map(({ text }) => text), ["one", "one", "one", "two"]);
  assert.ok(came[0].cid === came[1].cid && came[1].cid === came[2].cid && came[2].cid !== came[3].cid);
  assert.ok(came[1].at - came[0].at >= 59);
});

test("a fault of the server is believed the second time", async (t) => {
  t.mock.method(Math, "random", () => 0);
  const { salon } = await play(t, [welcome(0)], (socket, frame) => socket.answer(frame, { code: "internal" }, "error"));
  await salon.connect();
  await assert.rejects(salon.send({ room: ROOM, text: "one" }), { code: "internal" });
});

test("one's own event is an answer when the other one was lost", async (t) => {
  const sent = [];
  const { salon } = await play(t, [welcome(0)], (socket, { data }) => {
    sent.push(data);
    socket.push(event(1, { sender: USER, cid: data.cid, kind: "text", text: data.text }));
    socket.cut();
  });
  await salon.connect();
  const { seq } = await salon.send({ room: ROOM, text: "one" });
  assert.equal(seq, 1);
  await next(salon, "session");
  await salon.request("ping", {}, { timeout_ms: 1 }).catch(() => {});
  assert.equal(sent.filter(({ text }) => text === "one").length, 1);
});

test("the outbox has a bound, and forgets what it was told to and what is too old", async (t) => {
  const storage = memoryStorage();
  const { salon } = await play(t, [welcome(0)], undefined, { storage });
  const sending = range(1, 500).map((number) => salon.send({ room: ROOM, text: `${number}` }));
  await assert.rejects(salon.send({ room: ROOM, text: "too many" }), { code: "full" });
  const [{ cid }] = salon.pending();
  salon.discard(cid);
  await assert.rejects(sending[0], { code: "cancelled" });
  assert.equal(salon.pending().length, 499);
  salon.close();
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 8 * 86_400_000 });
  await salon.connect();
  assert.equal(salon.heard.failed.filter(({ error }) => error.code === "expired").length, 499);
});

test("positions of another user are not used", async (t) => {
  const { salon } = await play(t, [welcome(1, { user: { id: "somebody else" } })]);
  await assert.rejects(salon.connect(), { code: "closed" });
  assert.match(salon.heard.status.at(-1).reason, /another user/);
});
