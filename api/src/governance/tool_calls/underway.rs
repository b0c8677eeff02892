//! A call that goes on. However it ends, what it held is settled or released and its end is recorded, also where whoever
//! waits for it goes away meanwhile.

use std::time::Instant;

use entity::enums::McpCallStatus;
use entity::metering::mcp_usage;
use serde_json::Value;

use super::refusal::Refusal;
use crate::metering::limits::{Admission, Usage};
use crate::metering::mcp_usage::Ended;
use crate::platform::errors::{Error, Result};
use crate::platform::recording::{record, record_at_once};
use crate::platform::request::Platform;

/// A call from its admission to its end.
pub struct Underway {
    platform: Platform,
    /// None once it ends.
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

    /// The server has heard nothing of it after all.
    pub fn is_not_asked(&mut self) {
        self.asked = None;
    }

    /// Notes what compliance found.
    pub fn found(&mut self, findings: Value) {
        if let Some(row) = &mut self.row {
            row.findings = findings;
        }
    }

    /// It came to nothing: what was reserved is free again, unless the server was asked.
    pub async fn refuse(mut self, refusal: Refusal) -> Result<Refusal> {
        let latency_ms = self.latency_ms();
        let row = self.row.take().map(|row| refused(row, &refusal, latency_ms));
        self.end(row.clone()).await?;
        Ok(Refusal { recorded: row, ..refusal })
    }

    /// The tool answered.
    pub async fn answer(mut self, output_bytes: usize, is_error: bool) -> Result<mcp_usage::Model> {
        let latency_ms = self.latency_ms();
        let row = self.row.take().ok_or_else(|| Error::internal("a call ended twice"))?;
        let row = mcp_usage::Model {
            status: if is_error { McpCallStatus::Error } else { McpCallStatus::Success },
            error_code: is_error.then(|| "TOOL_ERROR".to_owned()),
            error_message: is_error.then(|| "The tool says that it failed.".to_owned()),
            latency_ms,
            output_bytes: Some(i32::try_from(output_bytes).unwrap_or(i32::MAX)),
            ..row
        };
        self.end(Some(row.clone())).await?;
        Ok(row)
    }

    /// A fault of ours ended it.
    pub async fn fail(mut self) {
        let latency_ms = self.latency_ms();
        let row = self.row.take().map(|row| mcp_usage::Model {
            status: McpCallStatus::Error,
            error_code: Some("INTERNAL".to_owned()),
            error_message: Some("This server could not finish the call.".to_owned()),
            latency_ms,
            ..row
        });
        if let Err(error) = self.end(row).await {
            tracing::error!(%error, "how a call of a tool ended is not recorded");
        }
    }

    fn latency_ms(&self) -> Option<i32> {
        Some(i32::try_from(self.asked?.elapsed().as_millis()).unwrap_or(i32::MAX))
    }

    /// In a task of its own: whoever goes away now changes nothing any more.
    async fn end(&mut self, row: Option<mcp_usage::Model>) -> Result<()> {
        let (platform, is_made, admission) = (self.platform.clone(), self.asked.is_some(), self.admission.take());
        let ending = tokio::spawn(async move {
            if let Some(admission) = admission {
                conclude(admission, is_made).await;
            }
            match row {
                Some(row) => record(&platform, Ended(row)).await,
                None => Ok(()),
            }
        });
        ending.await.map_err(Error::internal)?
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

/// The record of a call that was refused. What a server or a caller said is not repeated there.
pub fn refused(row: mcp_usage::Model, refusal: &Refusal, latency_ms: Option<i32>) -> mcp_usage::Model {
    mcp_usage::Model {
        status: refusal.code.status(),
        error_code: Some(refusal.code.name().to_owned()),
        error_message: Some(refusal.recordable()),
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
