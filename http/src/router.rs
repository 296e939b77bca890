//! Every route of the product on one screen.

use actix_web::Resource;
use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{Data, ServiceConfig, delete, get, head, patch, post, resource, scope, to};

use crate::extract::json_config;
use crate::request_log::log_request;
use crate::routes::{blobs, codes, downloads, guest, login, profile, sessions};
use crate::state::AppState;
use crate::{docs, ops, page};

/// Sets up the routes on a worker.
pub fn configure(state: &AppState, config: &mut ServiceConfig) {
    config.app_data(Data::new(state.clone())).app_data(json_config()).service(
        scope("")
            .wrap(security_headers())
            .wrap(from_fn(log_request))
            .service(at("/").route(get().to(page::index)))
            .service(at("/salon.js").route(get().to(page::library)))
            .service(at("/app/{file}").route(get().to(page::file)))
            .service(at("/health").route(get().to(ops::health)))
            .service(at("/ready").route(get().to(ops::ready)))
            .service(at("/metrics").route(get().to(ops::metrics)))
            .service(at("/docs").route(get().to(docs::page)))
            .service(at("/docs/page.js").route(get().to(docs::script)))
            .service(at("/docs/page.css").route(get().to(docs::style)))
            .service(at("/docs/openapi.json").route(get().to(docs::openapi)))
            .service(at("/docs/asyncapi.json").route(get().to(docs::asyncapi)))
            .service(at("/api/auth/register").route(post().to(login::register)))
            .service(at("/api/auth/login").route(post().to(login::login)))
            .service(at("/api/auth/code").route(post().to(codes::send)))
            .service(at("/api/auth/code/verify").route(post().to(codes::verify)))
            .service(at("/api/auth/guest").route(post().to(guest::enter)))
            .service(at("/api/auth/refresh").route(post().to(login::refresh)))
            .service(at("/api/auth/logout").route(post().to(login::logout)))
            .service(
                at("/api/auth/sessions")
                    .route(get().to(sessions::list))
                    .route(delete().to(sessions::end_others)),
            )
            .service(at("/api/auth/sessions/{id}").route(delete().to(sessions::end_one)))
            .service(
                at("/api/users/me")
                    .route(get().to(profile::me))
                    .route(patch().to(profile::patch_me)),
            )
            .service(at("/api/users/me/password").route(post().to(login::change_password)))
            .service(at("/api/users/{id}").route(get().to(profile::user)))
            .service(
                at("/blobs/{photo}/{variant}")
                    .route(get().to(blobs::get))
                    .route(head().to(blobs::get)),
            )
            .service(at("/downloads/{name}").route(get().to(downloads::get)))
            .default_service(to(ops::not_found)),
    );
}

/// A path; what it does not know how to do it says like any other error.
fn at(path: &str) -> Resource {
    resource(path).default_service(to(ops::wrong_method))
}

/// What every answer says to browsers.
fn security_headers() -> DefaultHeaders {
    DefaultHeaders::new()
        .add((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .add((header::REFERRER_POLICY, "no-referrer"))
        .add((header::X_FRAME_OPTIONS, "DENY"))
        .add((header::CACHE_CONTROL, "no-store"))
        .add((
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; \
             base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        ))
        .add(("cross-origin-resource-policy", "same-origin"))
}

#[cfg(test)]
mod tests {
    use actix_web::App;
    use actix_web::test::{TestRequest, call_service, init_service, read_body_json};

    use super::*;

    #[actix_rt::test]
    async fn a_method_that_a_path_does_not_know_is_an_error_like_others() {
        let app = App::new().service(at("/health").route(get().to(ops::health)));
        let app = init_service(app).await;
        let response = call_service(&app, TestRequest::post().uri("/health").to_request()).await;
        assert_eq!(response.status(), 405);
        let body: serde_json::Value = read_body_json(response).await;
        assert_eq!(body["code"], "bad_request");
        assert!(body["request_id"].is_string() && body["message"].is_string(), "{body}");
    }
}
