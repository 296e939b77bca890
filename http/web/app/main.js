/**
 * Where the page begins: what the address asks for, and who is there.
 *
 * Addresses (behind the `#`, which no server sees): `/chats[/ROOM]`, `/friends`, `/sessions`, `/session/ID`,
 * `/studio/ID`, `/s/CODE`.
 */

import "./settings.js";
import * as client from "./client.js";
import * as conversations from "./conversations.js";
import { fill } from "./dom.js";
import { entrance } from "./entrance.js";
import { trouble } from "./notice.js";
import * as rooms from "./room.js";
import { shell } from "./shell.js";
import { language, onLanguage } from "./texts.js";

const root = document.getElementById("app");
let shown = null;

const words = () => location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);

function show() {
  document.documentElement.lang = language();
  const path = words();
  if (!client.login.user) {
    stop();
    return fill(root, entrance({ code: path[0] === "s" ? path[1] : undefined, entered }));
  }
  if (!client.salon) client.begin();
  if (!shown) {
    shown = shell({ leave });
    fill(root, shown.element);
  }
  return shown.go(path);
}

function stop() {
  shown?.close();
  shown = null;
  client.end();
  conversations.clear();
  rooms.clear();
}

/** Somebody has logged in; guests go where the code leads. */
function entered(session) {
  if (session) location.hash = `#/session/${session}`;
  else if (words()[0] !== "s") location.hash = "#/chats";
  show();
}

async function leave() {
  try {
    await client.login.logout();
  } catch (error) {
    // It has ended here all the same.
    if (error.code !== "unauthorized") trouble(error);
  }
  location.hash = "";
  show();
}

client.status.on(({ status, code }) => {
  if (status !== "ended" || (code !== 4001 && code !== 4002)) return;
  client.login.forget();
  show();
});
onLanguage(() => {
  shown?.close();
  shown = null;
  show();
});
addEventListener("hashchange", show);
// Logged out or in by another tab.
addEventListener(
  "storage",
  ({ key }) => key === "salon:login" && Boolean(client.salon) !== Boolean(client.login.user) && show(),
);
show();
