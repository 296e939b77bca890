/**
 * Making elements, without markup in strings: what people write can never become markup.
 *
 * Owns      `h`, lists that keep their elements, icons, small questions about time.
 * Does not  know anything of Salon.
 */

const SVG = "http://www.w3.org/2000/svg";

/** `h("button.quiet", {onclick, "aria-label": "…"}, child, …)`; false, null and undefined children are left out. */
export function h(name, props, ...children) {
  const [tag, ...classes] = name.split(".");
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [key, value] of Object.entries(props ?? {})) assign(element, key, value);
  add(element, children);
  return element;
}

function assign(element, key, value) {
  if (value === undefined || value === null) return;
  if (key === "class") element.classList.add(...value.split(" ").filter(Boolean));
  else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
  else if (key === "dataset") Object.assign(element.dataset, value);
  else if (key in element && !key.startsWith("aria")) element[key] = value;
  else if (value === true) element.setAttribute(key, key.startsWith("aria") ? "true" : "");
  else if (value !== false || key.startsWith("aria")) element.setAttribute(key, String(value));
}

function add(element, children) {
  for (const child of children.flat(2)) {
    if (child !== null && child !== undefined && child !== false) element.append(child);
  }
}

export function fill(element, ...children) {
  element.replaceChildren();
  add(element, children);
  return element;
}

/**
 * Makes the children of `box` those of `items`, in order. An element lives as long as its key is there, so that focus,
 * scrolling and pictures stay.
 */
export function keyed(box, items, key, make, update = () => {}) {
  const old = (box.keyed ??= new Map());
  const kept = new Map();
  let place = box.firstChild;
  for (const item of items) {
    const id = key(item);
    const element = old.get(id) ?? make(item);
    kept.set(id, element);
    update(element, item);
    if (element === place) place = place.nextSibling;
    else box.insertBefore(element, place);
  }
  for (const [id, element] of old) if (!kept.has(id)) element.remove();
  box.keyed = kept;
}

const PATHS = {
  add: "M12 5v14M5 12h14",
  back: "M15 5l-7 7 7 7",
  forward: "M9 5l7 7-7 7",
  chat: "M4 5h16v11H9l-5 4z",
  check: "M5 13l4.500 4.500L19 7",
  checks: "M2 13l4.500 4.500L16 7M11 16.500l1 1L22 7",
  close: "M6 6l12 12M18 6L6 18",
  clock: "M12 4a8 8 0 100 16 8 8 0 000-16M12 8v4l3 2",
  code: "M4 4h6v6H4zM14 4h6v6h-6zM4 14h6v6H4zM14 14h2v2h-2zM18 14h2v2h-2zM14 18h2v2h-2zM18 18h2v2h-2z",
  copy: "M9 9h10v11H9zM5 15V4h10",
  download: "M12 4v11M7 11l5 5 5-5M5 20h14",
  edit: "M4 20l1-4L16 5l3 3L8 19z",
  eye: "M2 12s4-7 10-7 10 7 10 7-4 7-10 7S2 12 2 12zM12 9a3 3 0 100 6 3 3 0 000-6",
  folder: "M3 6h6l2 2h10v11H3z",
  friends:
    "M9 11a3.500 3.500 0 100-7 3.500 3.500 0 000 7M2.500 20c0-4 3-6 6.500-6s6.500 2 6.500 6M16 4.500a3.500 3.500 0 010 6.500M18 14.500c2.500.8 3.500 3 3.500 5.500",
  heart: "M12 20S4 15 4 9a4.300 4.300 0 018-2 4.300 4.300 0 018 2c0 6-8 11-8 11z",
  hide: "M4 4l16 16M9.500 5.500A9 9 0 0112 5c6 0 10 7 10 7a18 18 0 01-3 3.700M6 7.500A17 17 0 002 12s4 7 10 7a9 9 0 004-1",
  language: "M12 3a9 9 0 100 18 9 9 0 000-18M3 12h18M12 3c3 3 3 15 0 18M12 3c-3 3-3 15 0 18",
  list: "M8 6h12M8 12h12M8 18h12M4 6h.01M4 12h.01M4 18h.01",
  look: "M12 4a8 8 0 100 16V4",
  more: "M5 12h.01M12 12h.01M19 12h.01",
  mark: "M6 4h12v16l-6-4.500L6 20z",
  out: "M14 4h5v16h-5M10 8l-4 4 4 4M6 12h9",
  pause: "M8 5v14M16 5v14",
  photos: "M3 5h18v14H3zM3 16l5-5 4 4 3-3 6 6M15.500 9.500h.01",
  pin: "M9 4h6l-1 6 4 4H6l4-4zM12 14v6",
  play: "M7 4l12 8-12 8z",
  reply: "M10 6L4 12l6 6M4 12h9c4 0 7 2 7 6",
  retry: "M4 12a8 8 0 018-8c3 0 5 1.500 6.500 3.500M20 4v4h-4M20 12a8 8 0 01-8 8c-3 0-5-1.500-6.500-3.500M4 20v-4h4",
  screen: "M3 4h18v12H3zM8 20h8M12 16v4",
  search: "M11 4a7 7 0 100 14 7 7 0 000-14M16 16l5 5",
  send: "M4 12l16-8-5 16-3-7z",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 5v4M8 15v4",
  smile: "M12 3a9 9 0 100 18 9 9 0 000-18M8 14c1 2 2.500 2.700 4 2.700s3-.7 4-2.700M9 9.500h.01M15 9.500h.01",
  trash: "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13",
  up: "M12 19V6M6 11l6-6 6 6",
};

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", `icon icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}

/** A button that shows an icon only; `label` is what it is called. */
export function iconButton(name, label, onclick, props) {
  return h("button.icon-button", { type: "button", "aria-label": label, title: label, onclick, ...props }, icon(name));
}

/** Calls `task` once in the next frame, however often it is asked for. A hidden page has no frames, but timers. */
export function soon(task) {
  let due = false;
  const run = () => {
    due = false;
    task();
  };
  return () => {
    if (due) return;
    due = true;
    if (document.visibilityState === "hidden") setTimeout(run, 50);
    else requestAnimationFrame(run);
  };
}

/** Calls `task` when nobody has asked for it for `ms`; `now` does it at once if it is due. */
export function calm(ms, task) {
  let timer;
  const later = (...words) => {
    clearTimeout(timer);
    later.due = words;
    timer = setTimeout(later.now, ms);
  };
  later.now = () => {
    clearTimeout(timer);
    const words = later.due;
    later.due = undefined;
    if (words) task(...words);
  };
  return later;
}

/** Whether the person wants little motion. */
export const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
