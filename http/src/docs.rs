//! The API's documents: OpenAPI for HTTP, AsyncAPI for the socket, and a page that shows both.

use actix_web::HttpResponse;
use actix_web::web::Data;
use salon_protocol::ErrorData;
use salon_protocol::reply::{Profile, PublicProfile};
use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::routes::{codes, guest, login, profile, sessions};
use crate::state::AppState;

pub(crate) async fn page() -> HttpResponse {
    HttpResponse::Ok().content_type("text/html; charset=utf-8").body(include_str!("docs/page.html"))
}

pub(crate) async fn script() -> HttpResponse {
    let script = include_str!("docs/page.js");
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(script)
}

pub(crate) async fn style() -> HttpResponse {
    let style = include_str!("docs/page.css");
    HttpResponse::Ok().content_type("text/css; charset=utf-8").body(style)
}

pub(crate) async fn openapi(state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(openapi_json(state.config.version))
}

pub(crate) async fn asyncapi(state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().json(salon_protocol::schema::asyncapi(state.config.version))
}

/// One operation: method, path, what it does, its body, the status and body of its answer, whether
/// it needs an access token.
struct Operation {
    method: &'static str,
    path: &'static str,
    summary: &'static str,
    body: Option<schemars::Schema>,
    status: &'static str,
    answer: Option<schemars::Schema>,
    token: bool,
    /// What the answer is, if it is no JSON.
    content_type: Option<&'static str>,
    /// What may stand behind the question mark: a name, whether it must be there, and what it means.
    query: &'static [(&'static str, bool, &'static str)],
}

/// Of pictures; what is not said here comes from the socket.
const SIGNED: &[(&str, bool, &str)] = &[
    ("e", true, "Until when the address is good; from `session_media`."),
    ("s", true, "The signature; from `session_media`."),
    ("download", false, "1: to be saved, where one may."),
];

fn operations(generator: &mut SchemaGenerator) -> Vec<Operation> {
    macro_rules! operation {
        ($method:literal $path:literal $summary:literal, $body:ty => $status:literal $answer:ty) => {
            Operation {
                body: Some(generator.subschema_for::<$body>()),
                ..operation!($method $path $summary, => $status $answer)
            }
        };
        ($method:literal $path:literal $summary:literal, $body:ty => $status:literal) => {
            Operation {
                body: Some(generator.subschema_for::<$body>()),
                ..operation!($method $path $summary, => $status)
            }
        };
        ($method:literal $path:literal $summary:literal, => $status:literal $answer:ty) => {
            Operation {
                answer: Some(generator.subschema_for::<$answer>()),
                ..operation!($method $path $summary, => $status)
            }
        };
        ($method:literal $path:literal $summary:literal, => $status:literal) => {
            Operation {
                method: $method,
                path: $path,
                summary: $summary,
                body: None,
                status: $status,
                answer: None,
                token: false,
                content_type: None,
                query: &[],
            }
        };
    }
    let open = vec![
        operation!("post" "/api/auth/register" "Makes an account with a password and logs in.",
            login::Register => "201" login::LoggedIn),
        operation!("post" "/api/auth/login" "Logs in with a password.",
            login::Login => "200" login::LoggedIn),
        operation!("post" "/api/auth/code" "Sends a code of six digits to a phone.",
            codes::SendCode => "204"),
        operation!("post" "/api/auth/code/verify"
            "Logs in with a code; the first login makes the account.",
            codes::VerifyCode => "200" login::LoggedIn),
        operation!("post" "/api/auth/guest"
            "Makes an account of a guest, with the code of a photo session, and logs in.",
            guest::Enter => "201" guest::Entered),
        operation!("post" "/api/auth/refresh"
            "Gives the next tokens. A refresh token that is used twice ends its login.",
            login::Refresh => "200" login::LoggedIn),
        operation!("get" "/health" "Says that the server is alive.", => "200"),
        operation!("get" "/ready" "Says whether the server can do its work.", => "200"),
        operation!("get" "/metrics" "Counters for Prometheus.", => "200"),
        Operation {
            content_type: Some("image/*"),
            query: SIGNED,
            ..operation!("get" "/blobs/{photo}/{variant}"
                "Gives a picture: `400`, `1024`, `2048` or `original`. Takes single ranges (206, \
                 416), `If-None-Match` (304) and `If-Range`. 403: ask `session_media` again; 410: \
                 it was taken back.", => "200")
        },
        Operation {
            content_type: Some("application/zip"),
            ..operation!("get" "/downloads/{name}"
                "Gives the ZIP of a `photo_download`. 503: as many as can be are being sent.",
                => "200")
        },
    ];
    let with_token = vec![
        operation!("post" "/api/auth/logout" "Ends this login; its sockets close.", => "204"),
        operation!("get" "/api/auth/sessions" "Lists one's devices.",
            => "200" sessions::SessionList),
        operation!("delete" "/api/auth/sessions" "Ends all other logins.", => "204"),
        operation!("delete" "/api/auth/sessions/{id}" "Ends a login; its sockets close.",
            => "204"),
        operation!("get" "/api/users/me" "Tells who one is.", => "200" Profile),
        operation!("patch" "/api/users/me" "Changes one's profile.",
            profile::PatchProfile => "200" Profile),
        operation!("post" "/api/users/me/password"
            "Changes the password and ends all other logins.",
            login::ChangePassword => "204"),
        operation!("get" "/api/users/{id}" "Tells who somebody is.", => "200" PublicProfile),
    ];
    let with_token = with_token.into_iter().map(|one| Operation { token: true, ..one });
    open.into_iter().chain(with_token).collect()
}

/// The OpenAPI 3.1 document.
fn openapi_json(version: &str) -> Value {
    let mut generator = schemars::generate::SchemaSettings::draft2020_12()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let error = generator.subschema_for::<ErrorData>().to_value();
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations(&mut generator) {
        let entry = paths.entry(operation.path).or_insert_with(|| json!({}));
        entry[operation.method] = describe(&operation, &error);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Salon over HTTP",
            "version": version,
            "description": "Accounts, pictures and operations. Everything alive goes over the socket: see \
                asyncapi.json. Errors carry a `request_id` beside the fields of ErrorData.",
        },
        "paths": paths,
        "components": {
            "schemas": generator.take_definitions(true),
            "securitySchemes": { "access_token": { "type": "http", "scheme": "bearer" } },
        },
    })
}

fn describe(operation: &Operation, error: &Value) -> Value {
    let json_of = |schema: &Value| json!({ "application/json": { "schema": schema } });
    let mut answer = json!({ "description": "Done." });
    if let Some(schema) = &operation.answer {
        answer["content"] = json_of(schema.as_value());
    }
    let mut described = json!({
        "summary": operation.summary,
        "responses": {
            operation.status: answer,
            "default": { "description": "It was not done.", "content": json_of(error) },
        },
    });
    if let Some(content_type) = operation.content_type {
        described["responses"][operation.status]["content"] = json!({ content_type: {} });
    }
    if let Some(schema) = &operation.body {
        described["requestBody"] =
            json!({ "required": true, "content": json_of(schema.as_value()) });
    }
    if operation.token {
        described["security"] = json!([{ "access_token": [] }]);
    }
    let of_query = operation.query.iter().map(|(name, required, meaning)| {
        json!({ "name": name, "in": "query", "required": required, "description": meaning,
                "schema": { "type": "string" } })
    });
    let parameters: Vec<Value> = operation
        .path
        .split('/')
        .filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true,
                            "schema": { "type": "string" } })
        })
        .chain(of_query)
        .collect();
    if !parameters.is_empty() {
        described["parameters"] = parameters.into();
    }
    described
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_in_the_document_and_every_reference_resolves() {
        let document = openapi_json("0");
        let router = include_str!("router.rs");
        let mut routes = 0;
        for piece in router.split("at(\"").skip(1) {
            let path = piece.split('"').next().unwrap();
            let page = path == "/" || path == "/salon.js" || path.starts_with("/app/");
            if page || path.starts_with("/docs") {
                continue;
            }
            for method in ["get", "post", "patch", "delete"] {
                let known = document["paths"][path][method].is_object();
                let routed = piece.contains(&format!("{method}().to("));
                assert_eq!(known, routed, "{method} {path}");
                routes += usize::from(routed);
            }
        }
        assert!(routes > 10);
        let text = document.to_string();
        for piece in text.split("\"$ref\":\"#").skip(1) {
            let path = piece.split('"').next().unwrap();
            assert!(document.pointer(path).is_some(), "{path}");
        }
    }
}
