/** Making a photo session, and changing one. */

import { uuid } from "../salon.js";
import * as client from "./client.js";
import { dialog, field } from "./dialog.js";
import { fill, h } from "./dom.js";
import { words } from "./notice.js";
import { sha256 } from "./sha256.js";
import { t } from "./texts.js";
import { drawMark } from "./watermark.js";

const PLACEMENTS = ["top_left", "top_right", "bottom_left", "bottom_right", "centre", "tiled"];
const WAYS = ["view", "like", "comment", "select"];
const DEFAULTS = {
  guests: true,
  viewers_max: 10_000,
  permissions: {
    client: { view: true, download: "preview", like: true, comment: true, select: true },
    guest: { view: true, download: "off", like: true, comment: true, select: true },
  },
  watermark: { placement: "bottom_right", opacity: 50, size: 20 },
};

/** The time as an input wants it: local, to the minute. */
const local = (at) => (at ? new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16) : "");

/** The content of a form; `info` is a session's, or absent for a new one. Resolves with the session's id. */
export function sessionForm(info) {
  const opened = dialog(t(info ? "edit_session" : "new_session"), h("p.quiet", null, t("loading")), { wide: true });
  fill(
    opened.body,
    settingsForm(info, (session) => opened.close(session)),
  );
  opened.body.querySelector("input")?.focus();
  return opened.done;
}

export function settingsForm(info, done) {
  const { guests, viewers_max, permissions, watermark } = { ...DEFAULTS, ...info?.settings };
  const mark = { ...watermark };
  let image = null;
  const canvas = h("canvas.mark-preview", {
    width: 480,
    height: 320,
    role: "img",
    "aria-label": t("watermark_preview"),
  });
  const redraw = () => drawMark(canvas, mark, image?.element);
  const text = h("input", {
    maxLength: 64,
    value: mark.text ?? "",
    placeholder: "© 2026",
    oninput: () => ((mark.text = text.value.trim() || undefined), redraw()),
  });
  const slide = (key) =>
    h("input", {
      type: "range",
      min: 1,
      max: 100,
      value: mark[key],
      oninput: (event) => ((mark[key] = Number(event.target.value)), redraw()),
    });
  const picked = h("input", {
    type: "file",
    accept: "image/png",
    onchange: async () => {
      const [file] = picked.files;
      if (!file) return;
      const element = h("img", { src: URL.createObjectURL(file) });
      await element.decode().then(
        () => (image = { file, element }),
        () => fill(fault, t("no_png")),
      );
      redraw();
    },
  });
  const fault = h("p.fault", { role: "alert" });
  const button = h("button.primary", null, t(info ? "save" : "create"));
  const element = h(
    "form.form.session-form",
    { onsubmit: send },
    h(
      "div.form-columns",
      null,
      h(
        "div",
        null,
        field({ name: "title", label: t("title"), value: info?.title ?? "", required: true, maxLength: 100 }),
        field({ type: "checkbox", name: "gate", label: t("gate"), hint: t("gate_hint"), checked: info?.gate ?? false }),
        field({ type: "checkbox", name: "guests", label: t("guests"), hint: t("guests_hint"), checked: guests }),
        field({
          type: "datetime-local",
          name: "expires_at",
          label: t("expires_at"),
          value: local(info?.expires_at),
          hint: t("expires_hint"),
        }),
        field({
          type: "number",
          name: "viewers_max",
          label: t("viewers_max"),
          value: viewers_max,
          min: 1,
          max: 100_000,
          required: true,
        }),
        rights(permissions),
      ),
      h(
        "fieldset",
        null,
        h("legend", null, t("watermark")),
        canvas,
        h("label.field", null, h("span", null, t("text")), text),
        h("label.field", null, h("span", null, t("watermark_image")), picked, h("small", null, t("watermark_hint"))),
        h(
          "label.field",
          null,
          h("span", null, t("placement")),
          h(
            "select",
            { onchange: (event) => ((mark.placement = event.target.value), redraw()) },
            PLACEMENTS.map((one) => h("option", { value: one, selected: one === mark.placement }, t(`place_${one}`))),
          ),
        ),
        h("label.field", null, h("span", null, t("opacity")), slide("opacity")),
        h("label.field", null, h("span", null, t("mark_size")), slide("size")),
      ),
    ),
    fault,
    h("div.buttons", null, button),
  );
  redraw();
  return element;

  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    fill(fault);
    try {
      const values = new FormData(element);
      const until = values.get("expires_at");
      const settings = {
        title: values.get("title").trim(),
        gate: values.has("gate"),
        guests: values.has("guests"),
        viewers_max: Number(values.get("viewers_max")),
        expires_at: until ? new Date(until).getTime() : 0,
        permissions: Object.fromEntries(
          ["client", "guest"].map((role) => [
            role,
            {
              ...Object.fromEntries(WAYS.map((way) => [way, values.has(`${role}.${way}`)])),
              download: values.get(`${role}.download`),
            },
          ]),
        ),
        watermark: { ...mark },
      };
      let session = info?.room;
      // A picture for the watermark belongs to a session: that has to be there first.
      session ??= (await client.salon.request("photo_session_create", { cid: (element.cid ??= uuid()), ...settings }))
        .session;
      if (image) settings.watermark.image = await uploadMark(session, image.file);
      if (info || image) await client.salon.request("photo_session_update", { session, ...settings });
      done(session);
    } catch (error) {
      fill(fault, words(error));
    }
    button.disabled = false;
  }
}

async function uploadMark(session, file) {
  const { photo } = await client.salon.upload(session, file, { sha256: await sha256(file), purpose: "watermark" });
  return photo;
}

/** Who may do what, as a table. */
function rights(permissions) {
  const cell = (role, way) =>
    h(
      "td",
      null,
      h("input", {
        type: "checkbox",
        name: `${role}.${way}`,
        checked: permissions[role][way],
        "aria-label": `${t(`role_${role}`)}: ${t(`may_${way}`)}`,
      }),
    );
  const downloads = (role) =>
    h(
      "td",
      null,
      h(
        "select",
        { name: `${role}.download`, "aria-label": `${t(`role_${role}`)}: ${t("download")}` },
        ["off", "preview", "original"].map((one) =>
          h("option", { value: one, selected: permissions[role].download === one }, t(`download_${one}`)),
        ),
      ),
    );
  return h(
    "fieldset",
    null,
    h("legend", null, t("permissions")),
    h(
      "table.rights",
      null,
      h(
        "thead",
        null,
        h("tr", null, h("td"), h("th", { scope: "col" }, t("role_client")), h("th", { scope: "col" }, t("role_guest"))),
      ),
      h(
        "tbody",
        null,
        WAYS.map((way) =>
          h("tr", null, h("th", { scope: "row" }, t(`may_${way}`)), cell("client", way), cell("guest", way)),
        ),
        h("tr", null, h("th", { scope: "row" }, t("download")), downloads("client"), downloads("guest")),
      ),
    ),
  );
}
