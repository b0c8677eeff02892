//! What entries speak of: each audited table, what a client calls it, and the kind of its ids.

use async_graphql::Enum;
use entity::ids::{
    AnyId, ApiKeyId, ApprovalId, DocumentId, InvitationId, JoinRequestId, MemberId, MfaFactorId, OauthConnectionId,
    OpenIdJourneyId, OrganizationId, PasswordResetRequestId, PolicyId, PolicySimulationId, PolicyVersionId, ProjectId,
    ProjectMemberId, RecoveryCodeId, SecretId, SessionId, SignInChallengeId, SignUpId, SpaceId, SpaceMemberId,
    SubscriptionId, TagId, TeamId, TeamMemberId, UserId, VerificationTokenId,
};
use uuid::Uuid;

macro_rules! resources {
    ($($(#[$doc:meta])* $name:ident $table:literal $kind:ident($id:ident);)+) => {
        /// What an audit entry speaks of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
        pub enum AuditResourceType {
            $($(#[$doc])* $name,)+
            /// Something else; the table's name tells what.
            Other,
        }

        impl AuditResourceType {
            /// The tables that have a type of their own.
            pub const TABLES: &'static [&'static str] = &[$($table),+];

            pub fn of_table(table: &str) -> Self {
                match table {
                    $($table => Self::$name,)+
                    _ => Self::Other,
                }
            }

            /// None for other tables.
            pub fn table(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($table),)+
                    Self::Other => None,
                }
            }

            /// The id as a client knows it.
            pub fn id(self, id: Uuid) -> Option<AnyId> {
                match self {
                    $(Self::$name => Some(AnyId::$kind($id(id))),)+
                    Self::Other => None,
                }
            }
        }
    };
}

resources! {
    /// An account.
    User "users" User(UserId);
    /// Somebody's preferences.
    UserSettings "user_settings" User(UserId);
    /// A sign-in on a device.
    Session "sessions" Session(SessionId);
    /// An account at another identity provider.
    OauthConnection "oauth_connections" OauthConnection(OauthConnectionId);
    /// Somebody was sent to an identity provider.
    OpenIdJourney "openid_journeys" OpenIdJourney(OpenIdJourneyId);
    /// A second factor.
    MfaFactor "mfa_factors" MfaFactor(MfaFactorId);
    /// A code that replaces a lost second factor.
    RecoveryCode "recovery_codes" RecoveryCode(RecoveryCodeId);
    /// A sign-in that awaits the second factor.
    SignInChallenge "sign_in_challenges" SignInChallenge(SignInChallengeId);
    /// A sign-up whose link is awaited.
    SignUp "sign_ups" SignUp(SignUpId);
    /// A request to reset a password.
    PasswordResetRequest "password_reset_requests" PasswordResetRequest(PasswordResetRequestId);
    /// A link sent by mail to prove something.
    VerificationToken "verification_tokens" VerificationToken(VerificationTokenId);
    /// An organization.
    Organization "organizations" Organization(OrganizationId);
    /// A membership of an organization.
    Member "members" Member(MemberId);
    /// An invitation to an organization.
    Invitation "invitations" Invitation(InvitationId);
    /// A team.
    Team "teams" Team(TeamId);
    /// A membership of a team.
    TeamMember "team_members" TeamMember(TeamMemberId);
    /// A project.
    Project "projects" Project(ProjectId);
    /// A role in a project.
    ProjectMember "project_members" ProjectMember(ProjectMemberId);
    /// A space.
    Space "spaces" Space(SpaceId);
    /// A role in a space.
    SpaceMember "space_members" SpaceMember(SpaceMemberId);
    /// A request to join a space.
    JoinRequest "join_requests" JoinRequest(JoinRequestId);
    /// A subscription to a plan.
    Subscription "subscriptions" Subscription(SubscriptionId);
    /// The properties of a document or note.
    Document "documents" Document(DocumentId);
    /// The text of a document or note.
    DocumentContent "document_contents" Document(DocumentId);
    /// A tag.
    Tag "tags" Tag(TagId);
    /// A tag on a document.
    DocumentTag "document_tags" Document(DocumentId);
    /// A policy.
    Policy "policies" Policy(PolicyId);
    /// A request for approval.
    Approval "approvals" Approval(ApprovalId);
    /// A draft of policies, tried on decisions.
    PolicySimulation "policy_simulations" PolicySimulation(PolicySimulationId);
    /// A version of a policy.
    PolicyVersion "policy_versions" PolicyVersion(PolicyVersionId);
    /// A secret of a project; entries never hold its value.
    Secret "secrets" Secret(SecretId);
    /// An API key.
    ApiKey "api_keys" ApiKey(ApiKeyId);
}

/// The id that a column holds, as a client knows it.
pub fn id_in_column(column: &str, id: Uuid) -> Option<AnyId> {
    Some(match column {
        "user_id" | "owner_id" | "created_by" | "added_by" | "invited_by" | "accepted_by" | "decided_by"
        | "revoked_by" => AnyId::User(UserId(id)),
        "organization_id" | "active_organization_id" => AnyId::Organization(OrganizationId(id)),
        "space_id" | "active_space_id" => AnyId::Space(SpaceId(id)),
        "project_id" => AnyId::Project(ProjectId(id)),
        "team_id" => AnyId::Team(TeamId(id)),
        "document_id" | "parent_id" => AnyId::Document(DocumentId(id)),
        "session_id" => AnyId::Session(SessionId(id)),
        "oauth_connection_id" => AnyId::OauthConnection(OauthConnectionId(id)),
        "policy_id" => AnyId::Policy(PolicyId(id)),
        "rotated_into_id" => AnyId::ApiKey(ApiKeyId(id)),
        "tag_id" => AnyId::Tag(TagId(id)),
        _ => return None,
    })
}
