/** What viewers have selected, live, and how it gets into the programs where photos are developed. */

import * as client from "./client.js";
import { dialog, menu } from "./dialog.js";
import { calm, fill, h, icon } from "./dom.js";
import { avatar, brief } from "./faces.js";
import { copy } from "./message.js";
import { tried } from "./notice.js";
import { listName, save } from "./photo_actions.js";
import { t } from "./texts.js";

const FORMATS = [
  ["csv", "CSV"],
  ["lightroom", "Lightroom"],
  ["finder", "Finder"],
  ["capture_one", "Capture One"],
];

export function selections(album) {
  const list = h("ul.people", { "aria-live": "polite" });
  const element = h("div.column", null, h("p.quiet", null, t("selections_hint")), list);
  let items = [];

  const load = calm(250, async () => {
    const found = await tried(() => client.all("photo_selections", { session: album.id }));
    if (!found) return;
    items = found;
    client.know(...items.map(({ user }) => user));
    draw();
  });

  function draw() {
    const shown = items.filter(({ count }) => count > 0).sort((a, b) => b.at - a.at);
    fill(list, shown.length > 0 ? shown.map(row) : h("li.empty", null, t("no_selections")));
  }

  function row({ user, list: name, count, at }) {
    const button = h(
      "button.quiet",
      {
        type: "button",
        onclick: () =>
          menu(
            button,
            FORMATS.map(([format, label]) => ({ label, run: () => exportList(user, name, format) })),
          ),
      },
      icon("out"),
      t("export"),
    );
    return h(
      "li.person",
      null,
      avatar(user.id, user.nickname),
      h(
        "span.person-words",
        null,
        h("b", null, user.nickname),
        h("small.quiet", null, `${listName(name)} · ${brief(at)}`),
      ),
      h("b.count", null, t("photos_count", { count })),
      button,
    );
  }

  async function exportList(user, name, format) {
    const done = await tried(
      client.salon.request("photo_selection_export", { session: album.id, user: user.id, list: name, format }),
    );
    if (!done) return;
    const store = () => {
      const url = URL.createObjectURL(new Blob([done.text], { type: "text/plain;charset=utf-8" }));
      save(url, done.name);
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    };
    dialog(
      t("export"),
      [
        h("p.quiet", null, `${done.name} · ${t("photos_count", { count: done.count })}`),
        h("textarea.export", { readOnly: true, rows: 10, "aria-label": t("export") }, done.text),
        h(
          "div.buttons",
          null,
          h("button.quiet", { type: "button", onclick: store }, icon("download"), t("save")),
          h("button.primary", { type: "button", onclick: () => tried(copy(done.text)) }, icon("copy"), t("copy")),
        ),
      ],
      { wide: true },
    );
  }

  const stop = album.on(({ selection }) => {
    if (!selection) return;
    const item = items.find(({ user, list: name }) => user.id === selection.user && name === selection.list);
    if (!item) return load();
    Object.assign(item, { count: selection.count, at: Date.now() });
    return draw();
  });
  load();
  return { element, close: stop };
}
