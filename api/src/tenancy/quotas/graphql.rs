//! What a project holds as a client sees it. It counts what is hidden too, so only its admins see it.

use async_graphql::SimpleObject;
use entity::tenancy::project;

use super::store;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// What a project holds, beside the quotas that limit it.
#[derive(Clone, Copy, Debug, PartialEq, SimpleObject)]
pub struct ProjectUsage {
    /// People and teams with a role in it: limited by maxMembers.
    pub members: i64,
    /// Documents and notes in its spaces, the trash included: limited by maxDocuments.
    pub documents: i64,
    /// Their content in bytes of UTF-8, a whole number which may be above what an Int holds: limited by maxContentBytes.
    pub content_bytes: f64,
}

/// What the project holds, for those who administer it.
pub async fn of_project(request: &Request, row: &project::Model) -> Result<Option<ProjectUsage>> {
    if !request.permitted::<project::Entity>(row).contains(Action::ManageMembers) {
        return Ok(None);
    }
    let held = store::held(&request.connection(), row.id).await?;
    // Whole numbers are exact up to 2^53.
    let content_bytes = held.content_bytes as f64;
    Ok(Some(ProjectUsage { members: held.members, documents: held.documents, content_bytes }))
}
