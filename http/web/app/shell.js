/** The frame around everything: where one can go, whether there is a connection, language and look. */

import * as client from "./client.js";
import * as conversations from "./conversations.js";
import { chats } from "./chats.js";
import { menu } from "./dialog.js";
import { fill, h, icon, iconButton, soon } from "./dom.js";
import * as friends from "./friends.js";
import { avatar } from "./faces.js";
import { words as wordsOf } from "./notice.js";
import { sessions } from "./sessions.js";
import { look, setLook } from "./settings.js";
import { studio } from "./studio.js";
import { language, LANGUAGES, setLanguage, t } from "./texts.js";
import { visit, viewer } from "./viewer.js";

const VIEWS = { chats, friends: friends.view, sessions, session: viewer, studio, s: visit };
/** How long connecting may take without a word. */
const CONNECTING_MS = 1_000;
const NAV = [
  ["chats", "chat"],
  ["friends", "friends"],
  ["sessions", "photos"],
];

/** Language and look, for whoever is not in yet, too. */
export function choices() {
  const next = { auto: "light", light: "dark", dark: "auto" };
  const turn = (event) => {
    setLook(next[look()]);
    event.currentTarget.lastChild.textContent = t(`look_${look()}`);
  };
  const languages = LANGUAGES.map(([id, name]) => h("option", { value: id, selected: id === language() }, name));
  return h(
    "div.choices",
    null,
    h(
      "label",
      null,
      icon("language"),
      h("span.spoken", null, t("language")),
      h("select", { onchange: (event) => setLanguage(event.target.value) }, languages),
    ),
    h(
      "button.text-button",
      { type: "button", onclick: turn, title: t("look") },
      icon("look"),
      h("span", null, t(`look_${look()}`)),
    ),
  );
}

export function shell({ leave }) {
  const main = h("main.main", { id: "main", tabIndex: -1 });
  const line = h("div.status-line", { role: "status" });
  const account = h(
    "button.account",
    { type: "button", "aria-label": t("account"), title: client.login.user.nickname },
    avatar(client.me(), client.login.user.nickname),
  );
  account.addEventListener("click", () =>
    menu(account, [
      {
        label: `${t("language")}: ${LANGUAGES.find(([id]) => id !== language())[1]}`,
        icon: "language",
        run: () => setLanguage(LANGUAGES.find(([id]) => id !== language())[0]),
      },
      ...["auto", "light", "dark"]
        .filter((one) => one !== look())
        .map((one) => ({ label: `${t("look")}: ${t(`look_${one}`)}`, icon: "look", run: () => setLook(one) })),
      { label: t("sign_out"), icon: "out", danger: true, run: leave },
    ]),
  );
  const links = NAV.filter(([name]) => !client.isGuest() || name === "sessions").map(([name, picture]) =>
    h(
      "a.nav-link",
      { href: `#/${name}`, dataset: { name } },
      icon(picture),
      h("span", null, t(name)),
      h("b.badge", { hidden: true }),
    ),
  );
  const nav = h(
    "nav.nav",
    { "aria-label": t("navigation") },
    h("img.logo", { src: "/app/icon.svg", alt: "Salon", width: 30, height: 30 }),
    links,
    account,
  );
  const element = h(
    "div.shell",
    null,
    h("a.skip", { href: "#main", onclick: (event) => (event.preventDefault(), main.focus()) }, t("skip")),
    nav,
    line,
    main,
  );
  let view = null;
  let path = [];
  let patience;

  const badges = soon(() => {
    const counts = { chats: conversations.unread(), friends: friends.waiting(), sessions: 0 };
    for (const link of links) {
      const count = counts[link.dataset.name];
      link.lastChild.hidden = count === 0;
      link.lastChild.textContent = count > 99 ? "99+" : count;
      link.lastChild.setAttribute("aria-label", t("unread_count", { count }));
    }
    document.title = counts.chats > 0 ? `(${counts.chats}) Salon` : "Salon";
  });
  const told = [client.status.on(tellStatus), conversations.changed.on(badges), friends.changed.on(badges)];
  tellStatus(client.last_status);

  /** The server has a reason to say, or the network is away: in words, and what one can do. */
  function tellStatus({ status, code, retry_in_ms, reason, error }) {
    element.dataset.status = status;
    clearTimeout(patience);
    if (status === "online" || status === "offline") return fill(line);
    const again = h(
      "button.text-button",
      { type: "button", onclick: () => client.salon.connect().catch(() => {}) },
      t("connect"),
    );
    if (status === "ended") {
      const why =
        { 4003: t("ended_disabled"), 4004: t("ended_elsewhere") }[code] ??
        (error ? wordsOf(error) : (reason ?? t("ended")));
      return fill(line, why, " ", code === 4004 && again);
    }
    // Most connections are there before one could read it.
    if (status === "connecting") return (patience = setTimeout(() => fill(line, t("connecting")), CONNECTING_MS));
    return fill(line, t("waiting", { seconds: Math.max(1, Math.ceil(retry_in_ms / 1000)) }));
  }

  function go(words) {
    const name = VIEWS[words[0]] ? words[0] : client.isGuest() ? "sessions" : "chats";
    path = words;
    for (const link of links) {
      const place = { session: "sessions", studio: "sessions", s: "sessions" }[name] ?? name;
      if (link.dataset.name === place) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    element.dataset.view = name;
    element.dataset.deep = String(Boolean(path[1]));
    // A view that can show another of its things is not built anew.
    if (view?.name === name && view.go) return view.go(path.slice(1));
    view?.close?.();
    view = { name, ...VIEWS[name](path.slice(1)) };
    return fill(main, view.element);
  }

  return {
    element,
    go,
    close() {
      clearTimeout(patience);
      view?.close?.();
      told.forEach((stop) => stop());
    },
  };
}

/** The button that leads up on a narrow page. */
export const upButton = (href) => iconButton("back", t("back"), () => (location.hash = href), { class: "up" });
