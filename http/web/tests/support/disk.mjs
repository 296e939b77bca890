// The page from the files as they are now, before a server that may be older: for whoever writes the page, and does not
// want to build the server for every line.

import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, request } from "node:http";
import { connect } from "node:net";

const TYPES = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css",
  svg: "image/svg+xml",
  webmanifest: "application/manifest+json",
};
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' blob: data:",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The address of a server that has the page, and passes on what else is asked of it. */
export async function fromDisk(t, target) {
  const { hostname, port } = new URL(target);
  const front = createServer(async (asked, answer) => {
    const path = asked.url.split("?")[0];
    const file = path === "/" ? "/index.html" : path === "/salon.js" || path.startsWith("/app/") ? path : undefined;
    if (file) {
      const content = await readFile(new URL(`../..${file}`, import.meta.url)).catch(() => undefined);
      answer.writeHead(content ? 200 : 404, {
        "Content-Type": TYPES[file.split(".").pop()] ?? "text/plain",
        "Content-Security-Policy": POLICY,
      });
      return answer.end(content);
    }
    const passed = request(
      { hostname, port, method: asked.method, path: asked.url, headers: asked.headers },
      (response) => {
        answer.writeHead(response.statusCode, response.headers);
        response.pipe(answer);
      },
    );
    passed.on("error", () => answer.destroy());
    return asked.pipe(passed);
  });
  front.on("upgrade", (asked, client) => {
    const lines = asked.rawHeaders.flatMap((name, at) => (at % 2 ? [] : [`${name}: ${asked.rawHeaders[at + 1]}`]));
    const back = connect(port, hostname, () =>
      back.write([`GET ${asked.url} HTTP/1.1`, ...lines, "", ""].join("\r\n")),
    );
    for (const [side, other] of [
      [client, back],
      [back, client],
    ]) {
      side.on("error", () => {});
      side.on("close", () => other.destroy());
    }
    client.pipe(back).pipe(client);
  });
  front.listen(0, "127.0.0.1");
  await once(front, "listening");
  t.after(() => {
    front.closeAllConnections();
    front.close();
  });
  return `http://127.0.0.1:${front.address().port}`;
}
