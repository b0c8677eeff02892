//! What goes on without being asked: runs whose process died are ended, and approved servers are connected to again now and
//! then, since what answered yesterday may be away today, and may say something else.

use std::time::Duration;

use chrono::TimeDelta;
use entity::enums::McpDiscoveryOccasion;
use entity::governance::mcp_server;
use entity::ids::McpServerId;
use futures_util::FutureExt;
use futures_util::future::join_all;

use super::running::{self, PATIENCE};
use super::trouble::{Code, Trouble};
use super::{rules, store};
use crate::platform::authorization::Action;
use crate::platform::background::repeat;
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Platform, Request};

/// How often it is looked for something to do, at the longest.
const POLL: Duration = Duration::from_secs(30);
/// Servers that are looked at in one round.
const ROUND: i64 = 50;

/// Looks again and again until it is dropped.
pub async fn recheck(platform: Platform) {
    let pause = POLL.min(Duration::from_secs(platform.config.mcp_recheck_seconds));
    repeat("rechecking MCP servers", pause, move || round(platform.clone()).boxed()).await;
}

async fn round(platform: Platform) -> Result<bool> {
    end_lost(&platform).await?;
    let request = Request::as_system(&platform, "approved MCP servers are looked at again");
    let interval = TimeDelta::seconds(i64::try_from(platform.config.mcp_recheck_seconds).unwrap_or(i64::MAX / 1_000));
    let due = store::due(&request.connection(), request.now() - interval, ROUND).await?;
    for run in join_all(due.into_iter().map(|server| look_again(platform.clone(), server))).await {
        run?;
    }
    // What was looked at is not due any more; what could not be begun is left for the next round.
    Ok(false)
}

/// Connects to a server again, unless that goes on already.
pub async fn look_again(platform: Platform, server: McpServerId) -> Result<()> {
    let request = Request::as_system(&platform, "an approved MCP server is looked at again");
    let mut write = request.begin_write().await?;
    let begun = async {
        let server = write.granted::<mcp_server::Entity>(server, Action::Read).await?;
        rules::begin(&mut write, &server, McpDiscoveryOccasion::Scheduled).await
    };
    let run = match begun.await {
        Ok((_, run)) => run,
        // It is gone, or another process was faster.
        Err(Error::NotFound) => return Ok(()),
        Err(Error::Rejected(reasons)) if reasons.iter().all(|reason| reason.code == rules::RUNNING) => return Ok(()),
        Err(error) => return Err(error),
    };
    write.commit(()).await?;
    running::run(platform, run).await;
    Ok(())
}

/// Ends the runs whose process must have died: no run takes so long.
async fn end_lost(platform: &Platform) -> Result<()> {
    let request = Request::as_system(platform, "runs of discovery are ended whose process died");
    let longest = PATIENCE + 2 * platform.config.mcp.bounds(platform.config.environment).run;
    let longest = TimeDelta::from_std(longest).map_err(Error::internal)?;
    for (server, discovery) in store::lost(&request.connection(), request.now() - longest, ROUND).await? {
        let mut write = request.begin_write().await?;
        let Ok(server) = write.granted::<mcp_server::Entity>(server, Action::Read).await else { continue };
        if let Some(row) = store::running(&write, discovery).await? {
            let trouble = Trouble::new(Code::Interrupted, "The run ended before its time: this server was stopped.");
            running::fail(&mut write, &server, &row, &trouble).await?;
            write.commit(()).await?;
        }
    }
    Ok(())
}
