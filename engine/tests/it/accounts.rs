//! Logins, their tokens, and what ends them.

use serde_json::json;

use crate::client::{Client, Encoding};
use crate::server::{PASSWORD, Server};

#[test]
fn wrong_names_and_passwords_look_the_same() {
    let server = Server::start();
    server.register("ann");
    let try_it = |username: &str, password: &str| {
        let body = json!({ "username": username, "password": password });
        let (status, mut answer) = server.post("/api/auth/login", "", &body);
        answer["request_id"].take();
        (status, answer)
    };
    let wrong = try_it("ann", "incorrect horse");
    assert_eq!(wrong.0, 401);
    assert_eq!(wrong, try_it("nobody", "incorrect horse"));
    let body = json!({ "username": "ANN", "password": PASSWORD });
    assert_eq!(server.post("/api/auth/login", "", &body).0, 200);
    let (status, taken) = server.post("/api/auth/register", "", &body);
    assert_eq!((status, &taken["code"]), (409, &json!("conflict")));
    let (status, short) =
        server.post("/api/auth/register", "", &json!({ "username": "bob", "password": "short" }));
    assert_eq!((status, &short["details"]["field"]), (400, &json!("password")));
}

#[test]
fn guessing_is_stopped() {
    let server = Server::start();
    server.register("ann");
    let body = json!({ "username": "ann", "password": "incorrect horse" });
    let answers: Vec<_> = (0..30).map(|_| server.post("/api/auth/login", "", &body)).collect();
    let (status, last) = answers.last().unwrap();
    assert_eq!((*status, &last["code"]), (429, &json!("rate_limited")));
    assert!(last["retry_after_ms"].as_u64().unwrap() > 0);
    // The right password does not help whoever guesses.
    let body = json!({ "username": "ann", "password": PASSWORD });
    assert_eq!(server.post("/api/auth/login", "", &body).0, 429);
}

#[test]
fn a_spent_refresh_token_ends_the_login() {
    let server = Server::start();
    let ann = server.register("ann");
    let refresh =
        |token: &str| server.post("/api/auth/refresh", "", &json!({ "refresh_token": token }));
    let (status, first) = refresh(&ann.refresh);
    assert_eq!(status, 200, "{first}");
    let (status, second) = refresh(first["refresh_token"].as_str().unwrap());
    assert_eq!(status, 200, "{second}");
    let token = second["access_token"].as_str().unwrap();
    assert_eq!(server.get("/api/users/me", token).0, 200);

    // Somebody has kept the first one: neither he nor the owner goes on.
    assert_eq!(refresh(&ann.refresh).0, 401);
    assert_eq!(refresh(second["refresh_token"].as_str().unwrap()).0, 401);
    assert_eq!(server.get("/api/users/me", token).0, 401);
}

#[test]
fn a_logout_closes_the_sockets_of_that_device() {
    let server = Server::start();
    let phone = server.register("ann");
    let tablet = server.login("ann");
    let mut at_phone = Client::json(&server, &phone);
    let mut at_tablet = Client::connect(&server, &tablet, Encoding::MessagePack);
    let (status, list) = server.get("/api/auth/sessions", &tablet.token);
    assert_eq!((status, list["items"].as_array().unwrap().len()), (200, 2));

    assert_eq!(server.post("/api/auth/logout", &phone.token, &json!({})).0, 204);
    assert_eq!(at_phone.closed().0, 4002);
    assert_eq!(server.get("/api/users/me", &phone.token).0, 401);
    assert_eq!(
        server.post("/api/auth/refresh", "", &json!({ "refresh_token": phone.refresh })).0,
        401
    );
    at_tablet.nothing_else();

    // The ended login does not open a socket either.
    let mut again = Client::open(&server, Encoding::Json);
    again.send("auth", json!({ "token": phone.token }));
    assert_eq!(again.closed().0, 4001);
}

#[test]
fn profiles() {
    let server = Server::start();
    let (ann, bob) = (server.register("ann"), server.register("bob"));
    let change = json!({ "nickname": "Ann of Green Gables", "bio": "reads" });
    let (status, changed) = server.call("PATCH", "/api/users/me", &ann.token, Some(&change));
    assert_eq!((status, &changed["nickname"]), (200, &change["nickname"]));
    let (status, seen) = server.get(&format!("/api/users/{}", ann.id), &bob.token);
    assert_eq!((status, &seen["nickname"]), (200, &change["nickname"]));
    assert!(seen["username"].is_null() && seen["phone"].is_null(), "{seen}");
    let wrong = json!({ "nickname": "" });
    let (status, answer) = server.call("PATCH", "/api/users/me", &ann.token, Some(&wrong));
    assert_eq!((status, &answer["details"]["field"]), (400, &json!("nickname")));
    assert_eq!(server.get("/api/users/me", "not a token").0, 401);
    assert_eq!(server.get("/api/users/me", "").0, 401);
}

#[test]
fn a_new_password_ends_the_other_logins() {
    let server = Server::start();
    let here = server.register("ann");
    let there = server.login("ann");
    let mut at_there = Client::json(&server, &there);
    let body = json!({ "old_password": PASSWORD, "new_password": "battery staple" });
    assert_eq!(server.post("/api/users/me/password", &here.token, &body).0, 204);
    assert_eq!(at_there.closed().0, 4002);
    assert_eq!(server.get("/api/users/me", &here.token).0, 200);
    let old = json!({ "username": "ann", "password": PASSWORD });
    assert_eq!(server.post("/api/auth/login", "", &old).0, 401);
}

#[test]
fn a_code_by_phone() {
    let server = Server::start();
    let phone = json!({ "phone": "+8613800138000" });
    assert_eq!(server.post("/api/auth/code", "", &phone).0, 204);
    let (status, again) = server.post("/api/auth/code", "", &phone);
    assert_eq!((status, &again["code"]), (429, &json!("rate_limited")));
    let guess = json!({ "phone": "+8613800138000", "code": "no code" });
    let tries: Vec<_> = (0..6)
        .map(|_| {
            server.post("/api/auth/code/verify", "", &guess).1["details"]["tries_left"].clone()
        })
        .collect();
    assert_eq!(tries[..2], [json!(4), json!(3)]);
    assert!(tries[5].is_null(), "{tries:?}");
}
