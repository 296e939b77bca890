// Logging in over HTTP, and what becomes of the socket when a login ends.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Login, fetchHttp, memoryStorage } from "../salon.js";
import { Server, client, next, told } from "./support/server.mjs";

const USERNAME = "ann";
const PASSWORD = "correct horse";

/** Storage with a login whose access token has run out. */
function aged(storage) {
  const login = JSON.parse(storage.getItem("salon:login"));
  storage.setItem("salon:login", JSON.stringify({ ...login, expires_at: Date.now() }));
}

/** HTTP that writes down what was asked. */
function counted() {
  const asked = [];
  const http = fetchHttp();
  const log = (request) => asked.push(new URL(request.url).pathname) && http(request);
  return { asked, http: log };
}

test("register, log in, profile, log out", async (t) => {
  const server = await Server.start(t);
  const login = await server.register(USERNAME);
  assert.equal((await login.call("GET", "/api/users/me")).id, login.user.id);
  const elsewhere = new Login({ url: server.url, storage: memoryStorage() });
  const wrong = { name: "SalonError", code: "unauthorized", status: 401, retry: false };
  await assert.rejects(elsewhere.login(USERNAME, "wrong horse"), wrong);
  assert.equal((await elsewhere.login(USERNAME, PASSWORD)).id, login.user.id);
  await assert.rejects(elsewhere.register({ username: USERNAME, password: PASSWORD }), { code: "conflict" });
  const salon = client(t, elsewhere, { url: server.url });
  await salon.connect();
  const ended = next(salon, "status", ({ status }) => status === "ended");
  await elsewhere.logout();
  assert.equal((await ended).code, 4002);
  assert.equal(elsewhere.user, null);
  await assert.rejects(elsewhere.token(), { code: "unauthorized" });
});

test("log in by a code on the phone", async (t) => {
  const server = await Server.start(t);
  const login = new Login({ url: server.url, storage: memoryStorage() });
  await login.sendCode("+8613800138000");
  const user = await login.loginWithCode("+8613800138000", await server.code);
  assert.equal((await login.call("GET", "/api/users/me")).id, user.id);
});

test("a token that has run out is renewed before it is used, once for all who ask", async (t) => {
  const server = await Server.start(t);
  const [storage, { asked, http }] = [memoryStorage(), counted()];
  const login = await server.register(USERNAME, { storage, http });
  const old = await login.token();
  aged(storage);
  const tokens = await Promise.all([login.token(), login.token(), login.refresh()]);
  assert.equal(new Set(tokens).size, 1);
  assert.notEqual(tokens[0], old);
  assert.deepEqual(asked.slice(1), ["/api/auth/refresh"]);
  // A refresh token that is used twice would have ended the login.
  assert.equal((await login.call("GET", "/api/users/me")).id, login.user.id);
  const salon = client(t, login, { url: server.url });
  await salon.connect();
});

test("a page that is loaded again is logged in, and another tab's refresh serves this one", async (t) => {
  const server = await Server.start(t);
  const [storage, { asked, http }] = [memoryStorage(), counted()];
  await server.register(USERNAME, { storage });
  const tabs = [1, 2].map(() => new Login({ url: server.url, storage, http }));
  const refused = await tabs[0].token();
  const renewed = await tabs[0].token(refused);
  assert.equal(await tabs[1].token(refused), renewed);
  assert.deepEqual(asked, ["/api/auth/refresh"]);
});

test("a token that the server refuses is renewed, and the client comes in", async (t) => {
  const server = await Server.start(t);
  const login = await server.register(USERNAME);
  const token = (refused) => (refused ? login.token(refused) : "no token at all");
  const salon = client(t, login, { url: server.url, token });
  await salon.connect();
  assert.deepEqual(salon.heard.status.map(({ status, code }) => code ?? status), ["connecting", 4001, "connecting", "online"]);
});

test("without a login there is nothing to wait for", async (t) => {
  const server = await Server.start(t);
  const login = await server.register(USERNAME);
  const salon = client(t, login, { url: server.url });
  login.forget();
  await assert.rejects(salon.connect(), { code: "unauthorized" });
  assert.equal(salon.status, "ended");
  await login.login(USERNAME, PASSWORD);
  await salon.connect();
});

test("without a server the login is kept, and the client waits", async (t) => {
  const server = await Server.start(t);
  const storage = memoryStorage();
  const login = await server.register(USERNAME, { storage });
  await server.kill();
  aged(storage);
  await assert.rejects(login.refresh(), { code: "network", retry: true });
  const salon = client(t, login, { url: server.url });
  const begun = salon.connect();
  await told(salon, "status", ({ status }) => status === "waiting");
  assert.equal(salon.heard.error[0].code, "network");
  await server.start();
  await begun;
});

test("a refused refresh ends the login", async (t) => {
  const server = await Server.start(t);
  const storage = memoryStorage();
  const login = await server.register(USERNAME, { storage });
  const before = storage.getItem("salon:login");
  await login.refresh();
  storage.setItem("salon:login", before);
  await assert.rejects(login.refresh(), { code: "unauthorized" });
  assert.equal(login.user, null);
});

test("a disabled account is told", async (t) => {
  const server = await Server.start(t);
  const login = await server.register(USERNAME);
  const salon = client(t, login, { url: server.url });
  await salon.connect();
  const ended = next(salon, "status", ({ status }) => status === "ended");
  await server.disable(USERNAME);
  assert.equal((await ended).code, 4003);
});

test("a proxy that answers in its own words is understood", async () => {
  const http = async () => ({ status: 502, text: "<h1>Bad Gateway</h1>", retry_after: "3" });
  const login = new Login({ url: "http://nowhere", http, storage: memoryStorage() });
  await assert.rejects(login.sendCode("1"), { code: "unavailable", status: 502, retry_after_ms: 3_000, retry: true });
});
