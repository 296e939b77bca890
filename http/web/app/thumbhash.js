/**
 * The few bytes that stand for a picture until it is there. https://evanw.github.io/thumbhash/
 *
 * A thumbhash has a brightness (l), two colours (p: yellow to blue, q: red to green) and perhaps an alpha, each as the
 * first terms of a cosine transform: one constant, then terms of four bits.
 */

const SIDE = 32;

/** `{width, height, rgba}`, at most 32 pixels at the longer side; null for what is no hash. */
export function decode(base64) {
  let hash;
  try {
    hash = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
  if (hash.length < 5) return null;
  const head = hash[0] | (hash[1] << 8) | (hash[2] << 16);
  const tail = hash[3] | (hash[4] << 8);
  const alpha = (head >> 23) & 1;
  const landscape = tail >> 15;
  const across = alpha ? 5 : 7;
  const columns = Math.max(3, landscape ? across : tail & 7);
  const rows = Math.max(3, landscape ? tail & 7 : across);
  let nibble = (alpha ? 6 : 5) * 2;
  const channel = (wide, high, constant, scale) => {
    const terms = [{ x: 0, y: 0, factor: constant }];
    for (let y = 0; y < high; y += 1) {
      for (let x = y === 0 ? 1 : 0; x * high < wide * (high - y); x += 1) {
        const four = ((hash[nibble >> 1] ?? 0x77) >> ((nibble & 1) * 4)) & 15;
        nibble += 1;
        // The transform is symmetric: each term but the constant counts twice.
        terms.push({ x, y, factor: (four / 7.5 - 1) * scale * 2 });
      }
    }
    return terms;
  };
  const l = channel(columns, rows, (head & 63) / 63, ((head >> 18) & 31) / 31);
  const p = channel(3, 3, ((head >> 6) & 63) / 31.5 - 1, (((tail >> 3) & 63) / 63) * 1.25);
  const q = channel(3, 3, ((head >> 12) & 63) / 31.5 - 1, (((tail >> 9) & 63) / 63) * 1.25);
  const a = alpha ? channel(5, 5, (hash[5] & 15) / 15, (hash[5] >> 4) / 15) : null;
  return render({ l, p, q, a }, columns / rows);
}

function render({ l, p, q, a }, ratio) {
  const width = Math.round(ratio > 1 ? SIDE : SIDE * ratio);
  const height = Math.round(ratio > 1 ? SIDE / ratio : SIDE);
  const waves = (size) =>
    Array.from({ length: 8 }, (_, term) =>
      Array.from({ length: size }, (_, at) => Math.cos((Math.PI / size) * (at + 0.5) * term)),
    );
  const [xs, ys] = [waves(width), waves(height)];
  const rgba = new Uint8ClampedArray(width * height * 4);
  for (let y = 0, at = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1, at += 4) {
      const sum = (terms) => terms.reduce((value, term) => value + term.factor * xs[term.x][x] * ys[term.y][y], 0);
      const [bright, yellow, red] = [sum(l), sum(p), sum(q)];
      const b = bright - (2 / 3) * yellow;
      const r = (3 * bright - b + red) / 2;
      rgba[at] = r * 255;
      rgba[at + 1] = (r - red) * 255;
      rgba[at + 2] = b * 255;
      rgba[at + 3] = a ? sum(a) * 255 : 255;
    }
  }
  return { width, height, rgba };
}
