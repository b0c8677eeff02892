//! A call that goes on. However it ends, what it held is settled or released and its end is recorded, also where whoever
//! waits for it goes away.

use std::time::Instant;

use entity::enums::McpCallStatus;
use entity::metering::mcp_usage;
use serde_json::Value;

use super::refusal::Refusal;
use crate::metering::limits::{Admission, Usage};
use crate::metering::mcp_usage::Ended;
use crate::platform::errors::Result;
use crate::platform::recording::{record, record_at_once};
use crate::platform::request::Platform;

/// A call from its admission to its end.
pub struct Underway {
    platform: Platform,
    /// None once it is recorded.
    row: Option<mcp_usage::Model>,
    admission: Option<Admission>,
    /// When the server was asked; none while it was not.
    asked: Option<Instant>,
}

impl Underway {
    pub fn new(platform: &Platform, row: mcp_usage::Model, admission: Admission) -> Self {
        Self { platform: platform.clone(), row: Some(row), admission: Some(admission), asked: None }
    }

    /// From here on the server may have heard of it, and the call counts.
    pub fn is_asked(&mut self) {
        self.asked = Some(Instant::now());
    }

    /// Notes what compliance found.
    pub fn found(&mut self, findings: Value) {
        if let Some(row) = &mut self.row {
            row.findings = findings;
        }
    }

    /// It came to nothing: what was reserved is free again, unless the server was asked.
    pub async fn refuse(mut self, refusal: Refusal) -> Result<Refusal> {
        let row = self.row.take().map(|row| refused(row, &refusal, self.latency_ms()));
        self.end(row.as_ref()).await?;
        Ok(Refusal { recorded: row, ..refusal })
    }

    /// The tool answered.
    pub async fn answer(mut self, output_bytes: usize, is_error: bool) -> Result<Option<mcp_usage::Model>> {
        let row = self.row.take().map(|row| mcp_usage::Model {
            status: if is_error { McpCallStatus::Error } else { McpCallStatus::Success },
            error_code: is_error.then(|| "TOOL_ERROR".to_owned()),
            error_message: is_error.then(|| "The tool says that it failed.".to_owned()),
            latency_ms: self.latency_ms(),
            output_bytes: Some(i32::try_from(output_bytes).unwrap_or(i32::MAX)),
            ..row
        });
        self.end(row.as_ref()).await?;
        Ok(row)
    }

    /// It was made before: nothing is recorded, and nothing held.
    pub async fn forget(mut self) {
        self.row = None;
        if let Some(admission) = self.admission.take() {
            conclude(admission, false).await;
        }
    }

    fn latency_ms(&self) -> Option<i32> {
        Some(i32::try_from(self.asked?.elapsed().as_millis()).unwrap_or(i32::MAX))
    }

    async fn end(&mut self, row: Option<&mcp_usage::Model>) -> Result<()> {
        if let Some(admission) = self.admission.take() {
            conclude(admission, self.asked.is_some()).await;
        }
        match row {
            Some(row) => record(&self.platform, Ended(row.clone())).await,
            None => Ok(()),
        }
    }
}

/// Settles a call that was made, and releases one that was not. A failure loses no answer: the reservation ends by itself.
async fn conclude(admission: Admission, is_made: bool) {
    let concluded = match is_made {
        true => admission.settle(Usage::request()).await,
        false => admission.release().await,
    };
    if let Err(error) = concluded {
        tracing::error!(%error, "what a call of a tool held of its budgets is not settled yet");
    }
}

/// The record of a call that was refused.
pub fn refused(row: mcp_usage::Model, refusal: &Refusal, latency_ms: Option<i32>) -> mcp_usage::Model {
    mcp_usage::Model {
        status: refusal.code.status(),
        error_code: Some(refusal.code.name().to_owned()),
        error_message: Some(refusal.message.chars().filter(|sign| *sign != '\0').take(2_000).collect()),
        latency_ms,
        ..row
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(row) = self.row.take() {
            let row = mcp_usage::Model {
                status: McpCallStatus::Canceled,
                error_code: Some("CANCELED".to_owned()),
                error_message: Some("Whoever called went away before there was an answer.".to_owned()),
                latency_ms: self.latency_ms(),
                ..row
            };
            record_at_once(&self.platform, Ended(row));
        }
        if let Some(admission) = self.admission.take() {
            tokio::spawn(conclude(admission, self.asked.is_some()));
        }
    }
}
