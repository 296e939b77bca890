// Two people, the real server, and a network that breaks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { memoryStorage, uuid } from "../salon.js";
import { Proxy } from "./support/proxy.mjs";
import { Server, client, next, range, seqs, texts, told } from "./support/server.mjs";

/** Ann and Bob in a room of two, each with a client that is connected. */
async function pair(t, { annUrl } = {}) {
  const server = await Server.start(t);
  const [annLogin, bobLogin] = [await server.register("ann"), await server.register("bob")];
  const ann = client(t, annLogin, { url: (await annUrl?.(server)) ?? server.url });
  const bob = client(t, bobLogin, { url: server.url });
  await Promise.all([ann.connect(), bob.connect()]);
  const { room } = await ann.createRoom({ name: "Club", members: [bobLogin.user.id] });
  await told(bob, "event", (event) => event.room === room);
  return { server, ann, bob, annLogin, bobLogin, room };
}

test("two people chat", async (t) => {
  const { ann, bob, annLogin, room } = await pair(t);
  const sent = await ann.send({ room, text: "hello" });
  const event = await told(bob, "event", (event) => event.data.text === "hello");
  assert.deepEqual(
    { room: event.room, seq: event.seq, cid: event.data.cid, sender: event.data.sender },
    { room, seq: sent.seq, cid: sent.cid, sender: annLogin.user.id },
  );

  await bob.react(room, sent.seq, "👍");
  await ann.edit(room, sent.seq, "hello!");
  await told(bob, "event", (event) => event.type === "message_edited");
  await ann.recall(room, sent.seq);
  const page = await bob.history(room, { limit: 200 });
  assert.equal(page.events[sent.seq - 1].data.recalled, true);
  await told(bob, "event", (event) => event.type === "message_recalled");
  assert.deepEqual(seqs(bob, room), range(1, 5));

  bob.typing(room);
  await told(ann, "signal", (signal) => signal.type === "typing");
  bob.read(room, 5);
  const read = await told(ann, "signal", (signal) => signal.type === "message_read");
  assert.equal(read.data.seq, 5);

  const rooms = [];
  for await (const item of bob.list("conversations", { limit: 1 })) rooms.push(item.room);
  assert.deepEqual(rooms, [room]);
});

test("what was handed out is told as delivered", async (t) => {
  const { ann, bob, room } = await pair(t);
  for (const text of ["one", "two"]) {
    const { seq } = await ann.send({ room, text });
    await told(ann, "signal", ({ type, data }) => type === "message_delivered" && data.seq >= seq);
    bob.close();
    await bob.connect();
  }
});

test("errors say what can be done", async (t) => {
  const { ann, room } = await pair(t);
  const refused = { name: "SalonError", code: "bad_request", retry: false, details: { field: "seq", reason: "is missing" } };
  await assert.rejects(ann.request("message_read", { room }), refused);
  await assert.rejects(ann.request("no_such_thing"), { code: "unknown_type" });
  await assert.rejects(ann.request("send_message", { text: "ä".repeat(140_000) }), { code: "too_large" });
  const failed = told(ann, "failed");
  await assert.rejects(ann.send({ room: uuid(), text: "to nobody" }), { code: "forbidden" });
  assert.equal((await failed).error.code, "forbidden");
  assert.deepEqual(ann.pending(), []);
});

test("a message whose answer was lost is sent again, and is there once", async (t) => {
  let proxy;
  const { ann, bob, room } = await pair(t, { annUrl: async ({ url }) => (proxy = await Proxy.start(t, url)).url });
  proxy.mute();
  const sending = [ann.send({ room, text: "one" }), ann.send({ room, text: "two" }), ann.send({ room, text: "three" })];
  // It is committed, and nobody has told Ann.
  await told(bob, "event", (event) => event.data.text === "one");
  assert.deepEqual(ann.pending().map(({ text }) => text), ["one", "two", "three"]);
  proxy.cut();
  await Promise.all(sending);
  await told(bob, "event", (event) => event.data.text === "three");
  assert.deepEqual(texts(bob, room), ["one", "two", "three"]);
  assert.deepEqual(texts(ann, room), ["one", "two", "three"]);
  assert.deepEqual(ann.heard.sent.map(({ seq }) => seq), [2, 3, 4]);
});

test("the same cid with another content is a conflict, with the same content a success", async (t) => {
  const { ann, room } = await pair(t);
  const cid = uuid();
  const first = await ann.send({ room, text: "once", cid });
  // Its event would be an answer to the second one, too.
  await told(ann, "event", (event) => event.data.cid === cid);
  const again = await ann.send({ room, text: "once", cid });
  assert.deepEqual([again.seq, again.duplicate], [first.seq, true]);
  await assert.rejects(ann.send({ room, text: "other", cid }), { code: "conflict" });
});

test("a server that is killed loses nothing, and everybody comes back", async (t) => {
  const { server, ann, bob, room } = await pair(t);
  const all = [];
  for (let round = 0; round < 3; round += 1) {
    const sending = range(1, 20).map((number) => ann.send({ room, text: `${round}-${number}` }));
    all.push(...range(1, 20).map((number) => `${round}-${number}`));
    await sending[5];
    await server.kill();
    const back = [next(ann, "session"), next(bob, "session")];
    await server.start();
    await Promise.all([...sending, ...back]);
  }
  await told(bob, "event", (event) => event.data.text === all.at(-1));
  await told(ann, "event", (event) => event.data.text === all.at(-1));
  for (const person of [ann, bob]) {
    assert.deepEqual(texts(person, room), all);
    assert.deepEqual(seqs(person, room), range(1, 61));
    assert.deepEqual(person.heard.reset, []);
    assert.deepEqual(person.heard.error, []);
  }
});

test("a server that stops in order asks to come back later", async (t) => {
  const { server, ann } = await pair(t);
  const waiting = next(ann, "status", ({ status }) => status === "waiting");
  await server.stop();
  const { code, retry_in_ms } = await waiting;
  assert.equal(code, 4200);
  assert.ok(retry_in_ms >= 0);
  await server.start();
  await next(ann, "session");
});

test("a room far behind is caught up by pages, and live events wait for them", async (t) => {
  const { ann, bob, room } = await pair(t);
  bob.close();
  // More than are replayed into one room, so that it is stale.
  for (let at = 0; at < 1_100; at += 100) {
    await Promise.all(range(at + 1, at + 100).map((number) => say(ann, room, `${number}`)));
  }
  const stale = next(bob, "session");
  const coming = bob.connect();
  assert.deepEqual((await stale).stale, [room]);
  await coming;
  await ann.send({ room, text: "live" });
  await told(bob, "event", (event) => event.data.text === "live");
  assert.deepEqual(seqs(bob, room), range(1, 1_102));
  assert.deepEqual(bob.heard.reset, []);
});

/** Without the outbox, which waits for each answer. */
const say = (salon, room, text) => salon.request("send_message", { room, cid: uuid(), kind: "text", text });

test("a room that came while one was away is handed out from its beginning", async (t) => {
  const { ann, bob, bobLogin } = await pair(t);
  bob.close();
  const { room } = await ann.createRoom({ name: "New", members: [bobLogin.user.id] });
  await ann.send({ room, text: "welcome" });
  await bob.connect();
  await told(bob, "event", (event) => event.data.text === "welcome");
  assert.deepEqual(seqs(bob, room), [1, 2]);
});

test("a room that is not ours any more is told", async (t) => {
  const { ann, bob, bobLogin, room } = await pair(t);
  bob.close();
  await ann.request("kick", { room, user: bobLogin.user.id });
  await bob.connect();
  assert.deepEqual(await told(bob, "gone"), [room]);
  await told(bob, "event", ({ type, room }) => type === "room_removed" && room === "inbox");

  // Invited again: what was between is not his, and the log goes on behind it.
  await ann.send({ room, text: "among us" });
  await ann.request("invite", { room, users: [bobLogin.user.id] });
  await ann.send({ room, text: "welcome back" });
  await told(bob, "event", (event) => event.data.text === "welcome back");
  assert.deepEqual(texts(bob, room), ["welcome back"]);
});

test("a store that was restored voids the positions, and the application hears of it", async (t) => {
  const { server, ann, bob, room } = await pair(t);
  await ann.send({ room, text: "kept" });
  await server.backup();
  await ann.send({ room, text: "lost" });
  await told(bob, "event", (event) => event.data.text === "lost");
  const { epoch } = bob.session;
  await server.kill();
  await server.restore();
  const heard = next(bob, "epoch");
  await server.start();
  assert.equal((await heard).previous, epoch);
  await bob.connect();
  await ann.connect();
  // It has the position of what was lost, and is another message.
  const { seq } = await ann.send({ room, text: "after" });
  assert.equal(seq, 3);
  await told(bob, "event", (event) => event.data.text === "after");
  assert.deepEqual(texts(bob, room), ["kept", "lost", "after"]);
});

test("a page that is loaded again goes on where the last one was", async (t) => {
  const { server, ann, bobLogin, room } = await pair(t);
  const storage = memoryStorage();
  const first = client(t, bobLogin, { url: server.url, storage });
  await first.connect();
  await ann.send({ room, text: "one" });
  await told(first, "event", (event) => event.data.text === "one");
  first.close();
  await ann.send({ room, text: "two" });
  const second = client(t, bobLogin, { url: server.url, storage });
  await second.connect();
  await told(second, "event", (event) => event.data.text === "two");
  assert.deepEqual(texts(second, room), ["two"]);
});

test("two tabs on one storage do not disturb each other", async (t) => {
  const { server, ann, bobLogin, room } = await pair(t);
  const storage = memoryStorage();
  const tabs = [1, 2].map(() => client(t, bobLogin, { url: server.url, storage }));
  await Promise.all(tabs.map((tab) => tab.connect()));
  // One of them is away for a while: the other goes on, and what was away has it all when it is back.
  tabs[0].close();
  await ann.send({ room, text: "one" });
  await told(tabs[1], "event", (event) => event.data.text === "one");
  await tabs[0].connect();
  await told(tabs[0], "event", (event) => event.data.text === "one");
  await ann.send({ room, text: "two" });
  for (const tab of tabs) {
    await told(tab, "event", (event) => event.data.text === "two");
    assert.deepEqual(texts(tab, room), ["one", "two"]);
    tab.close();
    assert.deepEqual(tab.heard.status.filter(({ status }) => status === "ended"), []);
  }
  // The one that was closed first wrote less; what is kept is the most.
  const third = client(t, bobLogin, { url: server.url, storage });
  await third.connect();
  await ann.send({ room, text: "three" });
  await told(third, "event", (event) => event.data.text === "three");
  assert.deepEqual(texts(third, room), ["three"]);
});

test("messages outlive the page that sent them", async (t) => {
  const { server, annLogin, bob, room } = await pair(t);
  const storage = memoryStorage();
  const first = client(t, annLogin, { url: server.url, storage });
  // Never connected.
  const sending = ["one", "two"].map((text) => first.send({ room, text }));
  first.close();
  for (const promise of sending) await assert.rejects(promise, { code: "closed" });
  const second = client(t, annLogin, { url: server.url, storage });
  assert.deepEqual(second.pending().map(({ text }) => text), ["one", "two"]);
  // The older ones go first.
  const third = second.send({ room, text: "three" });
  await second.connect();
  assert.equal((await third).seq, 4);
  await told(bob, "event", (event) => event.data.text === "three");
  assert.deepEqual(texts(bob, room), ["one", "two", "three"]);
  assert.deepEqual(second.heard.sent.map(({ seq }) => seq), [2, 3, 4]);
  assert.deepEqual(second.pending(), []);
  assert.deepEqual(client(t, annLogin, { url: server.url, storage }).pending(), []);
});

test("a storage that fails is told once, and memory takes its place", async (t) => {
  const { server, annLogin, bob, room } = await pair(t);
  const full = () => {
    throw new Error("quota exceeded");
  };
  const storage = { ...memoryStorage(), setItem: full };
  const salon = client(t, annLogin, { url: server.url, storage });
  await salon.connect();
  await salon.send({ room, text: "all the same" });
  await told(bob, "event", (event) => event.data.text === "all the same");
  assert.deepEqual(salon.pending(), []);
  assert.deepEqual(salon.heard.error.map(({ message }) => message), ["quota exceeded"]);
});

test("a listener that takes its time gets one event after the other, one that fails stops nobody", async (t) => {
  const { ann, bob, room } = await pair(t);
  const order = [];
  bob.on("event", async (event) => {
    if (event.room !== room) return;
    order.push(`begin ${event.seq}`);
    await bob.request("ping");
    order.push(`end ${event.seq}`);
    if (event.seq === 2) throw new Error("the listener's fault");
  });
  await Promise.all(["one", "two", "three"].map((text) => ann.send({ room, text })));
  await bob.request("ping");
  await told(bob, "event", (event) => event.data.text === "three");
  await bob.request("ping");
  await bob.request("ping");
  assert.deepEqual(order, range(2, 4).flatMap((seq) => [`begin ${seq}`, `end ${seq}`]));
  assert.deepEqual(bob.heard.error.map(({ message }) => message), ["the listener's fault"]);
});
