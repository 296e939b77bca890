// The page, in Chromium, served by the real server: what people see and do.

import assert from "node:assert/strict";
import { test } from "node:test";

import { chromium, DESKTOP, PHONE } from "./support/chromium.mjs";
import { fromDisk } from "./support/disk.mjs";
import { Server } from "./support/server.mjs";

const PASSWORD = "correct horse";

/** Where the page comes from: with `SALON_PAGE=disk` the files as they are now. */
const address = (t, server) => (process.env.SALON_PAGE === "disk" ? fromDisk(t, server.url) : server.url);

async function register(page, username, nickname) {
  await page.click("[role=tab]", "Register");
  await page.write("input[name=username]", username);
  await page.write("input[name=nickname]", nickname);
  await page.write("input[name=password]", PASSWORD);
  await page.click("form .primary");
  await page.until(() => document.querySelector(".shell")?.dataset.status === "online");
}

async function befriend(ann, bob) {
  await ann.click(".nav-link", "Friends");
  await ann.write("input[type=search]", "bob");
  await ann.click(".person .primary", "Add");
  await ann.click("dialog .primary", "Ask");
  await bob.click(".nav-link", "Friends");
  await bob.click(".person .primary", "Accept");
  await ann.click("button[aria-label='Chat with Bob']");
  await ann.see(".composer textarea");
}

async function say(page, text) {
  await page.write(".composer textarea", text);
  await page.press("Enter");
}

test("two people chat", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const server = await Server.start(t);
  const url = await address(t, server);
  const [ann, bob] = [await browser.open(url), await browser.open(url, PHONE)];
  await ann.shot("entrance-light");
  await bob.look("dark");
  await bob.shot("entrance-phone-dark");
  await register(ann, "ann", "Ann");
  await register(bob, "bob", "Bob");
  await befriend(ann, bob);

  await ann.write(".composer textarea", "Hello Bob, the light is wonderful: https://example.com/light.");
  await bob.click(".nav-link", "Chats");
  await ann.press("Enter");
  await bob.click(".row", "Ann");
  await bob.says("the light is wonderful");
  await ann.see("[data-receipt=read]");

  // Typing is seen, and ends with the message.
  await bob.write(".composer textarea", "I am on my way");
  await ann.says("Bob is typing…");
  await bob.press("Enter");
  await ann.says("I am on my way");
  await ann.until(() => document.querySelector(".typing").textContent === "");

  // Reactions, a reply, an edit.
  await ann.click(".message:not(.mine) .tools button:last-child");
  await ann.click(".menu button", "React");
  await ann.click(".menu button", "🎉");
  await bob.see(".mine .reaction");
  await ann.click(".message:not(.mine) .tools button:last-child");
  await ann.click(".menu button", "Reply");
  await say(ann, "Good!");
  await bob.see(".quote");
  await ann.click(".mine:last-child .tools button:last-child");
  await ann.click(".menu button", "Edit");
  await say(ann, "Very good!");
  await bob.says("Very good!");

  await ann.shot("chat-light");
  await bob.shot("chat-phone-dark");
  await ann.look("dark");
  await ann.shot("chat-dark");
  await bob.look("light");
  await bob.shot("chat-phone-light");

  // A recalled message is gone on both sides.
  await say(ann, "This was a mistake");
  await bob.says("This was a mistake");
  await ann.click(".mine:last-child .tools button:last-child");
  await ann.click(".menu button", "Recall");
  await ann.click("dialog button.danger", "Recall");
  await bob.until(
    () => !document.body.innerText.includes("This was a mistake") && document.body.innerText.includes("was recalled"),
  );
  assert.deepEqual([ann.faults, bob.faults], [[], []]);
});

test("what is written without a server is sent when it is back, and nothing is lost over a reload", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const server = await Server.start(t);
  const url = await address(t, server);
  const [ann, bob] = [await browser.open(url), await browser.open(url)];
  await register(ann, "ann", "Ann");
  await register(bob, "bob", "Bob");
  await befriend(ann, bob);
  await say(ann, "one");
  await bob.click(".nav-link", "Chats");
  await bob.click(".row", "Ann");
  await bob.says("one");

  await server.kill();
  await ann.until(() => document.querySelector(".shell").dataset.status !== "online");
  await say(ann, "two");
  await ann.see(".message.pending");
  await ann.shot("offline-light");
  await server.start();
  await bob.says("two");
  await ann.until(
    () => !document.querySelector(".message.pending") && document.querySelectorAll(".message").length === 2,
  );

  await ann.write(".composer textarea", "not yet sent");
  await bob.click(".nav-link", "Friends");
  await ann.run("new Promise((wake) => setTimeout(wake, 1000))");
  await ann.run(() => void (location.hash = "#/friends"));
  await ann.reload();
  await ann.click(".nav-link", "Chats");
  await ann.says("Draft: not yet sent");
  await ann.click(".row", "Bob");
  await ann.until(() => document.querySelector(".composer textarea")?.value === "not yet sent");
  assert.deepEqual([ann.faults, bob.faults], [[], []]);
});

test("the page speaks Chinese, and groups work", async (t) => {
  const browser = await chromium(t);
  if (!browser) return;
  const server = await Server.start(t);
  const url = await address(t, server);
  const [ann, bob] = [await browser.open(url), await browser.open(url)];
  await register(ann, "ann", "Ann");
  await register(bob, "bob", "Bob");
  await befriend(ann, bob);
  await ann.click("[aria-label='New chat']");
  await ann.click(".menu button", "New group");
  await ann.write("dialog input[name=name]", "The wedding");
  await ann.click("dialog [name=members]");
  await ann.click("dialog .primary", "Create");
  await ann.says("Ann made the group");
  await say(ann, "Who takes the portraits?");
  await bob.click(".nav-link", "Chats");
  await bob.click(".row", "The wedding");
  await bob.says("Who takes the portraits?");
  await bob.click(".account");
  await bob.click(".menu button", "中文");
  await bob.says("聊天");
  await bob.says("Ann创建了群聊");
  await bob.shot("group-chinese");
  await bob.size(PHONE);
  await bob.shot("group-chinese-phone");
  await bob.size(DESKTOP);
  assert.equal(await bob.run("document.documentElement.lang"), "zh");
  await ann.click("[aria-label=Search]");
  await ann.write("dialog input[type=search]", "portraits");
  await ann.click(".hit", "portraits");
  await ann.says("Who takes the portraits?");
  assert.deepEqual([ann.faults, bob.faults], [[], []]);
});
