//! One Rust enum for each enumeration in the database. The documentation of an enum and of its values is
//! what a reader of the graph sees. Roles are ordered: the highest role is the greatest value.

use async_graphql::Enum;
use sea_orm::{DeriveActiveEnum, EnumIter};
use serde::{Deserialize, Serialize};

macro_rules! enumerations {
    ($(
        $(#[$doc:meta])*
        $name:ident {
            $($(#[$value_doc:meta])* $value:ident = $text:literal,)+
        }
    )+) => {
        $(
            $(#[$doc])*
            #[derive(
                Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash,
                EnumIter, DeriveActiveEnum, Enum, Serialize, Deserialize,
            )]
            #[sea_orm(rs_type = "String", db_type = "Text")]
            pub enum $name {
                $(
                    $(#[$value_doc])*
                    #[sea_orm(string_value = $text)]
                    #[serde(rename = $text)]
                    $value,
                )+
            }

            impl $name {
                /// The value as the database, the cache and events spell it.
                pub const fn as_str(self) -> &'static str {
                    match self {
                        $(Self::$value => $text,)+
                    }
                }
            }
        )+
    };
}

enumerations! {
    /// Whom the documents reach that carry a tag, at their widest.
    TagReach {
        /// The owners of private documents alone.
        Owners = "owners",
        /// The editors of the space, who see its trash.
        Editors = "editors",
        /// Everyone who has a role in the space.
        Readers = "readers",
        /// The members of the organization.
        Organization = "organization",
        /// Everyone.
        Everyone = "everyone",
    }

    /// Whether an account may be used.
    UserStatus {
        /// The account is in use.
        Active = "active",
        /// An administrator has locked the account. It cannot sign in, and it has no access.
        Suspended = "suspended",
        /// The e-mail address has not been verified yet.
        PendingVerification = "pending_verification",
    }

    /// What a user may do on the whole server, apart from any organization.
    UserRole {
        /// A user like any other.
        User = "user",
        /// A user whose account carries paid features.
        Premium = "premium",
        /// Someone who runs this server.
        Admin = "admin",
    }

    /// What a user's own account includes.
    UserTier {
        /// Free of charge.
        Free = "free",
        /// Paid by a single person.
        Pro = "pro",
        /// Covered by a contract.
        Enterprise = "enterprise",
    }

    /// The colours of the interface.
    Theme {
        /// Dark text on a light ground.
        Light = "light",
        /// Light text on a dark ground.
        Dark = "dark",
        /// Whatever the device is set to.
        Auto = "auto",
    }

    /// How a second factor works.
    MfaFactorKind {
        /// A six-digit code from an authenticator app, new every 30 seconds.
        Totp = "totp",
    }

    /// What somebody is sent to an identity provider for.
    OpenIdPurpose {
        /// To sign in, or to sign up.
        SignIn = "sign_in",
        /// To make the provider another way to sign in to the account.
        Link = "link",
        /// To prove again who they are.
        Reauthenticate = "reauthenticate",
    }

    /// What a link sent by mail is for.
    VerificationPurpose {
        /// Proves that the address belongs to the account.
        VerifyEmail = "verify_email",
        /// Lets a forgotten password be replaced.
        ResetPassword = "reset_password",
        /// Proves that a new address belongs to the account before it replaces the old one.
        ChangeEmail = "change_email",
    }

    /// Whether an organization may be used.
    OrganizationStatus {
        /// The organization is in use.
        Active = "active",
        /// Locked. Its members keep no access until it is active again.
        Suspended = "suspended",
        /// Created, and not yet confirmed.
        Pending = "pending",
    }

    /// A member's role in an organization, from the least to the most powerful.
    MemberRole {
        /// Reads what is open to the organization, and never holds more than the role of reader in a space.
        Viewer = "viewer",
        /// Sees the organization and its people, and works in its open spaces with each space's default role.
        Member = "member",
        /// Manages members below the owner, teams, projects, spaces, settings and the audit log.
        Admin = "admin",
        /// Everything an admin may do, and billing, transfer and deletion. At least one owner always remains.
        Owner = "owner",
    }

    /// The state of a membership. Only an active member has access.
    MemberStatus {
        /// The membership is in use.
        Active = "active",
        /// Invited, and has not accepted yet.
        Invited = "invited",
        /// Access is withdrawn, and the membership kept.
        Suspended = "suspended",
    }

    /// The state of a project.
    ProjectStatus {
        /// The project is in use.
        Active = "active",
        /// Its API keys and tools answer no calls for now.
        Paused = "paused",
        /// Kept for reading only.
        Archived = "archived",
    }

    /// A role in a project, from the least to the most powerful.
    ProjectRole {
        /// Reads the project.
        Viewer = "viewer",
        /// Uses and registers tools, and submits them for approval.
        Developer = "developer",
        /// Manages keys, servers, policies and budgets.
        Admin = "admin",
    }

    /// Who enters a space without having been added to it.
    SpacePrivacy {
        /// Only the people and teams that were added to the space.
        Private = "private",
        /// Every active member of the organization, with the space's default role.
        Open = "open",
    }

    /// What became of a request to join a space.
    JoinRequestState {
        /// It waits for an answer.
        Open = "open",
        /// The person was let in.
        Approved = "approved",
        /// The person was not let in.
        Declined = "declined",
        /// The person took it back.
        Withdrawn = "withdrawn",
    }

    /// A role in a space, from the least to the most powerful.
    SpaceRole {
        /// Reads the space.
        Reader = "reader",
        /// Reads and comments.
        Commenter = "commenter",
        /// Changes the space's content.
        Editor = "editor",
        /// Everything an editor may do, and members, settings and deletion.
        Manager = "manager",
    }

    /// A plan that is paid for, or the free one.
    Plan {
        /// Free of charge.
        Free = "free",
        /// For a small group.
        Team = "team",
        /// For a company.
        Pro = "pro",
        /// By contract.
        Enterprise = "enterprise",
    }

    /// How often a subscription is billed.
    BillingCycle {
        /// Every month.
        Monthly = "monthly",
        /// Every year.
        Yearly = "yearly",
    }

    /// The state of a subscription.
    SubscriptionStatus {
        /// Paid for.
        Active = "active",
        /// In its trial period.
        Trialing = "trialing",
        /// A payment has failed and is being tried again.
        PastDue = "past_due",
        /// Ended, or ending with the current period.
        Canceled = "canceled",
    }

    /// What a document is for.
    DocumentKind {
        /// A document, meant to be shared and kept.
        Document = "document",
        /// A short personal note.
        Note = "note",
    }

    /// What the truth of a document's content is.
    DocumentFormat {
        /// The Markdown source text, kept byte for byte.
        Markdown = "markdown",
        /// A tree of typed blocks.
        Blocks = "blocks",
    }

    /// Where a document stands in its life.
    DocumentStatus {
        /// Being written.
        Draft = "draft",
        /// Ready to be read.
        Published = "published",
        /// Put aside. It is left out of lists unless they ask for it.
        Archived = "archived",
    }

    /// Who may read a document.
    DocumentVisibility {
        /// Its owner only.
        Private = "private",
        /// The members of its space.
        Space = "space",
        /// Every active member of its organization.
        Organization = "organization",
        /// Anyone who has the link.
        Public = "public",
    }

    /// The format a document is rendered in by default.
    RenderFormat {
        /// HTML, sanitized.
        Html = "html",
        /// Markdown.
        Markdown = "markdown",
    }

    /// Where a server of tools stands on its way to being used.
    McpServerStatus {
        /// Nobody has decided about it yet.
        Pending = "pending",
        /// Its tools may be called, as far as policies allow.
        Approved = "approved",
        /// It was refused, with a reason.
        Rejected = "rejected",
        /// It was approved once and should not be used any more.
        Deprecated = "deprecated",
    }

    /// Whether a server of tools answers, apart from whether it may be used.
    McpHealth {
        /// It was not tried yet.
        Unknown = "unknown",
        /// It answers.
        Healthy = "healthy",
        /// It answers, and not as it should.
        Degraded = "degraded",
        /// It does not answer.
        Unreachable = "unreachable",
    }

    /// How a call of a tool ended.
    McpCallStatus {
        /// The tool answered.
        Success = "success",
        /// The tool said that it failed, or its server did not answer as it should.
        Error = "error",
        /// The server did not answer in time.
        Timeout = "timeout",
        /// The call was not made, or its result was not let through: a policy, a limit or a check stood against it.
        Blocked = "blocked",
        /// Whoever called went away, or this server ended, before there was an answer.
        Canceled = "canceled",
    }

    /// How a server of tools is spoken to.
    McpTransport {
        /// A command whose input and output are spoken to.
        Stdio = "stdio",
        /// HTTP with server-sent events, as before 2025; deprecated.
        Sse = "sse",
        /// Streamable HTTP.
        Http = "http",
    }

    /// How a connection to a server of tools went.
    McpDiscoveryStatus {
        /// It is under way.
        Running = "running",
        /// The server answered and its tools were listed.
        Succeeded = "succeeded",
        /// It failed; the error says how.
        Failed = "failed",
    }

    /// Why a server of tools was connected to.
    McpDiscoveryOccasion {
        /// Somebody asked for its tools.
        Requested = "requested",
        /// Somebody asked whether it answers.
        HealthCheck = "health_check",
        /// It was time to look again.
        Scheduled = "scheduled",
    }

    /// Which kind of the protocol a server of tools speaks.
    McpEra {
        /// A session begins with `initialize`: versions up to 2025-11-25.
        Session = "session",
        /// Every request stands for itself: versions from 2026-07-28.
        Stateless = "stateless",
    }

    /// How a tool differs from what was approved.
    ToolDrift {
        /// Only its wording changed, in white space.
        Cosmetic = "cosmetic",
        /// Every call that was valid is valid still.
        Compatible = "compatible",
        /// It was not there.
        Added = "added",
        /// It is gone.
        Removed = "removed",
        /// Calls that were valid are not any more.
        Breaking = "breaking",
        /// It can do more harm than before.
        PrivilegeExpanding = "privilege_expanding",
        /// The scan finds something in it that it did not find before.
        Poisoned = "poisoned",
    }

    /// How much harm a tool can do.
    RiskLevel {
        /// Closed computation.
        Low = "low",
        /// It writes locally, reads what is private or brings in untrusted content.
        Medium = "medium",
        /// It destroys, sends outward, or does not say what it does.
        High = "high",
        /// It runs code, reads the environment or credentials, or moves money.
        Critical = "critical",
    }

    /// How a scan ended.
    ScanVerdict {
        /// Nothing that matters was found.
        Passed = "passed",
        /// Enough is odd that a person should look.
        Review = "review",
        /// A check crashed, so nothing is known.
        Degraded = "degraded",
        /// A hard rule found something.
        Failed = "failed",
    }

    /// What kind of rules a policy has.
    PolicyType {
        /// How much may be used in a window of time.
        Usage = "usage",
        /// Which models, servers and tools may be used, when and from where.
        Access = "access",
        /// What arguments and results may hold.
        Compliance = "compliance",
        /// Written in Cedar.
        Custom = "custom",
    }

    /// Whether a policy is in use.
    PolicyStatus {
        /// It is.
        Active = "active",
        /// It was, and was switched off.
        Disabled = "disabled",
        /// It is being written.
        Draft = "draft",
    }

    /// Whether an active policy has an effect.
    PolicyMode {
        /// It has.
        Enforce = "enforce",
        /// It is tried and recorded only.
        Monitor = "monitor",
    }

    /// What was decided about.
    DecisionAction {
        /// The call of a tool.
        CallTool = "call_tool",
        /// The use of a model.
        UseModel = "use_model",
    }

    /// What was decided. Ordered by strictness.
    DecisionOutcome {
        /// It may happen.
        Allow = "allow",
        /// It may happen once somebody approves.
        RequireApproval = "require_approval",
        /// It may not happen.
        Deny = "deny",
    }

    /// Where a request for approval stands.
    ApprovalState {
        /// Nobody has decided yet.
        Pending = "pending",
        /// The call may be made, once.
        Approved = "approved",
        /// The call may not be made.
        Denied = "denied",
        /// Nobody decided in time, or the call was not made in time.
        Expired = "expired",
        /// The call was made.
        Consumed = "consumed",
        /// Who asked does not ask any more.
        Withdrawn = "withdrawn",
    }

    /// Where a simulation stands.
    SimulationState {
        /// It goes on.
        Running = "running",
        /// Every decision was looked at.
        Succeeded = "succeeded",
        /// It could not be finished.
        Failed = "failed",
        /// Somebody ended it.
        Canceled = "canceled",
    }

    /// Whose use a limit counts.
    BudgetSubject {
        /// All of the organization's.
        Organization = "organization",
        /// A project's.
        Project = "project",
        /// A person's.
        User = "user",
        /// An API key's.
        Key = "key",
        /// A server's.
        Server = "server",
        /// A tool's.
        Tool = "tool",
    }

    /// What a limit counts.
    BudgetMeasure {
        /// Calls of tools and uses of models, each of which is one.
        Requests = "requests",
        /// Tokens that models read and write. Uses of models consume them; a call of an MCP tool never does.
        Tokens = "tokens",
        /// Money, in United States dollars. Uses of models cost; a call of an MCP tool never does.
        CostUsd = "cost_usd",
    }

    /// What became of a reservation.
    ReservationState {
        /// The call is under way.
        Held = "held",
        /// What the call did use is counted.
        Settled = "settled",
        /// The call was not made.
        Released = "released",
        /// The call never told what it used.
        Expired = "expired",
    }

    /// Who did something.
    ActorType {
        /// A signed-in user.
        User = "user",
        /// A program with an API key.
        ApiKey = "api_key",
        /// The server itself, in the background.
        System = "system",
        /// Another system that called a webhook.
        Webhook = "webhook",
        /// Someone who is not signed in.
        Anonymous = "anonymous",
    }

    /// The stream an event belongs to.
    EventStream {
        /// Documents and what surrounds them.
        Documents = "documents",
        /// Presence and live editing.
        Collaboration = "collaboration",
        /// Assistants and their tools.
        Ai = "ai",
        /// Everything that is audited.
        Audit = "audit",
    }
}
