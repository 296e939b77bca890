// Chromium, driven by the DevTools protocol over its socket: pages of people who know nothing of each other.
// `TEST_REQUIRE=chromium` makes it an error when there is none.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import { WebSocket } from "./socket.mjs";

/** How long something may take that must happen. It is only waited for in vain when a test fails. */
const PATIENCE_MS = Number(process.env.TEST_PATIENCE_MS ?? 60_000);
const FLAGS = [
  "--headless=new",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-dev-shm-usage",
  "--no-first-run",
  "--hide-scrollbars",
  "--disable-background-timer-throttling",
  "--disable-renderer-backgrounding",
  "--disable-backgrounding-occluded-windows",
  "--lang=en",
  "--remote-debugging-port=0",
];
/** Where screenshots go, if anybody wants them. */
const SHOTS = process.env.SALON_SHOTS;

export const DESKTOP = { width: 1280, height: 800, deviceScaleFactor: 1, mobile: false };
export const PHONE = { width: 390, height: 844, deviceScaleFactor: 2, mobile: true };

function program() {
  const names = (process.env.PATH ?? "")
    .split(":")
    .flatMap((folder) => [join(folder, "chromium"), join(folder, "chrome")]);
  return names.find((name) => {
    try {
      return accessSync(name) === undefined;
    } catch {
      return false;
    }
  });
}

/** Started, and ended with the test; undefined when there is none, and the test is skipped. */
export async function chromium(t) {
  const found = program();
  if (!found) {
    assert.ok(!process.env.TEST_REQUIRE?.includes("chromium"), "Chromium is required and not installed");
    t.skip("no chromium in the PATH");
    return undefined;
  }
  const profile = await mkdtemp(join(tmpdir(), "salon-page-chromium-"));
  // In a group of its own: it has children.
  const child = spawn(found, [...FLAGS, `--user-data-dir=${profile}`, "about:blank"], {
    stdio: ["ignore", "ignore", "pipe"],
    detached: true,
  });
  t.after(async () => {
    process.kill(-child.pid, "SIGKILL");
    await once(child, "exit");
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  for await (const line of createInterface(child.stderr)) {
    const url = /DevTools listening on (ws:\S+)/.exec(line)?.[1];
    if (url) {
      child.stderr.resume();
      return new Browser(await Connection.open(url));
    }
  }
  throw new Error("Chromium has ended");
}

class Connection {
  #socket;
  #asked = new Map();
  #number = 0;
  listeners = new Map();

  static async open(url) {
    const connection = new Connection();
    const socket = (connection.#socket = new WebSocket(url));
    socket.onmessage = ({ data }) => connection.#take(JSON.parse(data));
    socket.onclose = () => connection.#asked.forEach(({ reject }) => reject(new Error("Chromium is gone")));
    await new Promise((opened) => (socket.onopen = opened));
    return connection;
  }

  ask(method, params = {}, sessionId) {
    const id = (this.#number += 1);
    this.#socket.send(JSON.stringify({ id, method, params, sessionId }));
    return new Promise((resolve, reject) => this.#asked.set(id, { resolve, reject, method }));
  }

  #take({ id, result, error, method, params, sessionId }) {
    if (id === undefined) return this.listeners.get(sessionId)?.(method, params);
    const { resolve, reject, method: asked } = this.#asked.get(id);
    this.#asked.delete(id);
    return error ? reject(new Error(`${asked}: ${error.message}`)) : resolve(result);
  }
}

class Browser {
  #connection;

  constructor(connection) {
    this.#connection = connection;
  }

  /** A window of somebody's own: no storage is shared. */
  async open(url, metrics = DESKTOP) {
    const ask = (method, params) => this.#connection.ask(method, params);
    const { browserContextId } = await ask("Target.createBrowserContext");
    const { targetId } = await ask("Target.createTarget", { url: "about:blank", browserContextId });
    const { sessionId } = await ask("Target.attachToTarget", { targetId, flatten: true });
    const page = new Page((method, params) => this.#connection.ask(method, params, sessionId));
    this.#connection.listeners.set(sessionId, (method, params) => page.heard(method, params));
    await Promise.all(
      ["Page.enable", "Runtime.enable", "Log.enable", "Network.enable"].map((method) => page.ask(method)),
    );
    await page.size(metrics);
    await page.go(url);
    return page;
  }
}

/** A page that was left does not answer any more. */
function soon(answer, what) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`the page does not answer to ${what}`)), PATIENCE_MS + 5_000);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

export class Page {
  /** What the page has complained of. */
  faults = [];

  constructor(ask) {
    this.ask = ask;
  }

  heard(method, params) {
    if (method === "Runtime.exceptionThrown")
      this.faults.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    if (method === "Runtime.consoleAPICalled" && params.type === "error")
      this.faults.push(params.args.map(({ value, description }) => value ?? description).join(" "));
    // A server that was killed cannot be reached; that is no fault of the page.
    if (method === "Log.entryAdded" && params.entry.level === "error" && params.entry.source !== "network")
      this.faults.push(params.entry.text);
    if (method === "Page.loadEventFired") this.loaded?.();
  }

  async go(url) {
    const loaded = new Promise((done) => (this.loaded = done));
    await this.ask("Page.navigate", { url });
    await soon(loaded, url);
  }

  async reload() {
    const loaded = new Promise((done) => (this.loaded = done));
    await this.ask("Page.reload");
    await soon(loaded, "loading again");
  }

  size(metrics) {
    return this.ask("Emulation.setDeviceMetricsOverride", metrics);
  }

  /** `light` or `dark`. */
  look(value) {
    return this.ask("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value }] });
  }

  /** The value of an expression, or of a function with these words. */
  async run(task, ...words) {
    const expression = typeof task === "function" ? `(${task})(...${JSON.stringify(words)})` : task;
    const { result, exceptionDetails } = await this.ask("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
    });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until a function of the page answers something true, and gives that. */
  async until(task, ...words) {
    const wait = `(async () => {
      const late = performance.now() + ${PATIENCE_MS};
      for (;;) {
        const value = await (${task})(...${JSON.stringify(words)});
        if (value || performance.now() > late) return value;
        await new Promise((wake) => setTimeout(wake, 20));
      }
    })()`;
    const value = await soon(this.run(wait), `${task}`);
    if (!value)
      throw new Error(
        `it never came to ${task} ${JSON.stringify(words)}; the page says: ${(await this.run("document.body.innerText")).slice(0, 800)}`,
      );
    return value;
  }

  see(selector) {
    return this.until((one) => Boolean(document.querySelector(one)), selector);
  }

  says(text) {
    return this.until((part) => document.body.innerText.includes(part), text);
  }

  /** A real click in the middle of an element, optionally of one with this text. */
  async click(selector, text) {
    const place = await this.until(
      (one, words) => {
        const found = [...document.querySelectorAll(one)].find(
          (element) => (!words || element.textContent.includes(words)) && element.getClientRects().length > 0,
        );
        if (!found || found.disabled) return null;
        found.scrollIntoView({ block: "nearest" });
        const { left, top, width, height } = found.getBoundingClientRect();
        const place = { x: left + width / 2, y: top + height / 2 };
        // Where something else lies above it, or it still moves, a person waits, too.
        const still = found.place?.x === place.x && found.place?.y === place.y;
        found.place = place;
        return still && found.contains(document.elementFromPoint(place.x, place.y)) ? place : null;
      },
      selector,
      text,
    );
    for (const type of ["mouseMoved", "mousePressed", "mouseReleased"]) {
      await this.ask("Input.dispatchMouseEvent", {
        type,
        ...place,
        button: type === "mouseMoved" ? "none" : "left",
        clickCount: 1,
      });
    }
  }

  /** Writes into a field, as by keys. */
  async write(selector, text) {
    await this.see(selector);
    await this.run((one) => {
      const field = document.querySelector(one);
      field.focus();
      field.select?.();
    }, selector);
    await this.ask("Input.insertText", { text });
  }

  async press(key, modifiers = 0) {
    const codes = {
      Enter: 13,
      Escape: 27,
      ArrowLeft: 37,
      ArrowUp: 38,
      ArrowRight: 39,
      ArrowDown: 40,
      Tab: 9,
      Home: 36,
      End: 35,
    };
    const letter = key.length === 1;
    const text = letter ? key : key === "Enter" ? "\r" : undefined;
    const more = {
      key,
      code: letter ? `Key${key.toUpperCase()}` : key,
      windowsVirtualKeyCode: codes[key] ?? key.toUpperCase().charCodeAt(0),
      modifiers,
    };
    await this.ask("Input.dispatchKeyEvent", {
      type: text && !modifiers ? "keyDown" : "rawKeyDown",
      ...more,
      text: modifiers ? undefined : text,
    });
    await this.ask("Input.dispatchKeyEvent", { type: "keyUp", ...more });
  }

  /** Files and folders, by their paths, from the desktop onto an element. */
  async drop(selector, files) {
    const place = await this.until((one) => {
      const box = document.querySelector(one)?.getBoundingClientRect();
      return box && { x: box.left + box.width / 2, y: box.top + box.height / 2 };
    }, selector);
    const data = { items: [], files, dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver", "drop"])
      await this.ask("Input.dispatchDragEvent", { type, ...place, data });
  }

  async shot(name) {
    if (!SHOTS) return;
    // Pictures fade in, and what moves comes to rest.
    await this.run("new Promise((wake) => setTimeout(wake, 500))");
    const { data } = await this.ask("Page.captureScreenshot", { format: "png" });
    await mkdir(SHOTS, { recursive: true });
    await writeFile(join(SHOTS, `${name}.png`), Buffer.from(data, "base64"));
  }
}
