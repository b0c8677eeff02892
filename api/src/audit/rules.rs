//! Who may read the audit log, and which values of it.

use std::sync::Arc;

use entity::audit::log;
use entity::content::document;
use entity::ids::{AuditLogId, DocumentId, OrganizationId};
use entity::tenancy::organization;
use sea_orm::Condition;

use super::resources::AuditResourceType;
use super::store;
use crate::content::documents::Document;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing, within_scopes};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;

impl Resource for log::Entity {
    type Id = AuditLogId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::AuditRead, ActionSet::of(&[Action::Read]))];

    fn id(row: &log::Model) -> AuditLogId {
        row.id
    }

    fn id_column() -> log::Column {
        log::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &log::Model) -> ActionSet {
        let may_read = match row.organization_id {
            Some(organization) => viewer.administers(organization),
            None => row.user_id.is_some() && row.user_id == viewer.account_id(),
        };
        if may_read { ActionSet::of(&[Action::Read]) } else { ActionSet::NONE }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.administered(), viewer.account_id()))
    }
}

/// The organization whose log the viewer may read.
pub async fn readable_organization(request: &Request, id: OrganizationId) -> Result<Arc<organization::Model>> {
    let organization = request.get::<organization::Entity>(id).await?;
    if request.permitted::<organization::Entity>(&organization).contains(Action::ReadAudit) {
        return Ok(organization);
    }
    Err(Error::Forbidden)
}

/// Whether the viewer may see the values in an entry. Whoever reads the log of an organization may not, for that, read
/// what people write in private spaces.
pub async fn may_see_values(request: &Request, entry: &log::Model) -> Result<bool> {
    if entry.resource_schema != "content" {
        return Ok(true);
    }
    let resource = AuditResourceType::of_table(&entry.resource_type);
    match (resource, entry.resource_id, entry.space_id) {
        (
            AuditResourceType::Document | AuditResourceType::DocumentContent | AuditResourceType::DocumentTag,
            Some(id),
            _,
        ) => Ok(Document::find(request, DocumentId(id)).await?.is_some()),
        (_, _, Some(space)) => {
            let viewer = request.viewer();
            let reads_content = within_scopes::<document::Entity>(&viewer).contains(Action::Read);
            Ok(reads_content && viewer.content_role(space).is_some())
        }
        (_, _, None) => Ok(false),
    }
}
