/**
 * Dialogs and menus, by `<dialog>`: the browser keeps the focus inside, and gives it back.
 */

import { fill, h, icon, iconButton } from "./dom.js";
import { words } from "./notice.js";
import { t } from "./texts.js";

/** Opens a dialog; `close(value)` ends it and resolves `done`. */
export function dialog(title, content, { wide = false, onclose } = {}) {
  let answer;
  let resolve;
  const done = new Promise((told) => (resolve = told));
  const close = (value) => {
    answer = value;
    element.close();
  };
  const heading = h("h2", { id: `d${Math.random().toString(36).slice(2)}` }, title);
  const element = h(
    "dialog.dialog",
    { "aria-labelledby": heading.id, class: wide ? "wide" : "" },
    h(
      "header",
      null,
      heading,
      iconButton("close", t("close"), () => close()),
    ),
    h("div.dialog-body", null, content),
  );
  element.addEventListener("close", () => {
    element.remove();
    onclose?.();
    resolve(answer);
  });
  // A click on what is around it.
  element.addEventListener("pointerdown", (event) => event.target === element && close());
  document.body.append(element);
  element.showModal();
  return { element, close, done, body: element.querySelector(".dialog-body") };
}

/** Asks yes or no. */
export function confirm(title, text, action, kind = "danger") {
  const yes = h("button", { type: "button", class: kind, onclick: () => opened.close(true) }, action);
  const no = h("button.quiet", { type: "button", onclick: () => opened.close(false) }, t("cancel"));
  const opened = dialog(title, [h("p", null, text), h("div.buttons", null, no, yes)]);
  yes.focus();
  return opened.done;
}

/**
 * A form in a dialog. `run(values)` does it; when it fails the dialog stays and says why. Fields are
 * `{name, label, type?, value?, …}` or elements.
 */
export function form(title, fields, action, run, options) {
  const fault = h("p.fault", { role: "alert" });
  const button = h("button.primary", null, action);
  const element = h("form.form", { onsubmit: send }, fields.map(field), fault, h("div.buttons", null, button));
  const opened = dialog(title, element, options);
  element.querySelector("[autofocus], input, textarea, select")?.focus();
  return opened.done;

  async function send(event) {
    event.preventDefault();
    button.disabled = true;
    fill(fault);
    try {
      opened.close((await run(Object.fromEntries(new FormData(element)), element)) ?? true);
    } catch (error) {
      fill(fault, words(error));
    }
    button.disabled = false;
  }
}

export function field(given) {
  if (given instanceof Node) return given;
  const { label, type = "text", options, hint, ...props } = given;
  if (type === "checkbox") {
    return h(
      "label.check",
      null,
      h("input", { type, ...props }),
      h("span", null, label),
      hint && h("small", null, hint),
    );
  }
  const input =
    type === "select"
      ? h(
          "select",
          props,
          options.map(([value, text]) => h("option", { value, selected: value === props.value }, text)),
        )
      : type === "textarea"
        ? h("textarea", props)
        : h("input", { type, ...props });
  return h("label.field", null, h("span", null, label), input, hint && h("small", null, hint));
}

/** A menu at a button: `[{label, icon?, run, danger?}]`, by arrows and Escape. */
export function menu(anchor, items) {
  document.querySelector(".menu")?.remove();
  const buttons = items
    .filter(Boolean)
    .map((item) =>
      h(
        "button",
        { type: "button", role: "menuitem", class: item.danger ? "danger" : "", onclick: () => (close(), item.run()) },
        item.icon && icon(item.icon),
        item.label,
      ),
    );
  const box = h("div.menu", { role: "menu", popover: "auto" }, buttons);
  // In the dialog where it belongs: outside of it nothing can be reached.
  (anchor.closest("dialog") ?? document.body).append(box);
  const close = () => {
    if (box.matches(":popover-open")) box.hidePopover();
  };
  box.addEventListener("toggle", (event) => {
    if (event.newState === "closed") {
      box.remove();
      anchor.setAttribute("aria-expanded", "false");
      if (document.activeElement === document.body) anchor.focus();
    }
  });
  box.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = buttons.indexOf(document.activeElement);
    buttons[(at + step + buttons.length) % buttons.length].focus();
  });
  anchor.setAttribute("aria-haspopup", "menu");
  anchor.setAttribute("aria-expanded", "true");
  box.showPopover();
  place(box, anchor.getBoundingClientRect());
  buttons[0]?.focus();
}

function place(box, at) {
  const { offsetWidth: width, offsetHeight: height } = box;
  const left = Math.min(Math.max(8, at.right - width), innerWidth - width - 8);
  const below = at.bottom + 4 + height < innerHeight;
  box.style.left = `${Math.max(8, left)}px`;
  box.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - height - 4)}px`;
}
