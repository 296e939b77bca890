// The same work with Sharp (libvips), in one thread: the measure for `process.rs` beside it.
//
//   cargo bench -p salon-pictures --bench process -- --write /tmp/picture.jpg
//   npm install sharp        (anywhere; run this from there)
//   node sharp.mjs /tmp/picture.jpg [runs]
//
// Two ways: "once" decodes once and makes each size from the one before, as Salon does;
// "thrice" is what Sharp's manual shows, a pipeline from the file for each size. Each with the Huffman tables
// that Salon uses (the standard ones) and with optimised ones, which are Sharp's default.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const sharp = createRequire(`${process.cwd()}/`)('sharp');
sharp.concurrency(1);
sharp.cache(false);

const file = readFileSync(process.argv[2]);
const runs = Number(process.argv[3] ?? 15);
const fit = (side) => [side, side, { fit: 'inside', withoutEnlargement: true }];

async function once(jpeg) {
  let { data, info } = await sharp(file).rotate().toColourspace('srgb').resize(...fit(2048)).removeAlpha().raw()
    .toBuffer({ resolveWithObject: true });
  const raw = () => sharp(data, { raw: { width: info.width, height: info.height, channels: 3 } });
  const sizes = [(await raw().jpeg(jpeg).toBuffer()).length];
  for (const side of [1024, 400]) {
    ({ data, info } = await raw().resize(...fit(side)).raw().toBuffer({ resolveWithObject: true }));
    sizes.push((await raw().jpeg(jpeg).toBuffer()).length);
  }
  return sizes;
}

async function thrice(jpeg) {
  const sizes = [];
  for (const side of [2048, 1024, 400]) {
    const made = sharp(file).rotate().toColourspace('srgb').resize(...fit(side)).jpeg(jpeg);
    sizes.push((await made.toBuffer()).length);
  }
  return sizes;
}

console.log(`sharp ${sharp.versions.sharp}, libvips ${sharp.versions.vips}: ${file.length} bytes, ${runs} runs`);
for (const [name, work] of [['once', once], ['thrice', thrice]]) {
  for (const optimiseCoding of [false, true]) {
    const times = [];
    let sizes;
    for (let run = 0; run < runs; run += 1) {
      const start = process.cpuUsage();
      sizes = await work({ quality: 82, optimiseCoding });
      const { user, system } = process.cpuUsage(start);
      times.push((user + system) / 1000);
    }
    times.sort((left, right) => left - right);
    const tables = optimiseCoding ? 'optimised' : 'standard';
    const median = times[Math.floor(times.length / 2)].toFixed(1);
    console.log(`${name}, ${tables} tables: ${median} ms (least ${times[0].toFixed(1)}), ${sizes} bytes`);
  }
}
