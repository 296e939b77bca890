/**
 * The wall of photos. Only tiles near what is in sight exist.
 *
 * Promises  nothing that one looks at moves by itself: what would move it waits, and a button tells how many new photos
 *           there are. What is taken back is gone at once, and leaves its place empty until it can be closed.
 * Keys      arrows, Home, End, Page up and down; Enter opens; the rest is for `keys`.
 */

import { fill, h, icon, soon, still } from "./dom.js";
import { columnsFor, Masonry, vertical } from "./layout.js";
import { say } from "./notice.js";
import { Picture } from "./pictures.js";
import { t } from "./texts.js";

/** Screens above and below that are kept ready. */
const READY = 1;
const EDGE = 40;
const GAP = 6;

/**
 * `open(id)`, `keys(event, id)` answers whether it did something, `decorate(tile, photo)` draws what is on a tile,
 * `describe(photo)` says it, `newest()` whether new ones come first, `move(id, behind)` lets one drag.
 */
export function wall({ album, label, open, keys, decorate, describe, newest = () => false, move, wish }) {
  const sheet = h("div.wall-sheet", { role: "list", "aria-label": label });
  const pill = h("button.pill", { type: "button", hidden: true, onclick: showFresh });
  const scroller = h("div.wall", null, sheet);
  const element = h("div.wall-box", null, scroller, pill);
  const tiles = new Map();
  let laid = [];
  let boxes = [];
  let places = new Map();
  let masonry = null;
  let wanted = [];
  /** The same, to be asked; a photo that is not in it any more may still have its place in what is laid out. */
  let there = new Set();
  let current = null;
  let fresh = new Set();
  let width = 0;
  let dragged = null;

  function columns() {
    return { width, columns: columnsFor(width, wish), gap: GAP };
  }

  /** The photos that there should be, in this order; `news` of them are worth telling. */
  function update(ids, news = []) {
    wanted = ids;
    for (const id of news) fresh.add(id);
    there = new Set(ids);
    const lost = tiles.has(current) && !there.has(current) && tiles.get(current).button === document.activeElement;
    const next = lost ? (laid.slice(places.get(current) + 1).find((id) => there.has(id)) ?? ids.at(-1)) : undefined;
    for (const id of fresh) if (!there.has(id)) fresh.delete(id);
    for (const [id, tile] of tiles) if (!there.has(id)) remove(id, tile);
    if (news.length > 0) announce();
    settle();
    // Who stood on what is gone now stands beside it.
    if (next) focus(next);
  }

  const announce = soon(() => fresh.size > 0 && say(t("new_photos", { count: fresh.size })));

  /** Lays out what is wanted, unless something in sight would move. */
  function settle(force = false) {
    if (width === 0) return;
    let same = 0;
    while (same < laid.length && laid[same] === wanted[same]) same += 1;
    // As long as everything fits in sight, photos find their places as they come.
    const filled = masonry && masonry.height > scroller.clientHeight;
    if (same < laid.length && !force && filled && !atEdge()) {
      const [top, bottom] = sight();
      const moved = boxes.some(
        (box, at) =>
          at >= same && places.get(laid[at]) === at && tiles.has(laid[at]) && box.y < bottom && box.y + box.h > top,
      );
      if (moved) return drawPill();
    }
    if (same < laid.length || !masonry) {
      masonry = new Masonry(columns());
      boxes = [];
      laid = [];
      places = new Map();
      same = 0;
    }
    for (const id of wanted.slice(same)) {
      places.set(id, laid.length);
      laid.push(id);
      boxes.push(masonry.add(album.photos.get(id)));
    }
    sheet.style.height = `${masonry.height}px`;
    draw();
  }

  const atEdge = () => newest() && scroller.scrollTop < EDGE;
  const sight = () => [scroller.scrollTop, scroller.scrollTop + scroller.clientHeight];

  const exists = (id) => there.has(id) && album.photos.has(id);

  function draw() {
    const [top, bottom] = sight();
    const spare = (bottom - top) * READY;
    const focused = sheet.contains(document.activeElement) ? current : null;
    const near = new Set();
    boxes.forEach(({ y, h: high }, at) => {
      const id = laid[at];
      if (!exists(id)) return;
      if (y + high >= top - spare && y <= bottom + spare) near.add(id);
      if (y < bottom && y + high > top) fresh.delete(id);
    });
    if (focused && places.has(focused) && exists(focused)) near.add(focused);
    for (const [id, tile] of tiles) if (!near.has(id)) remove(id, tile);
    const first = [...near].find((id) => boxes[places.get(id)].y + boxes[places.get(id)].h > top);
    if (!current || !near.has(current)) current = first ?? null;
    let place = sheet.firstChild;
    for (const id of near) {
      const tile = tiles.get(id) ?? make(id);
      if (tile.item === place) place = place.nextSibling;
      else sheet.insertBefore(tile.item, place);
      drawTile(tile, id);
    }
    drawPill();
  }

  function make(id) {
    const photo = album.photos.get(id);
    const picture = new Picture(album, photo);
    const overlay = h("span.tile-marks");
    const button = h(
      "button.tile",
      {
        type: "button",
        tabIndex: -1,
        onclick: () => ((current = id), open(id)),
        onfocus: () => focused(id),
        draggable: Boolean(move),
        dataset: { photo: id },
      },
      picture.element,
      overlay,
    );
    const tile = { item: h("div.tile-item", { role: "listitem" }, button), button, overlay, picture };
    tiles.set(id, tile);
    return tile;
  }

  function drawTile(tile, id) {
    const photo = album.photos.get(id);
    const at = places.get(id);
    const { x, y, w, h: high } = boxes[at];
    const place = `${x}:${y}:${w}`;
    if (tile.place !== place) {
      tile.place = place;
      Object.assign(tile.item.style, { transform: `translate(${x}px, ${y}px)`, width: `${w}px`, height: `${high}px` });
    }
    tile.item.setAttribute("aria-posinset", at + 1);
    tile.item.setAttribute("aria-setsize", laid.length);
    tile.button.tabIndex = id === current ? 0 : -1;
    tile.button.setAttribute("aria-label", describe(photo, at + 1));
    decorate(tile, photo);
    tile.picture.need(Math.max(w, high) * devicePixelRatio * 0.9, photo);
  }

  function remove(id, tile) {
    tile.picture.close();
    tile.item.remove();
    tiles.delete(id);
  }

  function focused(id) {
    if (current === id) return;
    const before = tiles.get(current);
    if (before) before.button.tabIndex = -1;
    current = id;
    tiles.get(id).button.tabIndex = 0;
  }

  function drawPill() {
    const [, bottom] = sight();
    // Those further down, and those that wait.
    const away = [...fresh].filter((id) => !places.has(id) || boxes[places.get(id)].y >= bottom || newest());
    pill.hidden = away.length === 0;
    if (away.length > 0) fill(pill, icon("up"), t("new_photos", { count: away.length }));
    pill.classList.toggle("down", !newest());
  }

  function showFresh() {
    const first = wanted.find((id) => fresh.has(id));
    settle(true);
    fresh.clear();
    if (newest()) scroller.scrollTo({ top: 0, behavior: still() ? "instant" : "smooth" });
    else if (first) reveal(first, true);
    draw();
    if (first) focus(first);
  }

  /** Scrolls as little as is needed. */
  function reveal(id, gently = false) {
    const box = boxes[places.get(id)];
    if (!box) return;
    const [top, bottom] = sight();
    const goal = box.y < top ? box.y - GAP : box.y + box.h > bottom ? box.y + box.h - scroller.clientHeight + GAP : top;
    if (goal !== top) scroller.scrollTo({ top: goal, behavior: gently && !still() ? "smooth" : "instant" });
  }

  function focus(id) {
    if (!places.has(id) || !exists(id)) return;
    current = id;
    reveal(id);
    draw();
    const tile = tiles.get(id) ?? make(id);
    if (!tile.item.isConnected) sheet.append(tile.item);
    drawTile(tile, id);
    tile.button.focus({ preventScroll: true });
  }

  function step(event) {
    const from = places.get(current);
    if (from === undefined || event.ctrlKey || event.metaKey) return;
    if (keys(event, current)) return event.preventDefault();
    if (event.altKey || event.shiftKey) return;
    const per_page = () => Math.max(1, Math.floor(scroller.clientHeight / boxes[from].h));
    const many = (direction) => {
      let at = from;
      for (let count = per_page(); count > 0; count -= 1) {
        const next = vertical(boxes, at, direction);
        if (next < 0) break;
        at = next;
      }
      return at;
    };
    const goals = {
      ArrowRight: () => from + 1,
      ArrowLeft: () => from - 1,
      Home: () => 0,
      End: () => laid.length - 1,
      ArrowDown: () => vertical(boxes, from, 1),
      ArrowUp: () => vertical(boxes, from, -1),
      PageDown: () => many(1),
      PageUp: () => many(-1),
    };
    let goal = goals[event.key]?.();
    if (goal === undefined) return;
    event.preventDefault();
    const way = goal < from ? -1 : 1;
    while (laid[goal] !== undefined && !exists(laid[goal])) goal += way;
    if (laid[goal] !== undefined) focus(laid[goal]);
  }

  sheet.addEventListener("keydown", step);
  const scrolled = soon(() => {
    settle();
    draw();
  });
  scroller.addEventListener("scroll", scrolled, { passive: true });
  const sizes = new ResizeObserver(() => {
    const now = sheet.clientWidth;
    if (now === width) return;
    const [top] = sight();
    const anchor = laid.find((id, at) => boxes[at].y + boxes[at].h > top + EDGE);
    const before = anchor && boxes[places.get(anchor)].y - top;
    width = now;
    masonry = null;
    laid = [];
    boxes = [];
    settle(true);
    if (anchor && places.has(anchor) && top > EDGE) scroller.scrollTop = boxes[places.get(anchor)].y - before;
    draw();
  });
  sizes.observe(sheet);
  if (move) dragging();

  /** By the pointer: behind the photo on whose right half it is dropped, else before it. */
  function dragging() {
    const mark = h("div.drop-mark", { hidden: true });
    sheet.append(mark);
    const target = (event) => {
      const id = event.target.closest?.(".tile")?.dataset.photo;
      if (!dragged || !id || id === dragged || !places.has(id)) return null;
      const box = event.target.closest(".tile").getBoundingClientRect();
      return { id, after: event.clientX > box.left + box.width / 2 };
    };
    sheet.addEventListener("dragstart", (event) => {
      dragged = event.target.closest?.(".tile")?.dataset.photo ?? null;
      event.dataTransfer.effectAllowed = "move";
      event.dataTransfer.setData("application/x-salon-photo", dragged);
    });
    sheet.addEventListener("dragover", (event) => {
      const goal = target(event);
      if (!goal) return;
      event.preventDefault();
      const { x, y, w, h: high } = boxes[places.get(goal.id)];
      mark.hidden = false;
      Object.assign(mark.style, {
        transform: `translate(${goal.after ? x + w + GAP / 2 - 2 : x - GAP / 2 - 2}px, ${y}px)`,
        height: `${high}px`,
      });
    });
    const stop = () => {
      dragged = null;
      mark.hidden = true;
    };
    sheet.addEventListener("dragend", stop);
    sheet.addEventListener("drop", (event) => {
      const goal = target(event);
      if (!goal) return;
      event.preventDefault();
      const rest = laid.filter((id) => id !== dragged);
      move(dragged, rest[rest.indexOf(goal.id) - (goal.after ? 0 : 1)]);
      stop();
    });
  }

  return {
    element,
    update,
    /** These look different now. */
    refresh(ids) {
      for (const id of ids) if (tiles.has(id) && places.has(id) && exists(id)) drawTile(tiles.get(id), id);
    },
    redraw: () => draw(),
    focus,
    settle: () => settle(true),
    order: () => wanted,
    current: () => current,
    close() {
      sizes.disconnect();
      for (const [id, tile] of tiles) remove(id, tile);
    },
  };
}
