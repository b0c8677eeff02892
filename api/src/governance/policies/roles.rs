//! The roles that policies speak of, in the words of the graph and of stored policies.

use async_graphql::Enum;
use entity::enums::{MemberRole, ProjectRole};
use entity::ids::{OrganizationId, ProjectId};

use crate::platform::viewer::Viewer;

/// A role in the organization or in the project. Everybody has one of each at most: the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum PolicyRole {
    /// Owner of the organization.
    OrganizationOwner,
    /// Admin of the organization.
    OrganizationAdmin,
    /// Member of the organization.
    OrganizationMember,
    /// Viewer of the organization.
    OrganizationViewer,
    /// Admin of the project; owners and admins of its organization are.
    ProjectAdmin,
    /// Developer of the project.
    ProjectDeveloper,
    /// Viewer of the project.
    ProjectViewer,
}

impl PolicyRole {
    pub const ALL: [Self; 7] = [
        Self::ProjectViewer,
        Self::ProjectDeveloper,
        Self::ProjectAdmin,
        Self::OrganizationViewer,
        Self::OrganizationMember,
        Self::OrganizationAdmin,
        Self::OrganizationOwner,
    ];

    /// How policies and decisions spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OrganizationOwner => "organization_owner",
            Self::OrganizationAdmin => "organization_admin",
            Self::OrganizationMember => "organization_member",
            Self::OrganizationViewer => "organization_viewer",
            Self::ProjectAdmin => "project_admin",
            Self::ProjectDeveloper => "project_developer",
            Self::ProjectViewer => "project_viewer",
        }
    }

    /// None for what is no role of this version.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == text)
    }

    /// Whether it is a role in the organization, and not in the project.
    pub const fn is_of_organization(self) -> bool {
        matches!(
            self,
            Self::OrganizationOwner | Self::OrganizationAdmin | Self::OrganizationMember | Self::OrganizationViewer
        )
    }

    /// The roles that somebody has in a project and its organization.
    pub fn held_by(viewer: &Viewer, organization: OrganizationId, project: ProjectId) -> Vec<Self> {
        let of_organization = viewer.organization_role(organization).map(|role| match role {
            MemberRole::Owner => Self::OrganizationOwner,
            MemberRole::Admin => Self::OrganizationAdmin,
            MemberRole::Member => Self::OrganizationMember,
            MemberRole::Viewer => Self::OrganizationViewer,
        });
        let of_project = viewer.project_role(project).map(|role| match role {
            ProjectRole::Admin => Self::ProjectAdmin,
            ProjectRole::Developer => Self::ProjectDeveloper,
            ProjectRole::Viewer => Self::ProjectViewer,
        });
        of_organization.into_iter().chain(of_project).collect()
    }
}
