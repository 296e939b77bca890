// A mini-program, on a `SocketTask` that is joined to the real server.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Login, wechatHttp, wechatStorage, wechatTransport } from "../salon.js";
import { Server, client, next, range, seqs, texts, told } from "./support/server.mjs";
import { Wechat } from "./support/wechat.mjs";

/** Ann with a browser, Bob with a mini-program, in a room. */
async function pair(t) {
  const server = await Server.start(t);
  const wx = new Wechat();
  const bobLogin = new Login({ url: server.url, http: wechatHttp(wx), storage: wechatStorage(wx) });
  await bobLogin.register({ username: "bob", password: "correct horse" });
  const ann = client(t, await server.register("ann"), { url: server.url });
  const bob = client(t, bobLogin, { url: server.url, transport: wechatTransport(wx), storage: wechatStorage(wx) });
  await Promise.all([ann.connect(), bob.connect()]);
  const { room } = await ann.createRoom({ name: "Club", members: [bobLogin.user.id] });
  await told(bob, "event", (event) => event.room === room);
  return { server, wx, ann, bob, bobLogin, room };
}

for (const silent of [false, true]) {
  test(`the background takes the socket ${silent ? "without a word" : "and says so"}`, async (t) => {
    const { wx, ann, bob, room } = await pair(t);
    for (const round of range(1, 3)) {
      wx.hide({ silent });
      await ann.send({ room, text: `${round} while away` });
      // Not answered, and not lost.
      const sending = bob.send({ room, text: `${round} from the background` });
      wx.show();
      await sending;
      await ann.send({ room, text: `${round} live` });
      await told(bob, "event", (event) => event.data.text === `${round} live`);
    }
    const words = ["while away", "from the background", "live"];
    assert.deepEqual(texts(bob, room), range(1, 3).flatMap((round) => words.map((word) => `${round} ${word}`)));
    assert.deepEqual(seqs(bob, room), range(1, 10));
    assert.equal(wx.sockets_max, 1);
  });
}

test("a silent cut is found out when the person is back", async (t) => {
  const { wx, ann, bob, room } = await pair(t);
  wx.hide({ silent: true });
  await ann.send({ room, text: "while away" });
  assert.equal(bob.status, "online");
  wx.show();
  await told(bob, "event", (event) => event.data.text === "while away");
});

test("a mini-program that was ended goes on where it was", async (t) => {
  const { server, wx, ann, bob, bobLogin, room } = await pair(t);
  await ann.send({ room, text: "one" });
  await told(bob, "event", (event) => event.data.text === "one");
  // Hiding writes the positions down; nobody closes anything.
  wx.hide({ silent: true });
  await ann.send({ room, text: "two" });
  wx.show();
  const storage = wechatStorage(wx);
  const again = client(t, bobLogin, { url: server.url, transport: wechatTransport(wx), storage });
  bob.close();
  await again.connect();
  await told(again, "event", (event) => event.data.text === "two");
  assert.deepEqual(texts(again, room), ["two"]);
});

test("a server that is away is waited for", async (t) => {
  const { server, wx, bob } = await pair(t);
  const waiting = next(bob, "status", ({ status }) => status === "waiting");
  await server.kill();
  await waiting;
  await next(bob, "status", ({ status, reason }) => status === "waiting" && reason === "connection refused");
  await server.start();
  await next(bob, "session");
  assert.equal(wx.sockets_max, 1);
});

test("closing leaves no socket and no listener", async (t) => {
  const { wx, bob } = await pair(t);
  bob.close();
  assert.equal(wx.listeners, 0);
  await bob.connect();
  assert.equal(wx.sockets_max, 1);
});
