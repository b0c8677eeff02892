//! Whose things are: organizations, their members, teams, projects and spaces.

pub mod context;
pub mod deletion;
pub mod departure;
pub mod events;
pub mod invitations;
pub mod join_requests;
pub mod members;
pub mod organizations;
pub mod plans;
pub mod project_members;
pub mod projects;
pub mod quotas;
pub mod single_sign_on;
pub mod space_members;
pub mod spaces;
pub mod team_members;
pub mod teams;

use async_graphql::{Enum, MergedObject};

use crate::platform::payload::ErrorCode;

/// Changes of organizations and of what they hold. Merged in groups, because each further part of one merged object makes
/// its futures a level deeper.
#[derive(MergedObject, Default)]
pub struct TenancyMutation(PeopleMutation, PlacesMutation);

/// Changes of organizations and of who is in them.
#[derive(MergedObject, Default)]
pub struct PeopleMutation(
    organizations::OrganizationMutation,
    single_sign_on::SingleSignOnMutation,
    members::MemberMutation,
    invitations::InvitationMutation,
    teams::TeamMutation,
    team_members::TeamMemberMutation,
    context::ContextMutation,
    plans::PlanMutation,
);

/// Changes of projects and spaces and of who is in them.
#[derive(MergedObject, Default)]
pub struct PlacesMutation(
    projects::ProjectMutation,
    project_members::ProjectMemberMutation,
    spaces::SpaceMutation,
    space_members::SpaceMemberMutation,
    join_requests::JoinRequestMutation,
);

/// Why a change of organizations, members, projects or spaces was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TenancyErrorCode {
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The id is in use, or is not a UUIDv7 of these days.
    IdTaken,
    /// A name is needed.
    NameRequired,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// The name is already in use here.
    NameTaken,
    /// The slug has a form that addresses cannot have.
    SlugInvalid,
    /// The slug is already in use here.
    SlugTaken,
    /// An e-mail address is malformed.
    EmailInvalid,
    /// Nobody with this id can be added.
    UserUnknown,
    /// The person or team is already a member.
    AlreadyMember,
    /// The person is not an active member of the organization.
    NotAMember,
    /// You may not give, change or take a role as high as this.
    RoleTooHigh,
    /// The last owner of an organization cannot go.
    LastOwner,
    /// The last manager of a space cannot go.
    LastManager,
    /// You cannot do this to yourself; leave instead.
    Yourself,
    /// The personal space cannot be changed in this way.
    PersonalSpace,
    /// The project is of another organization.
    OtherOrganization,
    /// A number is outside its limits.
    OutOfRange,
    /// You have asked already.
    AlreadyRequested,
    /// The address has an open invitation already.
    AlreadyInvited,
    /// The invitation is not good, or not any more.
    InvitationInvalid,
    /// The invitation is for somebody else.
    OtherAddress,
    /// The organization lets in only addresses of other domains.
    DomainNotAllowed,
    /// There are as many of these as there may be.
    TooMany,
    /// The space lets in only those who were added to it.
    NotOpen,
    /// There is no such identity provider, or it is another organization's.
    ProviderUnknown,
    /// A domain has a form that addresses cannot have, or there is none, or too many.
    DomainInvalid,
    /// Your own session would be shut out. Sign in through the provider first, with an address of the domains.
    SignInNeeded,
    /// Your account needs a second factor for this.
    SecondFactorNeeded,
    /// Members can only be let in by a provider that is the organization's own.
    OwnProviderNeeded,
    /// Single sign-on is not enforced.
    NotEnforced,
    /// Prove again who you are with reauthenticate, then repeat this.
    ReauthenticationRequired,
    /// A quota of the project leaves no room; the message names it.
    QuotaExceeded,
    /// The plan leaves no room; the message names its limit.
    PlanLimitReached,
    /// The plan follows what is paid for elsewhere.
    BilledElsewhere,
    /// There were too many attempts; retryAfterSeconds says when the next is allowed.
    RateLimited,
}

impl ErrorCode for TenancyErrorCode {
    const USER_ERROR: &'static str = "TenancyUserError";
}
