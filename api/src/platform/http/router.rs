//! The routes, and what every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::Executor;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;

use super::connections::{self, Connections};
use super::engine::Engine;
use super::{graphiql, graphql, health, websocket};
use crate::platform::request::Platform;

/// What every handler shares.
#[derive(Debug)]
pub struct Door<E> {
    pub engine: Engine<E>,
    pub platform: Platform,
    /// The WebSockets and event streams that are open.
    pub connections: Arc<Connections>,
    /// What GraphiQL starts with.
    pub welcome: graphiql::Welcome,
    pub migrated: health::Migrated,
}

/// Every route of the server.
pub fn router<E: Executor>(door: Arc<Door<E>>) -> Router {
    let mut router = Router::new()
        .route("/graphql", get(get_or_upgrade::<E>).post(graphql::post::<E>))
        .route("/health", get(health::everything::<E>))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready::<E>))
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
    if !websocket::is_wanted(&parts.headers) {
        let query = axum::extract::RawQuery(parts.uri.query().map(str::to_owned));
        return graphql::get(State(door), ConnectInfo(address), query, parts.headers).await;
    }
    let Some(place) = door.connections.enter(Some(address.ip())) else {
        return connections::full();
    };
    let origin = graphql::origin(&parts.headers, address);
    websocket::upgrade(door, &mut parts, origin, place)
}
