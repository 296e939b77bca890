/** Signing in, registering, and the way in for guests by a code. */

import { keepWay } from "./album.js";
import { login } from "./client.js";
import { field } from "./dialog.js";
import { fill, h, icon } from "./dom.js";
import { words } from "./notice.js";
import { choices } from "./shell.js";
import { t } from "./texts.js";

/** `entered(session?)` is called when somebody is in. */
export function entrance({ code, entered }) {
  const box = h("div.entrance-form");
  const tabs = ["guest", "sign_in", "register"].map((name) =>
    h("button", { type: "button", role: "tab", onclick: () => turn(name), dataset: { name } }, t(name)),
  );
  const turn = (name) => {
    for (const tab of tabs) tab.setAttribute("aria-selected", String(tab.dataset.name === name));
    fill(box, FORMS[name]({ code, entered }));
    box.querySelector("input:not([value]), input")?.focus();
  };
  const element = h(
    "main.entrance",
    null,
    h(
      "div.entrance-card",
      null,
      h("h1", null, h("img", { src: "/app/icon.svg", alt: "", width: 36, height: 36 }), "Salon"),
      h("p.quiet", null, t("tagline")),
      h("div.tabs", { role: "tablist", "aria-label": t("way_in") }, tabs),
      box,
    ),
    h("footer", null, choices()),
  );
  turn(code ? "guest" : "sign_in");
  return element;
}

const FORMS = {
  sign_in: ({ entered }) =>
    form([name(), password("current-password")], "sign_in", async ({ username, password: word }) => {
      await login.login(username.trim(), word);
      entered();
    }),
  register: ({ entered }) =>
    form(
      [
        name(),
        { name: "nickname", label: t("nickname"), maxLength: 64, autocomplete: "nickname", hint: t("optional") },
        password("new-password"),
      ],
      "register",
      async ({ username, nickname, password: word }) => {
        await login.register({ username: username.trim(), password: word, nickname: nickname.trim() || undefined });
        entered();
      },
    ),
  guest: ({ code, entered }) =>
    form(
      [
        {
          name: "code",
          label: t("access_code"),
          value: code ?? "",
          required: true,
          autocomplete: "off",
          maxLength: 40,
          autocapitalize: "characters",
          spellcheck: false,
          class: "code-input",
        },
        { name: "nickname", label: t("your_name"), required: true, maxLength: 64, autocomplete: "nickname" },
      ],
      "watch",
      async (values) => {
        const [given, nickname] = [values.code.trim(), values.nickname.trim()];
        const { session } = await login.guest({ code: given, nickname });
        keepWay(session, { code: given });
        entered(session);
      },
    ),
};

const name = () => ({
  ...{ name: "username", label: t("username"), required: true, autocomplete: "username", maxLength: 32 },
  ...{ autocapitalize: "none", spellcheck: false },
});
const password = (autocomplete) => ({
  name: "password",
  type: "password",
  label: t("password"),
  required: true,
  autocomplete,
});

function form(fields, action, run) {
  const fault = h("p.fault", { role: "alert" });
  const button = h("button.primary", null, t(action), icon("forward"));
  const send = async (event) => {
    event.preventDefault();
    fill(fault);
    button.disabled = true;
    try {
      await run(Object.fromEntries(new FormData(event.target)));
    } catch (error) {
      // Of a person who is not in yet, the server says the same of all that is wrong.
      const key = {
        sign_in: { unauthorized: "error_login" },
        watch: { forbidden: "error_code", not_found: "error_code", unauthorized: "error_code" },
      }[action];
      fill(fault, key?.[error.code] ? t(key[error.code]) : words(error));
    }
    button.disabled = false;
  };
  return h("form.form", { onsubmit: send }, fields.map(field), fault, button);
}
