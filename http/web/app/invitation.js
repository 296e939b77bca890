/** The way in for others: the link, its QR code, the code in letters. */

import { dialog } from "./dialog.js";
import { h, icon } from "./dom.js";
import { copy } from "./message.js";
import { tried } from "./notice.js";
import { save } from "./photo_actions.js";
import { qr } from "./qr.js";
import { t } from "./texts.js";

const QUIET = 4;

export const linkOf = (code) => `${location.origin}/#/s/${code}`;
/** In groups of four, to be read out. */
export const spelled = (code) => code.replace(/(.{4})(?=.)/g, "$1-");

/** Black on white whatever the look: cameras want it so. */
export function qrCanvas(text, { scale = 8 } = {}) {
  const modules = qr(text);
  const side = (modules.length + 2 * QUIET) * scale;
  const canvas = h("canvas.qr", { width: side, height: side, role: "img", "aria-label": t("qr_of", { text }) });
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, side, side);
  pen.fillStyle = "#000";
  modules.forEach((line, row) =>
    line.forEach((dark, column) => dark && pen.fillRect((column + QUIET) * scale, (row + QUIET) * scale, scale, scale)),
  );
  return canvas;
}

export function invite(code, title) {
  const link = linkOf(code);
  const canvas = qrCanvas(link);
  const store = () =>
    canvas.toBlob((blob) => {
      const url = URL.createObjectURL(blob);
      save(url, `${title}.png`);
      setTimeout(() => URL.revokeObjectURL(url), 10_000);
    });
  return dialog(
    t("invite"),
    h(
      "div.invitation",
      null,
      canvas,
      h("p.code", null, spelled(code)),
      h("p.link", null, link),
      h(
        "div.buttons",
        null,
        h("button.quiet", { type: "button", onclick: store }, icon("download"), t("save_qr")),
        navigator.share &&
          h(
            "button.quiet",
            { type: "button", onclick: () => tried(navigator.share({ title, url: link }).catch(() => {})) },
            t("share"),
          ),
        h("button.primary", { type: "button", onclick: () => tried(copy(link)) }, icon("copy"), t("copy_link")),
      ),
    ),
  ).done;
}
