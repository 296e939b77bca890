//! Every route of the product on one screen.

use actix_web::http::header;
use actix_web::middleware::{DefaultHeaders, from_fn};
use actix_web::web::{Data, ServiceConfig, delete, get, patch, post, resource, scope};

use crate::extract::json_config;
use crate::request_log::log_request;
use crate::routes::{codes, login, profile, sessions};
use crate::state::AppState;
use crate::{docs, ops};

/// Sets up the routes on a worker.
pub fn configure(state: &AppState, config: &mut ServiceConfig) {
    config.app_data(Data::new(state.clone())).app_data(json_config()).service(
        scope("")
            .wrap(security_headers())
            .wrap(from_fn(log_request))
            .service(resource("/health").route(get().to(ops::health)))
            .service(resource("/ready").route(get().to(ops::ready)))
            .service(resource("/metrics").route(get().to(ops::metrics)))
            .service(resource("/docs").route(get().to(docs::page)))
            .service(resource("/docs/page.js").route(get().to(docs::script)))
            .service(resource("/docs/page.css").route(get().to(docs::style)))
            .service(resource("/docs/openapi.json").route(get().to(docs::openapi)))
            .service(resource("/docs/asyncapi.json").route(get().to(docs::asyncapi)))
            .service(resource("/api/auth/register").route(post().to(login::register)))
            .service(resource("/api/auth/login").route(post().to(login::login)))
            .service(resource("/api/auth/code").route(post().to(codes::send)))
            .service(resource("/api/auth/code/verify").route(post().to(codes::verify)))
            .service(resource("/api/auth/refresh").route(post().to(login::refresh)))
            .service(resource("/api/auth/logout").route(post().to(login::logout)))
            .service(
                resource("/api/auth/sessions")
                    .route(get().to(sessions::list))
                    .route(delete().to(sessions::end_others)),
            )
            .service(resource("/api/auth/sessions/{id}").route(delete().to(sessions::end_one)))
            .service(
                resource("/api/users/me")
                    .route(get().to(profile::me))
                    .route(patch().to(profile::patch_me)),
            )
            .service(resource("/api/users/me/password").route(post().to(login::change_password)))
            .service(resource("/api/users/{id}").route(get().to(profile::user)))
            .default_service(actix_web::web::to(ops::not_found)),
    );
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
