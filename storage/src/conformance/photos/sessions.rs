//! Sessions: who is what in them, and their end.

use salon_protocol::content::{Role, RoomKind};
use salon_protocol::event::{CloseReason, MemberAction};
use salon_protocol::photo::{Permissions, PermissionsByRole, PhotoRole};
use salon_protocol::request::{Page, SessionSettings};
use salon_protocol::{ErrorCode, EventData, RoomId};
use uuid::Uuid;

use super::{Cast, VERSION, new_session, nobody, update};
use crate::conformance::{START, World, code, refused, send, text, types};
use crate::model::{Change, NewPhotoSession, OpenOutcome, Pass, PhotoChange, Visitor};

pub(in super::super) async fn a_session_is_made_once_per_cid(world: World) {
    let ann = world.user("ann").await;
    let new = new_session(SessionSettings::default());
    let first = world.store.create_session(ann, new.clone()).await.unwrap();
    assert_eq!((first.room.id, first.joined.clone()), (new.id, vec![ann.id]));
    let again = NewPhotoSession { id: RoomId::new(Uuid::now_v7()), ..new.clone() };
    let second = world.store.create_session(ann, again).await.unwrap();
    assert_eq!((second.room, second.duplicate), (first.room, true));
    let mut other = new.clone();
    other.request.title = "party".into();
    let refusal = refused(world.store.create_session(ann, other).await);
    assert_eq!(refusal.code, ErrorCode::Conflict);

    let found = world.store.session_by_code(new.code_hash).await.unwrap();
    assert_eq!(found, Some((new.id, VERSION)));
    assert_eq!(world.store.session_by_code([9; 32]).await.unwrap(), None);
    let view = world.store.session(ann.into(), new.id).await.unwrap();
    assert_eq!((view.room, view.code_version, view.viewers_max), (first.room, VERSION, 10_000));
    assert_eq!((view.info.role, view.info.title.as_str()), (PhotoRole::Owner, "wedding"));
    assert_eq!((view.info.seq, view.info.expires_at, view.staff), (1, None, vec![ann.id]));
    assert!(view.info.settings.unwrap().guests);

    // It is a room, and no conversation.
    let snapshot = world.store.room(new.id).await.unwrap().unwrap();
    assert_eq!((snapshot.kind, snapshot.head), (RoomKind::PhotoSession, 1));
    let EventData::RoomCreated(created) = &world.inbox(ann).await[0].data else { panic!() };
    assert_eq!((created.kind, created.room), (RoomKind::PhotoSession, Some(new.id)));
    let page = Page { cursor: None, limit: None };
    assert_eq!(world.store.conversations(ann, page.clone()).await.unwrap().items, []);
    let mine = world.store.photo_sessions(ann, page).await.unwrap();
    assert_eq!(mine.items.len(), 1);
}

pub(in super::super) async fn sessions_are_listed_for_members(world: World) {
    let ann = world.user("ann").await;
    let mut made = Vec::new();
    for _ in 0..3 {
        let new = new_session(SessionSettings::default());
        made.push(world.store.create_session(ann, new).await.unwrap().room.id);
    }
    made.reverse();
    let page = |cursor| Page { cursor, limit: Some(2) };
    let first = world.store.photo_sessions(ann, page(None)).await.unwrap();
    let second = world.store.photo_sessions(ann, page(first.cursor.clone())).await.unwrap();
    assert!(first.cursor.is_some() && second.cursor.is_none());
    let all: Vec<RoomId> =
        first.items.iter().chain(&second.items).map(|session| session.room).collect();
    assert_eq!(all, made);
    let bob = world.user("bob").await;
    assert_eq!(world.store.photo_sessions(bob, page(None)).await.unwrap().items, []);
}

pub(in super::super) async fn session_members_have_roles(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let world = &cast.world;
    let role = |user| async move {
        let view = world.store.session(Visitor::from(user), cast.room.id).await.unwrap();
        (view.info.role, view.info.settings.is_some())
    };
    assert_eq!(role(cast.owner).await, (PhotoRole::Owner, true));
    assert_eq!(role(cast.editor).await, (PhotoRole::Editor, true));
    assert_eq!(role(cast.photographer).await, (PhotoRole::Photographer, false));
    assert_eq!(role(cast.client).await, (PhotoRole::Client, false));
    let view = world.store.session(cast.owner.into(), cast.room.id).await.unwrap();
    assert_eq!(view.staff, [cast.owner.id, cast.editor.id, cast.photographer.id]);
    let events = world.page(cast.client, cast.room).await;
    let EventData::MemberChanged(joined) = &events[1].data else { panic!("{events:?}") };
    assert_eq!((joined.action, joined.role), (MemberAction::Joined, Some(Role::Admin)));
    assert_eq!(joined.photo_role, Some(PhotoRole::Editor));
    assert!(types(&world.inbox(cast.client).await).contains(&"room_joined"));

    let member = |user: crate::model::UserRef, role| PhotoChange::Member { user: user.id, role };
    let make_client = |user| member(user, Some(PhotoRole::Client));
    assert_eq!(code(cast.ask(cast.editor, make_client(cast.stranger)).await), ErrorCode::Forbidden);
    assert_eq!(code(cast.ask(cast.owner, make_client(cast.owner)).await), ErrorCode::BadRequest);
    assert_eq!(code(cast.ask(cast.owner, member(cast.owner, None)).await), ErrorCode::BadRequest);
    assert_eq!(code(cast.ask(cast.owner, make_client(nobody())).await), ErrorCode::BadRequest);
    assert_eq!(code(cast.ask(cast.owner, member(cast.stranger, None)).await), ErrorCode::NotFound);
    assert_eq!(cast.done(cast.owner, make_client(cast.client)).await.events, []);

    let before = cast.media_version().await;
    cast.done(cast.owner, member(cast.client, Some(PhotoRole::Photographer))).await;
    assert_eq!(cast.media_version().await, before, "he may do more");
    let done = cast.done(cast.owner, make_client(cast.editor)).await;
    let EventData::MemberChanged(changed) = &done.events[0].data else { panic!() };
    assert_eq!((changed.role, changed.photo_role), (Some(Role::Member), Some(PhotoRole::Client)));
    assert_eq!(cast.media_version().await, before + 1);
    let out = cast.done(cast.owner, member(cast.editor, None)).await;
    assert_eq!(types(&out.events), ["member_changed"]);
    assert_eq!(out.inbox.len(), 1);
    assert_eq!(cast.media_version().await, before + 2);
    let refusal = refused(world.store.session(cast.editor.into(), cast.room.id).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    cast.done(cast.owner, make_client(cast.editor)).await;
    assert_eq!(role(cast.editor).await.0, PhotoRole::Client);
    cast.world.op(cast.room, cast.photographer, Change::Leave).await;
    assert_eq!(cast.media_version().await, before + 3);
    let leave = cast.world.try_op(cast.room, cast.owner, Change::Leave).await;
    assert_eq!(code(leave), ErrorCode::Conflict);
    let invite = Change::Invite { users: vec![cast.stranger.id] };
    assert_eq!(code(cast.world.try_op(cast.room, cast.owner, invite).await), ErrorCode::Forbidden);
    let join = Change::Join { link: None };
    let joined = cast.world.try_op(cast.room, cast.stranger, join).await;
    assert_eq!(code(joined), ErrorCode::Forbidden);
}

pub(in super::super) async fn sessions_open_among_the_rooms(world: World) {
    use crate::contract::NewSession;
    let cast = Cast::new(world, SessionSettings::default()).await;
    cast.world.say(cast.room, cast.owner, "hello").await;
    let id = salon_protocol::SessionId::new(Uuid::now_v7());
    let new = NewSession {
        id,
        user: cast.client.id,
        device: "phone".into(),
        refresh_hash: [0; 32],
        expires_at: START + 1_000,
    };
    cast.world.store.start_session(new).await.unwrap();
    let opened = cast.world.store.open(cast.client.id, id).await.unwrap();
    let OpenOutcome::Open(opening) = opened else { panic!("{opened:?}") };
    let [room] = &opening.rooms[..] else { panic!("{opening:?}") };
    assert_eq!((room.room, room.kind), (cast.room, RoomKind::PhotoSession));
    let unread = cast.world.store.unread(cast.client.key, &opening.rooms).await.unwrap();
    assert_eq!(unread[0].0.count, 0);
}

pub(in super::super) async fn a_pass_is_good_as_long_as_its_code(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let view = store.session(cast.guest, cast.room.id).await.unwrap();
    assert_eq!((view.info.role, view.info.settings), (PhotoRole::Guest, None));
    let code_of = async |who| {
        store.session(who, cast.room.id).await.map_err(|error| error.to_error_data().code)
    };
    assert_eq!(code_of(cast.stranger.into()).await.unwrap_err(), ErrorCode::Forbidden);
    let wrong = cast.with_pass(Pass { code_version: 8, guest: false });
    assert_eq!(code_of(wrong).await.unwrap_err(), ErrorCode::Forbidden);
    let page = crate::conformance::history(salon_protocol::LogId::Room(cast.room.id));
    assert_eq!(store.history(cast.guest, page.clone()).await.unwrap().events.len(), 4);
    let refusal = refused(store.history(cast.stranger.into(), page.clone()).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);

    // Guests off: accounts may come by the code as before.
    let guests_off = SessionSettings { guests: Some(false), ..SessionSettings::default() };
    let before = cast.media_version().await;
    let change = PhotoChange::Update { update: update(cast.room, guests_off), code: None };
    cast.done(cast.owner, change).await;
    assert_eq!(cast.media_version().await, before + 1);
    let account_less = cast.with_pass(Pass { code_version: VERSION, guest: true });
    assert_eq!(code_of(account_less).await.unwrap_err(), ErrorCode::Forbidden);
    assert!(code_of(cast.guest).await.is_ok());
    assert_eq!(code(cast.say(account_less, text("hi")).await), ErrorCode::Forbidden);

    // Another code.
    let renewed = PhotoChange::Update {
        update: update(cast.room, SessionSettings::default()),
        code: Some((8, [8; 32])),
    };
    assert_eq!(code(cast.ask(cast.editor, renewed.clone()).await), ErrorCode::Forbidden);
    let done = cast.done(cast.owner, renewed).await;
    let EventData::SessionUpdated(told) = &done.events[0].data else { panic!("{done:?}") };
    assert!(told.code && told.guests.is_none());
    assert_eq!(code_of(cast.guest).await.unwrap_err(), ErrorCode::Forbidden);
    assert!(code_of(wrong).await.is_ok(), "that is the new one");
    assert_eq!(store.session_by_code([8; 32]).await.unwrap(), Some((cast.room.id, 8)));

    // View off.
    let guest = Permissions { view: false, ..Permissions::default() };
    let permissions = Some(PermissionsByRole { guest, ..PermissionsByRole::default() });
    let settings = SessionSettings { permissions, ..SessionSettings::default() };
    cast.done(cast.owner, PhotoChange::Update { update: update(cast.room, settings), code: None })
        .await;
    assert_eq!(code_of(wrong).await.unwrap_err(), ErrorCode::Forbidden);
}

pub(in super::super) async fn settings_are_for_owners_and_some_for_editors(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let change = |settings| PhotoChange::Update { update: update(cast.room, settings), code: None };
    let none = SessionSettings::default;
    for owners in [
        SessionSettings { guests: Some(false), ..none() },
        SessionSettings { expires_at: Some(START + 5), ..none() },
        SessionSettings { viewers_max: Some(5), ..none() },
        SessionSettings { permissions: Some(super::all_permitted()), ..none() },
    ] {
        let refusal = cast.ask(cast.editor, change(owners.clone())).await;
        assert_eq!(code(refusal), ErrorCode::Forbidden);
        assert_eq!(types(&cast.done(cast.owner, change(owners)).await.events), ["session_updated"]);
    }
    let gate = SessionSettings { gate: Some(true), ..none() };
    let refusal = cast.ask(cast.photographer, change(gate.clone())).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden);
    let done = cast.done(cast.editor, change(gate.clone())).await;
    let again = cast.done(cast.editor, change(gate)).await;
    assert_eq!((again.events.len(), again.seq), (0, done.seq), "nothing changed");
    let mut title = update(cast.room, none());
    title.title = Some("party".into());
    cast.done(cast.editor, PhotoChange::Update { update: title, code: None }).await;
    let view = cast.world.store.session(cast.guest, cast.room.id).await.unwrap();
    assert_eq!((view.info.title.as_str(), view.viewers_max), ("party", 5));
    assert_eq!((view.info.gate, view.info.expires_at), (true, Some(START + 5)));
    // Somebody else's file is no watermark.
    let image = Some(super::photo_id());
    let watermark = salon_protocol::photo::Watermark { image, ..Default::default() };
    let marked = SessionSettings { watermark: Some(watermark), ..none() };
    assert_eq!(code(cast.ask(cast.owner, change(marked)).await), ErrorCode::BadRequest);
}

pub(in super::super) async fn a_closed_session_is_for_its_members(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let photo = cast.add(1).await;
    let close = |reason| PhotoChange::Close { reason };
    let refusal = cast.ask(cast.editor, close(CloseReason::Closed)).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden);
    let before = cast.media_version().await;
    let done = cast.done(cast.owner, close(CloseReason::Closed)).await;
    assert_eq!(types(&done.events), ["session_closed"]);
    assert_eq!(cast.done(cast.owner, close(CloseReason::Closed)).await.events, []);
    assert_eq!(cast.media_version().await, before + 1);
    let store = &cast.world.store;
    let refusal = refused(store.session(cast.guest, cast.room.id).await);
    assert_eq!(refusal.code, ErrorCode::Gone);
    assert_eq!(code(cast.say(cast.guest, text("hi")).await), ErrorCode::Gone);
    assert_eq!(
        refused(store.photo_list(cast.guest, super::list_of(cast.room)).await).code,
        ErrorCode::Gone
    );
    assert_eq!(cast.seen(cast.client).await, [photo]);
    cast.world.say(cast.room, cast.client, "bye").await;
    let upload = store.begin_upload(cast.photographer, super::file(cast.room, 2)).await;
    assert_eq!(refused(upload).code, ErrorCode::Gone);
    let delete = PhotoChange::Delete { photos: vec![photo] };
    assert_eq!(code(cast.ask(cast.owner, delete).await), ErrorCode::Gone);
    // What was begun ends all the same.
    let processed = PhotoChange::Processed { photo, variants: vec![2048], failed: None };
    assert_eq!(cast.done(cast.owner, processed).await.events.len(), 1);
}

pub(in super::super) async fn sessions_expire_and_are_forgotten(world: World) {
    let settings = SessionSettings { expires_at: Some(START + 1_000), ..Default::default() };
    let cast = Cast::new(world, settings).await;
    let (store, clock) = (&cast.world.store, &cast.world.clock);
    assert_eq!(store.expired_sessions(START + 999).await.unwrap(), []);
    clock.advance(1_000);
    let expired = store.expired_sessions(START + 1_000).await.unwrap();
    assert_eq!(expired, [(cast.room.id, cast.owner)]);
    // It is hidden before anybody has closed it.
    assert_eq!(refused(store.session(cast.guest, cast.room.id).await).code, ErrorCode::Gone);
    cast.done(cast.owner, PhotoChange::Close { reason: CloseReason::Expired }).await;
    assert_eq!(store.expired_sessions(START + 1_000).await.unwrap(), []);
    assert_eq!(store.forgotten_sessions(START + 1_000).await.unwrap(), []);
    assert_eq!(store.forgotten_sessions(START + 1_001).await.unwrap(), [cast.room.id]);
    let deleted = store.delete_session(None, cast.room.id).await.unwrap();
    assert_eq!((deleted.room, deleted.inbox.len()), (Some(cast.room), 4));
    assert_eq!(store.forgotten_sessions(START + 9_000).await.unwrap(), []);
}

pub(in super::super) async fn a_session_is_deleted(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let photo = cast.add(1).await;
    cast.say(cast.guest, cast.comment(photo, "nice")).await.unwrap();
    let open = refused(store.delete_session(Some(cast.owner), cast.room.id).await);
    assert_eq!(open.code, ErrorCode::Conflict);
    cast.done(cast.owner, PhotoChange::Close { reason: CloseReason::Deleted }).await;
    let refusal = refused(store.delete_session(Some(cast.editor), cast.room.id).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    let deleted = store.delete_session(Some(cast.owner), cast.room.id).await.unwrap();
    assert_eq!((deleted.room, deleted.inbox.len()), (Some(cast.room), 4));
    assert!(types(&cast.world.inbox(cast.client).await).contains(&"room_removed"));
    let again = store.delete_session(None, cast.room.id).await.unwrap();
    assert_eq!(again, Default::default());
    for who in [cast.guest, cast.owner.into()] {
        let refusal = refused(store.session(who, cast.room.id).await);
        assert_eq!(refusal.code, ErrorCode::Forbidden);
    }
    assert!(store.room(cast.room.id).await.unwrap().is_none());
    assert_eq!(store.photo_file(photo).await.unwrap().unwrap().state, None);
    assert_eq!(store.files_to_delete(9).await.unwrap(), [photo]);
    store.files_deleted(vec![photo]).await.unwrap();
    assert_eq!(store.files_to_delete(9).await.unwrap(), []);
    assert_eq!(
        code(cast.world.try_op(cast.room, cast.owner, send("?")).await),
        ErrorCode::Forbidden
    );
    let page = Page { cursor: None, limit: None };
    assert_eq!(store.photo_sessions(cast.owner, page).await.unwrap().items, []);
}
