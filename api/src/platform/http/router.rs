//! The routes, and what every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::Executor;
use axum::Router;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use super::engine::Engine;
use super::{graphiql, graphql, health};
use crate::platform::request::Platform;

/// What every handler shares.
#[derive(Debug)]
pub struct Door<E> {
    pub engine: Engine<E>,
    pub platform: Platform,
    /// What GraphiQL starts with.
    pub welcome: graphiql::Welcome,
}

/// Every route of the server.
pub fn router<E: Executor>(door: Arc<Door<E>>) -> Router {
    let mut router = Router::new()
        .route("/graphql", get(get_or_upgrade::<E>).post(graphql::post::<E>))
        .route("/health", get(health::everything::<E>))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::everything::<E>))
        .route("/health/db", get(health::database::<E>))
        .route("/health/redis", get(health::redis::<E>));
    if door.platform.config.graphiql_enabled() {
        router = router
            .route("/", get(|| async { Redirect::temporary("/graphiql") }))
            .route("/graphiql", get(graphiql::page::<E>))
            .route("/graphiql/{*path}", get(graphiql::asset));
    }
    router.layer(CompressionLayer::new()).with_state(door)
}

/// GET is a query, unless it asks to become a WebSocket.
async fn get_or_upgrade<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    request: Request,
) -> Response {
    let (mut parts, _) = request.into_parts();
    match WebSocketUpgrade::from_request_parts(&mut parts, &()).await {
        Ok(_) => axum::http::StatusCode::NOT_IMPLEMENTED.into_response(),
        Err(_) if !parts.headers.contains_key(axum::http::header::UPGRADE) => {
            let query = axum::extract::RawQuery(parts.uri.query().map(str::to_owned));
            graphql::get(State(door), ConnectInfo(address), query, parts.headers).await
        }
        Err(rejection) => rejection.into_response(),
    }
}
