/** How people and times look. */

import { h } from "./dom.js";
import { language, t } from "./texts.js";

/** A circle with the first letter, in a colour that is the person's own. */
export function avatar(id, name, online) {
  const face = h("span.avatar", { "aria-hidden": "true" }, letter(name));
  let hue = 0;
  for (const unit of id ?? "") hue = (hue * 31 + unit.charCodeAt(0)) % 360;
  face.style.setProperty("--hue", hue);
  if (online) face.append(h("i.online"));
  return face;
}

const letter = (name) => [...(name ?? "?").trim()][0]?.toUpperCase() ?? "?";

const formats = new Map();
function format(options) {
  const key = language() + JSON.stringify(options);
  if (!formats.has(key)) formats.set(key, new Intl.DateTimeFormat(language(), options));
  return formats.get(key);
}

export const clock = (at) => format({ hour: "2-digit", minute: "2-digit" }).format(at);
export const fullTime = (at) => format({ dateStyle: "medium", timeStyle: "short" }).format(at);
export const sameDay = (a, b) => new Date(a).toDateString() === new Date(b).toDateString();

export function day(at) {
  if (sameDay(at, Date.now())) return t("today");
  if (sameDay(at, Date.now() - 86_400_000)) return t("yesterday");
  return format({ weekday: "long", day: "numeric", month: "long" }).format(at);
}

/** As short as it can be. */
export function brief(at) {
  if (!at) return "";
  if (sameDay(at, Date.now())) return clock(at);
  if (Date.now() - at < 6 * 86_400_000) return format({ weekday: "short" }).format(at);
  return format({ day: "numeric", month: "short" }).format(at);
}

export function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let step = 0;
  let value = count;
  for (; value >= 1000 && step < units.length - 1; step += 1) value /= 1000;
  return `${value < 10 && step > 0 ? value.toFixed(1) : Math.round(value)} ${units[step]}`;
}
