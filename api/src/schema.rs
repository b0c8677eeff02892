//! The one graph: merges the domains' roots.

use std::sync::LazyLock;

use async_graphql::{Context, ID, Interface, MergedObject, MergedSubscription, Object, Schema, ValidationMode};
use chrono::{DateTime, Utc};
use entity::ids::AnyId;

use crate::audit::{AuditEntry, AuditSubscription};
use crate::content::activity::{DocumentSubscription, SpaceSubscription};
use crate::content::documents::{Document, DocumentMutation};
use crate::content::tags::{Tag, TagMutation};
use crate::governance::GovernanceMutation;
use crate::governance::api_keys::ApiKey;
use crate::governance::approvals::{Approval, ApprovalSubscription};
use crate::governance::decisions::{Decision, DecisionSubscription, ExplanationQuery};
use crate::governance::mcp_discoveries::McpDiscovery;
use crate::governance::mcp_scans::McpScan;
use crate::governance::mcp_servers::{McpServer, McpServerVersion, McpSubscription};
use crate::governance::mcp_tools::McpTool;
use crate::governance::policies::Policy;
use crate::governance::secrets::Secret;
use crate::governance::simulations::{PolicySimulation, SimulationSubscription};
use crate::governance::tool_calls::ToolCallSubscription;
use crate::identity::IdentityMutation;
use crate::identity::oauth_connections::OauthConnection;
use crate::identity::openid::OpenIdQuery;
use crate::identity::sessions::Session;
use crate::identity::users::{User, ViewerQuery};
use crate::metering::budgets::Budget;
use crate::metering::mcp_usage::McpCall;
use crate::platform::errors::{Error, Result};
use crate::platform::http::guard::SchemaShape;
use crate::platform::limits::RateLimitQuery;
use crate::platform::payload::{ForPeople, Independent};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyMutation;
use crate::tenancy::invitations::{Invitation, InvitationQuery};
use crate::tenancy::join_requests::JoinRequest;
use crate::tenancy::members::Member;
use crate::tenancy::organizations::{Organization, OrganizationQuery};
use crate::tenancy::plans::PlanSubscription;
use crate::tenancy::project_members::ProjectMember;
use crate::tenancy::projects::Project;
use crate::tenancy::space_members::SpaceMember;
use crate::tenancy::spaces::Space;
use crate::tenancy::team_members::TeamMember;
use crate::tenancy::teams::Team;

/// The graph.
pub type Graph = Schema<Query, Independent<Mutation>, Subscription>;

/// An object that can be found by its id alone.
#[derive(Interface)]
#[graphql(field(name = "id", ty = "async_graphql::ID", desc = "The id, which carries its type."))]
pub enum Node {
    User(User),
    Session(Session),
    OauthConnection(OauthConnection),
    Organization(Organization),
    Member(Member),
    Invitation(Invitation),
    Team(Team),
    TeamMember(TeamMember),
    Project(Project),
    ProjectMember(ProjectMember),
    Space(Space),
    SpaceMember(SpaceMember),
    JoinRequest(JoinRequest),
    Document(Document),
    Tag(Tag),
    PlanSubscription(PlanSubscription),
    Budget(Budget),
    AuditEntry(AuditEntry),
    McpServer(McpServer),
    McpServerVersion(McpServerVersion),
    McpDiscovery(McpDiscovery),
    McpTool(McpTool),
    McpScan(McpScan),
    McpCall(McpCall),
    Policy(Policy),
    PolicySimulation(PolicySimulation),
    Decision(Decision),
    Approval(Approval),
    ApiKey(ApiKey),
    Secret(Secret),
}

impl Node {
    /// The object, if it exists and the viewer may see it.
    async fn find(request: &Request, id: AnyId) -> Result<Option<Self>> {
        Ok(match id {
            AnyId::User(id) => User::find(request, id).await?.map(Self::User),
            AnyId::Session(id) => Session::find(request, id).await?.map(Self::Session),
            AnyId::OauthConnection(id) => OauthConnection::find(request, id).await?.map(Self::OauthConnection),
            AnyId::Organization(id) => Organization::find(request, id).await?.map(Self::Organization),
            AnyId::Member(id) => Member::find(request, id).await?.map(Self::Member),
            AnyId::Invitation(id) => Invitation::find(request, id).await?.map(Self::Invitation),
            AnyId::Team(id) => Team::find(request, id).await?.map(Self::Team),
            AnyId::TeamMember(id) => TeamMember::find(request, id).await?.map(Self::TeamMember),
            AnyId::Project(id) => Project::find(request, id).await?.map(Self::Project),
            AnyId::ProjectMember(id) => ProjectMember::find(request, id).await?.map(Self::ProjectMember),
            AnyId::Space(id) => Space::find(request, id).await?.map(Self::Space),
            AnyId::SpaceMember(id) => SpaceMember::find(request, id).await?.map(Self::SpaceMember),
            AnyId::JoinRequest(id) => JoinRequest::find(request, id).await?.map(Self::JoinRequest),
            AnyId::Document(id) => Document::find(request, id).await?.map(Self::Document),
            AnyId::Tag(id) => Tag::find(request, id).await?.map(Self::Tag),
            AnyId::Decision(id) => Decision::find(request, id).await?.map(Self::Decision),
            AnyId::Approval(id) => Approval::find(request, id).await?.map(Self::Approval),
            AnyId::PolicySimulation(id) => PolicySimulation::find(request, id).await?.map(Self::PolicySimulation),
            AnyId::Policy(id) => Policy::find(request, id).await?.map(Self::Policy),
            AnyId::Budget(id) => Budget::find(request, id).await?.map(Self::Budget),
            AnyId::Subscription(id) => PlanSubscription::find(request, id).await?.map(Self::PlanSubscription),
            AnyId::AuditLog(id) => AuditEntry::find(request, id).await?.map(Self::AuditEntry),
            AnyId::McpServer(id) => McpServer::find(request, id).await?.map(Self::McpServer),
            AnyId::McpServerVersion(id) => McpServerVersion::find(request, id).await?.map(Self::McpServerVersion),
            AnyId::McpDiscovery(id) => McpDiscovery::find(request, id).await?.map(Self::McpDiscovery),
            AnyId::McpTool(id) => McpTool::find(request, id).await?.map(Self::McpTool),
            AnyId::McpScan(id) => McpScan::find(request, id).await?.map(Self::McpScan),
            AnyId::McpCall(id) => McpCall::find(request, id).await?.map(Self::McpCall),
            AnyId::ApiKey(id) => ApiKey::find(request, id).await?.map(Self::ApiKey),
            AnyId::Secret(id) => Secret::find(request, id).await?.map(Self::Secret),
            AnyId::OpenIdJourney(_)
            | AnyId::MfaFactor(_)
            | AnyId::RecoveryCode(_)
            | AnyId::SignInChallenge(_)
            | AnyId::SignUp(_)
            | AnyId::PasswordResetRequest(_)
            | AnyId::VerificationToken(_)
            | AnyId::McpFinding(_)
            | AnyId::PolicyVersion(_)
            | AnyId::Reservation(_)
            | AnyId::Event(_) => None,
        })
    }
}

/// Objects by id.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// The object with this id, or null when there is none that you may see.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The id of any object, such as doc_….")] id: AnyId,
    ) -> Result<Option<Node>> {
        Node::find(ctx.request(), id).await
    }

    /// The objects with these ids, in the same order, with null for each that you may not see. A malformed id is null
    /// too, with an error that names its place.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ids of any objects, up to 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Result<Node>>>> {
        if ids.len() > 100 {
            return Err(Error::bad_input("ids", format!("Give at most 100 ids, not {}.", ids.len())));
        }
        let request = ctx.request();
        // One that is no id is an error of its own place, and costs nobody else theirs.
        let find = async |id: ID| {
            let id = id.parse().map_err(|error| Error::bad_input("ids", format!("{error}")))?;
            Node::find(request, id).await
        };
        Ok(futures_util::future::join_all(ids.into_iter().map(find)).await.into_iter().map(Result::transpose).collect())
    }
}

/// What can be read.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    ViewerQuery,
    OpenIdQuery,
    OrganizationQuery,
    InvitationQuery,
    ExplanationQuery,
    RateLimitQuery,
);

/// What can be changed. Each mutation is one transaction: it happens whole, or not at all. One that fails is null, with
/// an error; the others of the request stand. After UNAVAILABLE (HTTP 503) it is not known whether it happened: repeat it
/// under the same Idempotency-Key.
#[derive(MergedObject, Default)]
pub struct Mutation(ForPeople<IdentityMutation>, TenancyMutation, DocumentMutation, TagMutation, GovernanceMutation);

/// What can be followed live.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    DocumentSubscription,
    SpaceSubscription,
    AuditSubscription,
    McpSubscription,
    DecisionSubscription,
    ApprovalSubscription,
    SimulationSubscription,
    ToolCallSubscription,
);

/// The graph, built once.
pub fn graph() -> Graph {
    static GRAPH: LazyLock<Graph> = LazyLock::new(|| build(ValidationMode::Strict));
    GRAPH.clone()
}

/// The same graph for documents that it has validated before.
pub fn trusting_graph() -> Graph {
    static GRAPH: LazyLock<Graph> = LazyLock::new(|| build(ValidationMode::Fast));
    GRAPH.clone()
}

/// The graph as the guard sees it, read once.
///
/// # Errors
/// When the exported schema cannot be read, which no schema of ours is.
pub fn shape() -> Result<&'static SchemaShape> {
    static SHAPE: LazyLock<Result<SchemaShape, String>> =
        LazyLock::new(|| SchemaShape::from_sdl(&graph().sdl()).map_err(|error| error.to_string()));
    SHAPE.as_ref().map_err(Error::internal)
}

/// What the scalar `DateTime` is.
const INSTANT: &str = "An instant, as RFC 3339 writes it, to the microsecond. Any offset is taken; answers are in UTC.";

fn build(validation: ValidationMode) -> Graph {
    Schema::build(Query::default(), Independent(Mutation::default()), Subscription::default())
        .validation_mode(validation)
        // The guard limits how deep a document nests, at less than this.
        .limit_recursive_depth(64)
        .override_output_type_description::<DateTime<Utc>>(INSTANT)
        .disable_suggestions()
        .finish()
}

/// The schema as text: what `schema.graphql` holds.
pub fn sdl() -> String {
    let options = async_graphql::SDLExportOptions::new()
        .sorted_fields()
        .sorted_arguments()
        .sorted_enum_items()
        .prefer_single_line_descriptions()
        .include_specified_by();
    graph().sdl_with_options(options)
}
