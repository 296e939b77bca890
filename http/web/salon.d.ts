/**
 * Types of salon.js. Names with `_ms` are milliseconds, times are milliseconds since 1970 by the server's clock, ids are
 * UUIDs in lower case. Fields, events and signals that are not here may come from a newer server: ignore them.
 */

// ---- What goes over the socket (PROTOCOL.md) -------------------------------------------------------------------------

export type RoomKind = "direct" | "group" | "photo_session";
export type RoomRole = "member" | "admin" | "owner";
export type FriendState = "none" | "requested" | "asked" | "friends";

export interface Profile {
  id: string;
  username?: string;
  phone?: string;
  nickname: string;
  avatar?: string;
  bio?: string;
  language?: string;
  role: string;
  created_at: number;
}

export interface PublicProfile {
  id: string;
  nickname: string;
  avatar?: string;
  bio?: string;
  deleted?: boolean;
}

export interface Limits {
  frame: number;
  text: number;
  page: number;
  replay_room: number;
  replay_total: number;
  rooms: number;
  members_call: number;
  inflight: number;
  recall_ms: number;
  /** Bytes of an uploaded file, and of a chunk of it. */
  upload: number;
  chunk: number;
  /** `[count, per_ms]` by class of request; absent when there are no rates. */
  rate?: Record<string, [count: number, per_ms: number]>;
}

export interface Peer {
  user: string;
  read: number;
  delivered: number;
}

export interface RoomHead {
  id: string;
  kind: RoomKind;
  name?: string;
  seq: number;
  first_seq: number;
  read: number;
  delivered: number;
  unread: number;
  unread_more?: boolean;
  role: RoomRole;
  peer?: Peer;
}

/** The answer to `auth` (section 5). */
export interface Session {
  user: Profile;
  session: string;
  epoch: string;
  heartbeat_ms: number;
  server_time: number;
  expires_at: number;
  limits: Limits;
  inbox: number;
  rooms: RoomHead[];
  more_rooms?: boolean;
  stale: string[];
}

export interface MemberItem {
  user: PublicProfile;
  role: RoomRole;
  joined_seq: number;
  muted_until?: number;
}

export interface ConversationItem {
  room: string;
  kind: RoomKind;
  name: string;
  peer?: Peer;
  seq: number;
  last?: SalonEvent;
  unread: number;
  unread_more?: boolean;
  read: number;
  muted: boolean;
  pinned: boolean;
  draft?: string;
}

export interface FriendItem {
  user: PublicProfile;
  remark?: string;
  online: boolean;
  last_seen?: number;
  since: number;
}

export interface FriendRequestItem {
  user: PublicProfile;
  message?: string;
  at: number;
}

export interface ReactionSum {
  emoji: string;
  count: number;
  mine: boolean;
}

export interface MessageData {
  sender: string;
  cid: string;
  kind: "text" | "image" | "custom";
  text?: string;
  body?: Record<string, unknown>;
  reply_to?: number;
  /** Users, or the one word `all`. */
  mentions?: string[];
  edited?: { at: number; version: number };
  recalled?: boolean;
  /** In a photo session: a comment about this photo. */
  photo?: string;
  reactions?: ReactionSum[];
}

/** What somebody is in a photo session (section 16). `guest`: no member, came by the code. */
export type PhotoRole = "guest" | "client" | "photographer" | "editor" | "owner";

/** What a role may do; absent is true, but for `download`, which is `off`. */
export interface Permissions {
  view?: boolean;
  download?: "off" | "preview" | "original";
  like?: boolean;
  /** And write in the chat. */
  comment?: boolean;
  select?: boolean;
}

export interface PermissionsByRole {
  client?: Permissions;
  guest?: Permissions;
}

export interface Watermark {
  /** 1–64 characters. */
  text?: string;
  /** A PNG that was uploaded with the purpose `watermark`; wins over the text. */
  image?: string;
  placement?: "top_left" | "top_right" | "bottom_left" | "bottom_right" | "centre" | "tiled";
  /** 1–100 percent, by default 50. */
  opacity?: number;
  /** Its width in percent of the longer side, 1–100, by default 20. */
  size?: number;
}

/** What an owner decides. Absent: as it is, or as it is by default. */
export interface SessionSettings {
  gate?: boolean;
  guests?: boolean;
  viewers_max?: number;
  /** 0: never. */
  expires_at?: number;
  permissions?: PermissionsByRole;
  watermark?: Watermark;
  /** By serial number or model: what is added to the times of its photos, in ms. */
  cameras?: Record<string, number>;
}

/** Opens the pictures of a session: `/blobs/{photo}/{variant}?{query}`. */
export interface Media {
  query: string;
  expires_at: number;
  /** Longer sides, and `original`. */
  variants: string[];
}

export interface SessionInfo {
  /** The session, and its room. */
  room: string;
  title: string;
  owner: string;
  cover?: string;
  seq: number;
  role: PhotoRole;
  permissions: Required<Permissions>;
  gate: boolean;
  photos: number;
  pending: number;
  viewers: number;
  expires_at?: number;
  closed_at?: number;
  created_at: number;
  /** Not in lists. */
  media?: Media;
  grant?: string;
  stale?: boolean;
  /** To the owner and editors, not in lists. */
  settings?: {
    code: string;
    guests: boolean;
    viewers_max: number;
    permissions: { client: Required<Permissions>; guest: Required<Permissions> };
    watermark: Watermark;
    cameras: Record<string, number>;
    downloads: number;
  };
}

export type PhotoState = "pending" | "live" | "hidden";
export type PhotoStatus = "processing" | "ready" | "failed";

export interface Photo {
  photo: string;
  by: string;
  name: string;
  title?: string;
  tags?: string[];
  /** Pixels, upright. */
  width: number;
  height: number;
  /** In base64. */
  thumbhash: string;
  /** `#rrggbb`. */
  colour: string;
  taken_at?: number;
  order: number;
  pinned?: boolean;
  status: PhotoStatus;
  /** Longer sides of the variants that are there. */
  variants: number[];
  /** Absent: live. */
  state?: PhotoState;
  /** In lists: the event that showed it, and counts. */
  seq?: number;
  likes?: number;
  comments?: number;
  selected?: number;
  liked?: boolean;
  /** One's own lists that it is in. */
  lists?: string[];
}

export interface SelectionItem {
  user: PublicProfile;
  list: string;
  count: number;
  at: number;
}

interface StatusOfPhoto {
  photo: string;
  status: PhotoStatus;
  variants: number[];
  reason?: string;
}

/** The data of each event, by its name (section 11). */
export interface EventData {
  room_created: {
    room?: string;
    kind: RoomKind;
    name?: string;
    by: string;
    members?: string[];
    count?: number;
    history?: "since_join" | "all";
  };
  member_changed: {
    user: string;
    action: "joined" | "left" | "kicked" | "role" | "muted" | "unmuted";
    by: string;
    role?: RoomRole;
    until?: number;
    photo_role?: PhotoRole;
  };
  room_updated: { by: string; name?: string; announcement?: string; slow_mode_ms?: number };
  new_message: MessageData;
  message_recalled: { target: number; by: string };
  message_edited: { target: number; by: string; text?: string; version: number };
  reaction: { target: number; user: string; emoji: string; on: boolean };
  /** `retracted`: it was taken back since, and has only `photo` beside it. */
  new_photo: (Photo & { retracted?: undefined }) | { photo: string; retracted: true };
  photo_pending: { photo: string; by: string };
  photo_status_updated: StatusOfPhoto;
  photos_updated: { photos: string[]; by: string; title?: string; tags?: string[]; pinned?: boolean; order?: number[] };
  /** `targets` are the `seq` of the `new_photo` events that are void now. */
  photo_deleted: { photos: string[]; targets: number[]; by: string; hidden?: boolean };
  session_updated: {
    by: string;
    title?: string;
    cover?: string;
    gate?: boolean;
    guests?: boolean;
    expires_at?: number;
    permissions?: PermissionsByRole;
    code?: boolean;
  };
  session_closed: { by: string; reason: "closed" | "expired" | "deleted" };
  room_joined: { room: string; kind: RoomKind; name?: string; by: string };
  room_removed: { room: string; reason: "left" | "kicked" | "closed"; by: string };
  room_invited: { room: string; name?: string; by: string };
  conversation_updated: { room: string; muted?: boolean; pinned?: boolean; hidden?: boolean; draft?: string };
  friend_requested: { user: string; message?: string };
  friend_accepted: { user: string };
  friend_removed: { user: string };
  friend_updated: { user: string; remark?: string; blocked?: boolean };
}

/** An event of a log; `room` is a room's id or `inbox`. Discriminated by `type`. */
export type SalonEvent = {
  [Type in keyof EventData]: { type: Type; room: string; seq: number; at: number; data: EventData[Type] };
}[keyof EventData];

/** The data of each signal, by its name (section 11). */
export interface SignalData {
  message_read: { user: string; seq: number };
  message_delivered: { user: string; seq: number };
  typing: { user: string };
  presence: { user: string; online: boolean; last_seen?: number };
  session_viewers: { viewers: number };
  upload_progress: { upload: string; name: string; received: number; size: number; photo?: string };
  photo_status_updated: StatusOfPhoto;
  photo_counts: { photos: { photo: string; likes: number; comments: number }[] };
  photo_selection: { user: string; list: string; count: number };
}

export type SalonSignal = {
  [Type in keyof SignalData]: { type: Type; room?: string; data: SignalData[Type] };
}[keyof SignalData];

export interface Page<Item> {
  items: Item[];
  /** Absent: the list ends here. */
  cursor?: string;
}

interface Listing {
  cursor?: string;
  /** 1–100, by default 50. */
  limit?: number;
}

interface Changed {
  seq: number;
  duplicate?: boolean;
}

export type Purpose = "photo" | "watermark";

export interface PhotoMade {
  photo: string;
  /** 0 of a watermark. */
  seq: number;
  duplicate?: boolean;
}

interface Friendship {
  state: FriendState;
  blocked?: boolean;
}

/** What each request takes and is answered (section 6). */
export interface Requests {
  ping: { data: {}; ok: { server_time: number } };
  create_room: {
    data: { cid: string; name: string; members?: string[]; kind?: "group"; history?: "since_join" | "all" };
    ok: { room: string; duplicate?: boolean };
  };
  open_direct: { data: { user: string }; ok: { room: string; duplicate?: boolean } };
  join_room: { data: { room: string } | { link: string }; ok: { room: string; seq: number } };
  leave_room: { data: { room: string }; ok: Changed };
  invite: { data: { room: string; users: string[] }; ok: Changed };
  kick: { data: { room: string; user: string }; ok: Changed };
  set_role: { data: { room: string; user: string; role: RoomRole }; ok: Changed };
  mute: { data: { room: string; user: string; until?: number }; ok: Changed };
  room_update: { data: { room: string; name?: string; announcement?: string; slow_mode_ms?: number }; ok: Changed };
  room_link: { data: { room: string; enabled: boolean }; ok: { link?: string } };
  room_get: {
    data: { room: string };
    ok: {
      id: string;
      kind: RoomKind;
      name?: string;
      announcement?: string;
      history: "since_join" | "all";
      slow_mode_ms: number;
      members: number;
      online: number;
      role: RoomRole;
      muted_until?: number;
      link?: string;
      created_at: number;
      seq: number;
    };
  };
  room_members: { data: { room: string } & Listing; ok: Page<MemberItem> };
  send_message: {
    data: Message & { cid: string; kind: MessageData["kind"] };
    ok: { room: string; seq: number; at: number; duplicate?: boolean };
  };
  message_recall: { data: { room: string; seq: number }; ok: Changed };
  message_edit: { data: { room: string; seq: number; cid?: string; text: string }; ok: Changed };
  react: { data: { room: string; seq: number; emoji: string; on: boolean }; ok: Changed };
  message_read: { data: { room: string; seq: number }; ok: Changed };
  message_delivered: { data: { rooms: Record<string, number> }; ok: {} };
  read_by: {
    data: { room: string; seq: number };
    ok: { members: number; read?: string[]; delivered?: string[]; read_count?: number; delivered_count?: number };
  };
  typing: { data: { room: string }; ok: {} };
  history: { data: { room: string } & HistoryOptions; ok: { events: SalonEvent[]; more: boolean } };
  search_messages: { data: { q: string; room?: string; sender?: string } & Listing; ok: Page<SalonEvent> };
  conversations: { data: Listing; ok: Page<ConversationItem> & { total_unread?: number } };
  conversation_update: {
    data: { room: string; muted?: boolean; pinned?: boolean; hidden?: boolean; draft?: string };
    ok: {};
  };
  friend_request: { data: { user: string; message?: string }; ok: Friendship };
  friend_accept: { data: { user: string }; ok: Friendship };
  friend_reject: { data: { user: string }; ok: Friendship };
  friend_remove: { data: { user: string }; ok: Friendship };
  friend_remark: { data: { user: string; remark: string }; ok: Friendship };
  friend_block: { data: { user: string; on?: boolean }; ok: Friendship };
  friends: { data: { blocked?: boolean } & Listing; ok: Page<FriendItem> };
  friend_requests: { data: { direction?: "incoming" | "outgoing" } & Listing; ok: Page<FriendRequestItem> };
  search_users: { data: { q: string; limit?: number }; ok: Page<PublicProfile> };
  users_get: { data: { ids: string[] }; ok: Page<PublicProfile> };
  photo_session_create: {
    data: { cid: string; title: string } & SessionSettings;
    ok: { session: string; code: string; duplicate?: boolean };
  };
  photo_session_list: { data: Listing; ok: Page<SessionInfo> };
  photo_session_get: { data: { session: string }; ok: SessionInfo };
  photo_session_update: {
    data: { session: string; title?: string; cover?: string; renew_code?: boolean } & SessionSettings;
    ok: { seq: number; code?: string };
  };
  photo_session_close: { data: { session: string }; ok: Changed };
  photo_session_delete: { data: { session: string }; ok: {} };
  /** Without a role he is put out. */
  photo_session_member: {
    data: { session: string; user: string; role?: "client" | "photographer" | "editor" };
    ok: Changed;
  };
  /** `Salon.joinSession` does it, and again after each connection. */
  join_session: {
    data: ({ session: string; code?: string; grant?: string } | { code: string }) & { after?: number };
    ok: SessionInfo;
  };
  leave_session: { data: { session: string }; ok: {} };
  session_media: { data: { session: string }; ok: Media };
  photo_upload_begin: {
    data: { session: string; cid: string; name: string; size: number; mime: string; sha256: string; purpose?: Purpose };
    ok: { upload: string; chunk: number; offset: number };
  };
  /** `bytes` in base64. */
  photo_upload_chunk: { data: { upload: string; offset: number; bytes: string }; ok: { offset: number } };
  photo_upload_commit: { data: { upload: string }; ok: PhotoMade };
  photo_upload_abort: { data: { upload: string }; ok: {} };
  photo_list: {
    data: { session: string; state?: PhotoState; tag?: string; list?: string; newest_first?: boolean } & Listing;
    ok: Page<Photo>;
  };
  photo_get: {
    data: { session: string; photo: string };
    ok: Photo & { bytes: number; mime: string; metadata?: unknown; downloads?: number; failed?: string };
  };
  photo_update: {
    data: {
      session: string;
      photos: string[];
      state?: "live" | "hidden";
      title?: string;
      tags?: string[];
      pinned?: boolean;
      behind?: string;
    };
    ok: Changed;
  };
  photo_delete: { data: { session: string; photos: string[] }; ok: Changed };
  photo_mark: {
    data: { session: string; photos: string[]; on: boolean } & ({ mark: "like" } | { mark: "select"; list?: string });
    ok: {};
  };
  photo_selections: { data: { session: string }; ok: Page<SelectionItem> };
  photo_selection_export: {
    data: { session: string; user?: string; list?: string; format: "csv" | "lightroom" | "finder" | "capture_one" };
    ok: { text: string; name: string; count: number };
  };
  photo_comment: {
    data: { session: string; photo: string; cid: string; text: string };
    ok: { room: string; seq: number; at: number; duplicate?: boolean };
  };
  photo_comments: {
    data: { session: string; photo: string; before?: number; limit?: number };
    ok: { events: SalonEvent[]; more: boolean };
  };
  photo_download: {
    data: { session: string; photos?: string[]; list?: string; original?: boolean };
    ok: { url: string; expires_at: number; files: number };
  };
}

/** Requests that answer a page of a list. */
export type Lists = {
  [Type in keyof Requests]: Requests[Type]["ok"] extends Page<infer Item> ? Item : never;
};

/** One of `before` and `after` (both exclusive), or none: the newest page. `limit` 1–200, by default 50. */
export interface HistoryOptions {
  before?: number;
  after?: number;
  limit?: number;
  types?: (keyof EventData)[];
}

// ---- The client ------------------------------------------------------------------------------------------------------

export interface ErrorFields {
  code: string;
  message?: string;
  retry_after_ms?: number;
  details?: Record<string, unknown>;
  status?: number;
  request_id?: string;
}

/**
 * Why something was not done. `code` is one of section 14 or: `timeout` (no answer; perhaps done), `disconnected` (the
 * socket ended before the answer; perhaps done), `closed` (this client is), `full` (a bound of this library), `expired`
 * (waited too long), `network` (HTTP did not get through), `cancelled`.
 */
export class SalonError extends Error {
  constructor(fields: ErrorFields);
  readonly code: string;
  readonly retry_after_ms: number | undefined;
  readonly details: Record<string, unknown> | undefined;
  /** Of HTTP. */
  readonly status: number | undefined;
  readonly request_id: string | undefined;
  /** Whether trying again can help. */
  readonly retry: boolean;
}

/** A UUID of version 4, for `cid`. */
export function uuid(): string;

export interface Message {
  room: string;
  /** By default `text`. */
  kind?: MessageData["kind"];
  text?: string;
  body?: Record<string, unknown>;
  reply_to?: number;
  /** Users, or the one word `all`. */
  mentions?: string[];
  /** Made here if absent. Give your own to recognise the message's event. */
  cid?: string;
}

export interface Sent {
  room: string;
  seq: number;
  at: number;
  cid: string;
  duplicate?: boolean;
}

export type PendingMessage = Message & {
  kind: MessageData["kind"];
  cid: string;
  /** When it was given to `send`, by this device's clock. */
  at: number;
};

export type Status = "offline" | "connecting" | "online" | "waiting" | "ended";

export interface StatusChange {
  status: Status;
  /** The close code (section 13); 4900 if this side gave the socket up. */
  code?: number;
  reason?: string;
  /** With `waiting`. */
  retry_in_ms?: number;
  /** With `ended`, if there is one. */
  error?: Error;
}

/** What `on` tells, and with what. */
export interface Told {
  /** Of a log, once and in order. A listener that answers a promise makes the room's next event wait for it. */
  event: SalonEvent;
  /** Of no log, at once. */
  signal: SalonSignal;
  status: StatusChange;
  /** A session is open. */
  session: Session;
  /** The log goes on behind `position`; what came before is not handed out. Forget the room's events, read a page. */
  reset: { room: string; position: number; error?: SalonError };
  /** These rooms are not ours any more; photo sessions that we viewed have closed, or have another code. */
  gone: string[];
  /** A photo session is viewed, from now on or again: with what opens its pictures, and what one may do. */
  joined: SessionInfo;
  /** The store is another one: forget all events. */
  epoch: { epoch: string; previous: string };
  /** A message was committed, also one of an earlier page. */
  sent: Sent;
  /** A message will not be sent, also one of an earlier page. */
  failed: { cid: string; message: Message & { cid: string }; error: SalonError };
  /** Faults that nobody else hears of: of listeners, of the storage, of the token function. Else `console.error`. */
  error: unknown;
}

/** The part of the Web Storage interface that is used. */
export type SalonStorage = Pick<Storage, "getItem" | "setItem" | "removeItem" | "key" | "length">;

export interface Socket {
  send(data: string | ArrayBuffer): void;
  close(code: number, reason: string): void;
}

export interface SocketEvents {
  open(): void;
  message(data: string | ArrayBuffer): void;
  /** At most once, and never before the transport has returned. */
  close(code: number, reason: string): void;
}

export interface Transport {
  (url: string, on: SocketEvents): Socket;
  /** Tells when the person or the network comes and goes; the answer ends it. */
  watch?(on: { wake(): void; sleep(): void }): () => void;
}

/** A class with the interface of the browser's WebSocket. */
export type WebSocketClass = new (url: string) => {
  binaryType?: string;
  onopen: ((event: any) => void) | null;
  onmessage: ((event: any) => void) | null;
  onclose: ((event: any) => void) | null;
  onerror: ((event: any) => void) | null;
  send(data: any): void;
  close(code?: number, reason?: string): void;
};

export interface SalonOptions {
  /** The server, `https://host[:port]`; by default the page's own. */
  url?: string;
  /** Whose positions and messages these are. */
  user: string;
  /** A token that is good; another one than `refused`, the one that the server has just refused. */
  token(refused?: string): string | Promise<string>;
  transport?: Transport;
  /** Instead of a transport; by default the global one. */
  WebSocket?: WebSocketClass;
  /** By default `localStorage`; memory where there is none. */
  storage?: SalonStorage;
  /** Begins the keys in the storage; by default `salon`. */
  name?: string;
  /** The installation's name, 1–55 of `[A-Za-z0-9._-]`; by default one that the storage keeps. */
  device?: string;
  /** Whether to tell what was handed out as delivered; by default true. */
  receipts?: boolean;
  /** How long a request may take; by default 15,000. */
  timeout_ms?: number;
}

export interface UploadFile {
  name: string;
  size: number;
  type: string;
  slice(start: number, end: number): { arrayBuffer(): Promise<ArrayBuffer> };
}

export interface UploadOptions {
  /** The same one goes on with an upload of the last 24 h. */
  cid?: string;
  /** In hexadecimal; computed if absent, for which the file is read into memory as a whole. */
  sha256?: string;
  /** By default `photo`. */
  purpose?: Purpose;
  progress?(sent: number, size: number): void;
  signal?: AbortSignal;
}

/** A person's connection to a server, which comes back by itself. */
export class Salon {
  constructor(options: SalonOptions);
  readonly status: Status;
  /** The last answer to `auth`; null before the first. */
  readonly session: Session | null;
  on<Name extends keyof Told>(name: Name, listener: (value: Told[Name]) => unknown): () => void;
  /** Begins, also after `close` and `ended`. Rejects when there will be no session. */
  connect(): Promise<Session>;
  /** Ends everything. What was not answered is rejected with `closed`; messages stay in storage. */
  close(): void;
  request<Type extends keyof Requests>(
    type: Type,
    ...words: {} extends Requests[Type]["data"]
      ? [data?: Requests[Type]["data"], options?: { timeout_ms?: number }]
      : [data: Requests[Type]["data"], options?: { timeout_ms?: number }]
  ): Promise<Requests[Type]["ok"]>;
  /** A request that this file does not know. */
  request<Type extends string>(
    type: Type extends keyof Requests ? never : Type,
    data?: Record<string, unknown>,
    options?: { timeout_ms?: number },
  ): Promise<any>;
  /** All items of a list, page by page as they are read. */
  list<Type extends keyof Requests>(
    type: Type,
    data?: Omit<Requests[Type]["data"], "cursor">,
  ): AsyncGenerator<Lists[Type], void, void>;
  /** Resolves when the message is committed, whenever that is. */
  send(message: Message): Promise<Sent>;
  pending(): PendingMessage[];
  /** Gives up on a message; it may have been sent all the same. */
  discard(cid: string): void;
  history(room: string, options?: HistoryOptions): Promise<Requests["history"]["ok"]>;
  createRoom(data: Omit<Requests["create_room"]["data"], "cid"> & { cid?: string }): Promise<Requests["create_room"]["ok"]>;
  openDirect(user: string): Promise<Requests["open_direct"]["ok"]>;
  recall(room: string, seq: number): Promise<Changed>;
  edit(room: string, seq: number, text: string, cid?: string): Promise<Changed>;
  react(room: string, seq: number, emoji: string, on?: boolean): Promise<Changed>;
  /** A person has seen everything up to `seq`. */
  read(room: string, seq: number): void;
  /** To be called at every key. */
  typing(room: string): void;
  /**
   * Views a photo session, and comes back to it with every connection, until it is `gone` or left. The code is needed
   * once: the storage keeps what opens it again. Its events go on behind the last that was handed out, or behind
   * `after`, or else with what is new.
   */
  joinSession(
    data: ({ session: string; code?: string } | { code: string }) & { after?: number },
  ): Promise<SessionInfo>;
  leaveSession(session: string): Promise<void>;
  upload(session: string, file: UploadFile, options?: UploadOptions): Promise<PhotoMade>;
}

export interface HttpRequest {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: string | undefined;
  timeout_ms: number;
}

export type Http = (request: HttpRequest) => Promise<{ status: number; text: string; retry_after?: string }>;

export interface LoginOptions {
  url?: string;
  http?: Http;
  storage?: SalonStorage;
  name?: string;
  device?: string;
}

/** Logging in, over HTTP, and the tokens in storage. */
export class Login {
  constructor(options?: LoginOptions);
  /** Who is logged in, as he was at the login. */
  readonly user: Profile | null;
  register(fields: { username: string; password: string; nickname?: string }): Promise<Profile>;
  login(username: string, password: string): Promise<Profile>;
  sendCode(phone: string): Promise<void>;
  loginWithCode(phone: string, code: string): Promise<Profile>;
  /** Comes as a guest, by the access code of a photo session. */
  guest(fields: { code: string; nickname?: string }): Promise<{ user: Profile; session: string }>;
  /** For `SalonOptions.token`; may be taken out of the object. */
  readonly token: (refused?: string) => Promise<string>;
  /** Renews the tokens, and gives the access token. */
  refresh(): Promise<string>;
  logout(): Promise<void>;
  /** Deletes the tokens. */
  forget(): void;
  /** Any HTTP request of this person: the body of the answer. */
  call(method: string, path: string, body?: unknown): Promise<any>;
}

// ---- Platforms -------------------------------------------------------------------------------------------------------

/** The part of WeChat's `wx` that is used. */
export interface Wx {
  connectSocket(options: any): any;
  request(options: any): any;
  getStorageSync(key: string): any;
  setStorageSync(key: string, value: any): void;
  removeStorageSync(key: string): void;
  getStorageInfoSync(): { keys: string[] };
  onAppShow(listener: (...words: any[]) => void): void;
  offAppShow(listener: (...words: any[]) => void): void;
  onAppHide(listener: (...words: any[]) => void): void;
  offAppHide(listener: (...words: any[]) => void): void;
}

/** Browsers, Node from 22, and any class with the interface of `WebSocket`. */
export function webSocketTransport(Class?: WebSocketClass): Transport;
/** WeChat's `SocketTask`; at most one socket. */
export function wechatTransport(wx: Wx): Transport;
export function wechatStorage(wx: Wx): SalonStorage;
export function wechatHttp(wx: Wx): Http;
export function memoryStorage(): SalonStorage;
export function fetchHttp(fetch?: typeof globalThis.fetch): Http;
