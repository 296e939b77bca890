/** Where one writes: drafts, replying, editing. What is sent is the outbox's from then on. */

import * as client from "./client.js";
import { conversation } from "./conversations.js";
import { calm, fill, h, icon, iconButton } from "./dom.js";
import { tried } from "./notice.js";
import { t } from "./texts.js";

const TEXT_MAX = 10_000;
const DRAFT_MS = 800;

export function composer(room, { canWrite }) {
  const input = h("textarea", {
    rows: 1,
    maxLength: TEXT_MAX,
    placeholder: t("write"),
    "aria-label": t("write"),
    enterKeyHint: "send",
  });
  const about = h("div.about", { hidden: true });
  const button = h("button.send", { type: "submit", "aria-label": t("send"), title: t("send") }, icon("send"));
  const element = h("form.composer", { onsubmit: send }, about, input, button);
  let replied = null;
  let edited = null;
  const api = { element, reply, edit, draft, draw, close, onsend: () => {} };

  /** Kept with the server, for the other devices. */
  const save = calm(DRAFT_MS, (text) => {
    const item = conversation(room.id);
    if (!item || (item.draft ?? "") === text || !client.salon) return;
    item.draft = text;
    client.salon.request("conversation_update", { room: room.id, draft: text }).catch(() => {});
  });

  function grow() {
    input.style.height = "auto";
    input.style.height = `${Math.min(input.scrollHeight, 180)}px`;
    button.disabled = input.value.trim() === "";
  }

  input.addEventListener("input", () => {
    grow();
    if (edited) return;
    room.draft = input.value;
    save(input.value);
    if (input.value) client.salon?.typing(room.id);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && (replied || edited)) stop();
    // With an input method, Enter takes the word.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    element.requestSubmit();
  });

  function send(event) {
    event.preventDefault();
    const text = input.value;
    if (!text.trim()) return;
    if (edited) {
      const { seq, data } = edited;
      if (text !== data.text) tried(client.salon.edit(room.id, seq, text));
      return stop();
    }
    // It is kept, and sent when there is a connection; a refusal is told as `failed`.
    client.salon.send({ room: room.id, text, reply_to: replied?.seq }).catch(() => {});
    input.value = "";
    stop();
    save("");
    save.now();
    api.onsend();
    input.focus();
  }

  function stop() {
    if (edited) input.value = room.draft;
    else room.draft = input.value;
    replied = edited = null;
    about.hidden = true;
    grow();
  }

  function show(label, entry) {
    const text = h("span.about-text", null, h("b", null, label), " ", entry.data.text ?? "");
    fill(
      about,
      text,
      iconButton("close", t("cancel"), () => (stop(), input.focus())),
    );
    about.hidden = false;
    grow();
    input.focus();
  }

  function reply(entry) {
    if (edited) stop();
    replied = entry;
    show(t("reply_to", { name: client.nameOf(entry.data.sender) }), entry);
  }

  function edit(entry) {
    if (!edited) room.draft = input.value;
    replied = null;
    edited = entry;
    input.value = entry.data.text;
    show(t("edit"), entry);
  }

  /** From another device, or of an earlier visit. */
  function draft(text) {
    input.value = text;
    room.draft = text;
    grow();
  }

  function draw() {
    element.hidden = !canWrite();
  }

  function close() {
    save.now();
  }

  input.value = room.draft;
  requestAnimationFrame(grow);
  draw();
  return api;
}
