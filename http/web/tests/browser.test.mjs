// The same module in Chromium: its WebSocket, its storage, its locks. `TEST_REQUIRE=chromium` makes it an error when
// there is none.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { accessSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Server } from "./support/server.mjs";

const PATIENCE_MS = 60_000;
const PAGES = { "/": ["support/page.html", "text/html"], "/salon.js": ["../salon.js", "text/javascript"] };

function chromium() {
  const names = (process.env.PATH ?? "").split(":").flatMap((folder) => [join(folder, "chromium"), join(folder, "chrome")]);
  return names.find((name) => {
    try {
      return accessSync(name) === undefined;
    } catch {
      return false;
    }
  });
}

/** The page and the server as one origin, as when the server serves the page. `result` is what the page has found. */
async function origin(t, server) {
  const { hostname, port } = new URL(server.url);
  let report;
  const result = new Promise((done) => (report = done));
  const front = createServer(async (asked, answer) => {
    const page = PAGES[asked.url];
    if (page) {
      answer.writeHead(200, { "Content-Type": page[1] });
      return answer.end(await readFile(new URL(page[0], import.meta.url)));
    }
    if (asked.url === "/result") {
      report(JSON.parse(Buffer.concat(await asked.toArray())));
      return answer.end();
    }
    const { method, url: path, headers } = asked;
    const passed = request({ hostname, port, method, path, headers }, (response) => {
      answer.writeHead(response.statusCode, response.headers);
      response.pipe(answer);
    });
    return asked.pipe(passed);
  });
  front.on("upgrade", (asked, client) => {
    const lines = asked.rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${asked.rawHeaders[at + 1]}`]));
    const back = connect(port, hostname, () => back.write([`GET ${asked.url} HTTP/1.1`, ...lines, "", ""].join("\r\n")));
    for (const side of [client, back]) side.on("error", () => {});
    client.pipe(back).pipe(client);
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  t.after(() => {
    front.closeAllConnections();
    front.close();
  });
  return { url: `http://127.0.0.1:${front.address().port}/`, result };
}

test("a page in Chromium, loaded twice", async (t) => {
  const program = chromium();
  if (!program) {
    assert.ok(!process.env.TEST_REQUIRE?.includes("chromium"), "Chromium is required and not installed");
    return t.skip("no chromium in the PATH");
  }
  const { url, result } = await origin(t, await Server.start(t));
  const profile = await mkdtemp(join(tmpdir(), "salon-js-chromium-"));
  const flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"];
  // In a group of its own: it has children.
  const browser = spawn(program, [...flags, `--user-data-dir=${profile}`, url], { stdio: "ignore", detached: true });
  t.after(async () => {
    process.kill(-browser.pid, "SIGKILL");
    await once(browser, "exit");
    await rm(profile, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  });
  const late = new Promise((_, reject) => {
    const timer = setTimeout(() => reject(new Error(`the page said nothing within ${PATIENCE_MS} ms`)), PATIENCE_MS);
    t.after(() => clearTimeout(timer));
  });
  assert.deepEqual(Object.fromEntries(await Promise.race([result, late])), {
    "the same token": true,
    pending: ["two"],
    sent: 3,
    event: 3,
    upload: "forbidden",
  });
});
