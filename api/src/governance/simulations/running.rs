//! A simulation as it runs: a task of the server that began it. While one batch is decided the next is read. Whatever
//! server is left ends those whose server went away.

use std::collections::HashMap;
use std::time::Duration;

use chrono::TimeDelta;
use entity::governance::policy_simulation;
use entity::ids::{PolicySimulationId, ProjectId};
use tokio::time::Instant;
use uuid::Uuid;

use super::draft::{Change, Reach, changed};
use super::events::SimulationEvent;
use super::replaying::{Pair, replay};
use super::store::{self, Recorded, Standing};
use super::tally::Tally;
use crate::governance::decisions;
use crate::platform::background::repeat;
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Platform, Request};

/// Decisions in one batch.
const BATCH: i64 = 2_000;
/// How often progress is written, and whether it is to go on is asked.
const EACH: Duration = Duration::from_millis(500);
/// A simulation that was not moved on for so long has lost its server.
const LOST: TimeDelta = TimeDelta::seconds(60);
const LOOK: Duration = Duration::from_secs(30);

/// Lets a simulation run beside the requests.
pub fn begin(platform: &Platform, simulation: &policy_simulation::Model, draft: Vec<Change>) {
    let (platform, simulation) = (platform.clone(), simulation.clone());
    tokio::spawn(async move {
        let id = simulation.id;
        if let Err(error) = run(&platform, &simulation, draft).await {
            tracing::warn!(%error, simulation = %id, "a simulation failed");
            let failed = stand(&platform, id, Standing::Failed("It could not be finished. Try again.")).await;
            if let Err(error) = failed {
                tracing::warn!(%error, simulation = %id, "that a simulation failed is not recorded yet");
            }
        }
    });
}

async fn run(platform: &Platform, simulation: &policy_simulation::Model, draft: Vec<Change>) -> Result<()> {
    let reach = Reach { organization: simulation.organization_id, project: simulation.project_id };
    let (since, before) = (simulation.window_start, simulation.window_end);
    let total = store::total(platform, reach, since, before).await?;
    let mut tally = Tally::default();
    let mut policies: HashMap<ProjectId, Pair> = HashMap::new();
    let mut done = 0;
    let mut told = Instant::now();
    let mut batch = store::batch(platform, reach, (since, Uuid::nil()), before, BATCH).await?;
    while let Some(last) = batch.last().map(|recorded| (recorded.created_at, recorded.id)) {
        done += i64::try_from(batch.len()).unwrap_or_default();
        for project in projects(&batch) {
            if !policies.contains_key(&project) {
                policies.extend(pair(platform, reach, project, &draft).await?.map(|pair| (project, pair)));
            }
        }
        let deciding = tokio::task::spawn_blocking(move || {
            replay(batch, &policies, &mut tally);
            (policies, tally)
        });
        let (decided, next) = tokio::join!(deciding, store::batch(platform, reach, last, before, BATCH));
        (policies, tally) = decided.map_err(Error::internal)?;
        batch = next?;
        if told.elapsed() >= EACH {
            told = Instant::now();
            let result = tally.result();
            if !stand(platform, simulation.id, Standing::Running { total, done, result: &result }).await? {
                return Ok(());
            }
        }
    }
    let result = tally.result();
    if stand(platform, simulation.id, Standing::Running { total: done, done, result: &result }).await? {
        stand(platform, simulation.id, Standing::Succeeded(&result)).await?;
    }
    Ok(())
}

fn projects(batch: &[Recorded]) -> Vec<ProjectId> {
    let mut projects: Vec<ProjectId> = batch.iter().map(|recorded| ProjectId(recorded.project_id)).collect();
    projects.sort_unstable();
    projects.dedup();
    projects
}

/// The policies of a project with and without the draft. None for a project that is gone.
async fn pair(platform: &Platform, reach: Reach, project: ProjectId, draft: &[Change]) -> Result<Option<Pair>> {
    let request = Request::as_system(platform, "a simulation reads the policies of the projects that it is about");
    let Some(set) = decisions::policies_of(&request, reach.organization, project).await? else { return Ok(None) };
    let drafted = set.with(changed(&set.policies, draft, project)).await?;
    Ok(Some(Pair { present: set.compiled().await?, drafted }))
}

/// Writes and tells how a simulation stands; false where it does not run any more.
async fn stand(platform: &Platform, id: PolicySimulationId, standing: Standing<'_>) -> Result<bool> {
    let request = Request::as_system(platform, "a simulation goes on in the background");
    let mut write = request.begin_write().await?;
    let Some(simulation) = store::stand(&write, id, standing).await? else { return Ok(false) };
    write.record(&SimulationEvent::of(&simulation));
    write.commit(()).await?;
    Ok(true)
}

/// Ends simulations whose server went away, until it is dropped.
pub async fn look_after(platform: Platform) {
    repeat("looking after simulations", LOOK, || {
        let platform = platform.clone();
        Box::pin(async move {
            let request = Request::as_system(&platform, "simulations whose server went away are ended");
            for id in store::lost(&request, request.now() - LOST).await? {
                stand(&platform, id, Standing::Failed("The server that ran it went away. Try again.")).await?;
            }
            Ok(false)
        })
    })
    .await;
}
