//! The AsyncAPI 3.0 document of the socket, made from the types (feature `schema`).
//!
//! A request and an event are named after their frame type, a signal `<type>_signal` (a client asks
//! for `typing` and is sent `typing`), the answer to a request `<request>_ok`. Schemas keep to
//! draft 07, the base of AsyncAPI's own.

use schemars::{Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::close_code::Bye;
use crate::error_code::ErrorData;
use crate::ids::INTEGER_MAX;
use crate::reply::AuthRenewed;
use crate::{CloseCode, event, request, signal};

pub(crate) struct RequestSchema {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) data: Schema,
    pub(crate) reply: Schema,
}

pub(crate) struct PushSchema {
    pub(crate) name: &'static str,
    pub(crate) about: &'static str,
    pub(crate) data: Schema,
}

/// The document. `version` is that of the server.
pub fn asyncapi(version: &str) -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut document = Document::default();
    for request in request::schemas(&mut generator) {
        document.request(request);
    }
    let in_log = json!({
        "room": { "type": "string", "description": "a room's id, or \"inbox\"" },
        "seq": { "type": "integer", "minimum": 1 },
        "at": { "type": "integer", "description": "epoch milliseconds" },
    });
    for push in event::schemas(&mut generator) {
        document.push(push.name, &push, &in_log, &["type", "room", "seq", "at", "data"]);
    }
    let in_room = json!({ "room": { "type": "string", "description": "a room's id, if any" } });
    for push in signal::schemas(&mut generator) {
        let key = format!("{}_signal", push.name);
        document.push(&key, &push, &in_room, &["type", "data"]);
    }
    document.answers(&mut generator);
    document.finish(version, generator)
}

#[derive(Default)]
struct Document {
    messages: Map<String, Value>,
    operations: Map<String, Value>,
}

impl Document {
    fn request(&mut self, request: RequestSchema) {
        let RequestSchema { name, about, data, reply } = request;
        let reference = json!({ "ref": reference() });
        self.message(name, about, &reference, &["type"], name, data);
        let ok = format!("{name}_ok");
        self.message(&ok, "The answer.", &reference, &["type", "data"], "ok", reply);
        let mut answers = vec![pointer(&ok), pointer("error")];
        if name == "auth" {
            answers.push(pointer("auth_renewed"));
        }
        let operation = json!({
            "action": "receive",
            "summary": about.trim(),
            "channel": { "$ref": "#/channels/socket" },
            "messages": [pointer(name)],
            "reply": {
                "channel": { "$ref": "#/channels/socket" },
                "messages": answers,
            },
        });
        self.operations.insert(name.into(), operation);
    }

    fn push(&mut self, key: &str, push: &PushSchema, envelope: &Value, required: &[&str]) {
        self.message(key, push.about, envelope, required, push.name, push.data.clone());
        self.sends(key, push.about);
    }

    fn answers(&mut self, generator: &mut SchemaGenerator) {
        let reference = json!({ "ref": reference() });
        let required = ["type", "data"];
        let renewed = generator.subschema_for::<AuthRenewed>();
        let about = "The answer to a second auth on the same socket.";
        self.message("auth_renewed", about, &reference, &required, "ok", renewed);
        let error = generator.subschema_for::<ErrorData>();
        self.message("error", "It was not done.", &reference, &required, "error", error);
        let codes: Vec<String> = CloseCode::ALL
            .iter()
            .map(|code| format!("{} {} ({:?})", code.code(), code.reason(), code.reconnect()))
            .collect();
        let about = format!("The socket is about to be closed: {}.", codes.join("; "));
        let bye = generator.subschema_for::<Bye>();
        self.message("bye", &about, &json!({}), &required, "bye", bye);
        self.sends("bye", &about);
    }

    fn sends(&mut self, name: &str, about: &str) {
        let operation = json!({
            "action": "send",
            "summary": about.trim(),
            "channel": { "$ref": "#/channels/socket" },
            "messages": [pointer(name)],
        });
        self.operations.insert(name.into(), operation);
    }

    fn message(
        &mut self,
        name: &str,
        about: &str,
        envelope: &Value,
        required: &[&str],
        kind: &str,
        data: Schema,
    ) {
        let mut properties = Map::from_iter([("type".to_owned(), json!({ "const": kind }))]);
        properties.extend(envelope.as_object().cloned().unwrap_or_default());
        properties.insert("data".into(), data.to_value());
        let message = json!({
            "name": name,
            "summary": about.trim(),
            "payload": { "type": "object", "required": required, "properties": properties },
        });
        self.messages.insert(name.into(), message);
    }

    fn finish(self, version: &str, mut generator: SchemaGenerator) -> Value {
        json!({
            "asyncapi": "3.0.0",
            "info": {
                "title": "Salon's socket",
                "version": version,
                "description": "Text frames are JSON, binary frames are MessagePack (maps with \
                    names); the server answers in the encoding of the first frame. The rules \
                    beside the shapes are in PROTOCOL.md.",
            },
            "defaultContentType": "application/json",
            "channels": { "socket": {
                "address": "/ws",
                "messages": self.messages,
                "bindings": { "ws": { "method": "GET" } },
            } },
            "operations": self.operations,
            "components": { "schemas": generator.take_definitions(true) },
        })
    }
}

fn reference() -> Value {
    json!({
        "type": "integer", "minimum": 0, "maximum": INTEGER_MAX,
        "description": "the client's number, echoed in the answer",
    })
}

fn pointer(message: &str) -> Value {
    json!({ "$ref": format!("#/channels/socket/messages/{message}") })
}
