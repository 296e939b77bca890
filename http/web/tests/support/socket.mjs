// RFC 6455, as little of it as the tests need: a client with the interface of `WebSocket`, which Node has from 22 on
// only, and a server that plays Salon where the real one cannot be made to misbehave.

import { createHash, randomBytes } from "node:crypto";
import { createServer, request } from "node:http";

const TEXT = 1;
const BINARY = 2;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Frames in both directions over a stream that has been upgraded. */
class Frames {
  #stream;
  #masked;
  #on;
  #pending = Buffer.alloc(0);
  #over = false;

  constructor(stream, masked, on) {
    this.#stream = stream;
    this.#masked = masked;
    this.#on = on;
    stream.on("data", (bytes) => this.#take(bytes));
    stream.on("error", () => {});
    stream.on("close", () => this.#finish(1006, ""));
  }

  write(opcode, payload) {
    const body = Buffer.from(payload);
    const size = body.length < 126 ? [body.length] : body.length < 65_536 ? [126, 0, 0] : [127, 0, 0, 0, 0, 0, 0, 0, 0];
    const head = Buffer.from([0x80 | opcode, ...size]);
    if (size[0] === 126) head.writeUInt16BE(body.length, 2);
    if (size[0] === 127) head.writeUInt32BE(body.length, 6);
    if (!this.#masked) return this.#stream.write(Buffer.concat([head, body]));
    head[1] |= 0x80;
    const mask = randomBytes(4);
    body.forEach((byte, at) => (body[at] = byte ^ mask[at % 4]));
    return this.#stream.write(Buffer.concat([head, mask, body]));
  }

  close(code, reason) {
    const body = Buffer.alloc(2);
    body.writeUInt16BE(code);
    if (!this.#stream.destroyed) this.write(CLOSE, Buffer.concat([body, Buffer.from(reason)]));
  }

  /** As when a cable is pulled: what has come and was not looked at is lost, too. */
  cut() {
    this.#over = true;
    this.#stream.destroy();
  }

  #take(bytes) {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (let frame; !this.#over && (frame = this.#next()); ) this.#frame(frame);
  }

  #next() {
    const bytes = this.#pending;
    if (bytes.length < 2) return undefined;
    const short = bytes[1] & 0x7f;
    const masked = bytes[1] >= 0x80;
    const start = 2 + { 126: 2, 127: 8 }[short] || 2;
    if (bytes.length < start) return undefined;
    const size = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? bytes.readUInt32BE(6) : short;
    const begin = start + (masked ? 4 : 0);
    if (bytes.length < begin + size) return undefined;
    const body = Buffer.from(bytes.subarray(begin, begin + size));
    if (masked) body.forEach((byte, at) => (body[at] = byte ^ bytes[start + (at % 4)]));
    this.#pending = bytes.subarray(begin + size);
    return { opcode: bytes[0] & 0x0f, body };
  }

  #frame({ opcode, body }) {
    if (opcode === TEXT) this.#on.message(body.toString());
    if (opcode === BINARY) this.#on.message(body.buffer.slice(body.byteOffset, body.byteOffset + body.length));
    if (opcode === PING) this.write(PONG, body);
    if (opcode !== CLOSE) return;
    const code = body.length >= 2 ? body.readUInt16BE() : 1005;
    this.close(code === 1005 ? 1000 : code, "");
    this.#stream.end();
    this.#finish(code, body.subarray(2).toString());
  }

  #finish(code, reason) {
    if (this.#over) return;
    this.#over = true;
    this.#on.close(code, reason);
  }
}

export class WebSocket {
  #frames;

  constructor(url) {
    const key = randomBytes(16).toString("base64");
    const headers = { Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": 13, "Sec-WebSocket-Key": key };
    const asked = request(url.replace(/^ws/, "http"), { headers, agent: false });
    asked.on("upgrade", (_, stream, head) => {
      this.#frames = new Frames(stream, true, {
        message: (data) => this.onmessage({ data }),
        close: (code, reason) => this.onclose({ code, reason }),
      });
      this.onopen();
      if (head.length > 0) stream.unshift(head);
    });
    const refused = () => this.onclose({ code: 1006, reason: "" });
    asked.on("response", (answer) => answer.resume() && refused());
    asked.on("error", refused);
    asked.end();
  }

  send(data) {
    const bytes = typeof data === "string" ? Buffer.from(data) : Buffer.from(new Uint8Array(data));
    this.#frames.write(typeof data === "string" ? TEXT : BINARY, bytes);
  }

  close(code, reason) {
    this.#frames?.close(code, reason);
  }

  /** Not in a real WebSocket: nothing goes or comes any more, and nobody is told. */
  freeze() {
    this.onmessage = this.onclose = () => {};
    this.#frames.cut();
  }
}

/**
 * A server of sockets. `serve(socket, number)` is called for each; the socket has `onframe`, `answer`, `push`, `close`,
 * `cut`; requests over HTTP are for `http`. It has a `url` and a `stop()`.
 */
export async function fakeServer(serve, http = (_, answer) => answer.writeHead(404).end()) {
  const sockets = [];
  const server = createServer(http);
  server.on("upgrade", (asked, stream) => {
    const accept = createHash("sha1").update(`${asked.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`);
    const words = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    stream.write([...words, `Sec-WebSocket-Accept: ${accept.digest("base64")}`, "", ""].join("\r\n"));
    const socket = { onframe: () => {} };
    const message = (data) => socket.onframe(typeof data === "string" ? JSON.parse(data) : data);
    const frames = new Frames(stream, false, { message, close: () => {} });
    socket.push = (frame) => frames.write(TEXT, JSON.stringify(frame));
    socket.answer = ({ ref }, data, type = "ok") => socket.push({ type, ref, data });
    socket.close = (code, reason = "") => frames.close(code, reason);
    socket.cut = () => frames.cut();
    sockets.push(socket);
    serve(socket, sockets.length - 1);
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    stop: () => {
      sockets.forEach((socket) => socket.cut());
      return new Promise((stopped) => server.close(stopped));
    },
  };
}
