/**
 * What the page says by itself: short notices, and what screen readers are told.
 *
 * Promises  an error is said in words of the person's language; the same one not twice at the same time.
 */

import { h, iconButton } from "./dom.js";
import { has, t } from "./texts.js";

const SHOWN_MS = 6_000;
const SHOWN_MAX = 4;

const box = h("div.notices", { role: "status", "aria-live": "polite" });
const spoken = h("div.spoken", { "aria-live": "polite", role: "log" });
document.body.append(box, spoken);

export function notice(text, kind = "plain", action) {
  for (const shown of box.children) if (shown.dataset.text === text) shown.remove();
  while (box.children.length >= SHOWN_MAX) box.firstChild.remove();
  const close = () => item.remove();
  const act = () => {
    close();
    action.run();
  };
  const item = h(
    `div.notice.${kind}`,
    { dataset: { text } },
    h("span", null, text),
    action && h("button.text-button", { type: "button", onclick: act }, action.label),
    iconButton("close", t("close"), close),
  );
  box.append(item);
  // Who has the pointer or the focus on it is reading.
  const leave = () => (item.matches(":hover, :focus-within") ? setTimeout(leave, SHOWN_MS) : close());
  setTimeout(leave, SHOWN_MS);
}

/** For screen readers only: what others see happen. */
export function say(text) {
  spoken.append(h("p", null, text));
  while (spoken.children.length > 5) spoken.firstChild.remove();
}

/** What was said is taken back: a recalled message stays nowhere. */
export function hush() {
  spoken.replaceChildren();
}

/** An error in words. */
export function words(error) {
  const key = `error_${error?.code}`;
  const seconds = error?.retry_after_ms ? Math.ceil(error.retry_after_ms / 1000) : 1;
  const text = has(key) ? t(key, { seconds }) : (error?.message ?? String(error));
  const reason = error?.details?.reason;
  return reason && error.code === "bad_request" ? `${text} (${error.details.field}: ${reason})` : text;
}

export function trouble(error) {
  if (error?.code === "cancelled" || error?.code === "closed") return;
  notice(words(error), "bad");
}

/** Runs a task that a person has asked for, and says so when it fails. Answers what it answers, or undefined. */
export async function tried(task) {
  try {
    return await (typeof task === "function" ? task() : task);
  } catch (error) {
    if (!error?.code) console.error(error);
    trouble(error);
    return undefined;
  }
}
