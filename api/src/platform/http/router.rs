//! The routes, and what every handler shares.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use axum::Router;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware;
use axum::response::{Redirect, Response};
use axum::routing::get;
use tower_http::compression::CompressionLayer;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};

use super::answers::Caller;
use super::connections::{self, Connections};
use super::documents::Documents;
use super::engine::{Admitted, Call, Engine};
use super::proxies::{self, Proxies};
use super::{graphiql, graphql, health, observed, statistics, websocket};
use crate::platform::request::Platform;

/// What every handler shares.
#[derive(Debug)]
pub struct Door<E> {
    pub engine: Engine<E>,
    pub documents: Documents,
    pub platform: Platform,
    /// The HTTP connections that are open.
    pub http: Arc<Connections>,
    /// The WebSockets and event streams that are open.
    pub connections: Arc<Connections>,
    /// What GraphiQL starts with.
    pub welcome: graphiql::Welcome,
    pub migrated: health::Migrated,
    /// The routes that domains bring.
    pub routes: Router,
}

/// Every route of the server.
pub fn router<E: Executor>(door: Arc<Door<E>>) -> Router {
    let mut graphql = get(get_or_upgrade::<E>).post(graphql::post::<E>);
    if let Some(cors) = cors(&door.platform.config.http.cors_origins, &[]) {
        graphql = graphql.layer(cors);
    }
    let mut router = Router::new()
        .route("/graphql", graphql)
        .route("/health", get(health::everything::<E>))
        .route("/health/live", get(health::live))
        .route("/health/ready", get(health::ready::<E>))
        .route("/health/db", get(health::database::<E>))
        .route("/health/redis", get(health::redis::<E>))
        .route("/health/storage", get(health::storage))
        .route("/metrics", get(statistics::metrics::<E>));
    if door.platform.config.graphiql_enabled() {
        router = router
            .route("/", get(|| async { Redirect::temporary("/graphiql") }))
            .route("/graphiql", get(graphiql::page::<E>))
            .route("/graphiql/{*path}", get(graphiql::asset));
    }
    let proxies: Proxies = door.platform.config.http.trusted_proxies.as_slice().into();
    let brought = door.routes.clone();
    router
        .with_state(door)
        .merge(brought)
        .layer(CompressionLayer::new())
        .layer(middleware::from_fn_with_state(proxies, proxies::see_through))
}

impl<E: Executor> Door<E> {
    /// Lets a call in, and keeps its document for clients that name it later.
    pub fn admit(&self, mut call: Call, caller: &Caller) -> Result<Admitted, Box<async_graphql::Response>> {
        let register = call.register_as.take().map(|id| (id, Arc::clone(&call.query)));
        let admitted = self.engine.admit(call).inspect_err(|refusal| self.refused(refusal, caller))?;
        if let Some((id, text)) = register {
            // A mutation may have in its text what it writes, which is for the tables and their seals alone.
            let is_shared = admitted.operation_type() != OperationType::Mutation;
            self.documents.register(&id, &text, is_shared);
        }
        Ok(admitted)
    }
}

impl<E> Door<E> {
    /// Tells of an operation that was refused before it was anybody's.
    pub fn refused(&self, refusal: &async_graphql::Response, caller: &Caller) {
        observed::refused(&self.platform.metrics, &refusal.errors, caller);
    }
}

/// Lets pages of these origins ask. Credentials are a header that a page must hold, never a cookie, so that a page
/// elsewhere cannot ask in a user's name. `more` are headers that a page may send beside those of the graph.
pub fn cors(origins: &[String], more: &[HeaderName]) -> Option<CorsLayer> {
    let allowed = match origins {
        [] => return None,
        [any] if any == "*" => AllowOrigin::from(Any),
        listed => AllowOrigin::list(listed.iter().filter_map(|origin| HeaderValue::try_from(origin).ok())),
    };
    let headers = [
        header::AUTHORIZATION,
        header::CONTENT_TYPE,
        header::ACCEPT,
        HeaderName::from_static("idempotency-key"),
        HeaderName::from_static("traceparent"),
    ];
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers(headers.into_iter().chain(more.iter().cloned()).collect::<Vec<_>>())
        .expose_headers([
            header::RETRY_AFTER,
            header::WWW_AUTHENTICATE,
            HeaderName::from_static("ratelimit-limit"),
            HeaderName::from_static("ratelimit-remaining"),
            HeaderName::from_static("ratelimit-reset"),
            HeaderName::from_static("ratelimit-policy"),
        ])
        .max_age(Duration::from_secs(24 * 60 * 60));
    Some(cors)
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
