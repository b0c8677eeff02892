//! What deleting takes along, told before it is done, and the end of what was deleted long enough ago.

mod graphql;
mod store;

pub use graphql::{
    OrganizationDeletionImpact, ProjectDeletionImpact, SpaceDeletionImpact, of_organization, of_project, of_space,
};
pub use store::purge;
