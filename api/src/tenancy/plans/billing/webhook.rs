//! `POST /webhooks/billing`: 200 once an event is recorded, whatever came of it, so that the provider does not send it
//! again; 400 for what is not believed; 503 when it should be sent again.

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::post;
use serde_json::{Value, json};

use super::event::Event;
use super::rules;
use super::signature::{self, Refusal};
use crate::platform::request::Platform;

/// The largest event that is read.
const MOST_BYTES: usize = 1024 * 1024;

/// The routes of the provider of payments; none where nobody signs.
pub fn routes(platform: &Platform) -> Router {
    match platform.config.plans.is_billed() {
        true => Router::new().route("/webhooks/billing", post(receive)).with_state(platform.clone()),
        false => Router::new(),
    }
}

async fn receive(State(platform): State<Platform>, headers: HeaderMap, body: Body) -> Response {
    let body: Bytes = match to_bytes(body, MOST_BYTES).await {
        Ok(body) => body,
        Err(_) => return refused(StatusCode::PAYLOAD_TOO_LARGE, "BODY_TOO_LARGE", "An event has 1 MiB at most."),
    };
    let settings = &platform.config.plans;
    let Some(signature) = headers.get("stripe-signature").and_then(|value| value.to_str().ok()) else {
        return refused(StatusCode::BAD_REQUEST, "SIGNATURE_MISSING", "Sign the event: Stripe-Signature: t=…,v1=….");
    };
    let (now, tolerance) = (platform.clock.now().timestamp(), settings.billing_tolerance_seconds);
    if let Err(refusal) = signature::check(signature, &body, &settings.billing_secrets, now, tolerance) {
        let (code, message) = match refusal {
            Refusal::Malformed => ("SIGNATURE_MALFORMED", "The signature has another form than t=…,v1=…."),
            Refusal::Wrong => ("SIGNATURE_INVALID", "No secret of this server gives this signature."),
            Refusal::OutOfTime => ("SIGNATURE_EXPIRED", "The signature is not of these minutes."),
        };
        return refused(StatusCode::BAD_REQUEST, code, message);
    }
    let Some(event) = Event::read(&body) else {
        return refused(StatusCode::BAD_REQUEST, "EVENT_MALFORMED", "The body is no event.");
    };
    match rules::receive(&platform, &event, &body).await {
        Ok(outcome) => answer(StatusCode::OK, &json!({ "outcome": outcome })),
        Err(error) => {
            tracing::error!(%error, event = event.id, "an event of the provider of payments was not carried out");
            refused(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", "Send it again later.")
        }
    }
}

fn refused(status: StatusCode, code: &str, message: &str) -> Response {
    answer(status, &json!({ "error": { "code": code, "message": message } }))
}

fn answer(status: StatusCode, content: &Value) -> Response {
    let mut response = Response::new(Body::from(content.to_string()));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
