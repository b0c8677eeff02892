//! Silence is a no: what nobody answered in time, or nobody used in time, ends.

use std::time::Duration;

use super::events::ApprovalEvent;
use super::store;
use crate::platform::background::repeat;
use crate::platform::errors::Result;
use crate::platform::request::{Platform, Request};

/// How often it is looked. In between, whoever looks at a request goes by its time.
const PAUSE: Duration = Duration::from_secs(15);
/// Requests that end in one transaction.
const BATCH: i64 = 200;

/// Ends requests for approval in time, until it is dropped.
pub async fn expire_in_time(platform: Platform) {
    repeat("ending requests for approval", PAUSE, || {
        let platform = platform.clone();
        Box::pin(async move { expire(&platform).await })
    })
    .await;
}

async fn expire(platform: &Platform) -> Result<bool> {
    let request = Request::as_system(platform, "requests for approval end by themselves");
    let mut write = request.begin_write().await?;
    let expired = store::expire(&write, BATCH).await?;
    for approval in &expired {
        write.record(&ApprovalEvent::of(approval));
    }
    write.commit(()).await?;
    Ok(!expired.is_empty())
}
