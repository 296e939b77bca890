//! What is said in a session, by members and by viewers.

use salon_protocol::photo::{Permissions, PermissionsByRole, PhotoRole, PhotoState};
use salon_protocol::request::{PhotoComments, SessionSettings};
use salon_protocol::{ErrorCode, PhotoId};

use super::{Cast, edit, nobody, photo_id, photos, update};
use crate::conformance::{World, cid, code, refused, seqs, text, texts, types};
use crate::model::{Change, Committed, PhotoChange, RoomOp, Visitor};

fn page(cast: &Cast, photo: PhotoId) -> PhotoComments {
    PhotoComments { session: cast.room.id, photo, before: None, limit: Some(2) }
}

async fn silence(cast: &Cast, client: bool, guest: bool) {
    let permissions = PermissionsByRole {
        client: Permissions { comment: !client, ..Permissions::default() },
        guest: Permissions { comment: !guest, ..Permissions::default() },
    };
    let settings = SessionSettings { permissions: Some(permissions), ..Default::default() };
    let change = PhotoChange::Update { update: update(cast.room, settings), code: None };
    cast.done(cast.owner, change).await;
}

pub(in super::super) async fn viewers_say_something(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    cast.world.say(cast.room, cast.client, "by a member").await;
    let change = photos(PhotoChange::Say { cid: cid(), content: text("by a viewer") });
    let said = cast.by(cast.guest, change.clone()).await.unwrap();
    assert_eq!(types(&said.events), ["new_message"]);
    let again = cast.by(cast.guest, change).await.unwrap();
    assert_eq!((again.seq, again.at, again.duplicate), (said.seq, said.at, true));
    let expected = Committed { seq: said.seq, at: said.at, duplicate: true, ..Default::default() };
    assert_eq!(again, expected);
    let refusal = cast.say(cast.stranger.into(), text("?")).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden);
    let send = Change::Send { cid: cid(), content: text("?") };
    let refusal = cast.by(cast.guest, send).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden, "that is the members' way");

    let like = Change::React { seq: said.seq, emoji: "👍".into(), on: true };
    cast.by(cast.guest, like.clone()).await.unwrap();
    let edit = Change::Edit { seq: said.seq, cid: None, text: "by him".into() };
    cast.by(cast.guest, edit.clone()).await.unwrap();
    let of_member = Change::Recall { seq: said.seq - 1 };
    assert_eq!(code(cast.by(cast.guest, of_member).await), ErrorCode::Forbidden);
    let events = cast.world.page(cast.client, cast.room).await;
    assert_eq!(texts(&events), ["by a member", "by him"]);
    for change in [
        Change::Leave,
        Change::Kick { user: cast.client.id },
        Change::Mute { user: cast.client.id, until: i64::MAX },
        photos(PhotoChange::Delete { photos: vec![photo_id()] }),
        photos(PhotoChange::Close { reason: salon_protocol::event::CloseReason::Closed }),
        photos(PhotoChange::Member { user: cast.guest.user.id, role: Some(PhotoRole::Editor) }),
    ] {
        assert_eq!(code(cast.by(cast.guest, change).await), ErrorCode::Forbidden);
    }
    // The permission is gone.
    silence(&cast, false, true).await;
    for change in [like, edit] {
        assert_eq!(code(cast.by(cast.guest, change).await), ErrorCode::Forbidden);
    }
    assert_eq!(code(cast.say(cast.guest, text("?")).await), ErrorCode::Forbidden);
    cast.by(cast.guest, Change::Recall { seq: said.seq }).await.unwrap();
    let other = cast.world.group(cast.owner, &[]).await;
    let op = RoomOp::new(cast.owner, photos(PhotoChange::Delete { photos: vec![photo_id()] }));
    let answer = cast.world.store.commit(other, vec![op]).await.unwrap().remove(0);
    assert_eq!(code(answer), ErrorCode::Forbidden, "a group has no photos");
}

pub(in super::super) async fn clients_are_silent_where_they_may_not_comment(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    silence(&cast, true, false).await;
    let send = || Change::Send { cid: cid(), content: text("hi") };
    let by_client = cast.world.try_op(cast.room, cast.client, send()).await;
    assert_eq!(code(by_client), ErrorCode::Forbidden);
    assert_eq!(code(cast.say(cast.client.into(), text("hi")).await), ErrorCode::Forbidden);
    cast.world.op(cast.room, cast.photographer, send()).await;
    let unmute = Change::Mute { user: cast.client.id, until: 0 };
    let refusal = cast.world.try_op(cast.room, cast.editor, unmute).await;
    assert_eq!(code(refusal), ErrorCode::Conflict);
    let role = |user, role| PhotoChange::Member { user, role: Some(role) };
    cast.done(cast.owner, role(cast.client.id, PhotoRole::Photographer)).await;
    cast.world.op(cast.room, cast.client, send()).await;
    cast.done(cast.owner, role(cast.client.id, PhotoRole::Client)).await;
    cast.done(cast.owner, role(cast.stranger.id, PhotoRole::Client)).await;
    for user in [cast.client, cast.stranger] {
        let refusal = cast.world.try_op(cast.room, user, send()).await;
        assert_eq!(code(refusal), ErrorCode::Forbidden);
    }
    silence(&cast, false, false).await;
    cast.world.op(cast.room, cast.client, send()).await;
    // A mute is a mute.
    let mute = Change::Mute { user: cast.client.id, until: i64::MAX / 2 };
    cast.world.op(cast.room, cast.editor, mute).await;
    assert_eq!(code(cast.say(cast.client.into(), text("hi")).await), ErrorCode::Forbidden);
}

pub(in super::super) async fn photos_are_commented(world: World) {
    let cast = Cast::gated(world).await;
    let (store, photo) = (&cast.world.store, cast.add(1).await);
    let pending = cast.say(cast.guest, cast.comment(photo, "?")).await;
    assert_eq!(code(pending), ErrorCode::NotFound);
    let early = cast.say(cast.photographer.into(), cast.comment(photo, "mine")).await;
    assert_eq!(code(early), ErrorCode::NotFound, "all would hear it");
    assert_eq!(
        refused(store.photo_comments(cast.guest, page(&cast, photo)).await).code,
        ErrorCode::NotFound
    );
    let mut show = edit(cast.room, &[photo]);
    show.state = Some(PhotoState::Live);
    cast.done(cast.editor, PhotoChange::Edit(show.clone())).await;
    cast.say(cast.photographer.into(), cast.comment(photo, "mine")).await.unwrap();
    let unknown = cast.say(cast.guest, cast.comment(photo_id(), "?")).await;
    assert_eq!(code(unknown), ErrorCode::NotFound);
    let mut said = Vec::new();
    for words in ["one", "two"] {
        let done = cast.say(cast.guest, cast.comment(photo, words)).await.unwrap();
        said.push(done.seq);
    }
    let newest = store.photo_comments(cast.guest, page(&cast, photo)).await.unwrap();
    assert_eq!((seqs(&newest.events), newest.more), (said.clone(), true));
    let before = PhotoComments { before: Some(said[0]), ..page(&cast, photo) };
    let older = store.photo_comments(cast.client.into(), before).await.unwrap();
    assert_eq!((texts(&older.events), older.more), (vec!["mine".to_owned()], false));
    let comments = async || cast.listed(cast.guest).await[0].comments;
    assert_eq!(comments().await, Some(3));
    let recall = Change::Recall { seq: said[0] };
    cast.by(cast.guest, recall.clone()).await.unwrap();
    cast.by(cast.guest, recall).await.unwrap();
    assert_eq!(comments().await, Some(2));
    let newest = store.photo_comments(cast.guest, page(&cast, photo)).await.unwrap();
    assert_eq!(texts(&newest.events), ["mine", "two"]);
    let stranger: Visitor = nobody().into();
    let refusal = refused(store.photo_comments(stranger, page(&cast, photo)).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    show.state = Some(PhotoState::Hidden);
    cast.done(cast.editor, PhotoChange::Edit(show)).await;
    let hidden = refused(store.photo_comments(cast.guest, page(&cast, photo)).await);
    assert_eq!(hidden.code, ErrorCode::NotFound);
}

pub(in super::super) async fn members_find_what_was_said(world: World) {
    use salon_protocol::request::SearchMessages;
    let cast = Cast::new(world, SessionSettings::default()).await;
    cast.say(cast.guest, text("marvellous")).await.unwrap();
    cast.world.store.search_settled(&[cast.room.id]).await.unwrap();
    let find = async |user| {
        let query = SearchMessages {
            q: "marvellous".into(),
            room: None,
            sender: None,
            cursor: None,
            limit: None,
        };
        cast.world.store.search_messages(user, query).await.unwrap().items.len()
    };
    assert_eq!((find(cast.client).await, find(cast.guest.user).await), (1, 0));
}
