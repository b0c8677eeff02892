//! What happened at the door, told once for each operation and each request without one: to the log as one line, and to
//! the metrics.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use async_graphql::parser::types::OperationType;
use async_graphql::{ServerError, Value};
use axum::http::StatusCode;
use entity::ids::{ApiKeyId, UserId};
use uuid::Uuid;

use super::answers::Caller;
use super::engine::Admitted;
use crate::platform::request::Request;
use crate::platform::telemetry::metrics::{Metrics, Outcome, kind_name};

/// An operation under way. It is told when this is dropped, however that comes about.
#[derive(Debug)]
pub struct Observed {
    metrics: Arc<Metrics>,
    started: Instant,
    name: String,
    kind: OperationType,
    request_id: Uuid,
    user_id: Option<UserId>,
    api_key_id: Option<ApiKeyId>,
    ip: Option<IpAddr>,
    ended: Option<Ended>,
}

#[derive(Debug)]
struct Ended {
    outcome: Outcome,
    codes: Vec<String>,
    statements: u32,
}

impl Observed {
    pub fn new(admitted: &Admitted, request: &Request) -> Self {
        Self {
            metrics: Arc::clone(&request.platform.metrics),
            started: Instant::now(),
            name: admitted.name().unwrap_or_default().to_owned(),
            kind: admitted.operation_type(),
            request_id: request.id,
            user_id: request.viewer().user_id(),
            api_key_id: request.viewer().key().map(|key| key.id),
            ip: request.origin.ip,
            ended: None,
        }
    }

    /// It ended by itself, with these errors.
    pub fn ended(&mut self, ran: bool, errors: &[ServerError], statements: u32) {
        let outcome = match (ran, errors) {
            (true, []) => Outcome::Ok,
            (true, _) => Outcome::Failed,
            (false, _) => Outcome::Refused,
        };
        self.ended = Some(Ended { outcome, codes: count(&self.metrics, errors), statements });
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        let duration = self.started.elapsed();
        let ended = self.ended.take();
        let ended = ended.unwrap_or(Ended { outcome: Outcome::Cancelled, codes: Vec::new(), statements: 0 });
        self.metrics.operation(&self.name, self.kind, ended.outcome, duration);
        tracing::info!(
            operation = self.name,
            kind = kind_name(self.kind),
            outcome = ended.outcome.as_str(),
            codes = ended.codes.join(","),
            duration_ms = duration.as_secs_f64() * 1000.0,
            statements = ended.statements,
            request_id = %self.request_id,
            user_id = self.user_id.map(tracing::field::display),
            api_key_id = self.api_key_id.map(tracing::field::display),
            ip = self.ip.map(tracing::field::display),
            "operation"
        );
    }
}

/// An operation was refused before it was anybody's: by the guard, or because its document is not known.
pub fn refused(metrics: &Metrics, errors: &[ServerError], caller: &Caller) {
    let codes = count(metrics, errors).join(",");
    tracing::info!(
        outcome = Outcome::Refused.as_str(),
        codes,
        user_id = caller.viewer.user_id().map(tracing::field::display),
        ip = caller.origin.ip.map(tracing::field::display),
        "operation"
    );
}

/// A request was turned away before there was an operation.
pub fn turned_away(metrics: &Metrics, status: StatusCode, ip: IpAddr) {
    metrics.turned_away(status.as_u16());
    tracing::info!(status = status.as_u16(), %ip, "turned away");
}

/// Counts errors by their code, and gives the codes.
fn count(metrics: &Metrics, errors: &[ServerError]) -> Vec<String> {
    let codes = errors.iter().map(|error| {
        let code = error.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        match code {
            Some(Value::String(code)) => code.clone(),
            _ => String::new(),
        }
    });
    let codes: Vec<String> = codes.collect();
    for code in &codes {
        metrics.error(code);
    }
    codes
}
