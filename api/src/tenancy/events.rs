//! What is told when organizations, members, teams, projects and spaces change.

use entity::ids::{InvitationId, OrganizationId, ProjectId, SpaceId, SubscriptionId, TeamId, UserId};
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// A change of tenancy.
#[derive(Clone, Copy, Debug)]
pub enum TenancyEvent {
    OrganizationCreated { organization: OrganizationId },
    OrganizationUpdated { organization: OrganizationId },
    OrganizationDeleted { organization: OrganizationId },
    SingleSignOnChanged { organization: OrganizationId },
    MemberAdded { organization: OrganizationId, user: UserId },
    MemberUpdated { organization: OrganizationId, user: UserId },
    MemberRemoved { organization: OrganizationId, user: UserId },
    InvitationCreated { invitation: InvitationId, organization: OrganizationId },
    InvitationUpdated { invitation: InvitationId, organization: OrganizationId },
    TeamCreated { team: TeamId, organization: OrganizationId },
    TeamUpdated { team: TeamId, organization: OrganizationId },
    TeamDeleted { team: TeamId, organization: OrganizationId },
    TeamMembersChanged { team: TeamId, organization: OrganizationId },
    ProjectCreated { project: ProjectId, organization: OrganizationId },
    ProjectUpdated { project: ProjectId, organization: OrganizationId },
    ProjectDeleted { project: ProjectId, organization: OrganizationId },
    ProjectMembersChanged { project: ProjectId, organization: OrganizationId },
    SpaceCreated { space: SpaceId, organization: Option<OrganizationId> },
    SpaceUpdated { space: SpaceId, organization: Option<OrganizationId> },
    SpaceArchived { space: SpaceId, organization: Option<OrganizationId> },
    SpaceUnarchived { space: SpaceId, organization: Option<OrganizationId> },
    SpaceDeleted { space: SpaceId, organization: Option<OrganizationId> },
    SpaceMembersChanged { space: SpaceId, organization: Option<OrganizationId> },
    JoinRequested { space: SpaceId, organization: OrganizationId },
    JoinRequestAnswered { space: SpaceId, organization: OrganizationId },
    SubscriptionChanged { subscription: SubscriptionId, organization: Option<OrganizationId> },
}

fn of_organization(organization: OrganizationId) -> Subject {
    Subject {
        resource_type: "organization",
        resource_id: organization.uuid(),
        organization_id: Some(organization.uuid()),
        ..Subject::default()
    }
}

fn of_invitation(invitation: InvitationId, organization: OrganizationId) -> Subject {
    Subject {
        resource_type: "invitation",
        resource_id: invitation.uuid(),
        organization_id: Some(organization.uuid()),
        ..Subject::default()
    }
}

fn of_team(team: TeamId, organization: OrganizationId) -> Subject {
    Subject {
        resource_type: "team",
        resource_id: team.uuid(),
        organization_id: Some(organization.uuid()),
        ..Subject::default()
    }
}

fn of_project(project: ProjectId, organization: OrganizationId) -> Subject {
    Subject {
        resource_type: "project",
        resource_id: project.uuid(),
        organization_id: Some(organization.uuid()),
        project_id: Some(project.uuid()),
        ..Subject::default()
    }
}

fn of_space(space: SpaceId, organization: Option<OrganizationId>) -> Subject {
    Subject {
        resource_type: "space",
        resource_id: space.uuid(),
        organization_id: organization.map(OrganizationId::uuid),
        space_id: Some(space.uuid()),
        ..Subject::default()
    }
}

impl Event for TenancyEvent {
    fn stream(&self) -> Stream {
        Stream::Audit
    }

    fn event_type(&self) -> &'static str {
        match self {
            Self::OrganizationCreated { .. } => "organization.created",
            Self::OrganizationUpdated { .. } => "organization.updated",
            Self::OrganizationDeleted { .. } => "organization.deleted",
            Self::SingleSignOnChanged { .. } => "organization.single_sign_on_changed",
            Self::MemberAdded { .. } => "member.added",
            Self::MemberUpdated { .. } => "member.updated",
            Self::MemberRemoved { .. } => "member.removed",
            Self::InvitationCreated { .. } => "invitation.created",
            Self::InvitationUpdated { .. } => "invitation.updated",
            Self::TeamCreated { .. } => "team.created",
            Self::TeamUpdated { .. } => "team.updated",
            Self::TeamDeleted { .. } => "team.deleted",
            Self::TeamMembersChanged { .. } => "team.members_changed",
            Self::ProjectCreated { .. } => "project.created",
            Self::ProjectUpdated { .. } => "project.updated",
            Self::ProjectDeleted { .. } => "project.deleted",
            Self::ProjectMembersChanged { .. } => "project.members_changed",
            Self::SpaceCreated { .. } => "space.created",
            Self::SpaceUpdated { .. } => "space.updated",
            Self::SpaceArchived { .. } => "space.archived",
            Self::SpaceUnarchived { .. } => "space.unarchived",
            Self::SpaceDeleted { .. } => "space.deleted",
            Self::SpaceMembersChanged { .. } => "space.members_changed",
            Self::JoinRequested { .. } => "space.join_requested",
            Self::JoinRequestAnswered { .. } => "space.join_request_answered",
            Self::SubscriptionChanged { .. } => "subscription.changed",
        }
    }

    fn subject(&self) -> Subject {
        match *self {
            Self::OrganizationCreated { organization }
            | Self::OrganizationUpdated { organization }
            | Self::OrganizationDeleted { organization }
            | Self::SingleSignOnChanged { organization }
            | Self::MemberAdded { organization, .. }
            | Self::MemberUpdated { organization, .. }
            | Self::MemberRemoved { organization, .. } => of_organization(organization),
            Self::InvitationCreated { invitation, organization }
            | Self::InvitationUpdated { invitation, organization } => of_invitation(invitation, organization),
            Self::TeamCreated { team, organization }
            | Self::TeamUpdated { team, organization }
            | Self::TeamDeleted { team, organization }
            | Self::TeamMembersChanged { team, organization } => of_team(team, organization),
            Self::ProjectCreated { project, organization }
            | Self::ProjectUpdated { project, organization }
            | Self::ProjectDeleted { project, organization }
            | Self::ProjectMembersChanged { project, organization } => of_project(project, organization),
            Self::SpaceCreated { space, organization }
            | Self::SpaceUpdated { space, organization }
            | Self::SpaceArchived { space, organization }
            | Self::SpaceUnarchived { space, organization }
            | Self::SpaceDeleted { space, organization }
            | Self::SpaceMembersChanged { space, organization } => of_space(space, organization),
            Self::JoinRequested { space, organization } | Self::JoinRequestAnswered { space, organization } => {
                of_space(space, Some(organization))
            }
            Self::SubscriptionChanged { subscription, organization } => Subject {
                resource_type: "subscription",
                resource_id: subscription.uuid(),
                organization_id: organization.map(OrganizationId::uuid),
                ..Subject::default()
            },
        }
    }

    fn payload(&self) -> Value {
        match self {
            Self::MemberAdded { user, .. } | Self::MemberUpdated { user, .. } | Self::MemberRemoved { user, .. } => {
                json!({ "user_id": user.uuid() })
            }
            _ => json!({}),
        }
    }
}
