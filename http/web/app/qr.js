/**
 * QR codes: bytes, versions 1 to 10, ISO/IEC 18004.
 *
 * Promises  `qr(text)` is the matrix of modules, rows of 0 and 1, in the smallest version that has room, with the error
 *           correction M. Throws a RangeError above 213 bytes.
 */

/** Codewords in all, of correction per block, and blocks, by version, for the correction M. */
const VERSIONS = [
  [26, 10, 1],
  [44, 16, 1],
  [70, 26, 1],
  [100, 18, 2],
  [134, 24, 2],
  [172, 16, 4],
  [196, 18, 4],
  [242, 22, 4],
  [292, 22, 5],
  [346, 26, 5],
];
/** Centres of the alignment patterns. */
const CENTRES = [[], [6, 18], [6, 22], [6, 26], [6, 30], [6, 34], [6, 22, 38], [6, 24, 42], [6, 26, 46], [6, 28, 50]];
const CORRECTION_M = 0;
const MASKS = [
  (row, column) => (row + column) % 2,
  (row) => row % 2,
  (_, column) => column % 3,
  (row, column) => (row + column) % 3,
  (row, column) => (Math.floor(row / 2) + Math.floor(column / 3)) % 2,
  (row, column) => ((row * column) % 2) + ((row * column) % 3),
  (row, column) => (((row * column) % 2) + ((row * column) % 3)) % 2,
  (row, column) => (((row + column) % 2) + ((row * column) % 3)) % 2,
];

/** The field of 256 elements by x^8 + x^4 + x^3 + x^2 + 1. */
const EXP = new Uint8Array(510);
const LOG = new Uint8Array(256);
for (let power = 0, value = 1; power < 255; power += 1) {
  EXP[power] = EXP[power + 255] = value;
  LOG[value] = power;
  value = value & 0x80 ? ((value << 1) ^ 0x11d) & 0xff : value << 1;
}
const times = (a, b) => (a && b ? EXP[LOG[a] + LOG[b]] : 0);

/** `mask` 0–7 forces one; without it the best is taken. */
export function qr(text, mask) {
  const bytes = new TextEncoder().encode(text);
  const version =
    VERSIONS.findIndex(([all, correction, blocks], at) => {
      return bytes.length + (at + 1 > 9 ? 3 : 2) <= all - correction * blocks;
    }) + 1;
  if (version === 0) throw new RangeError(`${bytes.length} bytes are too many for a QR code here`);
  const codewords = interleaved(data(bytes, version), version);
  const { modules, fixed } = frame(version);
  lay(modules, fixed, codewords);
  const masks = mask === undefined ? MASKS.map((_, number) => number) : [mask];
  const tried = masks.map((number) => masked(modules, fixed, version, number));
  return tried.reduce((best, one) => (penalty(one) < penalty(best) ? one : best));
}

/** Mode, length, bytes, padding. */
export function data(bytes, version) {
  const [all, correction, blocks] = VERSIONS[version - 1];
  const size = all - correction * blocks;
  const bits = [];
  const put = (value, count) => {
    for (let bit = count - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  put(0b0100, 4);
  put(bytes.length, version > 9 ? 16 : 8);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, size * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const words = [];
  for (let at = 0; at < bits.length; at += 8) words.push(Number.parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; words.length < size; pad ^= 0xec ^ 0x11) words.push(pad);
  return words;
}

/** Reed-Solomon. */
export function correction(words, count) {
  let generator = [1];
  for (let power = 0; power < count; power += 1) {
    const next = [...generator, 0];
    generator.forEach((factor, at) => (next[at + 1] ^= times(factor, EXP[power])));
    generator = next;
  }
  const rest = [...words, ...new Array(count).fill(0)];
  for (let at = 0; at < words.length; at += 1) {
    const factor = rest[at];
    if (factor) generator.forEach((value, step) => (rest[at + step] ^= times(value, factor)));
  }
  return rest.slice(words.length);
}

function interleaved(words, version) {
  const [, count, blocks] = VERSIONS[version - 1];
  const short = Math.floor(words.length / blocks);
  const long = words.length % blocks;
  const parts = [];
  for (let block = 0, at = 0; block < blocks; block += 1) {
    const size = short + (block >= blocks - long ? 1 : 0);
    parts.push(words.slice(at, (at += size)));
  }
  const checks = parts.map((part) => correction(part, count));
  const across = (rows, length) =>
    Array.from({ length }, (_, at) => rows.filter((row) => at < row.length).map((row) => row[at])).flat();
  return [...across(parts, short + 1), ...across(checks, count)];
}

/** What is at its place whatever the text: finders, timing, alignment, room for the format and the version. */
function frame(version) {
  const size = 17 + 4 * version;
  const modules = Array.from({ length: size }, () => new Uint8Array(size));
  const fixed = Array.from({ length: size }, () => new Uint8Array(size));
  const set = (row, column, value) => {
    if (row < 0 || column < 0 || row >= size || column >= size) return;
    modules[row][column] = value ? 1 : 0;
    fixed[row][column] = 1;
  };
  const ring = (row, column, radius, dark) => {
    for (let down = -radius; down <= radius; down += 1) {
      for (let right = -radius; right <= radius; right += 1) {
        set(row + down, column + right, dark(Math.max(Math.abs(down), Math.abs(right))));
      }
    }
  };
  for (let at = 0; at < size; at += 1) {
    set(6, at, at % 2 === 0);
    set(at, 6, at % 2 === 0);
  }
  for (const [row, column] of [
    [3, 3],
    [3, size - 4],
    [size - 4, 3],
  ]) {
    ring(row, column, 4, (distance) => distance !== 2 && distance !== 4);
  }
  const centres = CENTRES[version - 1];
  const last = centres.length - 1;
  centres.forEach((row, down) =>
    centres.forEach((column, right) => {
      const corner = (down === 0 && (right === 0 || right === last)) || (down === last && right === 0);
      if (!corner) ring(row, column, 2, (distance) => distance !== 1);
    }),
  );
  for (let at = 0; at < 9; at += 1) {
    fixed[8][at] = fixed[at][8] = 1;
    if (at < 8) fixed[8][size - 1 - at] = fixed[size - 1 - at][8] = 1;
  }
  if (version >= 7) {
    const bits = (version << 12) | remainder(version, 12, 0x1f25);
    for (let at = 0; at < 18; at += 1) {
      const [long, short] = [Math.floor(at / 3), size - 11 + (at % 3)];
      set(long, short, (bits >> at) & 1);
      set(short, long, (bits >> at) & 1);
    }
  }
  return { modules, fixed };
}

function remainder(value, digits, generator) {
  let rest = value << digits;
  for (let bit = 31 - Math.clz32(rest); bit >= digits; bit -= 1) {
    if ((rest >> bit) & 1) rest ^= generator << (bit - digits);
  }
  return rest;
}

/** In pairs of columns from the right, up and down. */
function lay(modules, fixed, codewords) {
  const size = modules.length;
  let bit = 0;
  let upwards = true;
  for (let right = size - 1; right > 0; right -= 2) {
    if (right === 6) right -= 1;
    for (let step = 0; step < size; step += 1) {
      const row = upwards ? size - 1 - step : step;
      for (const column of [right, right - 1]) {
        if (fixed[row][column]) continue;
        modules[row][column] = ((codewords[bit >> 3] ?? 0) >> (7 - (bit & 7))) & 1;
        bit += 1;
      }
    }
    upwards = !upwards;
  }
}

function masked(modules, fixed, version, mask) {
  const size = modules.length;
  const flip = (row, column) => (fixed[row][column] ? 0 : Number(MASKS[mask](row, column) === 0));
  const made = modules.map((line, row) => line.map((value, column) => value ^ flip(row, column)));
  const value = (CORRECTION_M << 3) | mask;
  const format = ((value << 10) | remainder(value, 10, 0x537)) ^ 0x5412;
  for (let at = 0; at < 15; at += 1) {
    const bit = (format >> at) & 1;
    // Around the upper left finder, and split between the two others.
    if (at < 8) made[8][size - 1 - at] = bit;
    else made[size - 15 + at][8] = bit;
    if (at < 6) made[at][8] = bit;
    else if (at < 8) made[at + 1][8] = bit;
    else if (at === 8) made[8][7] = bit;
    else made[8][14 - at] = bit;
  }
  made[size - 8][8] = 1;
  return made;
}

/** How hard it is to read, by the four rules. */
export function penalty(modules) {
  const size = modules.length;
  const lines = [...modules.map((line) => [...line]), ...modules.map((_, at) => modules.map((line) => line[at]))];
  let points = 0;
  for (const line of lines) {
    for (const run of line.join("").match(/0+|1+/g)) if (run.length >= 5) points += run.length - 2;
    const text = `0000${line.join("")}0000`;
    for (let at = 0; at + 11 <= text.length; at += 1) {
      const part = text.slice(at, at + 11);
      if (part === "10111010000" || part === "00001011101") points += 40;
    }
  }
  let dark = 0;
  for (let row = 0; row < size; row += 1) {
    for (let column = 0; column < size; column += 1) {
      const value = modules[row][column];
      dark += value;
      if (row + 1 === size || column + 1 === size) continue;
      const same = modules[row][column + 1] === value && modules[row + 1][column] === value;
      if (same && modules[row + 1][column + 1] === value) points += 3;
    }
  }
  return points + 10 * Math.floor(Math.abs((dark * 20) / (size * size) - 10));
}
