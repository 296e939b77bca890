// The parts of the page that need no browser.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { columnsFor, compare, Masonry, vertical } from "../app/layout.js";
import { correction, penalty, qr } from "../app/qr.js";
import { Sha256 } from "../app/sha256.js";
import { decode } from "../app/thumbhash.js";

const lines = (modules) => modules.map((line) => [...line].join(""));
const sum = (text) => createHash("sha256").update(text).digest("hex");

test("QR codes are those of another encoder", () => {
  // ISO/IEC 18004, annex I: the correction of the symbol 1-M of its example.
  const words = [0x10, 0x20, 0x0c, 0x56, 0x61, 0x80, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11, 0xec, 0x11];
  assert.deepEqual(correction(words, 10), [0xa5, 0x24, 0xd4, 0xc1, 0xed, 0x36, 0xc7, 0x87, 0x2c, 0x55]);
  // By python-qrcode 8: bytes, correction M, mask 2; SHA-256 of the rows with "/" between. Versions 1, 3, 6, 7 and 10.
  const expected = {
    14: "dc359e9c8ba67faec582419500821f60e9679a3cd03d55e4b03ab6da9f534e81",
    40: "e1db8a30c693c5a69055843437139435d3f791f48898633e15e665e8342b8538",
    100: "712d4013340149da1bbe78523faec540fd03b7dbb899fd1228c0b426972e9237",
    120: "0dd12a09683d5d7f1d1ece04f4de85d9833001ab681b7675ce0c04abfeb5a8d4",
    213: "e08e245aa946ba3a48c66b12358dca051fd085d79a0d1eec1880242b2b190208",
  };
  for (const [length, hash] of Object.entries(expected)) {
    const text = "https://salon.example/#/s/ABCDEFGH".repeat(10).slice(0, Number(length)).toLowerCase();
    assert.equal(sum(lines(qr(text, 2)).join("/")), hash, length);
  }
});

test("a QR code takes the smallest version and the best mask, and refuses what is too long", () => {
  assert.equal(qr("x".repeat(14)).length, 21);
  assert.equal(qr("x".repeat(15)).length, 25);
  assert.equal(qr("照".repeat(71)).length, 57);
  assert.throws(() => qr("x".repeat(214)), RangeError);
  const best = penalty(qr("hello"));
  for (let mask = 0; mask < 8; mask += 1) assert.ok(best <= penalty(qr("hello", mask)));
});

test("SHA-256 in steps is that of Node", () => {
  for (const size of [0, 1, 55, 56, 63, 64, 65, 119, 128, 1_000, 100_001]) {
    const bytes = randomBytes(size);
    const hash = new Sha256();
    for (let at = 0; at < size; at += 37) hash.update(bytes.subarray(at, at + 37));
    assert.equal(hash.hex(), sum(bytes), String(size));
  }
});

test("a thumbhash becomes a small picture, and nonsense becomes none", () => {
  // A sunset, from the page of thumbhash.
  const { width, height, rgba } = decode("1QcSHQRnh493V4dIh4eXh1h4kJUI");
  assert.deepEqual([Math.max(width, height), rgba.length], [32, width * height * 4]);
  assert.ok(rgba.every((value, at) => at % 4 !== 3 || value === 255));
  assert.equal(decode("AA=="), null);
  assert.equal(decode("?"), null);
});

test("photos that are added move none, and each is where its column ends", () => {
  const photos = Array.from({ length: 60 }, (_, at) => ({ width: 300 + (at % 7) * 100, height: 400 }));
  const lay = (count) => {
    const masonry = new Masonry({ width: 1_000, columns: 4, gap: 6 });
    return photos.slice(0, count).map((photo) => masonry.add(photo));
  };
  const boxes = lay(60);
  assert.deepEqual(lay(40), boxes.slice(0, 40));
  for (const a of boxes)
    for (const b of boxes) {
      const apart = a.x + a.w <= b.x || b.x + b.w <= a.x || a.y + a.h <= b.y || b.y + b.h <= a.y;
      assert.ok(a === b || apart);
    }
  assert.equal(boxes[vertical(boxes, 20, 1)].column, boxes[20].column);
  assert.equal(vertical(boxes, 0, -1), -1);
  assert.deepEqual([columnsFor(360), columnsFor(1_180), columnsFor(9_000)], [2, 4, 8]);
});

test("pinned photos are first, then by number, then by id", () => {
  const photos = [
    ["c", 2],
    ["b", 1],
    ["a", 1],
    ["d", 9, true],
  ].map(([photo, order, pinned]) => ({ photo, order, pinned }));
  assert.deepEqual(
    photos.sort(compare).map(({ photo }) => photo),
    ["d", "a", "b", "c"],
  );
});

test("every text that is asked for is there, in both languages", async () => {
  globalThis.document = { documentElement: { dataset: {} } };
  const folder = new URL("../app/", import.meta.url);
  const { has, KEYS, setLanguage, t } = await import(new URL("texts.js", folder));
  const missing = [];
  for (const file of readdirSync(folder).filter((name) => name.endsWith(".js"))) {
    for (const [, key] of readFileSync(new URL(file, folder), "utf8").matchAll(/\bt\("(\w+)"/g))
      if (!has(key)) missing.push(`${file}: ${key}`);
  }
  assert.deepEqual(missing, []);
  setLanguage("en");
  assert.deepEqual([t("new_photos", { count: 1 }), t("new_photos", { count: 12 })], ["1 new photo", "12 new photos"]);
  const names = (text) => [...text.matchAll(/\{(\w+)/g)].map(([, name]) => name);
  const source = readFileSync(new URL("texts.js", folder), "utf8");
  for (const [, key, english, chinese] of source.matchAll(/^ {2}(\w+): \["(.*?)", "(.*?)"\],$/gm)) {
    assert.ok(
      /\p{Script=Han}/u.test(chinese) || !/[a-z]{4}/.test(english) || /^[{}\w\s：，/·]*$|JPEG/.test(chinese),
      key,
    );
    assert.deepEqual([...new Set(names(chinese))].sort(), [...new Set(names(english))].sort(), key);
  }
  assert.ok(KEYS.length > 250);
});
