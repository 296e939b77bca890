/**
 * A photo in a box: the thumbhash at once, then as sharp as the box needs.
 *
 * Promises  the box has its size before anything is loaded; a sharper picture replaces one only when it is decoded. An
 *           address that is refused is renewed once. An address that was good is used again, so that the browser has it.
 */

import { h } from "./dom.js";
import { decode } from "./thumbhash.js";

const ADDRESSES_MAX = 10_000;
const addresses = new Map();

export function paint(canvas, photo) {
  const picture = decode(photo.thumbhash);
  if (!picture) return;
  canvas.width = picture.width;
  canvas.height = picture.height;
  canvas.getContext("2d").putImageData(new ImageData(picture.rgba, picture.width, picture.height), 0, 0);
}

export class Picture {
  #album;
  #photo;
  #shown = 0;
  #wanted = 0;
  #over = false;

  constructor(album, photo, { fit = "cover" } = {}) {
    this.#album = album;
    this.#photo = photo;
    this.canvas = h("canvas", { "aria-hidden": "true" });
    this.element = h("span.picture", { class: fit }, this.canvas);
    this.element.style.backgroundColor = photo.colour;
    paint(this.canvas, photo);
  }

  get sharp() {
    return this.#shown > 0;
  }

  /** So many pixels of the screen, at the longer side; called again when there are more variants. */
  need(pixels, photo = this.#photo) {
    this.#photo = photo;
    const size = this.#album.variant(photo, pixels);
    if (!size || size <= this.#wanted || this.#over) return;
    this.#wanted = size;
    this.#load(size, true);
  }

  /** Nothing of it is needed any more. */
  close() {
    this.#over = true;
    for (const image of this.element.querySelectorAll("img")) image.src = "";
  }

  async #load(size, again) {
    const key = `${this.#photo.photo}/${size}`;
    const url = addresses.get(key) ?? this.#album.url(this.#photo, size);
    if (!url) return;
    const image = h("img", { alt: "", draggable: false, decoding: "async" });
    image.src = url;
    try {
      await image.decode();
    } catch {
      addresses.delete(key);
      if (this.#over) return;
      if (again) {
        await this.#album.renewMedia();
        return void this.#load(size, false);
      }
      // What is there stays; when another variant comes it is tried again.
      if (this.#wanted === size) this.#wanted = this.#shown;
      return;
    }
    if (this.#over || size < this.#shown) return;
    addresses.set(key, url);
    if (addresses.size > ADDRESSES_MAX) addresses.delete(addresses.keys().next().value);
    const before = [...this.element.querySelectorAll("img")];
    this.#shown = size;
    image.dataset.size = size;
    this.element.append(image);
    requestAnimationFrame(() => image.classList.add("there"));
    setTimeout(() => before.forEach((old) => old.remove()), 400);
  }
}
