//! Requests that our own clients do not write so, and that mean something all the same.

use salon_protocol::Request;
use salon_protocol::content::MessageKind;
use salon_protocol::request::*;

use crate::book::{Vector, msgpack_of, odd_request, unhex};
use crate::people::*;

pub(crate) fn all() -> Vec<Vector> {
    let room = club();
    let read = |seq| Request::MessageRead(OneMessage { room, seq });
    let same = |json: &str| msgpack_of(json);
    let mut all = Vec::new();
    let mut odd = |name, about, json: &str, msgpack: Option<Vec<u8>>, reference, value| {
        let msgpack = msgpack.unwrap_or_else(|| same(json));
        all.push(odd_request(name, about, (json, msgpack), reference, value));
    };
    odd(
        "odd_unknown_fields",
        "Unknown fields are ignored, in the envelope and in the data.",
        &format!(
            r#"{{"data":{{"room":"{room}","seq":42,"new":[{{}}]}},"new":null,"ref":46,"type":"message_read"}}"#
        ),
        None,
        Some(46),
        read(42),
    );
    odd(
        "odd_order_and_space",
        "The order of keys and white space mean nothing; upper case in an id neither.",
        &format!(
            " {{ \"data\" :\n{{\"seq\": 42, \"room\":\"{}\"}},\t\"ref\":46,\"type\":\"message_read\" }} ",
            room.to_string().to_uppercase(),
        ),
        None,
        Some(46),
        read(42),
    );
    odd(
        "odd_escapes",
        "Escapes in JSON are resolved, in names too.",
        &format!(
            r#"{{"\u0074ype":"message\u005fread","ref":46,"data":{{"r\u006fom":"{room}","seq":42}}}}"#
        ),
        None,
        Some(46),
        read(42),
    );
    odd(
        "odd_largest_numbers",
        "The largest `ref` and the largest position.",
        &format!(
            r#"{{"type":"message_read","ref":9007199254740991,"data":{{"room":"{room}","seq":9007199254740991}}}}"#
        ),
        None,
        Some(9_007_199_254_740_991),
        read(9_007_199_254_740_991),
    );
    odd(
        "odd_null_is_absent",
        "Null is the same as absent.",
        &format!(
            r#"{{"type":"create_room","ref":null,"data":{{"cid":"{}","name":"Club","members":null,"kind":null,"history":null}}}}"#,
            cid(1),
        ),
        None,
        None,
        Request::CreateRoom(CreateRoom {
            cid: cid(1),
            name: "Club".into(),
            members: Vec::new(),
            kind: GroupOnly::Group,
            history: salon_protocol::content::HistoryFor::SinceJoin,
        }),
    );
    odd(
        "odd_absent",
        "The same with the fields left out.",
        &format!(r#"{{"type":"create_room","data":{{"cid":"{}","name":"Club"}}}}"#, cid(1)),
        None,
        None,
        Request::CreateRoom(CreateRoom {
            cid: cid(1),
            name: "Club".into(),
            members: Vec::new(),
            kind: GroupOnly::Group,
            history: salon_protocol::content::HistoryFor::SinceJoin,
        }),
    );
    odd(
        "odd_no_data",
        "No `data` is an empty map.",
        r#"{"type":"friends"}"#,
        None,
        None,
        Request::Friends(Friends::default()),
    );
    odd(
        "odd_null_data",
        "Null is one, too.",
        r#"{"data":null,"type":"ping"}"#,
        None,
        None,
        Request::Ping(TypeOnly {}),
    );
    odd(
        "odd_block_by_default",
        "`on` is true when it is absent or null.",
        &format!(r#"{{"type":"friend_block","data":{{"user":"{}","on":null}}}}"#, eve()),
        None,
        None,
        Request::FriendBlock(FriendBlock { user: eve(), on: true }),
    );
    odd(
        "odd_wide_numbers",
        "In MessagePack every width of integers and lengths is read: here 64 bits, str 32, map 32.",
        r#"{"type":"ping","ref":7}"#,
        Some(unhex("df00000002db0000000474797065da000470696e67d903726566cf0000000000000007")),
        Some(7),
        Request::Ping(TypeOnly {}),
    );
    odd(
        "odd_signed_number",
        "A positive number may come in a signed width.",
        r#"{"type":"ping","ref":7}"#,
        Some(unhex("82a474797065a470696e67a3726566d107".replace("d107", "d10007").as_str())),
        Some(7),
        Request::Ping(TypeOnly {}),
    );
    let twice = Positions(vec![(room, 1), (room, 2)]);
    let json =
        format!(r#"{{"type":"message_delivered","data":{{"rooms":{{"{room}":1,"{room}":2}}}}}}"#);
    let mut msgpack = unhex("82a474797065b1");
    msgpack.extend(b"message_delivered\xa4data\x81\xa5rooms\x82");
    for seq in [1, 2] {
        msgpack.extend(b"\xd9\x24");
        msgpack.extend(room.to_string().as_bytes());
        msgpack.push(seq);
    }
    odd(
        "odd_room_twice",
        "A room that is named twice in a map of positions: both count, and cursors never go back.",
        &json,
        Some(msgpack),
        None,
        Request::MessageDelivered(MessageDelivered { rooms: twice }),
    );
    let deep = format!("{}{}", "[".repeat(28), "]".repeat(28));
    let body = serde_json::from_str(&format!("{{\"a\":{deep}}}")).unwrap();
    odd(
        "odd_deepest",
        "Nesting of 31 levels, the frame included; 32 are allowed.",
        &format!(
            r#"{{"type":"send_message","data":{{"room":"{room}","cid":"{}","kind":"custom","body":{{"a":{deep}}}}}}}"#,
            cid(5),
        ),
        None,
        None,
        Request::SendMessage(SendMessage {
            room,
            cid: cid(5),
            kind: MessageKind::Custom,
            text: None,
            body: Some(body),
            reply_to: None,
            mentions: None,
        }),
    );
    all
}
