/**
 * Where photos are on a wall: columns of one width, each photo into the shortest.
 *
 * Promises  a box depends only on those before it: photos that are added at the end move nothing.
 */

/** Panoramas and strips are cut to this. */
const RATIO_MIN = 0.5;
const RATIO_MAX = 2.4;

export function columnsFor(width, wish = 290) {
  return Math.max(2, Math.min(8, Math.round(width / wish)));
}

export class Masonry {
  #heights;

  constructor({ width, columns, gap }) {
    this.gap = gap;
    this.column = (width - gap * (columns - 1)) / columns;
    this.#heights = new Array(columns).fill(0);
  }

  /** The box of the next photo. */
  add({ width, height }) {
    const ratio = Math.min(RATIO_MAX, Math.max(RATIO_MIN, width / height || 1));
    const column = this.#heights.indexOf(Math.min(...this.#heights));
    const box = {
      column,
      x: column * (this.column + this.gap),
      y: this.#heights[column],
      w: this.column,
      h: this.column / ratio,
    };
    this.#heights[column] += box.h + this.gap;
    return box;
  }

  get height() {
    return Math.max(0, Math.max(...this.#heights) - this.gap);
  }
}

/** The index of the box above or below `from` in its column; -1 if there is none. */
export function vertical(boxes, from, step) {
  for (let at = from + step; at >= 0 && at < boxes.length; at += step)
    if (boxes[at].column === boxes[from].column) return at;
  return -1;
}

/** The order of a session's photos: pinned ones, then by number, then by id. */
export function compare(a, b) {
  return (
    Number(Boolean(b.pinned)) - Number(Boolean(a.pinned)) ||
    a.order - b.order ||
    (a.photo < b.photo ? -1 : Number(a.photo > b.photo))
  );
}
