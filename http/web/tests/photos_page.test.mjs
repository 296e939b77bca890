// Photo sessions in the page, before a server that is played: thousands of photos, and what must not move.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chromium, DESKTOP, PHONE } from "./support/chromium.mjs";
import { fromDisk } from "./support/disk.mjs";
import { SESSION, Studio } from "./support/studio.mjs";

const TILES_MAX = 200;

async function enter(page) {
  await page.write("input[name=username]", "ann");
  await page.write("input[name=password]", "correct horse");
  await page.click("form .primary");
  await page.until(() => document.querySelector(".shell")?.dataset.status === "online");
}

const names = () => [...document.querySelectorAll(".tile")].map(({ ariaLabel }) => ariaLabel.match(/DSC_\d+/)?.[0]);

test("a wall of 5,000 photos has few tiles, and stands still", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const studio = await Studio.start(t, { photos: 5_000, role: "guest" });
  const page = await browser.open(await fromDisk(t, studio.url));
  await enter(page);
  await page.run((session) => void (location.hash = `#/session/${session}`), SESSION);
  await page.see(".tile img.there");
  await page.until(() => document.querySelector(".session-sub").textContent.includes("5000"));
  assert.ok((await page.run(() => document.querySelectorAll(".tile").length)) < TILES_MAX);
  assert.deepEqual((await page.run(names)).slice(0, 3), ["DSC_0001", "DSC_0002", "DSC_0003"]);
  await page.shot("wall-light");
  await page.look("dark");
  await page.shot("wall-dark");
  await page.size(PHONE);
  await page.shot("wall-phone-dark");
  await page.look("light");
  await page.shot("wall-phone-light");
  await page.size(DESKTOP);

  // In the middle of it: what is taken back goes at once, new ones are told, and nothing moves.
  await page.run(() => (document.querySelector(".wall").scrollTop = 4_000));
  await page.until(() => document.querySelector(".tile").ariaLabel.match(/Photo (\d+)/)[1] > 10);
  const places = () =>
    Object.fromEntries(
      [...document.querySelectorAll(".tile")].map((tile) => {
        const { x, y } = tile.getBoundingClientRect();
        return [tile.dataset.photo, [Math.round(x), Math.round(y)]];
      }),
    );
  const before = await page.run(places);
  const gone = Object.keys(before)[5];
  studio.retract(Number(gone.slice(-6)));
  studio.add(12);
  await page.says("12 new photos");
  await page.until((photo) => !document.querySelector(`[data-photo="${photo}"]`), gone);
  const after = await page.run(places);
  for (const [photo, place] of Object.entries(after)) if (before[photo]) assert.deepEqual(place, before[photo]);
  assert.ok(!(gone in after));
  await page.shot("wall-pill");
  await page.click(".pill");
  await page.until(() =>
    [...document.querySelectorAll(".tile")].some(({ ariaLabel }) => ariaLabel.includes("DSC_5011")),
  );
  assert.ok((await page.run(() => document.querySelectorAll(".tile").length)) < TILES_MAX);

  // By keys: from tile to tile, into full screen and on, a like, a favourite, and back to where one was.
  await page.press("Home");
  await page.until(() => document.activeElement.ariaLabel?.includes("DSC_0001"));
  await page.press("ArrowRight");
  await page.until(() => document.activeElement.ariaLabel?.includes("DSC_0002"));
  await page.press("l");
  await page.until(() => document.activeElement.ariaLabel.includes("Liked"));
  await page.press("Enter");
  await page.see(".lightbox img.there");
  await page.press("ArrowRight");
  await page.until(() => document.querySelector(".lightbox .caption").textContent.includes("DSC_0003"));
  await page.press("s");
  await page.until(() => document.querySelector(".lightbox .icon-button.on .icon-mark"));
  await page.press("c");
  await page.says("This one for the album, please.");
  await page.shot("lightbox");
  await page.size(PHONE);
  await page.shot("lightbox-phone");
  await page.size(DESKTOP);
  await page.press("Escape");
  await page.until(() => document.activeElement.ariaLabel?.includes("DSC_0003"));
  assert.deepEqual(
    studio.asked.photo_mark.map(({ mark, on }) => [mark, on]),
    [
      ["like", true],
      ["select", true],
    ],
  );
  assert.deepEqual(page.faults, []);
});

test("the studio: code and QR, arranging, selections, settings", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const studio = await Studio.start(t, { photos: 40 });
  const page = await browser.open(await fromDisk(t, studio.url));
  await enter(page);
  await page.click(".nav-link", "Photo sessions");
  await page.says("Annual meeting");
  await page.shot("sessions-light");
  await page.click(".session-card .button", "Studio");
  await page.see(".desk .tile img.there");
  await page.shot("studio-light");
  await page.click(".code-button");
  await page.says("K7MQ-4XPR");
  await page.shot("studio-qr");
  await page.press("Escape");
  await page.run(() => document.querySelector(".desk .tile").focus());
  await page.press("p");
  await page.until(() => document.querySelector(".tile .icon-pin"));
  assert.deepEqual(studio.asked.photo_update.at(-1).pinned, true);
  await page.click(".desk .tile-item:nth-child(2) .pick");
  await page.click(".desk .tile-item:nth-child(3) .pick");
  await page.says("2 chosen");
  await page.shot("studio-chosen");
  await page.click(".choice-bar button", "Pin");
  await page.until(() => document.querySelectorAll(".tile .icon-pin").length === 3);
  await page.click("[role=tab]", "Selections");
  await page.says("24 photos");
  await page.click(".person button", "Export");
  await page.click(".menu button", "Lightroom");
  await page.see("textarea.export");
  await page.shot("studio-export");
  await page.press("Escape");
  await page.click("[role=tab]", "Settings");
  await page.see(".mark-preview");
  await page.shot("studio-settings");
  await page.look("dark");
  await page.size(PHONE);
  await page.shot("studio-settings-phone-dark");
  await page.click("[role=tab]", "Upload");
  await page.shot("studio-upload-phone-dark");
  await page.size(DESKTOP);
  await page.click("[role=tab]", "Photos");
  await page.shot("studio-dark");
  await page.click(".session-bar a", "Wall");
  await page.see(".tile img.there");
  await page.click("[aria-label=Projector]");
  await page.see(".projector-frame.there img.there");
  await page.shot("projector");
  assert.deepEqual(page.faults, []);
});

test("the gate, by keys alone, and the chat beside the wall", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const studio = await Studio.start(t, { photos: 3, pending: 6 });
  const page = await browser.open(await fromDisk(t, studio.url));
  await enter(page);
  await page.run((session) => void (location.hash = `#/studio/${session}/gate`), SESSION);
  await page.until(() => document.querySelectorAll(".desk .tile img.there").length === 6);
  await page.shot("gate-light");
  await page.run(() => document.querySelector(".desk .tile").focus());
  await page.press("a");
  await page.until(
    () =>
      document.querySelectorAll(".desk .tile").length === 5 && document.activeElement.ariaLabel?.includes("DSC_0005"),
  );
  await page.press("h");
  await page.until(
    () =>
      document.querySelectorAll(".desk .tile").length === 4 && document.activeElement.ariaLabel?.includes("DSC_0006"),
  );
  await page.press("a", 2);
  await page.until(() => document.querySelectorAll(".desk .tile.selected").length === 4);
  await page.press("a");
  await page.says("Nothing is waiting");
  assert.deepEqual(
    studio.asked.photo_update.map(({ photos, state }) => [photos.length, state]),
    [
      [1, "live"],
      [1, "hidden"],
      [4, "live"],
    ],
  );

  await page.click(".session-bar a", "Wall");
  await page.until(() => document.querySelectorAll(".tile").length === 8);
  await page.click(".chat-button");
  await page.write(".session-chat textarea", "How lovely!");
  await page.press("Enter");
  await page.until(() =>
    document.querySelector(".session-chat .message:not(.pending)")?.innerText.includes("How lovely!"),
  );
  studio.push("new_message", {
    sender: SESSION,
    cid: SESSION,
    kind: "text",
    text: "This one, please.",
    photo: [...studio.photos.keys()][1],
  });
  await page.see(".session-chat .thumb img.there");
  await page.shot("wall-chat");
  await page.size(PHONE);
  await page.shot("wall-chat-phone");
  assert.deepEqual(page.faults, []);
});
