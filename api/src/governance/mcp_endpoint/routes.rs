//! The routes: `POST /mcp` and `POST /mcp/{project id}`. There are no sessions, so there is nothing to GET or to DELETE.

use std::net::SocketAddr;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;

use super::answering;
use super::entering::Entered;
use crate::platform::http::{graphql, observed, reading, router};
use crate::platform::mcp::serving::{self, Fault, Incoming, RequestId, Spoken, codes};
use crate::platform::request::Platform;

/// What pages may say in headers beside what they may say to the graph.
static HEADERS: [HeaderName; 4] = [
    HeaderName::from_static("mcp-protocol-version"),
    HeaderName::from_static("mcp-method"),
    HeaderName::from_static("mcp-name"),
    HeaderName::from_static("mcp-session-id"),
];

/// The routes of MCP clients.
pub fn routes(platform: &Platform) -> Router {
    let mut routes = Router::new().route("/mcp", post(of_key)).route("/mcp/{project}", post(of_project));
    if let Some(cors) = router::cors(&platform.config.http.cors_origins, &HEADERS) {
        routes = routes.layer(cors);
    }
    routes.with_state(platform.clone())
}

async fn of_key(
    State(platform): State<Platform>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(&platform, address, None, &headers, body).await
}

async fn of_project(
    State(platform): State<Platform>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    Path(project): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    receive(&platform, address, Some(&project), &headers, body).await
}

async fn receive(
    platform: &Platform,
    address: SocketAddr,
    project: Option<&str>,
    headers: &HeaderMap,
    body: Body,
) -> Response {
    match message(platform, address, headers, body).await {
        Ok((entered, incoming)) => converse(entered, project, headers, incoming).await,
        Err((id, fault)) => {
            let response = told(id.as_ref(), &fault);
            observed::turned_away(&platform.metrics, response.status(), address.ip());
            response
        }
    }
}

/// The message, once it is known who sends it.
async fn message(
    platform: &Platform,
    address: SocketAddr,
    headers: &HeaderMap,
    body: Body,
) -> Result<(Entered, Incoming), (Option<RequestId>, Fault)> {
    let config = &platform.config;
    let own = config.public_url.iter();
    if !serving::is_allowed(headers, &config.http.cors_origins, own) {
        let message = "Pages of this origin may not ask here. TRELLIS_CORS_ORIGINS says which may.";
        return Err((None, Fault::refused(StatusCode::FORBIDDEN, message, "FORBIDDEN")));
    }
    let content = reading::read(&config.http, headers, body).await.map_err(|(status, message)| {
        (None, Fault { status: Some(status), ..Fault::new(codes::INVALID_REQUEST, message) })
    })?;
    // Only now: a body may take its time, and who asks is confirmed as the work begins.
    let entered = Entered::of(platform, headers, address).await.map_err(|fault| (None, fault))?;
    Ok((entered, Incoming::read(&content)?))
}

async fn converse(entered: Entered, project: Option<&str>, headers: &HeaderMap, incoming: Incoming) -> Response {
    let (id, method, params) = match incoming {
        Incoming::Request { id, method, params } => (id, method, params),
        Incoming::Notification { method, params } => {
            // What is under way ends with its connection, so there is nothing to do but to hear it.
            return match Spoken::of(headers, &method, &params) {
                Ok(_) => serving::accepted(),
                Err(fault) => told(None, &fault),
            };
        }
    };
    let begun = Instant::now();
    let (user_id, api_key_id) = (entered.viewer.user_id(), entered.viewer.key().map(|key| key.id));
    let ip = entered.origin.ip;
    let response = respond(entered, project, headers, id, &method, params).await;
    tracing::info!(
        method,
        status = response.status().as_u16(),
        duration_ms = begun.elapsed().as_secs_f64() * 1000.0,
        user_id = user_id.map(tracing::field::display),
        api_key_id = api_key_id.map(tracing::field::display),
        ip = ip.map(tracing::field::display),
        "mcp"
    );
    response
}

async fn respond(
    entered: Entered,
    project: Option<&str>,
    headers: &HeaderMap,
    id: RequestId,
    method: &str,
    params: serde_json::Map<String, serde_json::Value>,
) -> Response {
    let spoken = match Spoken::of(headers, method, &params) {
        Ok(spoken) => spoken,
        Err(fault) => return told(Some(&id), &fault),
    };
    let project = match entered.project(project) {
        Ok(project) => project,
        Err(fault) => return told(Some(&id), &fault),
    };
    let allowance = match entered.charge(answering::cost(method)).await {
        Ok(allowance) => allowance,
        Err((fault, allowance)) => {
            let mut response = told(Some(&id), &fault);
            graphql::tell(response.headers_mut(), &allowance);
            return response;
        }
    };
    let mut response =
        answering::answer(entered.request(allowance), project, headers, spoken, id, method, params).await;
    if let Some(allowance) = allowance {
        graphql::tell(response.headers_mut(), &allowance);
    }
    with_challenge(response)
}

fn told(id: Option<&RequestId>, fault: &Fault) -> Response {
    with_challenge(serving::plain_error(id, fault))
}

/// Says how to be let in to who was not.
fn with_challenge(mut response: Response) -> Response {
    let challenge = match response.status() {
        StatusCode::UNAUTHORIZED => r#"Bearer realm="trellis""#,
        StatusCode::FORBIDDEN => r#"Bearer realm="trellis", error="insufficient_scope", scope="tools:call""#,
        _ => return response,
    };
    response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    response
}
