/** Groups: making one, who is in it, leaving it. */

import * as client from "./client.js";
import { conversation } from "./conversations.js";
import { confirm, dialog, form, menu } from "./dialog.js";
import { fill, h, iconButton } from "./dom.js";
import { avatar } from "./faces.js";
import { friendBoxes, isOnline } from "./friends.js";
import { tried } from "./notice.js";
import { t } from "./texts.js";

const ticked = (element) => [...element.querySelectorAll("[name=members]:checked")].map(({ value }) => value);

export async function createGroup() {
  const room = await form(
    t("new_group"),
    [{ name: "name", label: t("group_name"), required: true, maxLength: 100 }, friendBoxes()],
    t("create"),
    async ({ name }, element) => (await client.salon.createRoom({ name: name.trim(), members: ticked(element) })).room,
  );
  if (room) location.hash = `#/chats/${room}`;
}

/** Who is in a group, and what may be done with them. */
export async function groupDialog(room) {
  const list = h("ul.people");
  const tools = h("div.buttons");
  const opened = dialog(t("group_members"), [list, tools]);
  await tried(draw);

  async function draw() {
    const [info, members] = await Promise.all([
      client.salon.request("room_get", { room }),
      client.all("room_members", { room }),
    ]);
    client.know(...members.map(({ user }) => user));
    fill(
      list,
      members.map((member) => row(member, info.role)),
    );
    const admin = info.role !== "member";
    fill(
      tools,
      h("button.quiet", { type: "button", onclick: () => invite(members) }, t("invite")),
      admin && h("button.quiet", { type: "button", onclick: () => rename(info) }, t("rename")),
      h("button.danger", { type: "button", onclick: leave }, t("leave_group")),
    );
  }

  function row({ user, role }, own) {
    const ranks = { member: 0, admin: 1, owner: 2 };
    const may = ranks[own] > ranks[role] && user.id !== client.me();
    const run = (type, data) =>
      tried(async () => {
        await client.salon.request(type, { room, user: user.id, ...data });
        await draw();
      });
    const more =
      may &&
      iconButton("more", t("more"), () =>
        menu(more, [
          own === "owner" && {
            label: t(role === "admin" ? "make_member" : "make_admin"),
            icon: "edit",
            run: () => run("set_role", { role: role === "admin" ? "member" : "admin" }),
          },
          own === "owner" && { label: t("make_owner"), icon: "edit", run: () => run("set_role", { role: "owner" }) },
          { label: t("kick"), icon: "out", danger: true, run: () => run("kick") },
        ]),
      );
    return h(
      "li.person",
      null,
      avatar(user.id, user.nickname, isOnline(user.id)),
      h("span.person-words", null, h("b", null, user.nickname), h("small.quiet", null, t(`role_${role}`))),
      more,
    );
  }

  async function invite(members) {
    await form(
      t("invite"),
      [friendBoxes(new Set(members.map(({ user }) => user.id)))],
      t("invite"),
      async (_, element) => {
        const users = ticked(element);
        if (users.length > 0) await client.salon.request("invite", { room, users });
      },
    );
    await tried(draw);
  }

  async function rename({ name }) {
    await form(
      t("rename"),
      [{ name: "name", label: t("group_name"), value: name ?? "", required: true, maxLength: 100 }],
      t("save"),
      (values) => client.salon.request("room_update", { room, ...values }),
    );
  }

  async function leave() {
    const name = conversation(room)?.name ?? "";
    if (!(await confirm(t("leave_group"), t("leave_group_sure", { name }), t("leave_group")))) return;
    if (!(await tried(client.salon.request("leave_room", { room })))) return;
    opened.close();
    location.hash = "#/chats";
  }
}
