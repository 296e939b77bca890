//! The web page, from the binary: no build step, nothing fetched from elsewhere.
//!
//! Owns      the files below `http/web`, and how browsers may keep and use them.
//! Promises  a browser asks each time whether a file is new, and gets it only if it is; the page runs no script and
//!           no style but its own.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, ETAG, EntityTag, IfNoneMatch,
};
use actix_web::web::{Header, Path};
use actix_web::{HttpResponse, HttpResponseBuilder};

use crate::error::ApiResult;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../web/app/", $name)))),*]
    };
}

/// Pictures are the server's own, drawn here (`data:`), or read from the disk of whoever uploads (`blob:`).
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self' blob: data:; connect-src 'self'; manifest-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The files below `/app/`: name and content.
const FILES: &[(&str, &str)] = files![
    "album.js",
    "base.css",
    "chat.css",
    "chat.js",
    "chats.js",
    "client.js",
    "composer.js",
    "conversations.js",
    "dialog.js",
    "dom.js",
    "entrance.js",
    "faces.js",
    "friends.js",
    "gestures.js",
    "groups.js",
    "icon.svg",
    "invitation.js",
    "layout.js",
    "lightbox.js",
    "main.js",
    "manifest.webmanifest",
    "message.js",
    "notice.js",
    "photo_actions.js",
    "photo_desk.js",
    "photos.css",
    "pictures.js",
    "projector.js",
    "qr.js",
    "room.js",
    "search.js",
    "selections.js",
    "session_form.js",
    "sessions.js",
    "settings.js",
    "sha256.js",
    "shell.css",
    "shell.js",
    "studio.css",
    "studio.js",
    "team.js",
    "texts.js",
    "thumbhash.js",
    "upload_view.js",
    "uploads.js",
    "viewer.js",
    "wall.js",
    "watermark.js",
];

/// `GET /`.
pub(crate) async fn index(known: Option<Header<IfNoneMatch>>) -> HttpResponse {
    answer("index.html", include_str!("../web/index.html"), known)
}

/// `GET /salon.js`: for the page, and for pages of others.
pub(crate) async fn library(known: Option<Header<IfNoneMatch>>) -> HttpResponse {
    answer("salon.js", include_str!("../web/salon.js"), known)
}

/// `GET /app/{file}`.
pub(crate) async fn file(
    name: Path<String>,
    known: Option<Header<IfNoneMatch>>,
) -> ApiResult<HttpResponse> {
    match FILES.iter().find(|(file, _)| *file == name.as_str()) {
        Some((file, content)) => Ok(answer(file, content, known)),
        None => crate::ops::not_found().await,
    }
}

fn answer(name: &str, content: &'static str, known: Option<Header<IfNoneMatch>>) -> HttpResponse {
    let tag = tag(content);
    let known = known.is_some_and(|known| match known.into_inner() {
        IfNoneMatch::Any => true,
        IfNoneMatch::Items(tags) => tags.iter().any(|known| known.weak_eq(&tag)),
    });
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    let response =
        response.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, tag.to_string()));
    response.insert_header((CONTENT_SECURITY_POLICY, POLICY));
    if known { response.finish() } else { whole(response, name, content) }
}

fn whole(response: &mut HttpResponseBuilder, name: &str, content: &'static str) -> HttpResponse {
    response.content_type(content_type(name)).body(content)
}

/// Another one for another content. It need not be secret, and only differ between builds.
fn tag(content: &str) -> EntityTag {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    EntityTag::new_strong(format!("{:016x}", hasher.finish()))
}

fn content_type(name: &str) -> &'static str {
    match name.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body};
    use actix_web::web::get;

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_served_and_what_they_name_exists() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/web/app");
        let entries = std::fs::read_dir(folder).unwrap().flatten();
        let found: BTreeSet<_> =
            entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
        let served: BTreeSet<_> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(found, served);
        for (name, content) in
            FILES.iter().chain(&[("index.html", include_str!("../web/index.html"))])
        {
            assert!(content.lines().count() < 400, "{name} is long");
            let imports = content.split("from \"./").chain(content.split("\"/app/")).skip(1);
            for import in imports.filter_map(|rest| rest.split('"').next()) {
                let file =
                    import.ends_with(".js") || import.ends_with(".css") || import.ends_with(".svg");
                assert!(!file || served.contains(import), "{name} names {import}");
            }
        }
    }

    #[actix_rt::test]
    async fn a_file_is_given_once_and_then_known() {
        let app = App::new()
            .route("/", get().to(index))
            .route("/salon.js", get().to(library))
            .route("/app/{file}", get().to(file));
        let app = init_service(app).await;
        for (path, kind) in [
            ("/", "text/html; charset=utf-8"),
            ("/salon.js", "text/javascript; charset=utf-8"),
            ("/app/main.js", "text/javascript; charset=utf-8"),
            ("/app/base.css", "text/css; charset=utf-8"),
            ("/app/icon.svg", "image/svg+xml"),
            ("/app/manifest.webmanifest", "application/manifest+json"),
        ] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), 200, "{path}");
            let header = |name| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
            assert_eq!(header("content-type"), kind, "{path}");
            assert_eq!(header("cache-control"), "no-cache");
            assert_eq!(header("content-security-policy"), POLICY);
            let tag = header("etag");
            let again = TestRequest::get().uri(path).insert_header(("if-none-match", tag.clone()));
            let again = call_service(&app, again.to_request()).await;
            assert_eq!(again.status(), 304, "{path}");
            assert!(read_body(again).await.is_empty());
            let other = TestRequest::get().uri(path).insert_header(("if-none-match", "\"other\""));
            assert_eq!(call_service(&app, other.to_request()).await.status(), 200);
        }
        for path in ["/app/none.js", "/app/..%2findex.html", "/app/"] {
            let response = call_service(&app, TestRequest::get().uri(path).to_request()).await;
            assert_eq!(response.status(), 404, "{path}");
        }
    }

    #[test]
    fn no_markup_carries_a_script_or_a_style() {
        let page = include_str!("../web/index.html");
        assert!(!page.contains("style=") && !page.contains("<style") && !page.contains(" on"));
        assert!(page.matches("<script").count() == 1 && page.contains("></script>"));
        for (name, content) in FILES.iter().filter(|(name, _)| name.ends_with(".js")) {
            for word in ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("]
            {
                assert!(!content.contains(word), "{name} has {word}");
            }
        }
    }
}
