/** A session as those see it who make it: upload, let through, arrange, see what is selected, settings. */

import { Album } from "./album.js";
import * as client from "./client.js";
import { confirm, menu } from "./dialog.js";
import { fill, h, icon, iconButton, soon } from "./dom.js";
import { invite, spelled } from "./invitation.js";
import { tried, words } from "./notice.js";
import { photoDesk } from "./photo_desk.js";
import { selections } from "./selections.js";
import { settingsForm } from "./session_form.js";
import { upButton } from "./shell.js";
import { teamDialog } from "./team.js";
import { t } from "./texts.js";
import { uploadView } from "./upload_view.js";
import { uploads } from "./uploads.js";

const TABS = ["upload", "gate", "arrange", "selections", "settings"];
const SIGNS = { upload: "up", gate: "eye", arrange: "photos", selections: "mark", settings: "settings" };

export function studio([id, first]) {
  const album = new Album(id);
  const title = h("h1");
  const sub = h("p.session-sub", { role: "status" });
  const tools = h("div.tools");
  const tabs = h("div.tabs.studio-tabs", { role: "tablist", "aria-label": t("studio") });
  const body = h("div.studio-body", { role: "tabpanel" });
  const element = h(
    "div.studio",
    null,
    h("header.bar.session-bar", null, upButton("#/sessions"), h("div.bar-title", null, title, sub), tools),
    tabs,
    body,
    h("div.drop-veil", { "aria-hidden": "true" }, icon("up"), t("drop_here")),
  );
  const queue = uploads(id);
  let tab = TABS.includes(first) ? first : null;
  let shown = null;

  const MAKE = {
    upload: () => uploadView(id, element),
    gate: () => photoDesk(album, "pending"),
    arrange: () => photoDesk(album, "arrange"),
    selections: () => selections(album),
    settings: () => {
      const form = h("div.column.wide");
      const build = () =>
        fill(
          form,
          settingsForm(album.info, async () => {
            album.refresh();
            fill(done, t("saved"));
          }),
          done,
          dangers(),
        );
      const done = h("p.quiet", { role: "status" });
      build();
      return { element: form };
    },
  };

  function dangers() {
    if (album.info.role !== "owner") return null;
    const run = async (type, name) => {
      if (!(await confirm(t(name), t(`${name}_sure`), t(name)))) return;
      const data = type === "photo_session_update" ? { session: id, renew_code: true } : { session: id };
      if (!(await tried(client.salon.request(type, data)))) return;
      if (type === "photo_session_delete") location.hash = "#/sessions";
      else album.refresh();
    };
    return h(
      "fieldset.dangers",
      null,
      h("legend", null, t("dangers")),
      h(
        "div.buttons",
        null,
        h(
          "button.quiet",
          { type: "button", onclick: () => run("photo_session_update", "renew_code") },
          t("renew_code"),
        ),
        !album.info.closed_at &&
          h(
            "button.danger",
            { type: "button", onclick: () => run("photo_session_close", "close_session") },
            t("close_session"),
          ),
        h(
          "button.danger",
          { type: "button", onclick: () => run("photo_session_delete", "delete_session") },
          t("delete_session"),
        ),
      ),
    );
  }

  function turn(name) {
    tab = name;
    shown?.close?.();
    shown = MAKE[name]();
    fill(body, shown.element);
    drawTabs();
  }

  function drawTabs() {
    const { info } = album;
    const open = TABS.filter(
      (name) => !(name === "settings" && info?.role !== "owner") && !(name === "gate" && !album.editor),
    );
    const pending = [...album.photos.values()].filter(({ state }) => state === "pending").length;
    const active = queue.sums.active;
    const counts = { gate: pending, upload: active };
    const focus = tabs.contains(document.activeElement);
    fill(
      tabs,
      open.map((name) =>
        h(
          "button",
          {
            type: "button",
            role: "tab",
            "aria-selected": String(name === tab),
            tabIndex: name === tab ? 0 : -1,
            onclick: () => turn(name),
            dataset: { name },
          },
          icon(SIGNS[name]),
          h("span", null, t(`tab_${name}`)),
          counts[name] > 0 && h("b.badge", null, counts[name]),
        ),
      ),
    );
    if (focus) tabs.querySelector("[aria-selected=true]")?.focus();
  }

  tabs.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const names = [...tabs.children].map(({ dataset }) => dataset.name);
    turn(names[(names.indexOf(tab) + step + names.length) % names.length]);
    tabs.querySelector("[aria-selected=true]").focus();
  });

  const drawHead = soon(() => {
    const { info, gone } = album;
    if (!info || !album.staff)
      return fill(body, h("p.empty.middle", null, gone ? words({ code: gone }) : t(info ? "staff_only" : "loading")));
    title.textContent = info.title;
    const code = info.settings?.code;
    fill(
      sub,
      h("span", null, t("photos_count", { count: album.sorted().length })),
      h("span.dot", { "aria-hidden": "true" }),
      h("span", null, t("viewers", { count: album.viewers })),
      info.settings && [
        h("span.dot", { "aria-hidden": "true" }),
        h("span", null, t("downloads", { count: info.settings.downloads })),
      ],
      info.closed_at && h("span.tag", null, t("closed")),
    );
    const more = iconButton("more", t("more"), () =>
      menu(more, [
        { label: t("team"), icon: "friends", run: () => teamDialog(album) },
        { label: t("wall"), icon: "photos", run: () => (location.hash = `#/session/${id}`) },
      ]),
    );
    fill(
      tools,
      code &&
        h(
          "button.code-button",
          { type: "button", onclick: () => invite(code, info.title), title: t("invite") },
          icon("code"),
          h("span", null, spelled(code)),
        ),
      h("a.button.quiet", { href: `#/session/${id}` }, icon("photos"), h("span", null, t("wall"))),
      more,
    );
    if (!shown) turn(tab ?? (info.photos + info.pending > 0 ? "arrange" : "upload"));
    else drawTabs();
    return undefined;
  });

  const stops = [album.on(({ info, list }) => (info || list) && drawHead()), queue.on(soon(() => shown && drawTabs()))];
  drawHead();
  album.open();
  return {
    element,
    close() {
      shown?.close?.();
      album.close();
      stops.forEach((stop) => stop());
    },
  };
}
