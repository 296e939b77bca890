// The real server, a process of the test's own, and the people who use it.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

import { Login, Salon, memoryStorage } from "../../salon.js";
import { WebSocket } from "./socket.mjs";

const BINARY = process.env.SALON_BINARY;
if (!BINARY) throw new Error("SALON_BINARY must name the server's binary (cargo build gives target/debug/salon)");

const PASSWORD = "correct horse";
/** How long something may take that must happen. It is only waited for in vain when a test fails. */
const PATIENCE_MS = 60_000;

export class Server {
  #folder;
  #process;
  #listen = "127.0.0.1:0";
  #codes;
  /** The first code that is sent to a phone: without a gateway it is in the log. */
  code = new Promise((sent) => (this.#codes = sent));

  /** Started, and ended with the test `t`. */
  static async start(t) {
    const server = new Server();
    server.#folder = await mkdtemp(join(tmpdir(), "salon-js-"));
    t.after(async () => {
      await server.kill();
      await rm(server.#folder, { recursive: true });
    });
    await server.start();
    return server;
  }

  get url() {
    return `http://${this.#listen}`;
  }

  /** On the same data and the same port as before. */
  async start() {
    const stdio = ["ignore", "pipe", "pipe"];
    this.#process = spawn(BINARY, ["serve"], { cwd: this.#folder, env: this.#env(), stdio });
    createInterface(this.#process.stderr).on("line", (line) => {
      const code = /"code":"(\d{6})"/.exec(line);
      if (code) this.#codes(code[1]);
    });
    const lines = createInterface(this.#process.stdout);
    const [line] = await once(lines, "line");
    this.#listen = /http:\/\/([^ ]+)/.exec(line)[1];
  }

  /** SIGKILL. */
  async kill() {
    await this.#end("SIGKILL");
  }

  /** SIGTERM, and the end. */
  async stop() {
    await this.#end("SIGTERM");
  }

  async backup() {
    await this.#run("backup", "backup");
  }

  /** Puts the backup in the place of the data; the server must not run. */
  async restore() {
    await rename(join(this.#folder, "data"), join(this.#folder, `old-${Date.now()}`));
    await this.#run("restore", "backup");
  }

  disable(username) {
    return this.#run("admin", "disable", username);
  }

  /** A login of somebody new. */
  async register(username, options) {
    const login = new Login({ url: this.url, storage: memoryStorage(), ...options });
    await login.register({ username, password: PASSWORD });
    return login;
  }

  #env() {
    const [SALON_LISTEN, SALON_DATA_DIR] = [this.#listen, join(this.#folder, "data")];
    const cheap = { SALON_ARGON2_MEMORY_KIB: "8", SALON_ARGON2_PASSES: "1" };
    return { SALON_LISTEN, SALON_DATA_DIR, SALON_LOG_FORMAT: "json", SALON_RATE_LIMITS: "off", SALON_DRAIN_SECONDS: "5", ...cheap };
  }

  #run(...words) {
    return promisify(execFile)(BINARY, words, { cwd: this.#folder, env: this.#env() });
  }

  async #end(signal) {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    this.#process.kill(signal);
    await once(this.#process, "exit");
  }
}

/** A client of a login that remembers all that it was told; closed with the test. */
export function client(t, login, options) {
  const { user, token } = login;
  const salon = new Salon({ WebSocket, storage: memoryStorage(), user: user.id, token, ...options });
  t.after(() => salon.close());
  const heard = { event: [], signal: [], status: [], reset: [], gone: [], epoch: [], sent: [], failed: [], error: [] };
  for (const [name, values] of Object.entries(heard)) salon.on(name, (value) => void values.push(value));
  return Object.assign(salon, { heard });
}



/** Waits until a client has told something that fits, be it told already. */
export function told(salon, name, fits = () => true) {
  const known = salon.heard[name].find(fits);
  if (known) return Promise.resolve(known);
  return next(salon, name, fits);
}

/** Waits for the next that fits. */
export function next(salon, name, fits = () => true) {
  return new Promise((resolve, reject) => {
    const failed = () => reject(new Error(`no ${name} that fits ${fits} came within ${PATIENCE_MS} ms`));
    const timer = setTimeout(failed, PATIENCE_MS);
    const stop = salon.on(name, (value) => {
      if (!fits(value)) return;
      clearTimeout(timer);
      stop();
      resolve(value);
    });
  });
}

/** The texts of a room as a client has got them, in that order. */
export function texts(salon, room) {
  const messages = salon.heard.event.filter((event) => event.room === room && event.type === "new_message");
  return messages.map((event) => event.data.text);
}

/** The positions of a room's events as a client has got them. */
export function seqs(salon, room) {
  return salon.heard.event.filter((event) => event.room === room).map((event) => event.seq);
}

export const range = (from, to) => Array.from({ length: to - from + 1 }, (_, at) => from + at);
