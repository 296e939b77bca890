/**
 * The client of Salon, in one file and without dependencies: in browsers, in Node, in WeChat mini-programs.
 *
 * Owns      the socket and its return, the positions in the logs, the messages that are not yet answered, the tokens.
 * Promises  every event of a room is handed out once and in order, over lost connections and killed servers; a
 *           message that `send` has taken is sent until the server has answered it, and is there once; whatever
 *           piles up has a bound.
 * Does not  keep events, profiles or conversations: that is the application's.
 *
 * The wire is described in PROTOCOL.md, to which "section" refers. To be read from top to bottom: small things, `Link`
 * (one socket), `Log` and `Logs` (positions), `Views` (photo sessions), `Outbox`, `Receipts`, `Uploads`, `Salon` (which
 * joins them), `Login` (HTTP), adapters.
 */

/** Reconnecting: full jitter below 0.5 s · 2ⁿ and 30 s; begins anew when a session was open for 30 s (section 13). */
const BACKOFF_MS = 500;
const BACKOFF_MS_MAX = 30_000;
const STABLE_MS = 30_000;
/** What a server may ask us to wait; a mistaken number must not keep a client away for ever. */
const RETRY_AFTER_MS_MAX = 3_600_000;
/** From opening a socket to the answer to `auth`. */
const CONNECT_MS_MAX = 15_000;
/** From asking to the answer, if the application says nothing else. */
const REQUEST_MS = 15_000;
/** Silence after a ping that means that the connection is dead; shorter when a person has just come back. */
const PING_MS_MAX = 10_000;
const WAKE_PING_MS_MAX = 3_000;
/** Our own close code, of those that the server does not use: this side has given the socket up. */
const GIVEN_UP = 4900;
/** Requests that wait for a session; above it they are refused. */
const WAITING_MAX = 256;
/** Bounds of the server, until its answer to `auth` names them (section 15). */
const FRAME_BYTES_MAX = 262_144;
const PAGE_EVENTS_MAX = 200;
/** Live events of one room that are held back while pages are read; above it the pages bring them, too. */
const HELD_EVENTS_MAX = 1_000;
/** A room further behind than this is not caught up but `reset`. */
const CATCH_UP_EVENTS_MAX = 10_000;
/** Rooms that read pages at the same time. */
const CATCH_UP_ROOMS_MAX = 4;
/** Positions that are kept: as many as a user may have rooms. They are named in one frame. */
const POSITIONS_MAX = 5_000;
const POSITIONS_SAVE_MS = 300;
/** Photo sessions whose grants and positions are kept; the oldest are forgotten first. */
const VIEWS_KEPT_MAX = 100;
/** Messages without an answer that are kept, how long, and how many rooms send at the same time. */
const OUTBOX_MESSAGES_MAX = 500;
const OUTBOX_AGE_MS_MAX = 7 * 86_400_000;
const OUTBOX_ROOMS_MAX = 16;
/** Receipts are told at most so often, for so many rooms in a frame (section 10). */
const RECEIPTS_EVERY_MS = 1_000;
const RECEIPTS_ROOMS_MAX = 200;
const TYPING_EVERY_MS = 3_000;
/** Uploads at once, and chunks of each that are under way. */
const UPLOADS_MAX = 4;
const UPLOAD_CHUNKS_MAX = 4;
/** An access token that lives shorter than this is renewed before it is used. */
const TOKEN_SPARE_MS = 30_000;
const HTTP_MS_MAX = 30_000;
/** A WeChat socket that was told to close, and does not say that it has, is taken for closed. */
const WECHAT_CLOSE_MS_MAX = 1_000;

/** Errors after which the same request may succeed: of section 14, and of this library. */
const RETRY_CODES = new Set(["rate_limited", "unavailable", "overloaded", "timeout", "disconnected", "network"]);

/**
 * Why something was not done. `code` is one of section 14 or: `timeout` (no answer; perhaps done), `disconnected`
 * (the socket ended before the answer; perhaps done), `closed` (this client is), `full` (a bound of this library),
 * `expired` (waited too long), `network` (HTTP did not get through), `cancelled`.
 */
export class SalonError extends Error {
  constructor({ code, message, retry_after_ms, details, status, request_id }) {
    super(message ?? code);
    this.name = "SalonError";
    this.code = code;
    this.retry_after_ms = retry_after_ms;
    this.details = details;
    this.status = status;
    this.request_id = request_id;
  }

  /** Whether trying again can help. A code that we do not know is judged by `retry_after_ms`, as section 14 says. */
  get retry() {
    return RETRY_CODES.has(this.code) || this.retry_after_ms !== undefined;
  }
}

const disconnected = () => new SalonError({ code: "disconnected", message: "the connection was lost" });
const cancelled = () => new SalonError({ code: "cancelled", message: "cancelled by the application" });
const closed = () => new SalonError({ code: "closed", message: "this client is closed" });

/** A UUID of version 4, for `cid`. It must be unique, not secret: WeChat and pages without TLS have less. */
export function uuid() {
  const bytes = new Uint8Array(16);
  if (globalThis.crypto?.getRandomValues) crypto.getRandomValues(bytes);
  else bytes.forEach((_, at) => (bytes[at] = Math.random() * 256));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** The length of a text in UTF-8; not every mini-program has a TextEncoder. */
function utf8Bytes(text) {
  let bytes = text.length;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    // Each half of a surrogate pair is two of the four bytes.
    if (unit > 0x7f) bytes += unit > 0x7ff && (unit & 0xf800) !== 0xd800 ? 2 : 1;
  }
  return bytes;
}

class Backoff {
  #attempt = 0;

  next() {
    const most = Math.min(BACKOFF_MS_MAX, BACKOFF_MS * 2 ** this.#attempt);
    this.#attempt += 1;
    return Math.random() * most;
  }

  /** How long to wait after an error: what the server says, and more each time, so that not all come back at once. */
  after(error) {
    return Math.min(error.retry_after_ms ?? 0, RETRY_AFTER_MS_MAX) + this.next();
  }

  reset() {
    this.#attempt = 0;
  }
}

/** All timers of a client, so that closing it leaves none behind. */
class Clock {
  #timers = new Map();

  /** Calls `task` later, unless the answer is called first. */
  after(ms, task) {
    return this.#set(ms, task, undefined);
  }

  /** Ends early when the clock is stopped: whoever slept must look whether he is still wanted. */
  sleep(ms) {
    return new Promise((wake) => this.#set(ms, wake, wake));
  }

  stop() {
    const timers = [...this.#timers];
    this.#timers.clear();
    for (const [timer, stopped] of timers) {
      clearTimeout(timer);
      stopped?.();
    }
  }

  #set(ms, task, stopped) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      task();
    }, ms);
    this.#timers.set(timer, stopped);
    return () => {
      clearTimeout(timer);
      this.#timers.delete(timer);
    };
  }
}

/** Lets so many tasks run at once; the others wait in order. */
class Gate {
  #free;
  #queue = [];

  constructor(count) {
    this.#free = count;
  }

  async run(task) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((enter) => this.#queue.push(enter));
    try {
      return await task();
    } finally {
      const enter = this.#queue.shift();
      if (enter) enter();
      else this.#free += 1;
    }
  }
}

class Emitter {
  #listeners = new Map();

  on(name, listener) {
    if (!this.#listeners.has(name)) this.#listeners.set(name, new Set());
    this.#listeners.get(name).add(listener);
    return () => this.#listeners.get(name).delete(listener);
  }

  /** Tells everybody. A promise if a listener gave one. A listener's fault is told as `error`, and stops nobody. */
  emit(name, value) {
    const promises = [];
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        const answer = listener(value);
        if (typeof answer?.then === "function") promises.push(answer.then(undefined, (error) => this.fault(error)));
      } catch (error) {
        this.fault(error);
      }
    }
    return promises.length > 0 ? Promise.all(promises) : undefined;
  }

  fault(error) {
    const listeners = this.#listeners.get("error");
    if (!listeners?.size) return console.error("salon:", error);
    for (const listener of listeners) listener(error);
  }
}

/**
 * A storage as JSON, under a prefix. It never throws: one that is full or forbidden (a private window) becomes memory
 * for what it did not take, and the first failure is told.
 */
class Kept {
  #storage;
  #prefix;
  #failed;
  #memory = new Map();

  constructor(storage, prefix, failed = () => {}) {
    this.#storage = storage;
    this.#prefix = prefix;
    this.#failed = failed;
  }

  get(key) {
    if (this.#memory.has(key)) return this.#memory.get(key);
    return this.#try(() => {
      const text = this.#storage.getItem(this.#prefix + key);
      return text ? JSON.parse(text) : undefined;
    });
  }

  set(key, value) {
    this.#memory.set(key, value);
    this.#try(() => {
      this.#storage.setItem(this.#prefix + key, JSON.stringify(value));
      this.#memory.delete(key);
    });
  }

  remove(key) {
    this.#memory.delete(key);
    this.#try(() => this.#storage.removeItem(this.#prefix + key));
  }

  /** All keys that begin so, without the prefix. */
  keys(beginning) {
    const found = new Set([...this.#memory.keys()].filter((key) => key.startsWith(beginning)));
    this.#try(() => {
      for (let at = 0; at < this.#storage.length; at += 1) {
        const key = this.#storage.key(at);
        if (key?.startsWith(this.#prefix + beginning)) found.add(key.slice(this.#prefix.length));
      }
    });
    return [...found];
  }

  #try(task) {
    try {
      return task();
    } catch (error) {
      this.#failed(error);
      this.#failed = () => {};
      return undefined;
    }
  }
}

/** The installation's name for itself, made once (section 2). */
function installation(kept) {
  const device = kept.get("device") ?? uuid();
  kept.set("device", device);
  return device;
}

/**
 * One socket, from opening to its end: questions and answers, the heartbeat.
 *
 * Promises  every question is answered or rejected; `ended` is told exactly once.
 */
class Link {
  #clock;
  #on;
  #socket;
  #asked = new Map();
  #ref = 0;
  #heard = Date.now();
  #bye = {};
  #over = false;
  frame_bytes_max = FRAME_BYTES_MAX;

  /** `on` has `opened()`, `event(frame)`, `signal(frame)`, `fault(error)`, `ended({code, reason, retry_after_ms?})`. */
  constructor(transport, url, clock, on) {
    this.#clock = clock;
    this.#on = on;
    this.#socket = transport(url, {
      open: () => this.#over || on.opened(),
      message: (data) => this.#over || this.#take(data),
      close: (code, reason) => this.#finish(code, reason),
    });
  }

  get asked() {
    return this.#asked.size;
  }

  /**
   * Asks, and gives the `data` of the answer. `taken` gets it before the next frame is looked at, which a promise
   * cannot promise: several frames may come in one turn.
   */
  ask(type, data, { timeout_ms = REQUEST_MS, taken, encode = jsonFrame } = {}) {
    if (this.#over) return Promise.reject(disconnected());
    const ref = (this.#ref += 1);
    const frame = encode(type, ref, data);
    const bytes = typeof frame === "string" ? utf8Bytes(frame) : frame.byteLength;
    if (bytes > this.frame_bytes_max) {
      // The server would close the socket (1009), and again each time that it is sent.
      const message = `${type} has ${bytes} bytes, ${this.frame_bytes_max} are allowed`;
      return Promise.reject(new SalonError({ code: "too_large", message }));
    }
    return new Promise((resolve, reject) => {
      const forget = this.#clock.after(timeout_ms, () => {
        this.#asked.delete(ref);
        reject(new SalonError({ code: "timeout", message: `${type} was not answered within ${timeout_ms} ms` }));
      });
      const answer = (kind, value) => {
        forget();
        if (kind !== "ok") return reject(new SalonError(value));
        taken?.(value);
        resolve(value);
      };
      this.#asked.set(ref, answer);
      this.#socket.send(frame);
    });
  }

  /** From now on a connection that has died without a word is noticed (section 12). */
  beat(every_ms) {
    const rest = every_ms - (Date.now() - this.#heard);
    if (rest > 0) this.#clock.after(rest, () => this.#over || this.beat(every_ms));
    else this.probe(PING_MS_MAX).then(() => this.#over || this.beat(every_ms));
  }

  /** Asks for a sign of life, and ends the socket if none comes. */
  async probe(timeout_ms) {
    const asked = Date.now();
    try {
      await this.ask("ping", {}, { timeout_ms });
    } catch {
      // The answer may wait behind much else; anything that comes is life.
      if (!this.#over && this.#heard <= asked) this.end(GIVEN_UP, "no sign of life");
    }
  }

  end(code, reason) {
    this.#socket.close(code, reason);
    // The other side may be gone, and never answer the close.
    this.#finish(code, reason);
  }

  #take(data) {
    this.#heard = Date.now();
    let frame;
    try {
      frame = JSON.parse(data);
    } catch {
      return this.end(GIVEN_UP, "the server sent what is no frame");
    }
    if (frame.type === "ok" || frame.type === "error") {
      const answer = this.#asked.get(frame.ref);
      this.#asked.delete(frame.ref);
      if (answer) answer(frame.type, frame.data);
      else if (frame.ref === undefined) this.#on.fault(new SalonError(frame.data));
    } else if (frame.type === "bye") this.#bye = frame.data;
    else if (frame.seq !== undefined) this.#on.event(frame);
    else this.#on.signal(frame);
  }

  #finish(code, reason) {
    if (this.#over) return;
    this.#over = true;
    const asked = [...this.#asked.values()];
    this.#asked.clear();
    // `bye` counts before the close: not every platform tells its code.
    this.#on.ended({ code, reason, ...this.#bye });
    for (const answer of asked) answer("error", { code: "disconnected", message: "the connection was lost" });
  }
}

const jsonFrame = (type, ref, data) => JSON.stringify({ type, ref, data });

/**
 * One room's log, or the inbox: where we are in it.
 *
 * Promises  events are handed out once, ascending, one after the other, and without a hole but those that the log
 *           itself has (section 8, 6).
 */
class Log {
  #host;
  #changed;
  #held = [];
  /** Up to here there are events, even if none of them is held. */
  #target = 0;
  /** Grows with every interruption: what was begun before it is of no interest any more. */
  #life = 0;
  #running = false;

  /** `position` is that of the last event that was handed out, `safe` of the last that the application is done with. */
  constructor(id, position, host, changed) {
    this.id = id;
    this.position = position;
    this.safe = position;
    this.#host = host;
    this.#changed = changed;
  }

  receive(event) {
    if (this.#held.length === HELD_EVENTS_MAX) {
      this.#target = Math.max(this.#target, this.#held[HELD_EVENTS_MAX - 1].seq);
      this.#held = [];
    }
    this.#held.push(event);
    this.#run();
  }

  /** Reads everything up to `target`; begins anew there when that is too far away, or behind us. */
  catchUp(target, events_max) {
    const behind = target - this.position;
    if (behind < 0 || behind > events_max) return this.skip(target);
    this.#target = target;
    return this.#run();
  }

  skip(position) {
    this.position = this.safe = position;
    this.#host.tell("reset", { room: this.id, position });
  }

  /** The socket has ended, or the log is void. */
  rest() {
    this.#life += 1;
    this.#held = [];
    this.#target = 0;
  }

  async #run() {
    if (this.#running) return;
    this.#running = true;
    for (;;) {
      const next = this.#held[0];
      const goal = next ? next.seq - 1 : this.#target;
      if (goal > this.position) {
        await this.#read(goal);
      } else if (next) {
        this.#held.shift();
        // Without a pause when nobody asks for one: events then come in the order in which the socket had them.
        const done = this.#hand(next);
        if (done) await done;
      } else break;
    }
    this.#running = false;
  }

  /** One page; what is not there up to `goal` does not exist. */
  async #read(goal) {
    const life = this.#life;
    const page = await this.#page(goal);
    if (life !== this.#life) return;
    const before = this.position;
    for (const event of page.events) {
      const done = this.#hand(event);
      if (done) await done;
      if (life !== this.#life) return;
    }
    if (this.position === before) this.position = this.safe = goal;
  }

  async #page(goal) {
    const backoff = new Backoff();
    for (const life = this.#life; life === this.#life; ) {
      try {
        return await this.#host.page(this);
      } catch (error) {
        if (life !== this.#life) break;
        if (!error.retry) {
          this.#host.tell("reset", { room: this.id, position: goal, error });
          break;
        }
        await this.#host.clock.sleep(backoff.after(error));
      }
    }
    return { events: [] };
  }

  #hand(event) {
    if (event.seq <= this.position) return undefined;
    this.position = event.seq;
    const done = this.#host.hand(event);
    const finish = () => {
      this.safe = Math.max(this.safe, event.seq);
      this.#changed();
    };
    return done ? done.then(finish) : finish();
  }
}

/**
 * All logs of a user, and their positions in storage.
 *
 * Promises  a stored position is never above what the application is done with. Several clients on one storage (tabs)
 *           only raise what the others have written.
 */
class Logs {
  #host;
  #kept;
  #epoch;
  #logs = new Map();
  #cancelSave;

  constructor(host, kept) {
    this.#host = host;
    this.#kept = kept;
    const stored = kept.get("positions");
    if (!stored?.logs) return;
    this.#epoch = stored.epoch;
    for (const [id, position] of Object.entries(stored.logs)) this.#add(id, position);
  }

  /** What `auth` says of us; nothing when we have no state. */
  positions() {
    if (this.#epoch === undefined) return {};
    const { inbox, ...rooms } = Object.fromEntries([...this.#logs].map(([id, log]) => [id, log.position]));
    return { epoch: this.#epoch, inbox, rooms };
  }

  /** A session is open; section 8, 1 to 5. */
  begin(session) {
    const previous = this.#epoch;
    const fresh = previous !== session.epoch;
    if (fresh) {
      for (const log of this.#logs.values()) log.rest();
      this.#logs.clear();
      this.#epoch = session.epoch;
      if (previous !== undefined) this.#host.tell("epoch", { epoch: session.epoch, previous });
    }
    const heads = new Map(session.rooms.map((head) => [head.id, head]));
    const gone = [...this.#logs.keys()].filter((id) => id !== "inbox" && !heads.has(id));
    for (const id of gone) this.#logs.delete(id);

    const stale = new Set(session.stale);
    const lowered = [];
    for (const [id, head] of heads) {
      const log = this.#logs.get(id);
      if (fresh) this.#add(id, head.seq);
      else if (!log) this.#discover(head, session.limits.replay_room);
      else if (stale.has(id)) {
        if (log.position > head.seq) lowered.push(id);
        log.catchUp(head.seq, CATCH_UP_EVENTS_MAX);
      }
    }
    if (fresh) this.#add("inbox", session.inbox);
    else if (stale.has("inbox")) this.#logs.get("inbox").skip(session.inbox);
    this.#settle([...gone, ...lowered]);
    if (gone.length > 0) this.#host.tell("gone", gone);
  }

  receive(event) {
    // A room that has no position begins with what comes.
    const log = this.#logs.get(event.room) ?? this.#add(event.room, event.seq - 1);
    log.receive(event);
  }

  /** The socket has ended. */
  rest() {
    for (const log of this.#logs.values()) log.rest();
  }

  /** Something was handed out: writes it down soon, and not for each event. */
  changed() {
    this.#cancelSave ??= this.#host.clock.after(POSITIONS_SAVE_MS, () => this.save());
  }

  save() {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    const stored = this.#kept.get("positions");
    // Another tab has heard of a newer epoch; we shall hear of it when we connect.
    if (!stored || stored.epoch !== this.#epoch) return;
    let logs = stored.logs;
    for (const [id, log] of this.#logs) logs[id] = Math.max(log.safe, logs[id] ?? 0);
    if (Object.keys(logs).length > POSITIONS_MAX) {
      logs = Object.fromEntries([...this.#logs].map(([id, log]) => [id, log.safe]));
    }
    this.#kept.set("positions", { epoch: this.#epoch, logs });
  }

  /** Makes the stored state one of this epoch, without what the server has just said to be void. */
  #settle(dropped) {
    const stored = this.#kept.get("positions");
    const logs = stored?.epoch === this.#epoch ? stored.logs : {};
    for (const id of dropped) delete logs[id];
    this.#kept.set("positions", { epoch: this.#epoch, logs });
    this.save();
  }

  /** A room that came while we were away: everything is new in it, within reason. */
  #discover(head, events_max) {
    // A session that we viewed, and are a member of now, goes on.
    const position = this.#host.viewed(head.id) ?? Math.max(0, head.first_seq - 1);
    this.#add(head.id, position).catchUp(head.seq, events_max);
  }

  #add(id, position) {
    if (this.#logs.size === POSITIONS_MAX) {
      const oldest = [...this.#logs.keys()].find((key) => key !== "inbox");
      this.#logs.get(oldest).rest();
      this.#logs.delete(oldest);
    }
    const log = new Log(id, position, this.#host, () => this.changed());
    this.#logs.set(id, log);
    return log;
  }
}

/**
 * Photo sessions that are viewed (section 16). The server forgets a viewer with his socket, and `auth` knows nothing of
 * him: after each we join again, with the grant and the position.
 *
 * Promises  of the events of a session the same as `Logs`. One that has ended, or is not ours any more, is `gone`.
 */
class Views {
  #host;
  #kept;
  /** By session. `log` only if we are its guest: the events of a member are those of `Logs`. */
  #views = new Map();
  #life = 0;
  #cancelSave;

  constructor(host, kept) {
    this.#host = host;
    this.#kept = kept;
  }

  async join({ session, code, after }) {
    const { epoch } = await this.#host.begun();
    const stored = this.#stored(session, epoch);
    const held = this.#views.get(session)?.log;
    const data = { session, code, after: held?.position ?? after ?? stored.position };
    if (code === undefined) data.grant = stored.grant;
    return this.#ask(data, epoch);
  }

  /** What still comes of it is not handed out. Its grant stays. */
  async leave(session) {
    const view = this.#views.get(session);
    if (!view) return;
    this.save();
    view.left = true;
    view.log?.rest();
    try {
      await this.#host.ask("leave_session", { session });
    } catch (error) {
      // Without a socket nobody views anything.
      if (!error.retry) throw error;
    } finally {
      if (this.#views.get(session) === view) this.#views.delete(session);
    }
  }

  /** A session of the socket is open. */
  begin({ epoch }) {
    for (const [session, view] of [...this.#views]) {
      if (view.left) this.#views.delete(session);
      else this.#again(session, view, epoch);
    }
  }

  /** Whether the event is of a session that we view. */
  receive(event) {
    const view = this.#views.get(event.room);
    if (!view?.log) return false;
    if (!view.left) view.log.receive(event);
    return true;
  }

  /** Up to where we hold a session that we are no member of. */
  position(session) {
    return this.#views.get(session)?.log?.position;
  }

  /** An event was handed out: it may have been the last one. */
  seen({ type, room, data }) {
    if (type === "session_closed" || (type === "session_updated" && data.code)) this.#end(room);
  }

  /** The socket has ended. */
  rest() {
    this.#life += 1;
    for (const { log } of this.#views.values()) log?.rest();
  }

  save() {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
    const stored = this.#kept.get("views") ?? {};
    for (const [session, { epoch, grant, log, left }] of this.#views) {
      if (!log || left) continue;
      const before = this.#stored(session, epoch);
      delete stored[session];
      stored[session] = { epoch, grant, position: Math.max(log.safe, before.position ?? 0) };
    }
    this.#kept.set("views", Object.fromEntries(Object.entries(stored).slice(-VIEWS_KEPT_MAX)));
  }

  #stored(session, epoch) {
    const { grant, ...stored } = this.#kept.get("views")?.[session] ?? {};
    return { grant, position: stored.epoch === epoch ? stored.position : undefined };
  }

  #ask(data, epoch) {
    const taken = (info) => this.#opened(info, data, epoch);
    return this.#host.ask("join_session", data, { taken });
  }

  #opened(info, asked, epoch) {
    const { room: session, seq, role, stale } = info;
    const before = this.#views.get(session);
    const stored = this.#stored(session, epoch);
    const grant = info.grant ?? before?.grant ?? stored.grant;
    const view = { epoch, grant, guest: role === "guest", left: false };
    this.#views.set(session, view);
    this.#host.tell("joined", info);
    if (!view.guest) return;
    const position = asked.after ?? stored.position ?? seq;
    const kept = before?.epoch === epoch && !before.left ? before.log : undefined;
    view.log = kept ?? new Log(session, position, this.#host, () => this.#changed());
    if (stale || asked.after === undefined) view.log.catchUp(seq, CATCH_UP_EVENTS_MAX);
    this.save();
  }

  async #again(session, view, epoch) {
    const life = this.#life;
    const backoff = new Backoff();
    // A position of another store means nothing.
    if (view.epoch !== epoch) view.log = undefined;
    while (life === this.#life && this.#views.get(session) === view && !view.left) {
      try {
        return void (await this.#ask({ session, grant: view.grant, after: view.log?.position }, epoch));
      } catch (error) {
        if (life !== this.#life) return;
        // A session that is full just now may have room later.
        if (!error.retry && error.code !== "internal" && error.code !== "limit_reached") return this.#end(session);
        await this.#host.clock.sleep(backoff.after(error));
      }
    }
  }

  #end(session) {
    const view = this.#views.get(session);
    if (!view) return;
    this.#views.delete(session);
    view.log?.rest();
    const stored = this.#kept.get("views") ?? {};
    delete stored[session];
    this.#kept.set("views", stored);
    // Members keep a session that has closed.
    if (view.guest) this.#host.tell("gone", [session]);
  }

  #changed() {
    this.#cancelSave ??= this.#host.clock.after(POSITIONS_SAVE_MS, () => this.save());
  }
}

/**
 * Messages until they are answered.
 *
 * Promises  what `send` has taken is in storage before it is on the socket, and stays there until an answer that
 *           counts. One message of a room is under way at a time: nothing overtakes what is tried again.
 */
class Outbox {
  #host;
  #kept;
  #items = new Map();
  #lanes = new Map();
  #sending = new Gate(OUTBOX_ROOMS_MAX);
  #life = 0;
  #order = 0;

  constructor(host, kept) {
    this.#host = host;
    this.#kept = kept;
    this.#adopt();
  }

  send(data) {
    const known = this.#items.get(data.cid);
    if (known) return known.promise;
    if (this.#items.size >= OUTBOX_MESSAGES_MAX) {
      const message = `${OUTBOX_MESSAGES_MAX} messages wait for their answer`;
      return Promise.reject(new SalonError({ code: "full", message }));
    }
    // The time, but never twice the same: it is also the order.
    this.#order = Math.max(this.#order + 1, Date.now());
    // As it is now, whatever the application does with its object.
    const item = JSON.parse(JSON.stringify({ data, at: this.#order }));
    this.#kept.set(`outbox:${data.cid}`, item);
    const { promise } = this.#add(item);
    if (this.#host.online) this.#pump(data.room);
    return promise;
  }

  pending() {
    return [...this.#items.values()].map(({ data, at }) => ({ ...data, at })).sort((a, b) => a.at - b.at);
  }

  /** Gives up on a message; it may have been sent all the same. */
  discard(cid) {
    const item = this.#items.get(cid);
    if (item) this.#fail(item, cancelled());
  }

  /** A session is open. */
  begin() {
    this.#adopt();
    for (const item of [...this.#items.values()]) {
      if (Date.now() - item.at > OUTBOX_AGE_MS_MAX) {
        this.#fail(item, new SalonError({ code: "expired", message: "the message could not be sent for too long" }));
      }
    }
    for (const room of [...this.#lanes.keys()]) this.#pump(room);
  }

  /** One's own event is an answer, too: it may come where `ok` was lost. */
  seen({ room, seq, at, data }) {
    const item = this.#items.get(data.cid);
    if (item && data.sender === this.#host.user) this.#settle(item, { room, seq, at });
  }

  /** The socket has ended. */
  rest() {
    this.#life += 1;
    for (const lane of this.#lanes.values()) lane.running = false;
  }

  /** The client is closed: storage keeps what was not answered. */
  close() {
    for (const item of this.#items.values()) item.reject(closed());
    this.#items.clear();
    this.#lanes.clear();
  }

  /** Takes over what other clients on this storage have left, such as a page that was closed. */
  #adopt() {
    const left = this.#kept.keys("outbox:").filter((key) => !this.#items.has(key.slice("outbox:".length)));
    const items = left.map((key) => this.#kept.get(key)).filter((item) => item?.data?.cid);
    items.sort((a, b) => a.at - b.at);
    for (const item of items.slice(0, OUTBOX_MESSAGES_MAX - this.#items.size)) this.#add(item);
    for (const lane of this.#lanes.values()) lane.items.sort((a, b) => a.at - b.at);
  }

  #add(item) {
    this.#order = Math.max(this.#order, item.at);
    item.promise = new Promise((resolve, reject) => Object.assign(item, { resolve, reject }));
    // Who does not look at the promise hears `failed`; that is no unhandled rejection.
    item.promise.catch(() => {});
    this.#items.set(item.data.cid, item);
    const { room } = item.data;
    if (!this.#lanes.has(room)) this.#lanes.set(room, { items: [], running: false });
    this.#lanes.get(room).items.push(item);
    return item;
  }

  /** Sends the messages of a room, each when the one before it is answered. */
  async #pump(room) {
    const lane = this.#lanes.get(room);
    if (!lane || lane.running) return;
    lane.running = true;
    const life = this.#life;
    const backoff = new Backoff();
    while (lane.items.length > 0) {
      const item = lane.items[0];
      let pause_ms = 0;
      try {
        const answer = await this.#sending.run(() => this.#host.ask("send_message", item.data));
        this.#settle(item, answer);
        backoff.reset();
      } catch (error) {
        // The next session takes it up.
        if (life !== this.#life) return;
        const fault = error.code === "internal";
        const again = error.retry || (fault && !item.faulted);
        item.faulted ||= fault;
        if (again) pause_ms = backoff.after(error);
        else this.#fail(item, error);
      }
      if (pause_ms > 0) await this.#host.clock.sleep(pause_ms);
      if (life !== this.#life) return;
    }
    this.#lanes.delete(room);
  }

  #settle(item, { room, seq, at, duplicate }) {
    if (!this.#forget(item)) return;
    const sent = { room, seq, at, cid: item.data.cid, duplicate };
    item.resolve(sent);
    this.#host.tell("sent", sent);
  }

  #fail(item, error) {
    if (!this.#forget(item)) return;
    item.reject(error);
    this.#host.tell("failed", { cid: item.data.cid, message: item.data, error });
  }

  #forget(item) {
    // An event may have come before the answer, and the same cid be under way again.
    if (this.#items.get(item.data.cid) !== item) return false;
    this.#items.delete(item.data.cid);
    this.#kept.remove(`outbox:${item.data.cid}`);
    const lane = this.#lanes.get(item.data.room);
    lane.items.splice(lane.items.indexOf(item), 1);
    return true;
  }
}

/**
 * How far we have got, told at most once a second (section 10). Nothing of it is stored: the answer to `auth` says
 * what the server knows, and what it does not is told again.
 */
class Receipts {
  #host;
  #cursors = { delivered: new Map(), read: new Map() };
  #due = { delivered: new Set(), read: new Set() };
  #cancel;

  constructor(host) {
    this.#host = host;
  }

  raise(kind, room, seq) {
    if (seq <= (this.#cursors[kind].get(room) ?? 0)) return;
    this.#cursors[kind].set(room, seq);
    this.#due[kind].add(room);
    this.#soon();
  }

  begin(heads) {
    const known = new Map(heads.map((head) => [head.id, head]));
    for (const kind of ["delivered", "read"]) {
      for (const [room, seq] of this.#cursors[kind]) {
        const head = known.get(room);
        if (!head || seq <= head[kind]) this.#cursors[kind].delete(room);
        else this.#due[kind].add(room);
      }
    }
    // The timer may have been stopped with the clock.
    this.#cancel?.();
    this.#cancel = undefined;
    this.#soon();
  }

  #soon() {
    this.#cancel ??= this.#host.clock.after(RECEIPTS_EVERY_MS, () => {
      this.#cancel = undefined;
      if (this.#host.online) this.#tell();
    });
  }

  #tell() {
    const rooms = this.#take("delivered");
    for (let at = 0; at < rooms.length; at += RECEIPTS_ROOMS_MAX) {
      const part = rooms.slice(at, at + RECEIPTS_ROOMS_MAX);
      this.#ask("message_delivered", { rooms: Object.fromEntries(part) }, "delivered", part);
    }
    for (const [room, seq] of this.#take("read")) this.#ask("message_read", { room, seq }, "read", [[room, seq]]);
  }

  #take(kind) {
    const entries = [...this.#due[kind]].flatMap((room) => {
      const seq = this.#cursors[kind].get(room);
      return seq === undefined ? [] : [[room, seq]];
    });
    this.#due[kind].clear();
    return entries;
  }

  async #ask(type, data, kind, entries) {
    try {
      await this.#host.ask(type, data);
    } catch (error) {
      // After a lost connection `begin` compares; a room that is not ours any more needs no receipt.
      if (!error.retry || error.code === "disconnected") return;
      for (const [room] of entries) this.#due[kind].add(room);
      this.#soon();
    }
  }
}

/** Photos, in chunks with a window, from the offset that the server has (section 16). */
class Uploads {
  #host;
  #gate = new Gate(UPLOADS_MAX);

  constructor(host) {
    this.#host = host;
  }

  upload(session, file, options = {}) {
    return this.#gate.run(() => this.#upload(session, file, { cid: uuid(), ...options }));
  }

  async #upload(session, file, { cid, sha256, purpose, progress, signal }) {
    const { name, size, type: mime } = file;
    const begin = { session, cid, name, size, mime, purpose, sha256: sha256 ?? (await sha256Hex(file)) };
    const backoff = new Backoff();
    for (let upload; ; ) {
      try {
        if (signal?.aborted) throw cancelled();
        // Again with the same cid: the answer says where to go on.
        const begun = await this.#host.request("photo_upload_begin", begin);
        upload = begun.upload;
        await this.#chunks(file, begun, progress, signal);
        return await this.#host.request("photo_upload_commit", { upload });
      } catch (error) {
        if (error.code === "cancelled" && upload) {
          await this.#host.request("photo_upload_abort", { upload }).catch(() => {});
        }
        // A chunk behind one that was lost is at a wrong offset.
        const misplaced = error.code === "conflict" && error.details?.offset !== undefined;
        if (!error.retry && !misplaced) throw error;
        await this.#host.clock.sleep(backoff.after(error));
      }
    }
  }

  /** Sends what is missing; at most {@link UPLOAD_CHUNKS_MAX} chunks are without an answer. */
  async #chunks(file, { upload, chunk, offset }, progress, signal) {
    const underWay = [];
    progress?.(offset, file.size);
    const answered = async () => {
      const { offset: taken } = await underWay.shift();
      progress?.(taken, file.size);
    };
    for (let at = offset; at < file.size; at += chunk) {
      if (signal?.aborted) throw cancelled();
      const bytes = new Uint8Array(await file.slice(at, Math.min(at + chunk, file.size)).arrayBuffer());
      if (underWay.length === UPLOAD_CHUNKS_MAX) await answered();
      const answer = this.#host.ask("photo_upload_chunk", { upload, offset: at, bytes }, { encode: chunkFrame });
      // When one fails, nobody waits for the others any more.
      answer.catch(() => {});
      underWay.push(answer);
    }
    while (underWay.length > 0) await answered();
  }
}

async function sha256Hex(file) {
  if (!globalThis.crypto?.subtle) {
    throw new SalonError({ code: "bad_request", message: "no SHA-256 here: give options.sha256" });
  }
  const digest = await crypto.subtle.digest("SHA-256", await file.slice(0, file.size).arrayBuffer());
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * A chunk as MessagePack, which a socket takes beside JSON (section 3): base64 would be a third longer. Texts are
 * ASCII here and shorter than 256, numbers take eight bytes.
 */
function chunkFrame(type, ref, { upload, offset, bytes }) {
  const text = (value) => [0xd9, value.length, ...Array.from(value, (letter) => letter.charCodeAt(0))];
  const word = (value) => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);
  const number = (value) => [0xcf, ...word(Math.floor(value / 2 ** 32)), ...word(value % 2 ** 32)];
  const head = [0x83, ...text("type"), ...text(type), ...text("ref"), ...number(ref), ...text("data"), 0x83];
  head.push(...text("upload"), ...text(upload), ...text("offset"), ...number(offset));
  head.push(...text("bytes"), 0xc6, ...word(bytes.length));
  const frame = new Uint8Array(head.length + bytes.length);
  frame.set(head);
  frame.set(bytes, head.length);
  return frame.buffer;
}

/**
 * A person's connection to a server, which comes back by itself.
 *
 * Tells (`on`): `status`, `session`, `event`, `signal`, `reset`, `gone`, `joined`, `epoch`, `sent`, `failed`, `error`;
 * salon.d.ts says what comes with each.
 */
export class Salon {
  #options;
  #url;
  #device;
  #emitter = new Emitter();
  #clock = new Clock();
  #backoff = new Backoff();
  #host;
  #logs;
  #views;
  #reading = new Gate(CATCH_UP_ROOMS_MAX);
  #outbox;
  #receipts;
  #uploads;
  #unwatch;
  #link = null;
  #waiters = new Set();
  /** Grows with every attempt and every end: what comes late belongs to an older one. */
  #life = 0;
  #opened_at = 0;
  /** The token that was refused last, and whether another one was tried since. */
  #refused;
  #renewed = false;
  /** How to stop waiting for the next attempt; only if the server has not asked us to wait. */
  #hurry;
  #typed = { room: undefined, at: 0 };
  #status = "offline";
  #session = null;

  constructor(options) {
    const { url = globalThis.location?.origin, user, name = "salon", storage = defaultStorage() } = options;
    const transport = options.transport ?? webSocketTransport(options.WebSocket);
    this.#options = { receipts: true, timeout_ms: REQUEST_MS, ...options, transport };
    this.#url = url.replace(/^http/, "ws").replace(/\/+$/, "") + "/ws";
    const fault = (error) => this.#emitter.fault(error);
    // Sockets with one device push each other out (4004); those of two tabs must not.
    const device = options.device ?? installation(new Kept(storage, `${name}:`));
    this.#device = `${device}.${uuid().slice(0, 8)}`;

    const kept = new Kept(storage, `${name}:${user}:`, fault);
    this.#host = this.#makeHost(user);
    this.#logs = new Logs(this.#host, kept);
    this.#views = new Views(this.#host, kept);
    this.#outbox = new Outbox(this.#host, kept);
    this.#receipts = new Receipts(this.#host);
    this.#uploads = new Uploads(this.#host);
  }

  /** `offline` (by us), `connecting`, `online`, `waiting` (for the next attempt), `ended` (by the server, for good). */
  get status() {
    return this.#status;
  }

  /** The last answer to `auth`; null before the first. */
  get session() {
    return this.#session;
  }

  /** Listens; the answer stops it. A listener of `event` may give a promise: the room's next event waits for it. */
  on(name, listener) {
    return this.#emitter.on(name, listener);
  }

  /** Begins, also after `close` and after `ended`. Resolves with the first session, rejects when there will be none. */
  connect() {
    if (this.#status === "offline" || this.#status === "ended") {
      this.#refused = undefined;
      this.#renewed = false;
      this.#backoff.reset();
      this.#unwatch ??= this.#options.transport.watch?.({ wake: () => this.#wake(), sleep: () => this.#save() });
      this.#open();
    }
    const begun = this.#online();
    begun.catch(() => {});
    return begun;
  }

  /** Ends everything and leaves no timer. What was not answered is rejected with `closed`; messages stay in storage. */
  close() {
    this.#life += 1;
    this.#unwatch?.();
    this.#unwatch = undefined;
    this.#link?.end(1000, "");
    this.#halt("offline", {});
    this.#outbox.close();
    this.#save();
    this.#clock.stop();
  }

  /** Any request of section 6. Waits for a session; not sent again by itself. */
  async request(type, data = {}, { timeout_ms = this.#options.timeout_ms } = {}) {
    const begun = Date.now();
    if (this.#status !== "online") await this.#online(timeout_ms);
    return this.#host.ask(type, data, { timeout_ms: timeout_ms - (Date.now() - begun) });
  }

  /** All items of a list (`conversations`, `friends`, `room_members`, …), page by page as they are read. */
  async *list(type, data = {}) {
    let cursor;
    do {
      const page = await this.request(type, { ...data, cursor });
      yield* page.items;
      cursor = page.cursor;
    } while (cursor !== undefined);
  }

  /** Says something, now or when there is a connection. Resolves when it is committed: `{room, seq, at, cid}`. */
  send({ cid = uuid(), kind = "text", ...message }) {
    return this.#outbox.send({ cid, kind, ...message });
  }

  /** What `send` has taken and nobody has answered, oldest first. */
  pending() {
    return this.#outbox.pending();
  }

  discard(cid) {
    this.#outbox.discard(cid);
  }

  history(room, data = {}) {
    return this.request("history", { room, ...data });
  }

  createRoom({ cid = uuid(), ...data }) {
    return this.request("create_room", { cid, ...data });
  }

  openDirect(user) {
    return this.request("open_direct", { user });
  }

  recall(room, seq) {
    return this.request("message_recall", { room, seq });
  }

  edit(room, seq, text, cid = uuid()) {
    return this.request("message_edit", { room, seq, text, cid });
  }

  react(room, seq, emoji, on = true) {
    return this.request("react", { room, seq, emoji, on });
  }

  /** A person has seen everything up to `seq`. Told within a second, and again if the connection is lost. */
  read(room, seq) {
    this.#receipts.raise("read", room, seq);
  }

  /** To be called at every key; told at most every 3 s, and only if there is a connection. */
  typing(room) {
    const now = Date.now();
    if (this.#status !== "online" || (this.#typed.room === room && now - this.#typed.at < TYPING_EVERY_MS)) return;
    this.#typed = { room, at: now };
    this.#host.ask("typing", { room }).catch(() => {});
  }

  /**
   * Views a photo session, by its code or again by its id, and comes back to it with every connection: a SessionInfo.
   * Its events go on behind the last one that was handed out, or behind `after`, or else with what is new.
   */
  joinSession(data) {
    return this.#views.join(data);
  }

  leaveSession(session) {
    return this.#views.leave(session);
  }

  /** A photo into a photo session: `{photo, seq}`. Goes on where it was when the connection comes back. */
  upload(session, file, options) {
    return this.#uploads.upload(session, file, options);
  }

  /** What the parts of a client know of the whole. */
  #makeHost(user) {
    const client = this;
    return {
      user,
      clock: this.#clock,
      get online() {
        return client.#status === "online";
      },
      get session() {
        return client.#session;
      },
      /** On the socket that is open, or not at all. */
      ask: (type, data, options) => this.#ask(type, data, options),
      request: (type, data) => this.request(type, data),
      /** The session of the socket, when there is one. */
      begun: () => this.#online(this.#options.timeout_ms),
      page: (log) => this.#page(log),
      viewed: (room) => this.#views.position(room),
      tell: (name, value) => this.#emitter.emit(name, value),
      hand: (event) => this.#hand(event),
    };
  }

  #ask(type, data, options = {}) {
    if (this.#status !== "online") return Promise.reject(disconnected());
    if (this.#link.asked >= this.#session.limits.inflight) {
      return Promise.reject(new SalonError({ code: "overloaded", message: "too many requests are under way" }));
    }
    return this.#link.ask(type, data, { timeout_ms: this.#options.timeout_ms, ...options });
  }

  #page(log) {
    const limit = Math.min(PAGE_EVENTS_MAX, this.#session.limits.page);
    return this.#reading.run(() => this.#ask("history", { room: log.id, after: log.position, limit }));
  }

  #save() {
    this.#logs.save();
    this.#views.save();
  }

  #hand(event) {
    if (event.type === "new_message") this.#outbox.seen(event);
    const done = this.#emitter.emit("event", event);
    const raise = () => {
      const viewed = this.#views.position(event.room) !== undefined;
      if (viewed) this.#views.seen(event);
      else if (this.#options.receipts && event.room !== "inbox") {
        this.#receipts.raise("delivered", event.room, event.seq);
      }
    };
    if (done) return done.then(raise);
    return raise();
  }

  async #open() {
    const life = (this.#life += 1);
    this.#tell("connecting", {});
    let token;
    try {
      token = await this.#options.token(this.#refused);
    } catch (error) {
      if (life !== this.#life) return;
      const final = error instanceof SalonError && !error.retry;
      if (final) return this.#halt("ended", { code: 4001, reason: "no token", error });
      this.#emitter.fault(error);
      return this.#wait(this.#backoff.after(error), { reason: "no token" });
    }
    if (life !== this.#life) return;
    const late = this.#clock.after(CONNECT_MS_MAX, () => this.#link?.end(GIVEN_UP, "not connected in time"));
    const on = {
      opened: () => this.#authenticate(token, late),
      event: (frame) => this.#views.receive(frame) || this.#logs.receive(frame),
      signal: (frame) => this.#emitter.emit("signal", frame),
      fault: (error) => this.#emitter.fault(error),
      ended: (end) => {
        late();
        if (life === this.#life) this.#ended(end, token);
      },
    };
    try {
      this.#link = new Link(this.#options.transport, this.#url, this.#clock, on);
    } catch (error) {
      // An address that is none, or one that the page may not use.
      late();
      this.#halt("ended", { reason: error.message, error });
    }
  }

  #authenticate(token, late) {
    const link = this.#link;
    const data = { token, device: this.#device, ...this.#logs.positions() };
    const taken = (session) => {
      late();
      this.#begin(link, session);
    };
    link.ask("auth", data, { timeout_ms: CONNECT_MS_MAX, taken }).catch((error) => {
      // After these two the server says good bye, with the code that tells what to do.
      if (error.code === "unauthorized" || error.code === "forbidden" || error.code === "disconnected") return;
      if (error.retry) link.end(GIVEN_UP, error.code);
      else this.#stop({ reason: error.message, error });
    });
  }

  #begin(link, session) {
    if (session.user.id !== this.#options.user) {
      return this.#stop({ reason: "the token is of another user than these positions and messages" });
    }
    this.#session = session;
    this.#opened_at = Date.now();
    this.#refused = undefined;
    this.#renewed = false;
    link.frame_bytes_max = session.limits.frame;
    link.beat(session.heartbeat_ms);
    this.#tell("online", {});
    this.#logs.begin(session);
    this.#views.begin(session);
    this.#emitter.emit("session", session);
    this.#receipts.begin(session.rooms);
    this.#outbox.begin();
    for (const waiter of this.#waiters) waiter.resolve(session);
  }

  /** The socket has ended by itself, by the server or by us; section 13 says what now. */
  #ended({ code, reason, retry_after_ms }, token) {
    this.#rest();
    if (this.#opened_at && Date.now() - this.#opened_at >= STABLE_MS) this.#backoff.reset();
    this.#opened_at = 0;
    if (code === 4001 && !this.#renewed) {
      this.#renewed = true;
      this.#refused = token;
      this.#wait(this.#backoff.next(), { code, reason });
    } else if (code >= 4000 && code < 4100) this.#halt("ended", { code, reason });
    else if (retry_after_ms === undefined) this.#wait(this.#backoff.next(), { code, reason });
    else this.#wait(Math.min(retry_after_ms, RETRY_AFTER_MS_MAX), { code, reason }, true);
  }

  #rest() {
    this.#link = null;
    this.#logs.rest();
    this.#views.rest();
    this.#outbox.rest();
  }

  #wait(retry_in_ms, why, asked = false) {
    const life = (this.#life += 1);
    const go = () => {
      this.#hurry = undefined;
      if (life === this.#life) this.#open();
    };
    const cancel = this.#clock.after(retry_in_ms, go);
    this.#hurry = () => {
      if (asked) return;
      cancel();
      go();
    };
    this.#tell("waiting", { ...why, retry_in_ms });
  }

  /** The person or the network has come back: there is no reason to wait, or to believe in the socket. */
  #wake() {
    if (this.#status === "waiting") this.#hurry?.();
    else if (this.#status === "online") this.#link.probe(WAKE_PING_MS_MAX);
  }

  /** Ends the socket, for a reason that a new one would meet again. */
  #stop(why) {
    this.#life += 1;
    this.#link?.end(1000, "");
    this.#halt("ended", why);
  }

  #halt(status, why) {
    this.#life += 1;
    this.#rest();
    this.#tell(status, why);
    for (const waiter of this.#waiters) waiter.reject(why.error ?? closed());
  }

  #tell(status, why) {
    this.#status = status;
    this.#emitter.emit("status", { status, ...why });
  }

  /** The session, when there is one. */
  #online(timeout_ms) {
    if (this.#status === "online") return Promise.resolve(this.#session);
    if (this.#status === "offline" || this.#status === "ended") return Promise.reject(closed());
    if (this.#waiters.size >= WAITING_MAX) {
      return Promise.reject(new SalonError({ code: "full", message: `${WAITING_MAX} requests wait for a connection` }));
    }
    return new Promise((resolve, reject) => {
      const finish = (settle) => (value) => {
        this.#waiters.delete(waiter);
        cancel?.();
        settle(value);
      };
      const waiter = { resolve: finish(resolve), reject: finish(reject) };
      const late = () => waiter.reject(new SalonError({ code: "timeout", message: "there was no connection" }));
      const cancel = timeout_ms === undefined ? undefined : this.#clock.after(timeout_ms, late);
      this.#waiters.add(waiter);
    });
  }
}

/**
 * Logging in, over HTTP (section 2), and the tokens in storage.
 *
 * Promises  a refresh token is used once, and the next one is stored before it is used. One refresh at a time: in this
 *           object always, over all tabs where the browser has locks.
 */
export class Login {
  #url;
  #http;
  #kept;
  #lock;
  #device;
  #renewing = null;

  constructor({ url = globalThis.location?.origin, http, storage, name = "salon", device } = {}) {
    this.#url = url.replace(/\/+$/, "");
    this.#http = http ?? fetchHttp();
    this.#kept = new Kept(storage ?? defaultStorage(), `${name}:`);
    this.#lock = `${name}:refresh`;
    this.#device = device ?? installation(this.#kept);
  }

  /** Who is logged in: a Profile, as it was at the login; null when nobody is. */
  get user() {
    return this.#kept.get("login")?.user ?? null;
  }

  register(fields) {
    return this.#enter("/api/auth/register", fields);
  }

  login(username, password) {
    return this.#enter("/api/auth/login", { username, password });
  }

  /** Has a code sent to the phone. */
  async sendCode(phone) {
    await this.#post("/api/auth/code", { phone });
  }

  loginWithCode(phone, code) {
    return this.#enter("/api/auth/code/verify", { phone, code });
  }

  /** Comes as a guest, by the access code of a photo session, which is to be joined with the same code. */
  async guest({ code, nickname }) {
    const { user, session } = await this.#enterAs("/api/auth/guest", { code, nickname });
    return { user, session };
  }

  /** A token that is good for a while; a new one if it is the one that the server has `refused`. For `Salon`. */
  token = async (refused) => {
    const held = this.#kept.get("login");
    if (!held) throw loggedOut();
    const fresh = held.expires_at - TOKEN_SPARE_MS > Date.now();
    return fresh && held.access_token !== refused ? held.access_token : this.#renew(held);
  };

  /** Renews the tokens. */
  async refresh() {
    const held = this.#kept.get("login");
    if (!held) throw loggedOut();
    return this.#renew(held);
  }

  /** Ends the login, here and on the server. If that cannot be reached, the login ends there by itself, in 30 days. */
  async logout() {
    try {
      await this.call("POST", "/api/auth/logout");
    } finally {
      this.forget();
    }
  }

  /** Deletes the tokens: the server has ended the login (4002). */
  forget() {
    this.#kept.remove("login");
  }

  /** Any HTTP request of this person; the answer's body, or a `SalonError`. */
  async call(method, path, body) {
    const token = await this.token();
    try {
      return await this.#send(method, path, body, token);
    } catch (error) {
      if (error.status !== 401) throw error;
      return this.#send(method, path, body, await this.token(token));
    }
  }

  async #enter(path, fields) {
    const { user } = await this.#enterAs(path, fields);
    return user;
  }

  async #enterAs(path, fields) {
    const answer = await this.#post(path, { device: this.#device, ...fields });
    this.#keep(answer);
    return answer;
  }

  #renew(seen) {
    this.#renewing ??= alone(this.#lock, () => this.#rotate(seen)).finally(() => (this.#renewing = null));
    return this.#renewing;
  }

  async #rotate(seen) {
    const held = this.#kept.get("login");
    // While we waited, another tab may have renewed it, or logged out, or in as somebody else.
    if (held?.user.id !== seen.user.id) throw loggedOut();
    if (held.access_token !== seen.access_token) return held.access_token;
    try {
      const answer = await this.#post("/api/auth/refresh", { refresh_token: held.refresh_token });
      this.#keep({ ...answer, user: held.user });
      return answer.access_token;
    } catch (error) {
      if (error.code === "unauthorized") this.forget();
      throw error;
    }
  }

  #keep({ user, access_token, refresh_token, expires_in }) {
    this.#kept.set("login", { user, access_token, refresh_token, expires_at: Date.now() + expires_in * 1_000 });
  }

  #post(path, body) {
    return this.#send("POST", path, body);
  }

  async #send(method, path, body, token) {
    const headers = {};
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (token !== undefined) headers.Authorization = `Bearer ${token}`;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const request = { method, url: this.#url + path, headers, body: text, timeout_ms: HTTP_MS_MAX };
    const answer = await this.#http(request).catch((error) => {
      throw new SalonError({ code: "network", message: `${method} ${path}: ${error.message}` });
    });
    const value = parsed(answer.text);
    if (answer.status >= 200 && answer.status < 300) return value;
    const retry_after_ms = answer.retry_after === undefined ? undefined : Number(answer.retry_after) * 1_000;
    // A proxy in front answers in its own words.
    const code = answer.status >= 500 ? "unavailable" : "bad_request";
    throw new SalonError({ code, message: `HTTP ${answer.status}`, retry_after_ms, ...value, status: answer.status });
  }
}

const loggedOut = () => new SalonError({ code: "unauthorized", message: "nobody is logged in" });

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Runs `task` in one tab at a time, where that can be had. */
function alone(name, task) {
  const { locks } = globalThis.navigator ?? {};
  return locks ? locks.request(name, task) : task();
}

// ---- Platforms -------------------------------------------------------------------------------------------------------
//
// A transport is a function `(url, {open, message, close}) => {send, close}` that calls `close(code, reason)` at most
// once and never before it has returned. It may have `watch({wake, sleep})`, which tells when the person or the network
// comes and goes, and answers with a function that ends it.

/** Browsers, Node from 22, and any class with the interface of `WebSocket`. */
export function webSocketTransport(Class = globalThis.WebSocket) {
  if (!Class) throw new TypeError("there is no WebSocket here: give the option WebSocket or transport");
  const transport = (url, on) => {
    const socket = new Class(url);
    socket.binaryType = "arraybuffer";
    socket.onopen = () => on.open();
    socket.onmessage = (event) => on.message(event.data);
    socket.onclose = (event) => on.close(event.code, event.reason);
    // `onclose` follows, and knows more.
    socket.onerror = () => {};
    return { send: (data) => socket.send(data), close: (code, reason) => socket.close(code, reason) };
  };
  transport.watch = ({ wake, sleep }) => {
    const page = globalThis.document;
    if (!page) return () => {};
    const turned = () => (page.visibilityState === "visible" ? wake() : sleep());
    const watched = [[globalThis, "online", wake], [globalThis, "pagehide", sleep], [page, "visibilitychange", turned]];
    for (const [target, name, task] of watched) target.addEventListener(name, task);
    return () => watched.forEach(([target, name, task]) => target.removeEventListener(name, task));
  };
  return transport;
}

/**
 * WeChat's `SocketTask`. In the background the network is taken away after some 5 s, and the socket with it, with or
 * without a word; when the mini-program is shown again the client asks at once whether it still lives.
 * https://developers.weixin.qq.com/miniprogram/dev/framework/ability/network.html
 *
 * Promises  at most one socket: the next one is opened when the last one is closed.
 */
export function wechatTransport(wx) {
  let last = Promise.resolve();
  const transport = (url, on) => {
    let task;
    let over = false;
    let gone;
    const before = last;
    last = new Promise((resolve) => (gone = resolve));
    const finish = (code, reason) => {
      gone();
      if (over) return;
      over = true;
      on.close(code, reason);
    };
    before.then(() => {
      if (over) return;
      task = wx.connectSocket({ url, fail: ({ errMsg }) => finish(1006, errMsg) });
      // With too many sockets, or a host that is not allowed, there is no task.
      task?.onOpen(() => on.open());
      task?.onMessage(({ data }) => on.message(data));
      task?.onClose(({ code, reason }) => finish(code, reason));
      // A connection that is refused has no `onClose` on some devices.
      task?.onError(({ errMsg }) => finish(1006, errMsg));
    });
    return {
      send: (data) => task.send({ data, fail: ({ errMsg }) => finish(1006, errMsg) }),
      close: (code, reason) => {
        if (!task) return finish(code, reason);
        // One that was cut off in the background may never say that it is closed.
        task.close({ code, reason, fail: gone });
        setTimeout(gone, WECHAT_CLOSE_MS_MAX);
      },
    };
  };
  transport.watch = ({ wake, sleep }) => {
    wx.onAppShow(wake);
    wx.onAppHide(sleep);
    return () => {
      wx.offAppShow(wake);
      wx.offAppHide(sleep);
    };
  };
  return transport;
}

/** WeChat's storage: 10 MB, of which one value may take 1 MB. */
export function wechatStorage(wx) {
  return {
    getItem: (key) => wx.getStorageSync(key) || null,
    setItem: (key, text) => wx.setStorageSync(key, text),
    removeItem: (key) => wx.removeStorageSync(key),
    key: (at) => wx.getStorageInfoSync().keys[at] ?? null,
    get length() {
      return wx.getStorageInfoSync().keys.length;
    },
  };
}

/** For whoever has no other, and for tests: gone with the process. */
export function memoryStorage() {
  const map = new Map();
  return {
    getItem: (key) => map.get(key) ?? null,
    setItem: (key, text) => void map.set(key, text),
    removeItem: (key) => void map.delete(key),
    key: (at) => [...map.keys()][at] ?? null,
    get length() {
      return map.size;
    },
  };
}

/** One memory for all who give no storage: a `Login` and a `Salon` then agree. */
const sharedMemory = memoryStorage();

function defaultStorage() {
  try {
    // Node from 22 on has a `localStorage` that works only with a file; browsers forbid theirs at times.
    return globalThis.document && globalThis.localStorage ? globalThis.localStorage : sharedMemory;
  } catch {
    return sharedMemory;
  }
}

/** HTTP by `fetch`. */
export function fetchHttp(fetch = (...words) => globalThis.fetch(...words)) {
  return async ({ method, url, headers, body, timeout_ms }) => {
    const signal = AbortSignal.timeout(timeout_ms);
    const answer = await fetch(url, { method, headers, body, signal, credentials: "omit", cache: "no-store" });
    const retry_after = answer.headers.get("Retry-After") ?? undefined;
    return { status: answer.status, text: await answer.text(), retry_after };
  };
}

/** HTTP by `wx.request`. */
export function wechatHttp(wx) {
  return ({ method, url, headers, body, timeout_ms }) =>
    new Promise((resolve, reject) => {
      wx.request({
        method,
        url,
        header: headers,
        data: body,
        timeout: timeout_ms,
        // Any other type than json leaves the text as it is.
        dataType: "text",
        success: ({ statusCode, data, header }) =>
          resolve({ status: statusCode, text: data, retry_after: header?.["Retry-After"] }),
        fail: ({ errMsg }) => reject(new Error(errMsg)),
      });
    });
}
