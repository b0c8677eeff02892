//! GraphiQL, served from the binary: the page with what it starts with, and its assets. No request leaves the machine.

use std::sync::Arc;

use async_graphql::Executor;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;

use super::router::Door;

#[derive(rust_embed::Embed)]
#[folder = "graphiql/dist"]
struct Assets;

/// What GraphiQL starts with: in development, the demo's token and a first query.
#[derive(Clone, Debug, Default)]
pub struct Welcome {
    pub token: Option<String>,
    pub query: Option<String>,
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; worker-src 'self'; \
     img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
     frame-ancestors 'none'";

/// The empty configuration in the built page, which the server fills in.
const EMPTY: &str = r#"<script id="trellis-graphiql" type="application/json">{}</script>"#;

/// The page.
pub async fn page<E: Executor>(State(door): State<Arc<Door<E>>>) -> Response {
    let Some(file) = Assets::get("index.html") else {
        return (StatusCode::NOT_FOUND, "GraphiQL was not built into this binary.").into_response();
    };
    let mut settings = json!({ "url": "/graphql", "subscriptionUrl": "/graphql" });
    if let Some(token) = &door.welcome.token {
        settings["headers"] = json!({ "Authorization": format!("Bearer {token}") });
    }
    if let Some(query) = &door.welcome.query {
        settings["defaultQuery"] = json!(query);
    }
    // A "<" could end the script element.
    let settings = settings.to_string().replace('<', r"\u003c");
    let filled = EMPTY.replace("{}", &settings);
    let page = String::from_utf8_lossy(&file.data).replace(EMPTY, &filled);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, Html(page)).into_response()
}

/// One of the page's files. Their names carry a hash of the content, so they never change.
pub async fn asset(Path(path): Path<String>, headers: HeaderMap) -> Response {
    let Some(file) = Assets::get(&path) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let tag: String = file.metadata.sha256_hash()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    if headers.get(header::IF_NONE_MATCH).is_some_and(|held| held.as_bytes() == tag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable".to_owned()),
        // Workers take their policy from their own response.
        (header::CONTENT_SECURITY_POLICY, POLICY.to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        (header::ETAG, tag),
    ];
    (headers, file.data).into_response()
}
