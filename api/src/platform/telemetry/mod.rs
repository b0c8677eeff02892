//! What operators see: the log (lines for people in development, one JSON object per line in production, chosen by
//! `TRELLIS_LOG`), the numbers for Prometheus, and, by setting, traces.

pub mod metrics;
mod traces;

use std::collections::HashMap;

use opentelemetry::propagation::TextMapPropagator;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

use super::config::{Config, Environment};
use super::errors::Result;
use traces::Traces;

/// The target of the spans that are traced. They are at the level of debugging, so that the log costs nothing for them.
pub const TRACE: &str = "trellis::trace";

/// What must be ended with the process, so that nothing is lost that was told last.
#[derive(Debug)]
pub struct Telemetry {
    traces: Option<Traces>,
}

/// Starts the log on standard error, and traces where they are wanted. Call once, before anything is told.
pub fn start(config: &Config) -> Result<Telemetry> {
    let filter = EnvFilter::new(&config.log);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = match config.environment {
        Environment::Development => lines.compact().boxed(),
        Environment::Production => lines.json().flatten_event(true).with_current_span(false).boxed(),
    };
    let traces = config.traces_endpoint.as_deref().map(Traces::start).transpose()?;
    let layer = traces.as_ref().map(Traces::layer);
    tracing_subscriber::registry().with(lines.with_filter(filter)).with(layer).init();
    Ok(Telemetry { traces })
}

impl Telemetry {
    /// Sends what was not sent yet.
    pub async fn end(self) {
        if let Some(traces) = self.traces {
            traces.end().await;
        }
    }
}

/// Makes the span part of the trace that a client tells of, if it is traced at all.
pub fn continue_trace(span: &tracing::Span, trace_parent: Option<&str>) {
    let Some(trace_parent) = trace_parent.filter(|_| !span.is_disabled()) else {
        return;
    };
    let carrier = HashMap::from([("traceparent".to_owned(), trace_parent.to_owned())]);
    // An error means that the span has ended already.
    let _ = span.set_parent(TraceContextPropagator::new().extract(&carrier));
}
