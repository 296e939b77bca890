//! What a user asks of himself, his friends and his lists: one call to the store each.

use std::sync::Arc;

use salon_protocol::reply::{Empty, Friendship, History, Items, RoomInfo, RoomMade};
use salon_protocol::request::CreateRoom;
use salon_protocol::{ErrorData, Millis, Request, RoomId, UserId, limits, request};
use salon_storage::model::{Change, FriendChange, NewGroup, UserRef};
use salon_storage::{Result, StoreError};
use uuid::Uuid;

use crate::caller::{Answer, Caller, done};
use crate::node::Node;
use crate::publish::{Publish as _, Reach as _};
use crate::room::RoomRequest;

/// An outgoing request that was not answered is shown for so long.
const OUTGOING_SHOWN_MS: Millis = 30 * 24 * 3600 * 1000;

/// Serves a request; `None` when somebody else answers it.
pub(super) async fn serve(node: &Arc<Node>, caller: Caller, request: Request) -> Option<Answer> {
    let request = match crate::session::serve(node, caller, request).await {
        Ok(answer) => return answer,
        Err(request) => request,
    };
    let user = caller.user;
    let store = node.store();
    let limit = |limit: Option<usize>| limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    Some(match request {
        Request::JoinRoom(join) => return by_link(node, caller, join).await,
        Request::CreateRoom(create) => done(caller, create_room(node, user, create).await),
        Request::OpenDirect(peer) => done(caller, open_direct(node, user, peer.user).await),
        Request::RoomGet(room) => done(caller, room_get(node, user, room.room).await),
        Request::RoomMembers(page) => {
            let limit = limit(page.limit);
            done(caller, store.room_members(user, page.room, page.cursor.as_deref(), limit).await)
        }
        Request::History(page) => {
            done::<History>(caller, store.history(caller.visitor(), page).await)
        }
        Request::SearchMessages(query) => done(caller, store.search_messages(user, query).await),
        Request::Conversations(page) => done(caller, store.conversations(user, page).await),
        Request::ConversationUpdate(change) => {
            done(caller, update_conversation(node, user, change).await)
        }
        Request::Friends(page) => done(caller, friends(node, user, page).await),
        Request::FriendRequests(page) => {
            let since = node.now() - OUTGOING_SHOWN_MS;
            let (cursor, limit) = (page.cursor.as_deref(), limit(page.limit));
            let items = store.friend_requests(user, page.direction, since, cursor, limit).await;
            done(caller, items)
        }
        Request::SearchUsers(query) => {
            let limit = limit(query.limit);
            let found = store.search_users(user.id, &query.q, limit).await;
            done(caller, found.map(|items| Items { items, cursor: None }))
        }
        Request::UsersGet(get) => {
            let found = store.profiles(&get.ids).await;
            done(caller, found.map(|items| Items { items, cursor: None }))
        }
        request => match friend_change(request) {
            Some((peer, change)) => done(caller, friend(node, user, peer, change).await),
            None => {
                let text = "this request does not belong to a user";
                done::<Empty>(caller, Err(StoreError::Internal(text.into())))
            }
        },
    })
}

fn friend_change(request: Request) -> Option<(UserId, FriendChange)> {
    Some(match request {
        Request::FriendRequest(ask) => (ask.user, FriendChange::Request { message: ask.message }),
        Request::FriendAccept(one) => (one.user, FriendChange::Accept),
        Request::FriendReject(one) => (one.user, FriendChange::Reject),
        Request::FriendRemove(one) => (one.user, FriendChange::Remove),
        Request::FriendRemark(one) => (one.user, FriendChange::Remark { remark: one.remark }),
        Request::FriendBlock(one) => (one.user, FriendChange::Block { on: one.on }),
        _ => return None,
    })
}

async fn by_link(node: &Arc<Node>, caller: Caller, join: request::JoinRoom) -> Option<Answer> {
    let link = join.link.unwrap_or_default();
    match node.store().room_by_link(&link).await {
        Ok(Some(room)) => {
            let request = RoomRequest::Change(Change::Join { link: Some(link) });
            let asked = node.ask_room(room, caller, request);
            asked.err().map(|error| caller.answer::<Empty>(&Err(error)))
        }
        Ok(None) => Some(done::<Empty>(caller, Err(ErrorData::forbidden_room().into()))),
        Err(error) => Some(done::<Empty>(caller, Err(error))),
    }
}

async fn create_room(node: &Arc<Node>, user: UserRef, create: CreateRoom) -> Result<RoomMade> {
    let CreateRoom { cid, name, members, history, .. } = create;
    let new = NewGroup { id: RoomId::new(Uuid::now_v7()), cid, name, members, history };
    let made = node.store().create_group(user, new).await?;
    node.made(&made);
    Ok(RoomMade { room: made.room.id, duplicate: made.duplicate })
}

async fn open_direct(node: &Arc<Node>, user: UserRef, peer: UserId) -> Result<RoomMade> {
    let id = RoomId::new(Uuid::now_v7());
    let made = node.store().open_direct(user, peer, id).await?;
    node.made(&made);
    Ok(RoomMade { room: made.room.id, duplicate: false })
}

async fn room_get(node: &Arc<Node>, user: UserRef, room: RoomId) -> Result<RoomInfo> {
    let mut info = node.store().room_info(user, room).await?;
    if let Some(snapshot) = node.store().room(room).await? {
        info.online = match &snapshot.members {
            Some(members) => {
                let online = members.iter().filter(|one| node.presence().is_online(one.user.id));
                online.count() as u64
            }
            // In a large room sockets stand for members: nearly the same, and cheap.
            None => node.directory().sockets(snapshot.room.key).min(info.members),
        };
    }
    Ok(info)
}

async fn update_conversation(
    node: &Arc<Node>,
    user: UserRef,
    change: request::ConversationUpdate,
) -> Result<Empty> {
    let told = node.store().update_conversation(user, change).await?;
    node.publish_inbox(&told);
    Ok(Empty {})
}

async fn friends(
    node: &Arc<Node>,
    user: UserRef,
    page: request::Friends,
) -> Result<Items<salon_protocol::reply::FriendItem>> {
    let limit = page.limit.unwrap_or(limits::LIST_ITEMS_DEFAULT);
    let mut items = node.store().friends(user, page.blocked, page.cursor.as_deref(), limit).await?;
    if page.blocked {
        return Ok(items);
    }
    let watched = node.store().watchers(user).await?;
    for item in &mut items.items {
        // Who blocks one is a friend without presence.
        let visible = watched.contains(&item.user.id);
        item.online = visible && node.presence().is_online(item.user.id);
        item.last_seen = item.last_seen.filter(|_| visible && !item.online);
    }
    Ok(items)
}

async fn friend(
    node: &Arc<Node>,
    user: UserRef,
    peer: UserId,
    change: FriendChange,
) -> Result<Friendship> {
    let changed = node.store().change_friend(user, peer, change).await?;
    node.publish_inbox(&changed.inbox);
    if let Some(room) = changed.direct {
        node.refresh_room(room);
    }
    if let Some(see) = changed.see_each_other {
        node.presence().friendship(user.id, peer, see);
    }
    Ok(changed.state)
}
