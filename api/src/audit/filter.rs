//! How lists of entries may be narrowed.

use async_graphql::{Enum, InputObject};
use entity::ids::{AnyId, ProjectId, SpaceId, UserId};

use super::resources::AuditResourceType;
use crate::platform::errors::{Error, Result};
use crate::platform::filters::TimeFilter;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum AuditAction {
    /// It was created.
    Create,
    /// It was changed.
    Update,
    /// It was removed.
    Delete,
}

impl AuditAction {
    pub const ALL: [Self; 3] = [Self::Create, Self::Update, Self::Delete];

    /// The second part of an entry's action.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// What an entry's action says, such as `documents.update`.
    pub fn of(action: &str) -> Result<Self> {
        let verb = action.rsplit('.').next().unwrap_or_default();
        let found = Self::ALL.into_iter().find(|action| action.verb() == verb);
        found.ok_or_else(|| Error::internal(format!("{action} is not an action")))
    }
}

/// Which entries a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct AuditFilter {
    /// Done by this person.
    pub actor_id: Option<UserId>,
    /// One of these was done; up to 3.
    pub actions: Option<Vec<AuditAction>>,
    /// About one of these; up to 50.
    pub resource_types: Option<Vec<AuditResourceType>>,
    /// About the object with this id, of whatever type.
    pub resource_id: Option<AnyId>,
    /// In this space.
    pub space_id: Option<SpaceId>,
    /// In this project.
    pub project_id: Option<ProjectId>,
    /// At this time.
    pub created_at: Option<TimeFilter>,
}

impl AuditFilter {
    /// Refuses lists of more values than there are to choose from.
    pub fn check(self) -> Result<Self> {
        if self.actions.as_ref().is_some_and(|actions| actions.len() > AuditAction::ALL.len()) {
            return Err(Error::bad_input("actions", "Give at most 3 actions."));
        }
        if self.resource_types.as_ref().is_some_and(|types| types.len() > 50) {
            return Err(Error::bad_input("resourceTypes", "Give at most 50 types."));
        }
        Ok(self)
    }
}
