//! Whether there is room in a project for what is about to enter it.

use entity::ids::{ProjectId, SpaceId};
use entity::tenancy::project;

use super::store;
use crate::platform::authorization::Granted;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// What is about to enter the spaces of a project.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Entering {
    pub documents: i64,
    pub content_bytes: i64,
}

/// Refuses one more member where there is no room for it. Invariant: the organization of the project is held alone.
pub async fn check_member(write: &Write<'_>, project: &Granted<project::Entity>) -> Result<()> {
    match project.quotas.max_members {
        Some(most) if store::held(write.connection(), project.id).await?.members >= i64::from(most) => {
            Err(exceeded("projectId", "maxMembers", &format!("{most} members")))
        }
        Some(_) | None => Ok(()),
    }
}

/// Refuses what would take a space's project over its quotas. The last lock of a write of content: nothing that waits for
/// another write of the project comes after it.
pub async fn check_content(write: &Write<'_>, space: SpaceId, field: &'static str, entering: Entering) -> Result<()> {
    match store::limiting_project_of(write, space).await? {
        Some(id) => check_room(write, id, field, entering).await,
        None => Ok(()),
    }
}

/// Refuses to attach a space to a project that has no room for what it holds.
pub async fn check_space(write: &Write<'_>, space: SpaceId, project: ProjectId) -> Result<()> {
    match store::limiting_project(write, project).await? {
        Some(id) => check_room(write, id, "projectId", store::held_by_space(write, space).await?).await,
        None => Ok(()),
    }
}

async fn check_room(
    write: &Write<'_>,
    store::Limits { id, max_documents, max_content_bytes }: store::Limits,
    field: &'static str,
    entering: Entering,
) -> Result<()> {
    let held = store::held(write.connection(), id).await?;
    if let Some(most) = max_documents
        && entering.documents > 0
        && held.documents + entering.documents > most
    {
        return Err(exceeded(field, "maxDocuments", &format!("{most} documents and notes")));
    }
    if let Some(most) = max_content_bytes
        && entering.content_bytes > 0
        && held.content_bytes + entering.content_bytes > most
    {
        return Err(exceeded(field, "maxContentBytes", &format!("{most} bytes of content")));
    }
    Ok(())
}

fn exceeded(field: &'static str, quota: &str, most: &str) -> Error {
    reject(field, Code::QuotaExceeded, format!("The project holds at most {most}: its quota {quota}."))
}
