//! From nothing to a server.

use std::fs;

use serde_json::{Value, json};
use tempfile::tempdir;

use crate::server::{Server, run, salon};

#[test]
fn a_server_needs_nothing() {
    let server = Server::start();
    assert_eq!(server.get("/health", ""), (200, json!({ "status": "ok" })));
    let (status, ready) = server.get("/ready", "");
    assert_eq!((status, &ready["status"]), (200, &json!("ok")), "{ready}");
    let (status, missing) = server.get("/nowhere", "");
    assert_eq!((status, &missing["code"]), (404, &json!("not_found")));
    assert!(missing["request_id"].is_string(), "{missing}");
    let (healthy, said) = {
        let mut command = salon(server.folder(), &["healthcheck"]);
        command.env("SALON_LISTEN", server.address.to_string());
        run(command)
    };
    assert!(healthy, "{said}");
}

#[test]
fn the_interfaces_describe_themselves() {
    let server = Server::start();
    let (status, openapi) = server.get("/docs/openapi.json", "");
    assert_eq!(status, 200);
    for path in ["/api/auth/register", "/api/auth/refresh", "/api/users/me", "/health"] {
        assert!(openapi["paths"][path].is_object(), "{path} is missing");
    }
    let (status, asyncapi) = server.get("/docs/asyncapi.json", "");
    assert_eq!((status, &asyncapi["asyncapi"]), (200, &json!("3.0.0")));
    let (status, page) = server.get("/docs", "");
    assert!(status == 200 && matches!(page, Value::String(page) if page.contains("<html")));
}

#[test]
fn one_server_per_folder() {
    let server = Server::start();
    let (started, said) = server.run(&["serve"]);
    assert!(!started && said.contains("another salon is running"), "{said}");
}

#[test]
fn settings_print_as_a_file_that_can_be_used() {
    let folder = tempdir().unwrap();
    let (printed, file) = run(salon(folder.path(), &["config", "print"]));
    assert!(printed && file.contains("recall_seconds"), "{file}");
    fs::write(folder.path().join("salon.toml"), &file).unwrap();
    let (right, said) = run(salon(folder.path(), &["config", "check"]));
    assert!(right, "{said}");
}

#[test]
fn what_nobody_knows_is_an_error() {
    let folder = tempdir().unwrap();
    fs::write(folder.path().join("salon.toml"), "recal_seconds = 5\n").unwrap();
    let (right, said) = run(salon(folder.path(), &["config", "check"]));
    assert!(!right && said.contains("recal_seconds"), "{said}");
    fs::remove_file(folder.path().join("salon.toml")).unwrap();

    let mut command = salon(folder.path(), &["config", "check"]);
    command.env("SALON_LISTN", "127.0.0.1:1");
    let (right, said) = run(command);
    assert!(!right && said.contains("SALON_LISTN"), "{said}");

    for (words, hint) in [
        (&["config", "check", "--listen", "nowhere"][..], "nowhere"),
        (&["config", "check", "--jwt-secret", "short"], "32"),
        (&["config", "check", "--env", "production"], "for production"),
    ] {
        let (right, said) = run(salon(folder.path(), words));
        assert!(!right && said.contains(hint), "{words:?}: {said}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let folder = tempdir().unwrap();
    let mut command = salon(folder.path(), &["config", "print"]);
    command.env("SALON_JWT_SECRET", "0123456789abcdef0123456789abcdef");
    let (_, said) = run(command);
    assert!(!said.contains("0123456789abcdef"), "{said}");
}
