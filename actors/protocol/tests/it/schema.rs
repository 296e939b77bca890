//! The AsyncAPI document describes every frame, and every vector is as it says.

use salon_protocol::schema::asyncapi;
use salon_protocol::{EventData, Request, SignalData};
use serde_json::{Value, json};

use crate::book::{CLIENT, Entry};
use crate::document::table;
use crate::vectors::on_disk;

/// How the document calls the message that a vector is.
fn message_of(entry: &Entry) -> String {
    let kind = &entry.kind;
    match (entry.answers.as_deref(), entry.name.as_str()) {
        (_, "auth_ok_renewed") => "auth_renewed".into(),
        (Some(request), _) => format!("{request}_ok"),
        // An event has a position, and one of them has the name of a signal.
        _ if entry.direction != CLIENT
            && SignalData::NAMES.contains(&kind.as_str())
            && serde_json::from_str::<Value>(&entry.json).unwrap()["seq"].is_null() =>
        {
            format!("{kind}_signal")
        }
        _ => kind.clone(),
    }
}

#[test]
fn every_frame_is_in_the_document() {
    let document = asyncapi("0");
    assert_eq!(document["asyncapi"], "3.0.0");
    assert!(document["info"]["title"].is_string() && document["info"]["version"].is_string());
    let mut wanted: Vec<(String, &str)> = Vec::new();
    for name in Request::NAMES {
        wanted.push(((*name).into(), "receive"));
        let answers = &document["operations"][name]["reply"]["messages"];
        let ok = json!({ "$ref": format!("#/channels/socket/messages/{name}_ok") });
        assert!(answers.as_array().is_some_and(|all| all.contains(&ok)), "{name}");
    }
    wanted.extend(EventData::NAMES.iter().map(|name| ((*name).into(), "send")));
    wanted.extend(SignalData::NAMES.iter().map(|name| (format!("{name}_signal"), "send")));
    wanted.push(("bye".into(), "send"));
    let operations = document["operations"].as_object().unwrap();
    assert_eq!(operations.len(), wanted.len(), "two frames share a name");
    for (name, action) in &wanted {
        let operation = &operations[name];
        assert_eq!(operation["action"], *action, "{name}");
        assert!(operation["summary"].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        assert_eq!(operation["channel"]["$ref"], "#/channels/socket", "{name}");
        let message = format!("#/channels/socket/messages/{name}");
        assert_eq!(operation["messages"], json!([{ "$ref": message }]), "{name}");
    }
    // Beside them: an `ok` for every request and for a second `auth`, and `error`.
    let messages = document["channels"]["socket"]["messages"].as_object().unwrap();
    assert_eq!(messages.len(), wanted.len() + Request::NAMES.len() + 2);
    for (name, message) in messages {
        assert_eq!(message["name"], **name);
        let payload = &message["payload"];
        assert_eq!(payload["type"], "object", "{name}");
        assert!(payload["properties"]["type"]["const"].is_string(), "{name}");
        assert!(payload["properties"]["data"].is_object(), "{name}");
    }
}

#[test]
fn every_reference_resolves() {
    let document = asyncapi("0");
    let text = document.to_string();
    let mut references = 0;
    for piece in text.split("\"$ref\":\"").skip(1) {
        let path = piece.split('"').next().unwrap();
        let target = path.strip_prefix('#').and_then(|path| document.pointer(path));
        assert!(target.is_some(), "{path}");
        references += 1;
    }
    assert!(references > 100);
}

#[test]
fn every_vector_is_as_the_document_says() {
    let document = asyncapi("0");
    let mut seen = std::collections::BTreeSet::new();
    for entry in on_disk().frames {
        let name = message_of(&entry);
        let schema = &document["channels"]["socket"]["messages"][&name]["payload"];
        assert!(schema.is_object(), "{name}");
        if !ODD.contains(&entry.name.as_str()) {
            let value: Value = serde_json::from_str(&entry.json).unwrap();
            Check { document: &document, vector: &entry.name }.value(schema, &value, "");
        }
        seen.insert(name);
    }
    let messages = document["channels"]["socket"]["messages"].as_object().unwrap();
    assert_eq!(seen.len(), messages.len());
}

/// Nulls that the server takes and the schema does not tell of.
const ODD: &[&str] = &[
    "odd_null_is_absent",
    "odd_null_data",
    "odd_block_by_default",
    "odd_session_nulls",
    "odd_session_update_nulls",
    "odd_photo_list_nulls",
];

/// The part of JSON Schema that our schemas use; a keyword that is not known is an error.
struct Check<'a> {
    document: &'a Value,
    vector: &'a str,
}

impl Check<'_> {
    #[track_caller]
    fn value(&self, schema: &Value, value: &Value, at: &str) {
        if let Err(what) = self.fits(schema, value, at) {
            panic!("{}: {what}", self.vector);
        }
    }

    fn fits(&self, schema: &Value, value: &Value, at: &str) -> Result<(), String> {
        let Some(schema) = schema.as_object() else {
            return if *schema == true { Ok(()) } else { Err(format!("{at}: refused")) };
        };
        for (keyword, wanted) in schema {
            self.keyword(keyword, wanted, value, at)?;
        }
        // Nothing that is sent is untold of.
        if let (Some(known), Some(fields)) = (schema.get("properties"), value.as_object())
            && !self.vector.starts_with("odd_")
            && let Some(field) = fields.keys().find(|field| known.get(field).is_none())
        {
            return Err(format!("{at}/{field}: is not in the schema"));
        }
        Ok(())
    }

    fn keyword(
        &self,
        keyword: &str,
        wanted: &Value,
        value: &Value,
        at: &str,
    ) -> Result<(), String> {
        let holds = |holds: bool| {
            if holds { Ok(()) } else { Err(format!("{at}: {keyword} {wanted}: {value}")) }
        };
        let all = |wanted: &Value| wanted.as_array().cloned().unwrap_or_default();
        match keyword {
            "$ref" => {
                let path = wanted.as_str().and_then(|path| path.strip_prefix('#')).unwrap();
                self.fits(self.document.pointer(path).unwrap(), value, at)
            }
            "type" => {
                let names = wanted.as_array().cloned().unwrap_or_else(|| vec![wanted.clone()]);
                holds(names.iter().any(|name| is_of(name.as_str().unwrap(), value)))
            }
            "const" => holds(wanted == value),
            "enum" => holds(all(wanted).contains(value)),
            "oneOf" => {
                let fitting =
                    all(wanted).iter().filter(|one| self.fits(one, value, at).is_ok()).count();
                holds(fitting == 1)
            }
            "anyOf" => holds(all(wanted).iter().any(|one| self.fits(one, value, at).is_ok())),
            "allOf" => all(wanted).iter().try_for_each(|one| self.fits(one, value, at)),
            "required" => {
                holds(all(wanted).iter().all(|field| value.get(field.as_str().unwrap()).is_some()))
            }
            "properties" => {
                wanted.as_object().into_iter().flatten().try_for_each(|(field, schema)| {
                    let field_at = format!("{at}/{field}");
                    value.get(field).map_or(Ok(()), |value| self.fits(schema, value, &field_at))
                })
            }
            "additionalProperties" => {
                value.as_object().into_iter().flatten().try_for_each(|(field, value)| {
                    self.fits(wanted, value, &format!("{at}/{field}"))
                })
            }
            "items" => all(value).iter().enumerate().try_for_each(|(place, item)| {
                // A list of schemas: one for each place.
                let schema = wanted.get(place).unwrap_or(wanted);
                self.fits(schema, item, &format!("{at}/{place}"))
            }),
            "minItems" => holds(all(value).len() as u64 >= wanted.as_u64().unwrap()),
            "maxItems" => holds(all(value).len() as u64 <= wanted.as_u64().unwrap()),
            "minimum" => holds(value.as_f64() >= wanted.as_f64()),
            "maximum" => holds(value.as_f64() <= wanted.as_f64()),
            "format" if wanted == "uuid" => {
                holds(value.as_str().is_some_and(|text| text.len() == 36))
            }
            "contentEncoding" => holds(wanted == "base64" && value.is_string()),
            "format" | "description" | "default" => Ok(()),
            unknown => Err(format!("{at}: the keyword {unknown} is not known to this test")),
        }
    }
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "null" => value.is_null(),
        _ => false,
    }
}

/// The fields that a cell of the document names, with `?` behind those that may be absent.
fn named(cell: &str) -> Vec<String> {
    let mut fields: Vec<_> = cell.split_whitespace().map(|word| word.replace('`', "")).collect();
    fields.sort_unstable();
    fields
}

/// The fields of a schema, in the same way.
fn fields_of(document: &Value, schema: &Value) -> Vec<String> {
    if let Some(path) = schema["$ref"].as_str() {
        return fields_of(document, document.pointer(&path[1..]).unwrap());
    }
    if let Some(parts) = schema["allOf"].as_array() {
        return parts.iter().flat_map(|part| fields_of(document, part)).collect();
    }
    // One of several: what all of them need is there, the rest may be.
    if let Some(parts) = schema["anyOf"].as_array() {
        let parts: Vec<_> = parts.iter().map(|part| fields_of(document, part)).collect();
        let always = |field: &String| parts.iter().all(|part| part.contains(field));
        let fields = parts.iter().flatten().map(|field| {
            if always(field) { field.clone() } else { format!("{}?", field.trim_end_matches('?')) }
        });
        return fields.collect::<std::collections::BTreeSet<_>>().into_iter().collect();
    }
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    let needed = |field: &String| required.contains(&Value::from(field.as_str()));
    let fields = schema["properties"].as_object().into_iter().flat_map(|fields| fields.keys());
    let shown = |field: &String| if needed(field) { field.clone() } else { format!("{field}?") };
    let mut fields: Vec<_> = fields.map(shown).collect();
    fields.sort_unstable();
    fields
}

#[test]
fn the_document_names_the_fields_of_every_frame() {
    let document = asyncapi("0");
    let data = |message: &str| {
        let messages = &document["channels"]["socket"]["messages"];
        fields_of(&document, &messages[message]["payload"]["properties"]["data"])
    };
    for row in table("requests") {
        let name = row[0].trim_matches('`');
        assert_eq!(named(&row[1]), data(name), "{name}");
        assert_eq!(named(&row[2]), data(&format!("{name}_ok")), "{name}");
    }
    for row in table("events") {
        let name = row[0].trim_matches('`');
        assert_eq!(named(&row[2]), data(name), "{name}");
    }
    for row in table("signals") {
        let name = row[0].trim_matches('`');
        assert_eq!(named(&row[2]), data(&format!("{name}_signal")), "{name}");
    }
    for row in table("shapes") {
        let shape = &document["components"]["schemas"][&row[0]];
        assert_eq!(named(&row[1]), fields_of(&document, shape), "{}", row[0]);
    }
}
