// A TCP proxy that can be cut, held and reopened: the network between a client and the server.

import { connect, createServer } from "node:net";

export class Proxy {
  #target;
  #server;
  #pairs = new Set();
  /** Whether bytes of the server still reach the clients. */
  #muted = false;

  static async start(t, target) {
    const proxy = new Proxy();
    proxy.#target = new URL(target);
    proxy.#server = createServer((client) => proxy.#join(client));
    await new Promise((ready) => proxy.#server.listen(0, "127.0.0.1", ready));
    t.after(() => {
      proxy.cut();
      proxy.#server.close();
    });
    return proxy;
  }

  get url() {
    return `http://127.0.0.1:${this.#server.address().port}`;
  }

  get connections() {
    return this.#pairs.size;
  }

  /** From now on requests arrive and answers do not, until the connection is cut. */
  mute() {
    this.#muted = true;
  }

  /** Cuts all connections; new ones work. */
  cut() {
    for (const [client, server] of this.#pairs) {
      client.destroy();
      server.destroy();
    }
    this.#muted = false;
  }

  #join(client) {
    const server = connect(this.#target.port, this.#target.hostname);
    const pair = [client, server];
    this.#pairs.add(pair);
    client.on("data", (bytes) => server.write(bytes));
    server.on("data", (bytes) => this.#muted || client.write(bytes));
    for (const side of pair) {
      side.on("error", () => {});
      side.on("close", () => {
        pair.forEach((each) => each.destroy());
        this.#pairs.delete(pair);
      });
    }
  }
}
