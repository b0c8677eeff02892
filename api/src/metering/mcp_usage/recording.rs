//! Calls that are over, written many at a time.

use entity::metering::mcp_usage;

use super::events::{CallEvent, Whose};
use super::store;
use crate::platform::errors::Result;
use crate::platform::recording::Entry;
use crate::platform::request::{Platform, Request};

/// A call that is over.
#[derive(Clone, Debug)]
pub struct Ended(pub mcp_usage::Model);

impl Entry for Ended {
    const WHAT: &'static str = "recording calls of tools";

    async fn write(platform: &Platform, batch: Vec<Self>) -> Result<()> {
        let request = Request::as_system(platform, "calls of tools are recorded after they ended");
        let mut write = request.begin_write().await?;
        for Ended(row) in &batch {
            write.record(&CallEvent::ended(Whose::of(row)));
        }
        store::insert(&write, batch.into_iter().map(|ended| ended.0).collect()).await?;
        write.commit(()).await?;
        Ok(())
    }
}
