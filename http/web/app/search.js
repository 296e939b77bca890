/** Searching in messages. */

import * as client from "./client.js";
import { titleOf } from "./chats.js";
import { conversation } from "./conversations.js";
import { dialog } from "./dialog.js";
import { calm, fill, h, icon } from "./dom.js";
import { fullTime } from "./faces.js";
import { tried } from "./notice.js";
import { t } from "./texts.js";

/** In one room, or in all. */
export function searchDialog(room) {
  const input = h("input", { type: "search", placeholder: t("search"), "aria-label": t("search"), maxLength: 200 });
  const list = h("ul.found", { "aria-live": "polite" });
  const more = h("button.quiet", { type: "button", hidden: true }, t("more_results"));
  const opened = dialog(t(room ? "search_here" : "search"), [
    h("label.search-field", null, icon("search"), input),
    list,
    more,
  ]);
  let cursor;
  more.addEventListener("click", () => page(input.value.trim()));
  const find = calm(250, (q) => {
    fill(list);
    cursor = undefined;
    if (q) page(q);
    else more.hidden = true;
  });
  input.addEventListener("input", () => find(input.value.trim()));
  input.focus();

  async function page(q) {
    const found = await tried(client.salon.request("search_messages", { q, room, cursor, limit: 30 }));
    if (!found || q !== input.value.trim()) return;
    cursor = found.cursor;
    more.hidden = cursor === undefined;
    list.append(...found.items.map(hit));
    if (list.children.length === 0 && !cursor) fill(list, h("li.empty", null, t("nothing_found")));
  }

  function hit(event) {
    const go = () => {
      opened.close();
      location.hash = `#/chats/${event.room}/${event.seq}`;
    };
    return h(
      "li",
      null,
      h(
        "button.hit",
        { type: "button", onclick: go },
        h(
          "span.row-top",
          null,
          h("b", null, client.nameOf(event.data.sender)),
          h("time.row-time", null, fullTime(event.at)),
        ),
        h("span", null, event.data.text),
        !room && h("small.quiet", null, titleOf(conversation(event.room))),
      ),
    );
  }
}
