/**
 * A room's messages and the place to write: in the chats, and beside a photo session.
 *
 * Promises  what one reads does not move: older messages come in above, newer ones below, and a "new messages" button
 *           leads down when one has scrolled away. What is in sight of a visible page is told as read.
 */

import * as client from "./client.js";
import { composer } from "./composer.js";
import { seen } from "./conversations.js";
import { fill, h, icon, keyed, soon } from "./dom.js";
import { day, sameDay } from "./faces.js";
import { drawMessage, makeMessage, outline } from "./message.js";
import { hush, say, tried } from "./notice.js";
import { t } from "./texts.js";

const NEAR = 80;
/** Messages of one person within this belong together. */
const TOGETHER_MS = 5 * 60_000;

/** `direct()` says whether there are two; `photo(id)` shows what a comment is about. */
export function chatPane(room, { direct, canWrite = () => true, compact, photo }) {
  const list = h("ol.messages", { "aria-label": t("messages") });
  const older = h("p.older", { hidden: true }, t("loading"));
  const scroller = h(
    "div.scroller",
    { tabIndex: 0, role: "log", "aria-live": "off", "aria-label": t("messages") },
    older,
    list,
  );
  const typing = h("p.typing", { "aria-live": "polite" });
  const down = h("button.pill", { type: "button", hidden: true, onclick: () => toEnd(true) });
  const writer = composer(room, { canWrite });
  const element = h(
    "div.chat",
    { class: compact ? "compact" : "" },
    h("div.scroll-box", null, scroller, down),
    typing,
    writer.element,
  );
  let at_end = true;
  let fresh = 0;
  let closed = false;
  const acts = { reply: writer.reply, edit: writer.edit, jump, direct, photo };

  const draw = soon(() => {
    if (closed) return;
    const anchor = at_end ? null : anchored();
    const items = rows();
    keyed(
      list,
      items,
      ({ key }) => key,
      makeRow,
      (row, item) => row.draw?.(item),
    );
    older.hidden = !room.more;
    writer.draw();
    drawTyping();
    if (at_end) toEnd();
    else if (anchor) scroller.scrollTop += anchor.row.offsetTop - anchor.top;
    drawDown();
    told();
  });

  function rows() {
    const items = [];
    let before;
    for (const entry of room.entries) {
      const shown = outline(entry);
      if (!shown) continue;
      if (!before || !sameDay(before.at, entry.at))
        items.push({ key: `day-${new Date(entry.at).toDateString()}`, day: entry.at });
      const message = entry.type === "new_message";
      const joined =
        message &&
        before?.type === "new_message" &&
        before.data.sender === entry.data.sender &&
        entry.at - before.at < TOGETHER_MS &&
        sameDay(before.at, entry.at);
      items.push({ key: message ? entry.data.sender + entry.data.cid : entry.seq, entry, joined });
      before = entry;
    }
    const sent = new Set(items.map(({ key }) => key));
    for (const message of room.pending) {
      const key = client.me() + message.cid;
      // Its event may be there before its answer.
      if (sent.has(key)) continue;
      items.push({
        key,
        entry: { type: "new_message", at: message.at, data: { ...message, sender: client.me() } },
        pending: true,
      });
    }
    return items;
  }

  function makeRow(item) {
    if (item.day) return h("li.day", null, h("span", null, day(item.day)));
    if (item.entry.type !== "new_message") {
      const row = h("li.system");
      row.draw = ({ entry }) => fill(row, outline(entry));
      return row;
    }
    const row = makeMessage(room, item, acts);
    row.draw = (now) => drawMessage(row, room, now, acts);
    return row;
  }

  function drawTyping() {
    const names = [...room.typing.keys()].map(client.nameOf);
    const text =
      names.length === 0 ? "" : names.length > 2 ? t("typing_many") : t("typing", { name: names.join(", ") });
    if (typing.textContent !== text) typing.textContent = text;
  }

  /** The topmost message in sight, and where it is. */
  function anchored() {
    const row = [...list.children].find((one) => one.offsetTop + one.offsetHeight > scroller.scrollTop);
    return row && { row, top: row.offsetTop };
  }

  function toEnd(gently = false) {
    at_end = true;
    fresh = 0;
    scroller.scrollTo({ top: scroller.scrollHeight, behavior: gently ? "smooth" : "instant" });
    drawDown();
    told();
  }

  function drawDown() {
    down.hidden = at_end;
    fill(down, icon("up"), fresh > 0 ? t("new_messages", { count: fresh }) : t("to_end"));
  }

  /** Tells what has been read, when somebody can have. */
  function told() {
    if (!at_end || document.visibilityState !== "visible" || !room.loaded || !element.isConnected) return;
    const head = room.head;
    if (head === 0) return;
    client.salon?.read(room.id, head);
    seen(room.id, head);
  }

  async function jump(seq) {
    if (!(await tried(() => room.reach(seq)))) return;
    at_end = false;
    requestAnimationFrame(() => {
      const entry = room.entry(seq);
      const row = entry && list.keyed?.get(entry.data.sender + entry.data.cid);
      row?.scrollIntoView({ block: "center" });
      row?.classList.add("flash");
      setTimeout(() => row?.classList.remove("flash"), 1_600);
    });
  }

  const scrolled = () => {
    at_end = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < NEAR;
    if (at_end) fresh = 0;
    drawDown();
    told();
    if (scroller.scrollTop < 400 && room.loaded && room.more) tried(room.load());
  };
  scroller.addEventListener("scroll", scrolled, { passive: true });
  const visible = () => told();
  document.addEventListener("visibilitychange", visible);
  // A keyboard that comes up, or a box that grows while one writes.
  const sizes = new ResizeObserver(() => at_end && toEnd());
  sizes.observe(scroller);

  const stops = [
    room.on((event) => {
      if (event?.type === "new_message" && event.data.sender !== client.me()) {
        if (!at_end) fresh += 1;
        if (!event.data.recalled) say(`${client.nameOf(event.data.sender)}: ${event.data.text ?? ""}`);
      } else if (event?.type === "new_message") at_end = true;
      else if (event?.type === "message_recalled") hush();
      draw();
    }),
    client.named.on(draw),
  ];
  writer.onsend = () => {
    at_end = true;
    draw();
  };
  if (room.loaded) draw();
  else {
    older.hidden = false;
    tried(room.load());
  }
  const later = () => room.loaded || tried(room.load());
  stops.push(client.opened.on(later));

  return {
    element,
    room,
    jump,
    draw,
    draft: writer.draft,
    close() {
      closed = true;
      writer.close();
      sizes.disconnect();
      document.removeEventListener("visibilitychange", visible);
      stops.forEach((stop) => stop());
      room.rest();
    },
  };
}
