// A photo session from both sides, in the page and with the real server: a photographer uploads, a guest watches.

import assert from "node:assert/strict";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { chromium, PHONE } from "./support/chromium.mjs";
import { fromDisk } from "./support/disk.mjs";
import { Server } from "./support/server.mjs";
import { picture } from "./support/studio.mjs";

const address = (t, server) => (process.env.SALON_PAGE === "disk" ? fromDisk(t, server.url) : server.url);

/**
 * In the page: so many JPEGs with a number on each, taken a minute apart, into the field for files. The last one by its
 * name was taken first.
 */
async function choose(first, count) {
  const canvas = document.createElement("canvas");
  const pen = canvas.getContext("2d");
  const exif = (minute) => {
    const when = `2026:06:20 14:${String(minute).padStart(2, "0")}:00\0`;
    const word = (value) => [value >> 8, value & 255];
    const long = (value) => [...word(value >> 16), ...word(value & 65_535)];
    const text = (value) => Array.from(value, (letter) => letter.charCodeAt(0));
    // One directory with the place of the other, and that with DateTimeOriginal.
    const tiff = [
      ...text("MM"),
      ...word(42),
      ...long(8),
      ...word(1),
      ...word(0x8769),
      ...word(4),
      ...long(1),
      ...long(26),
      ...long(0),
      ...word(1),
      ...word(0x9003),
      ...word(2),
      ...long(20),
      ...long(44),
      ...long(0),
      ...text(when),
    ];
    const body = [...text("Exif\0\0"), ...tiff];
    return Uint8Array.from([0xff, 0xe1, ...word(body.length + 2), ...body]);
  };
  const transfer = new DataTransfer();
  for (let number = first; number < first + count; number += 1) {
    [canvas.width, canvas.height] = number % 4 === 0 ? [600, 900] : [900, 600];
    const fade = pen.createLinearGradient(0, 0, canvas.width, canvas.height);
    fade.addColorStop(0, `hsl(${number * 37} 45% 35%)`);
    fade.addColorStop(1, `hsl(${number * 37 + 60} 55% 70%)`);
    pen.fillStyle = fade;
    pen.fillRect(0, 0, canvas.width, canvas.height);
    pen.fillStyle = "#fff";
    pen.font = "300px sans-serif";
    pen.fillText(String(number), 200, 400);
    const blob = await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.9));
    const parts = [blob.slice(0, 2), exif(50 - number), blob.slice(2)];
    transfer.items.add(
      new File(parts, `DSC_${String(number).padStart(4, "0")}.jpg`, { type: "image/jpeg", lastModified: number }),
    );
  }
  const field = document.querySelector("input[type=file][multiple]:not([webkitdirectory])");
  field.files = transfer.files;
  field.dispatchEvent(new Event("change"));
}

const names = () =>
  [...document.querySelectorAll(".tile")].map(({ ariaLabel }) => Number(/DSC_(\d+)/.exec(ariaLabel)[1]));

/** Ann with a session of hers, and Li, who has come by its code. */
async function begin(browser, url) {
  const ann = await browser.open(url);
  await ann.click("[role=tab]", "Register");
  await ann.write("input[name=username]", "ann");
  await ann.write("input[name=password]", "correct horse");
  await ann.click("form .primary");
  await ann.click(".nav-link", "Photo sessions");
  await ann.click(".primary", "New session");
  await ann.write("dialog input[name=title]", "Li and Tom's wedding");
  await ann.click("dialog .primary", "Create");
  const code = (await ann.until(() => document.querySelector(".code-button")?.textContent)).replace("-", "");

  const guest = await browser.open(`${url}/#/s/${code}`, PHONE);
  await guest.write("input[name=nickname]", "Li");
  await guest.click("form .primary");
  return { ann, guest, code };
}

test("a photographer uploads 20 photos, and a guest sees them in order, until one is taken back", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const server = await Server.start(t);
  const url = await address(t, server);
  const { ann, guest } = await begin(browser, url);
  await guest.says("No photos yet");
  // The photographer, who sees the wall in the studio, and the guest.
  await ann.says("2 viewers");

  await ann.run(choose, 1, 20);
  await ann.says("20 of 20");
  await ann.shot("live-upload");
  // They were taken in the other order: each comes before those that are there, and waits when the screen is full.
  await guest.until(() => document.querySelector(".session-sub").textContent.includes("20 photos"));
  await guest.click(".pill");
  const expected = Array.from({ length: 20 }, (_, at) => 20 - at);
  await guest.until((wanted) => {
    const shown = [...document.querySelectorAll(".tile")].map(({ ariaLabel }) =>
      Number(/DSC_(\d+)/.exec(ariaLabel)[1]),
    );
    return (
      shown.length > 4 &&
      shown.every((number, at) => number === wanted[at]) &&
      document.querySelectorAll(".tile img.there").length > 4
    );
  }, expected);
  assert.equal(await guest.run(() => document.querySelector(".notice")?.innerText), undefined);
  await guest.shot("live-guest-phone");

  // A like is seen by the photographer, a photo that is taken back is seen by nobody.
  await guest.run(() => document.querySelector(".tile").focus());
  await guest.press("l");
  await ann.click("[role=tab]", "Photos");
  await ann.until(() => document.querySelectorAll(".tile").length >= 12 && document.querySelector(".tile .icon-heart"));
  await ann.shot("live-studio");
  const second = await guest.run(() => document.querySelectorAll(".tile")[1].dataset.photo);
  await ann.run((photo) => document.querySelector(`[data-photo="${photo}"]`).focus(), second);
  await ann.press("h");
  await guest.until((photo) => !document.querySelector(`[data-photo="${photo}"]`), second);
  await guest.until(() => document.querySelector(".session-sub").textContent.includes("19 photos"));

  // The server is killed: both come back by themselves, and the next photos come through.
  await server.kill();
  await guest.until(() => document.querySelector(".shell").dataset.status !== "online");
  await server.start();
  await ann.until(() => document.querySelector(".shell").dataset.status === "online");
  await guest.until(() => document.querySelector(".shell").dataset.status === "online");
  await ann.click("[role=tab]", "Upload");
  await ann.run(choose, 21, 2);
  await ann.says("22 of 22");
  await guest.until(() => document.querySelector(".session-sub").textContent.includes("21 photos"));
  await guest.click(".pill");
  await guest.until(() => document.querySelector(".tile").ariaLabel.includes("DSC_0022"));
  assert.deepEqual((await guest.run(names)).slice(0, 4), [22, 21, 20, 18]);

  // After the page was loaded again, the same files are known; a folder is gone through, and what is no picture is passed over.
  await ann.reload();
  await ann.click("[role=tab]", "Upload");
  await ann.run(choose, 21, 2);
  await ann.says("2 of 2");
  await ann.says("Was there already");
  const folder = await mkdtemp(join(tmpdir(), "salon-page-drop-"));
  t.after(() => rm(folder, { recursive: true }));
  await mkdir(join(folder, "cards", "second"), { recursive: true });
  await writeFile(join(folder, "cards", "one.png"), picture("one", 640, 480));
  await writeFile(join(folder, "cards", "second", "two.png"), picture("two", 480, 640));
  await writeFile(join(folder, "cards", "notes.txt"), "none");
  await ann.drop(".drop-box", [join(folder, "cards")]);
  await ann.says("4 of 4");
  await ann.says("1 file is no picture");
  await guest.until(() => document.querySelector(".session-sub").textContent.includes("23 photos"));
  assert.deepEqual([ann.faults, guest.faults], [[], []]);
});

test("what a guest selects, says and downloads is with the photographer, until the code is renewed", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const server = await Server.start(t);
  const url = await address(t, server);
  const { ann, guest, code } = await begin(browser, url);
  await ann.click("[role=tab]", "Settings");
  await ann.click("input[name=gate]");
  await ann.run(() => {
    const choice = document.querySelector("[name='guest.download']");
    choice.value = "preview";
  });
  await ann.click(".session-form .primary", "Save");
  await ann.says("Saved.");

  // With the gate on, the guest sees what Ann lets through.
  await ann.click("[role=tab]", "Upload");
  await ann.run(choose, 1, 3);
  await ann.says("3 of 3");
  await ann.click("[role=tab]", "Gate");
  await ann.until(() => document.querySelectorAll(".desk .tile img.there").length === 3);
  assert.equal(await guest.run(() => document.querySelectorAll(".tile").length), 0);
  await ann.run(() => document.querySelector(".desk .tile").focus());
  await ann.press("a", 2);
  await ann.press("a");
  await ann.says("Nothing is waiting");
  await guest.until(() => document.querySelectorAll(".tile img.there").length === 3);

  // A favourite, a comment, a word in the chat.
  await guest.click(".tile");
  await guest.see(".lightbox img.there");
  await guest.press("s");
  await guest.press("c");
  await guest.write(".comments textarea", "This one for the album, please.");
  await guest.click(".comments .send");
  await guest.until(() => document.querySelector(".comment-list")?.innerText.includes("for the album"));
  await ann.click("[role=tab]", "Selections");
  await ann.says("Favourites");
  await ann.click(".person button", "Export");
  await ann.click(".menu button", "Lightroom");
  await ann.until(() => document.querySelector("textarea.export")?.value.includes("DSC_0003"));
  await ann.press("Escape");
  await ann.click(".session-bar a", "Wall");
  await ann.click(".chat-button");
  await ann.until(() => document.querySelector(".session-chat .message .thumb img.there"));
  await ann.write(".session-chat textarea", "It is yours!");
  await ann.press("Enter");
  await guest.press("Escape");
  await guest.click(".chat-button");
  await guest.until(() => document.querySelector(".session-chat")?.innerText.includes("It is yours!"));
  await guest.click(".session-chat [aria-label=Close]");

  // Everything as one file.
  const zip = await guest.run(async () => {
    const links = [];
    const click = HTMLAnchorElement.prototype.click;
    HTMLAnchorElement.prototype.click = function () {
      links.push(this.href);
    };
    document.querySelector("[aria-label=More]").click();
    [...document.querySelectorAll(".menu button")].find(({ innerText }) => innerText.includes("Download all")).click();
    while (links.length === 0) await new Promise((wake) => setTimeout(wake, 20));
    HTMLAnchorElement.prototype.click = click;
    const answer = await fetch(links[0]);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    return [answer.status, String.fromCharCode(bytes[0], bytes[1]), bytes.length > 5_000];
  });
  assert.deepEqual(zip, [200, "PK", true]);

  // With another code the guest is out, and sees nothing any more.
  await ann.click(".session-bar a", "Studio");
  await ann.click("[role=tab]", "Settings");
  await ann.click("button", "New code");
  await ann.click("dialog button.danger", "New code");
  await ann.until(
    (before) => !document.querySelector(".code-button").textContent.replace("-", "").includes(before),
    code,
  );
  await guest.says("There is a new code for this session.");
  await guest.shot("live-guest-out");
  assert.equal(await guest.run(() => document.querySelectorAll(".tile").length), 0);
  assert.deepEqual([ann.faults, guest.faults], [[], []]);
});
