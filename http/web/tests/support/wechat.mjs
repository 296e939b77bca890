// As much of `wx` as the client uses, with its manners: everything is answered in callbacks, later; a socket takes no
// data before it is open; of a connection that fails only `onError` tells; above five sockets there are no more; and
// the background takes the network away, with or without a word.

import { WebSocket } from "./socket.mjs";

const SOCKETS_MAX = 5;
const OPEN = 1;

const later = (task, ...words) => setImmediate(() => task?.(...words));

class SocketTask {
  #socket;
  #on = {};
  #gone;
  readyState = 0;

  constructor(url, gone) {
    this.#gone = gone;
    this.#socket = new WebSocket(url);
    this.#socket.onopen = () => {
      this.readyState = OPEN;
      this.#on.open?.({ header: {} });
    };
    this.#socket.onmessage = ({ data }) => this.#on.message?.({ data });
    this.#socket.onclose = ({ code, reason }) => {
      const opened = this.readyState === OPEN;
      this.#end();
      if (opened) this.#on.close?.({ code, reason });
      else this.#on.error?.({ errMsg: "connection refused" });
    };
  }

  onOpen(listener) {
    this.#on.open = listener;
  }

  onMessage(listener) {
    this.#on.message = listener;
  }

  onClose(listener) {
    this.#on.close = listener;
  }

  onError(listener) {
    this.#on.error = listener;
  }

  send({ data, success, fail }) {
    if (this.readyState !== OPEN) return later(fail, { errMsg: "sendSocketMessage:fail WebSocket is not connected" });
    this.#socket.send(data);
    return later(success, { errMsg: "sendSocketMessage:ok" });
  }

  close({ code = 1000, reason, success, fail }) {
    if (code !== 1000 && (code < 3000 || code > 4999)) throw new RangeError(`closeSocket:fail code ${code}`);
    if (this.readyState !== OPEN) return later(fail, { errMsg: "closeSocket:fail not open" });
    this.#socket.close(code, reason ?? "");
    return later(success, { errMsg: "closeSocket:ok" });
  }

  /** The background: `silent` devices tell only who tries to send. */
  cut(silent) {
    this.#socket.freeze();
    this.#end();
    if (!silent) later(this.#on.close, { code: 1006, reason: "interrupted" });
  }

  #end() {
    this.readyState = 3;
    this.#gone();
  }
}

export class Wechat {
  #tasks = new Set();
  #storage = new Map();
  #listeners = { show: new Set(), hide: new Set() };
  #background = false;
  /** All sockets that were ever asked for, and the most at one time. */
  sockets = 0;
  sockets_max = 0;

  connectSocket({ url, fail }) {
    this.sockets += 1;
    if (this.#background || this.#tasks.size === SOCKETS_MAX) {
      later(fail, { errMsg: "connectSocket:fail" });
      return undefined;
    }
    const task = new SocketTask(url, () => this.#tasks.delete(task));
    this.#tasks.add(task);
    this.sockets_max = Math.max(this.sockets_max, this.#tasks.size);
    return task;
  }

  request({ method, url, header, data, success, fail }) {
    fetch(url, { method, headers: header, body: data }).then(
      async (answer) => {
        const text = await answer.text();
        success({ statusCode: answer.status, data: text, header: Object.fromEntries(answer.headers) });
      },
      () => fail({ errMsg: "request:fail" }),
    );
  }

  getStorageSync(key) {
    return this.#storage.get(key) ?? "";
  }

  setStorageSync(key, value) {
    this.#storage.set(key, value);
  }

  removeStorageSync(key) {
    this.#storage.delete(key);
  }

  getStorageInfoSync() {
    return { keys: [...this.#storage.keys()], currentSize: 0, limitSize: 10_240 };
  }

  onAppShow(listener) {
    this.#listeners.show.add(listener);
  }

  offAppShow(listener) {
    this.#listeners.show.delete(listener);
  }

  onAppHide(listener) {
    this.#listeners.hide.add(listener);
  }

  offAppHide(listener) {
    this.#listeners.hide.delete(listener);
  }

  /** Into the background, and long enough there to lose the socket. */
  hide({ silent }) {
    for (const listener of this.#listeners.hide) listener({});
    this.#background = true;
    for (const task of this.#tasks) task.cut(silent);
  }

  show() {
    this.#background = false;
    for (const listener of this.#listeners.show) listener({ scene: 1001 });
  }

  get listeners() {
    return this.#listeners.show.size + this.#listeners.hide.size;
  }
}
