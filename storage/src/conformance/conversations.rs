//! What a user sees of his rooms.

use salon_protocol::content::RoomKind;
use salon_protocol::limits::UNREAD_MAX;
use salon_protocol::request::{ConversationUpdate, Page, SearchMessages};
use salon_protocol::{ErrorCode, EventData, RoomId, SessionId};
use uuid::Uuid;

use super::{START, World, refused, send, texts};
use crate::contract::{NewSession, Which};
use crate::model::{
    AccountChange, AccountStatus, Change, CursorUpdate, OpenOutcome, RoomOp, RoomRef, UserRef,
};

async fn login(world: &World, user: UserRef) -> SessionId {
    let id = SessionId::new(Uuid::now_v7());
    let new = NewSession {
        id,
        user: user.id,
        device: "phone".into(),
        refresh_hash: [0; 32],
        expires_at: START + 1_000_000,
    };
    world.store.start_session(new).await.unwrap();
    id
}

pub(super) async fn a_socket_opens_with_everything(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    world.befriend(ann, bob).await;
    let old = world.group(bob, &[ann]).await;
    world.clock.advance(1_000);
    let direct =
        world.store.open_direct(bob, ann.id, RoomId::new(Uuid::now_v7())).await.unwrap().room;
    world.clock.advance(1_000);
    world.say(old, bob, "newest").await;
    let gone = world.group(bob, &[ann]).await;
    world.op(gone, ann, Change::Leave).await;

    let session = login(&world, ann).await;
    let OpenOutcome::Open(opening) = world.store.open(ann.id, session).await.unwrap() else {
        panic!("the login is valid");
    };
    assert_eq!((opening.account.user, opening.device.as_str()), (ann, "phone"));
    let inbox = world.inbox(ann).await;
    assert_eq!((opening.inbox_first, opening.inbox_head), (1, inbox.len() as u64));
    let rooms: Vec<_> = opening.rooms.iter().map(|room| (room.room, room.head)).collect();
    assert_eq!(rooms, [(old, 2), (direct, 1)]);
    assert_eq!(opening.rooms[0].head_at, START + 2_000);
    assert_eq!(opening.rooms[1].kind, RoomKind::Direct);
    assert_eq!(opening.friends, [bob.id]);
    let unread = world.store.unread(ann.key, &opening.rooms).await.unwrap();
    assert_eq!((unread[0].0.count, &unread[0].1), (1, &None));
    let peer = unread[1].1.as_ref().unwrap();
    assert_eq!((peer.user, peer.read), (bob.id, 1));
}

pub(super) async fn ended_sessions_do_not_open(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let session = login(&world, ann).await;
    assert_eq!(world.store.open(bob.id, session).await.unwrap(), OpenOutcome::Ended);
    let OpenOutcome::Open(opening) = world.store.open(ann.id, session).await.unwrap() else {
        panic!("the login is valid");
    };
    assert_eq!((opening.inbox_first, opening.inbox_head, opening.rooms.len()), (1, 0, 0));
    let disable =
        AccountChange { status: Some(AccountStatus::Disabled), ..AccountChange::default() };
    world.store.update_account(ann.id, disable).await.unwrap();
    assert_eq!(world.store.open(ann.id, session).await.unwrap(), OpenOutcome::Disabled);
    world.store.end_sessions(ann.id, Which::One(session)).await.unwrap();
    assert_eq!(world.store.open(ann.id, session).await.unwrap(), OpenOutcome::Ended);
}

/// However many sockets come at once, each gets what is its user's.
pub(super) async fn many_sessions_open_at_once(world: World) {
    let host = world.user("host").await;
    let mut asked = Vec::new();
    for number in 0..20 {
        let user = world.user(&format!("user{number}")).await;
        let session = login(&world, user).await;
        let mut rooms = Vec::new();
        for _ in 0..number % 4 {
            rooms.push(world.group(host, &[user]).await);
        }
        match number % 5 {
            3 => drop(world.store.end_sessions(user.id, Which::One(session)).await.unwrap()),
            4 => world.befriend(user, host).await,
            _ => {}
        }
        asked.push((number, user, session, rooms));
    }
    let open = asked.iter().map(|(_, user, session, _)| world.store.open(user.id, *session));
    let outcomes = futures_util::future::join_all(open).await;
    for ((number, user, _, mut rooms), outcome) in asked.into_iter().zip(outcomes) {
        let outcome = outcome.unwrap();
        if number % 5 == 3 {
            assert_eq!(outcome, OpenOutcome::Ended);
            continue;
        }
        let OpenOutcome::Open(opening) = outcome else { panic!("{outcome:?}") };
        assert_eq!(opening.account.user, user);
        rooms.reverse();
        let opened: Vec<RoomRef> = opening.rooms.iter().map(|room| room.room).collect();
        assert_eq!(opened, rooms);
        assert_eq!(opening.friends.contains(&host.id), number % 5 == 4);
        assert_eq!(opening.inbox_head, world.inbox(user).await.len() as u64);
    }
}

async fn unread(world: &World, user: UserRef, room: RoomRef) -> (u64, bool) {
    let page = Page { cursor: None, limit: Some(100) };
    let page = world.store.conversations(user, page).await.unwrap();
    let item = page.items.iter().find(|item| item.room == room.id).unwrap();
    (item.unread, item.unread_more)
}

pub(super) async fn unread_counts_others_above_the_cursor(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    for text in ["one", "two", "three"] {
        world.say(room, ann, text).await;
    }
    world.say(room, bob, "mine").await;
    world.op(room, ann, Change::React { seq: 2, emoji: "👍".into(), on: true }).await;
    assert_eq!(unread(&world, bob, room).await, (3, false));
    assert_eq!(unread(&world, ann, room).await, (1, false));
    world.op(room, ann, Change::Recall { seq: 3 }).await;
    assert_eq!(unread(&world, bob, room).await, (2, false));
    let read = CursorUpdate { room: room.key, user: bob.key, read: 2, delivered: 2 };
    world.store.save_cursors(vec![read]).await.unwrap();
    assert_eq!(unread(&world, bob, room).await, (1, false));
    let many = (0..=UNREAD_MAX).map(|_| RoomOp::new(ann, send("x"))).collect();
    world.store.commit(room, many).await.unwrap();
    assert_eq!(unread(&world, bob, room).await, (UNREAD_MAX, true));
    // What was said before one came is not unread.
    let eve = world.user("eve").await;
    world.op(room, ann, Change::Invite { users: vec![eve.id] }).await;
    assert_eq!(unread(&world, eve, room).await, (0, false));
}

pub(super) async fn conversations_are_ordered(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let mut rooms = Vec::new();
    for _ in 0..5 {
        world.clock.advance(10);
        rooms.push(world.group(bob, &[ann]).await);
    }
    world.clock.advance(10);
    world.say(rooms[1], bob, "newest").await;
    pin(&world, ann, rooms[0], true).await;
    let (mut seen, mut cursor, mut total) = (Vec::new(), None, None);
    loop {
        let page = Page { cursor, limit: Some(2) };
        let page = world.store.conversations(ann, page).await.unwrap();
        seen.extend(page.items.iter().map(|item| (item.room, item.pinned)));
        total = total.or(page.total_unread);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    let expected = [0, 1, 4, 3, 2].map(|at: usize| (rooms[at].id, at == 0));
    assert_eq!((seen, total), (expected.to_vec(), Some(1)));
}

fn change(room: RoomRef) -> ConversationUpdate {
    ConversationUpdate { room: room.id, muted: None, pinned: None, hidden: None, draft: None }
}

async fn pin(world: &World, user: UserRef, room: RoomRef, pinned: bool) {
    let change = ConversationUpdate { pinned: Some(pinned), ..change(room) };
    world.store.update_conversation(user, change).await.unwrap();
}

pub(super) async fn conversations_hide_until_the_next_message(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(bob, &[ann]).await;
    world.say(room, bob, "one").await;
    let listed = async || {
        let page = world.store.conversations(ann, Page::default()).await.unwrap();
        page.items.iter().map(|item| texts(item.last.as_slice())).collect::<Vec<_>>()
    };
    assert_eq!(listed().await, [["one"]]);
    let hide = ConversationUpdate { hidden: Some(true), ..change(room) };
    world.store.update_conversation(ann, hide.clone()).await.unwrap();
    assert!(listed().await.is_empty());
    world.op(room, bob, Change::React { seq: 2, emoji: "👍".into(), on: true }).await;
    assert!(listed().await.is_empty(), "only a message brings it back");
    world.say(room, bob, "two").await;
    assert_eq!(listed().await, [["two"]]);
    world.store.update_conversation(ann, hide).await.unwrap();
    assert!(listed().await.is_empty(), "and it can be hidden again");
}

pub(super) async fn drafts_and_mutes_are_kept(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(bob, &[ann]).await;
    world.say(room, bob, "one").await;
    let update =
        ConversationUpdate { muted: Some(true), draft: Some("dear".into()), ..change(room) };
    let told = world.store.update_conversation(ann, update.clone()).await.unwrap();
    let EventData::ConversationUpdated(event) = &told[0].event.data else { panic!() };
    assert_eq!(
        (event.muted, event.draft.as_deref(), event.pinned),
        (Some(true), Some("dear"), None)
    );
    assert_eq!(world.store.update_conversation(ann, update).await.unwrap(), []);
    let page = world.store.conversations(ann, Page::default()).await.unwrap();
    assert_eq!((page.items[0].muted, page.items[0].draft.as_deref()), (true, Some("dear")));
    assert_eq!(page.total_unread, Some(0), "a muted room does not count");
    let clear = ConversationUpdate { draft: Some(String::new()), ..change(room) };
    world.store.update_conversation(ann, clear).await.unwrap();
    let page = world.store.conversations(ann, Page::default()).await.unwrap();
    assert_eq!(page.items[0].draft.as_deref().unwrap_or(""), "");
    let stranger = world.user("stranger").await;
    let foreign = world.store.update_conversation(stranger, change(room)).await;
    assert_eq!(refused(foreign).code, ErrorCode::Forbidden);
}

fn search(q: &str) -> SearchMessages {
    SearchMessages { q: q.into(), room: None, sender: None, cursor: None, limit: Some(10) }
}

async fn found(
    world: &World,
    user: UserRef,
    query: SearchMessages,
    rooms: &[RoomRef],
) -> Vec<String> {
    let rooms: Vec<RoomId> = rooms.iter().map(|room| room.id).collect();
    world.store.search_settled(&rooms).await.unwrap();
    texts(&world.store.search_messages(user, query).await.unwrap().items)
}

pub(super) async fn words_are_found(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let (tea, coffee) = (world.group(ann, &[bob]).await, world.group(ann, &[bob]).await);
    for (room, by, text) in [
        (coffee, ann, "Tomorrow at the harbour, Bob!"),
        (tea, bob, "the harbour is closed"),
        (tea, ann, "我喜欢你的照片"),
        (tea, ann, "nothing \"quoted\" OR 'so' AND NOT * ("),
    ] {
        world.clock.advance(10);
        world.say(room, by, text).await;
    }
    let rooms = [tea, coffee];
    let find = async |query| found(&world, bob, query, &rooms).await;
    let (newer, older) = ("the harbour is closed", "Tomorrow at the harbour, Bob!");
    assert_eq!(find(search("HARBOUR")).await, [newer, older]);
    assert_eq!(find(search("harb")).await, [newer, older]);
    assert_eq!(find(search("harb ")).await, [""; 0]);
    assert_eq!(find(search("closed harbour")).await, [newer]);
    assert_eq!(find(search("照片")).await, ["我喜欢你的照片"]);
    assert_eq!(find(search("quoted\" OR *")).await.len(), 1);
    let in_room = SearchMessages { room: Some(coffee.id), ..search("harbour") };
    assert_eq!(find(in_room).await, [older]);
    let by_sender = SearchMessages { sender: Some(bob.id), ..search("harbour") };
    assert_eq!(find(by_sender).await, [newer]);
    let nothing = world.store.search_messages(bob, search("!?")).await;
    assert_eq!(refused(nothing).code, ErrorCode::BadRequest);
}

pub(super) async fn what_was_recalled_is_not_found(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    let seq = world.say(room, ann, "first secret").await.seq;
    assert_eq!(found(&world, ann, search("secret"), &[room]).await, ["first secret"]);
    let edit = Change::Edit { seq, cid: None, text: "second word".into() };
    world.op(room, ann, edit).await;
    // Before the index has followed, the log decides.
    let early = world.store.search_messages(ann, search("first")).await.unwrap();
    assert!(!texts(&early.items).contains(&"first secret".to_owned()));
    assert_eq!(found(&world, ann, search("first"), &[room]).await, [""; 0]);
    assert_eq!(found(&world, ann, search("second"), &[room]).await, ["second word"]);
    world.op(room, ann, Change::Recall { seq }).await;
    assert_eq!(world.store.search_messages(ann, search("second")).await.unwrap().items, []);
    assert_eq!(found(&world, ann, search("second"), &[room]).await, [""; 0]);
}

pub(super) async fn others_rooms_are_not_found(world: World) {
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[]).await;
    world.say(room, ann, "harbour before").await;
    assert_eq!(found(&world, bob, search("harbour"), &[room]).await, [""; 0]);
    let foreign = SearchMessages { room: Some(room.id), ..search("harbour") };
    let refusal = refused(world.store.search_messages(bob, foreign).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    world.op(room, ann, Change::Invite { users: vec![bob.id] }).await;
    world.say(room, ann, "harbour after").await;
    assert_eq!(found(&world, bob, search("harbour"), &[room]).await, ["harbour after"]);
    world.op(room, ann, Change::Kick { user: bob.id }).await;
    assert_eq!(found(&world, bob, search("harbour"), &[room]).await, [""; 0]);
}

pub(super) async fn hits_have_pages(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    for number in 0..7 {
        world.clock.advance(1);
        let seq = world.say(room, ann, &format!("word {number}")).await.seq;
        if number == 3 {
            world.op(room, ann, Change::Recall { seq }).await;
        }
    }
    world.store.search_settled(&[room.id]).await.unwrap();
    let (mut seen, mut cursor) = (Vec::new(), None);
    loop {
        let query = SearchMessages { cursor, limit: Some(2), ..search("word") };
        let page = world.store.search_messages(ann, query).await.unwrap();
        seen.extend(texts(&page.items));
        assert!(page.items.len() <= 2);
        cursor = page.cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["word 6", "word 5", "word 4", "word 2", "word 1", "word 0"]);
}

pub(super) async fn a_room_is_no_word(world: World) {
    let ann = world.user("ann").await;
    let room = world.group(ann, &[]).await;
    world.say(room, ann, "hello").await;
    // However the index names a room: nobody finds all of it by its name.
    for name in ["", "room", "zz"] {
        for query in [format!("{name}{}", room.key.0), format!("room{}{name}", room.key.0)] {
            if !query.is_empty() {
                assert_eq!(found(&world, ann, search(&query), &[room]).await, [""; 0], "{query}");
            }
        }
    }
}

pub(super) async fn a_page_of_hits_ends_early(world: World) {
    const MESSAGES: usize = 2_300;
    let (ann, bob) = (world.user("ann").await, world.user("bob").await);
    let room = world.group(ann, &[bob]).await;
    world.say(room, bob, "word of bob").await;
    world.clock.advance(1);
    let say = || RoomOp::new(ann, send("word of ann"));
    world.store.commit(room, (0..MESSAGES).map(|_| say()).collect()).await.unwrap();
    world.store.search_settled(&[room.id]).await.unwrap();
    let of_bob =
        |cursor| SearchMessages { sender: Some(bob.id), limit: Some(1), cursor, ..search("word") };
    let first = world.store.search_messages(ann, of_bob(None)).await.unwrap();
    assert_eq!(first.items, [], "one request does not compare everything");
    assert!(first.cursor.is_some());
    let next = world.store.search_messages(ann, of_bob(first.cursor)).await.unwrap();
    assert_eq!(texts(&next.items), ["word of bob"]);
}
