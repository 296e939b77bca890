//! The web page that the binary serves, as browsers get it and as people use it.
//!
//! What people do is in `http/web/tests/`, and needs Node.js and Chromium: `TEST_REQUIRE=node` and
//! `TEST_REQUIRE=chromium` make it an error when they are not there.

use crate::salon_js;
use crate::server::Server;

/// A file as a browser gets it: status, headers, body.
fn get(server: &Server, path: &str, tag: Option<&str>) -> ureq::http::Response<ureq::Body> {
    let agent: ureq::Agent =
        ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(format!("http://{}{path}", server.address));
    if let Some(tag) = tag {
        request = request.header("If-None-Match", tag);
    }
    request.call().unwrap()
}

#[test]
fn the_binary_serves_the_page_and_everything_that_it_names() {
    let server = Server::start();
    let mut queue = vec!["/".to_owned()];
    let mut seen = std::collections::BTreeSet::new();
    while let Some(path) = queue.pop() {
        if !seen.insert(path.clone()) {
            continue;
        }
        let mut answer = get(&server, &path, None);
        assert_eq!(answer.status(), 200, "{path}");
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        assert_eq!(header("cache-control"), "no-cache", "{path}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        let policy = header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let tag = header("etag");
        assert_eq!(get(&server, &path, Some(&tag)).status(), 304, "{path}");
        let text = answer.body_mut().read_to_string().unwrap();
        let names = text.split(['"', '\'']).filter(|word| {
            word.starts_with("/app/") || (path.ends_with(".js") && word.starts_with("./"))
        });
        for name in names.filter(|name| !name.contains(char::is_whitespace)) {
            queue.push(
                name.strip_prefix("./").map_or(name.to_owned(), |file| format!("/app/{file}")),
            );
        }
    }
    assert!(seen.len() > 30, "{seen:?}");
}

#[test]
fn people_use_the_page() {
    salon_js::run(true);
}
