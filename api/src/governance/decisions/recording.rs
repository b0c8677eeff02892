//! The record of decisions, written many at a time.

use std::sync::Arc;
use std::time::Duration;

use entity::ids::{DecisionId, McpServerId, OrganizationId, ProjectId};
use uuid::Uuid;

use super::events::DecisionsMade;
use super::recorded;
use super::store;
use crate::governance::decision::{Decision, Effect, Input};
use crate::metering::limits::LimitStanding;
use crate::platform::errors::{Error, Result};
use crate::platform::recording::Entry;
use crate::platform::request::{Platform, Request};

/// A decision that was made.
#[derive(Clone, Debug)]
pub struct Made {
    pub id: DecisionId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: Option<McpServerId>,
    pub decision: Arc<Decision>,
    pub input: Arc<Input>,
    /// Where the limits stand that were consumed.
    pub standings: Vec<LimitStanding>,
    pub duration: Duration,
    pub request_id: Uuid,
}

impl Made {
    /// Whether it is to be recorded: always, unless it allows. The last bits of an id are random.
    pub fn is_wanted(&self, allows_percent: i32) -> bool {
        let is_allow = self.decision.outcome == Effect::Allow && self.decision.would_be.is_none();
        !is_allow || self.id.uuid().as_u128() % 100 < u128::from(allows_percent.unsigned_abs())
    }
}

impl Entry for Made {
    const WHAT: &'static str = "recording decisions";

    async fn write(platform: &Platform, batch: Vec<Self>) -> Result<()> {
        let event = DecisionsMade::of(&batch);
        let rows = tokio::task::spawn_blocking(move || batch.iter().map(recorded::row).collect::<Result<Vec<_>>>());
        let rows = rows.await.map_err(Error::internal)??;
        let request = Request::as_system(platform, "decisions are recorded after they were made");
        let mut write = request.begin_write().await?;
        store::insert(&write, rows).await?;
        for event in event {
            write.record(&event);
        }
        write.commit(()).await?;
        Ok(())
    }
}
