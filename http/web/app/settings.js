/**
 * What the person has chosen for this browser: language, light or dark.
 *
 * Promises  works without a storage, for as long as the page lives.
 */

const memory = new Map();

export function kept(key, otherwise) {
  try {
    const text = localStorage.getItem(`salon-page:${key}`);
    return text === null ? (memory.get(key) ?? otherwise) : JSON.parse(text);
  } catch {
    return memory.get(key) ?? otherwise;
  }
}

export function keep(key, value) {
  memory.set(key, value);
  try {
    localStorage.setItem(`salon-page:${key}`, JSON.stringify(value));
  } catch {
    // A private window, or full: the memory has it.
  }
}

/** `auto`, `light` or `dark`. */
export const look = () => kept("look", "auto");

export function setLook(value) {
  keep("look", value);
  document.documentElement.dataset.look = value;
}

setLook(look());
