/** Who works on a session, and for whom it is. */

import * as client from "./client.js";
import { dialog } from "./dialog.js";
import { fill, h, iconButton } from "./dom.js";
import { avatar } from "./faces.js";
import { pickFriend } from "./friends.js";
import { tried } from "./notice.js";
import { t } from "./texts.js";

const ROLES = ["client", "photographer", "editor"];

export async function teamDialog(album) {
  const list = h("ul.people");
  const opened = dialog(t("team"), [
    list,
    h("div.buttons", null, h("button.primary", { type: "button", onclick: add }, t("add_person"))),
  ]);
  await tried(draw);
  return opened.done;

  async function draw() {
    const members = await client.all("room_members", { room: album.id });
    fill(list, members.map(row));
  }

  function row({ user, role, photo_role: own }) {
    const rank = own ?? { owner: "owner", admin: "editor", member: "client" }[role];
    const change = (value) =>
      tried(async () => {
        await client.salon.request("photo_session_member", { session: album.id, user: user.id, role: value });
        await draw();
      });
    const choice = album.info.role === "owner" && rank !== "owner";
    return h(
      "li.person",
      null,
      avatar(user.id, user.nickname),
      h("span.person-words", null, h("b", null, user.nickname)),
      choice
        ? h(
            "select",
            { "aria-label": t("role"), onchange: (event) => change(event.target.value) },
            ROLES.map((one) => h("option", { value: one, selected: one === rank }, t(`role_${one}`))),
          )
        : h("small.quiet", null, t(`role_${rank}`)),
      choice && iconButton("close", t("remove"), () => change(undefined)),
    );
  }

  async function add() {
    const user = await pickFriend();
    if (!user) return;
    await tried(async () => {
      await client.salon.request("photo_session_member", { session: album.id, user, role: "client" });
      await draw();
    });
  }
}
