/** Dropping files, and how far they are. */

import { fill, h, icon, iconButton, keyed, soon } from "./dom.js";
import { bytes } from "./faces.js";
import { say, tried } from "./notice.js";
import { t } from "./texts.js";
import { dropped, uploads } from "./uploads.js";

/** Rows that are drawn: those under way and failed first. */
const ROWS_MAX = 100;
const RANK = { sending: 0, reading: 0, failed: 1, waiting: 2, done: 3, have: 3 };

/** `area` takes drops, too. */
export function uploadView(session, area) {
  const queue = uploads(session);
  const take = (event) => {
    queue.add([...event.target.files]);
    event.target.value = "";
  };
  const files = h("input", {
    type: "file",
    multiple: true,
    accept: "image/jpeg,image/png,image/webp",
    class: "spoken",
    onchange: take,
    "aria-label": t("pick_files"),
  });
  const folder = h("input", {
    type: "file",
    multiple: true,
    webkitdirectory: true,
    class: "spoken",
    onchange: take,
    "aria-label": t("pick_folder"),
  });
  const all = h("progress", { max: 1, value: 0, "aria-label": t("progress") });
  const words = h("p.upload-sum", { role: "status" });
  const tools = h("div.buttons");
  const list = h("ol.upload-list", { "aria-label": t("uploads") });
  const more = h("p.quiet");
  const element = h(
    "div.uploads",
    null,
    h(
      "div.drop-box",
      null,
      icon("folder"),
      h("p", null, t("drop_here")),
      h("p.quiet", null, t("drop_types")),
      h(
        "div.buttons",
        null,
        h("button.primary", { type: "button", onclick: () => files.click() }, t("pick_files")),
        h("button.quiet", { type: "button", onclick: () => folder.click() }, t("pick_folder")),
      ),
      files,
      folder,
    ),
    h("div.upload-all", null, all, words, tools),
    list,
    more,
  );
  let rate = { at: Date.now(), sent: 0, per_s: 0 };
  let was_active = false;

  const draw = soon(() => {
    const sums = queue.sums;
    element.lastChild.previousSibling.previousSibling.hidden = sums.count === 0;
    all.value = sums.size > 0 ? sums.sent / sums.size : 0;
    const now = Date.now();
    if (now - rate.at > 1_000) {
      const fresh = Math.max(0, ((sums.sent - rate.sent) * 1000) / (now - rate.at));
      rate = { at: now, sent: sums.sent, per_s: rate.per_s ? rate.per_s * 0.6 + fresh * 0.4 : fresh };
    }
    const rest =
      sums.active > 0 && rate.per_s > 0 && !queue.paused ? Math.ceil((sums.size - sums.sent) / rate.per_s) : 0;
    words.textContent = [
      t("upload_sum", { done: sums.done, count: sums.count, sent: bytes(sums.sent), size: bytes(sums.size) }),
      sums.failed > 0 && t("upload_failed", { count: sums.failed }),
      queue.passed > 0 && t("upload_passed", { count: queue.passed }),
      rest > 0 && t("seconds_left", { seconds: rest }),
    ]
      .filter(Boolean)
      .join(" · ");
    const state = [queue.paused, sums.active > 0, sums.failed > 0, sums.done > 0].join();
    if (tools.state !== state) {
      tools.state = state;
      fill(
        tools,
        sums.active > 0 &&
          (queue.paused
            ? h("button.primary", { type: "button", onclick: () => queue.resume() }, icon("play"), t("resume"))
            : h("button.quiet", { type: "button", onclick: () => queue.pause() }, icon("pause"), t("pause"))),
        sums.failed > 0 &&
          h("button.quiet", { type: "button", onclick: () => queue.retry() }, icon("retry"), t("retry_failed")),
        sums.done > 0 && h("button.quiet", { type: "button", onclick: () => queue.clear() }, t("clear_done")),
      );
    }
    if (was_active && sums.active === 0) say(t("uploads_done", { count: sums.done }));
    was_active = sums.active > 0;
    const rows = [...queue.items].sort((a, b) => RANK[a.state] - RANK[b.state]).slice(0, ROWS_MAX);
    keyed(list, rows, ({ cid }) => cid, makeRow, drawRow);
    more.textContent =
      queue.items.length > rows.length ? t("and_more", { count: queue.items.length - rows.length }) : "";
  });

  function makeRow(item) {
    const bar = h("progress", { max: item.size, value: 0, "aria-label": item.name });
    return h("li.upload", null, h("span.upload-name", null, item.name), bar, h("small.quiet"), h("span.upload-tools"));
  }

  function drawRow(row, item) {
    const { state, sent, error, size } = item;
    const drawn = `${state}:${sent}:${error}`;
    if (row.drawn === drawn) return;
    row.drawn = drawn;
    row.dataset.state = state;
    const [, bar, word, own] = row.children;
    bar.value = state === "done" || state === "have" ? size : sent;
    word.textContent =
      error ?? (state === "sending" ? `${bytes(sent)} / ${bytes(size)}` : `${t(`upload_${state}`)} · ${bytes(size)}`);
    fill(
      own,
      state === "failed" && iconButton("retry", t("retry"), () => queue.retry([item])),
      !["done", "have"].includes(state) && iconButton("close", t("remove"), () => queue.remove(item)),
    );
  }

  area.addEventListener("dragover", (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    area.classList.add("dropping");
  });
  area.addEventListener(
    "dragleave",
    (event) => area.contains(event.relatedTarget) || area.classList.remove("dropping"),
  );
  area.addEventListener("drop", (event) => {
    area.classList.remove("dropping");
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    // The entries are gone after this turn: they are taken before anything is awaited.
    const found = dropped(event.dataTransfer);
    tried(async () => queue.add(await found));
  });
  const stop = queue.on(draw);
  draw();
  return { element, close: stop };
}
