// What must compile, and what must not: `tsc --noEmit --strict --lib es2022,dom tests/usage.ts`.

import { Login, Salon, SalonError, memoryStorage, uuid, wechatHttp, wechatStorage, wechatTransport } from "../salon.js";
import type { SalonEvent, Wx } from "../salon.js";

declare const wx: Wx;

async function page(): Promise<void> {
  const login = new Login();
  const user = login.user ?? (await login.login("ann", "correct horse"));
  const salon = new Salon({ user: user.id, token: login.token });
  const stop: () => void = salon.on("event", async (event: SalonEvent) => {
    if (event.type === "new_message") console.log(event.data.text?.length, event.room, event.seq);
    // @ts-expect-error a reaction has no text
    if (event.type === "reaction") console.log(event.data.text);
  });
  salon.on("status", ({ status, retry_in_ms }) => console.log(status, retry_in_ms ?? 0));
  // @ts-expect-error nobody tells this
  salon.on("nothing", () => {});
  const session = await salon.connect();
  const room: string = session.rooms[0]?.id ?? (await salon.createRoom({ name: "Club" })).room;
  const { seq } = await salon.send({ room, text: "hello", cid: uuid() });
  salon.read(room, seq);

  const { server_time } = await salon.request("ping");
  const { events, more } = await salon.request("history", { room, after: 1 }, { timeout_ms: 1_000 });
  const last: SalonEvent | undefined = events.at(-1);
  console.log(server_time.toFixed(), last?.type, more);
  // @ts-expect-error it needs a room
  await salon.request("history", {});
  // @ts-expect-error it needs data
  await salon.request("history");
  const unknown = await salon.request("generate", { prompt: "a cat" });
  console.log(unknown.task);
  for await (const friend of salon.list("friends")) console.log(friend.user.nickname, friend.online);
  for await (const member of salon.list("room_members", { room })) console.log(member.role);
  const failed = (error: unknown): boolean => error instanceof SalonError && error.retry;
  await salon.upload(room, new File([], "a.jpg"), { progress: (sent, size) => console.log(sent / size) }).catch(failed);
  stop();
  salon.close();
}

async function gallery(salon: Salon, login: Login): Promise<void> {
  const { session } = await login.guest({ code: "K7MP-3XQ9", nickname: "Eve" });
  const { media, permissions } = await salon.joinSession({ code: "K7MP-3XQ9" });
  await salon.joinSession({ session, after: 7 });
  // @ts-expect-error a session or a code
  await salon.joinSession({ after: 7 });
  salon.on("joined", ({ role }) => console.log(role));
  salon.on("event", (event) => {
    if (event.type !== "new_photo" || event.data.retracted) return;
    console.log(`/blobs/${event.data.photo}/400?${media?.query}`, event.data.thumbhash, permissions.like);
  });
  salon.on("signal", (signal) => {
    if (signal.type === "photo_counts") console.log(signal.room, signal.data.photos[0]?.likes);
  });
  for await (const photo of salon.list("photo_list", { session, newest_first: true })) console.log(photo.width);
  await salon.request("photo_mark", { session, photos: [], mark: "select", list: "album", on: true });
  // @ts-expect-error likes have no list
  await salon.request("photo_mark", { session, photos: [], mark: "like", list: "album", on: true });
  await salon.leaveSession(session);
}

function miniProgram(): Salon {
  const [url, storage] = ["https://chat.example", wechatStorage(wx)];
  const login = new Login({ url, storage, http: wechatHttp(wx) });
  return new Salon({ url, storage, user: login.user!.id, token: login.token, transport: wechatTransport(wx) });
}

function bot(): Salon {
  return new Salon({ url: "http://127.0.0.1:8080", user: "…", token: () => "…", storage: memoryStorage(), WebSocket });
}

export { bot, gallery, miniProgram, page };
