//! The rows of the matrix: every root field, on every kind of thing that makes a difference. A new root field starts
//! with its row here, or in the files beside it.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};

use super::key_rows::KEY_CHANGES;
use super::policy_rows::POLICY_CHANGES;
use super::registry_rows::REGISTRY_CHANGES;
use super::scene::{LINKED_TOKEN, MAILED_TOKEN, Scene};
use crate::support::PASSWORD;

/// Which thing of the scene.
pub type Id = fn(&Scene) -> &str;

/// A mutation that everybody tries.
pub struct Change {
    pub field: &'static str,
    pub on: &'static str,
    /// The action of `viewerCan` that allows it, and the object that says so.
    pub allowed_by: Option<(&'static str, Id)>,
    pub input: fn(&Scene) -> Value,
}

/// Something that everybody looks for by its id.
pub struct Sight {
    pub of: &'static str,
    pub on: &'static str,
    pub id: Id,
}

/// The root fields of queries. `node` and `nodes` are tried on every sight, the others once.
pub const QUERIES: [&str; 10] = [
    "decision",
    "explainDecision",
    "invitation",
    "node",
    "nodes",
    "openIdProviders",
    "organization",
    "rateLimit",
    "viewer",
    "whyNot",
];

const fn sight(of: &'static str, on: &'static str, id: Id) -> Sight {
    Sight { of, on, id }
}

pub const SIGHTS: &[Sight] = &[
    sight("User", "the owner", |scene| &scene.world.owner.id),
    sight("User", "the stranger", |scene| &scene.world.stranger.id),
    sight("Session", "the member's", |scene| &scene.session),
    sight("LinkedProvider", "the member's", |scene| &scene.connection),
    sight("Organization", "acme", |scene| &scene.world.acme),
    sight("Organization", "globex", |scene| &scene.world.globex),
    sight("Budget", "of rocket", |scene| &scene.budget),
    sight("Budget", "of the member's use", |scene| &scene.own_budget),
    sight("Budget", "of the use of the member's key", |scene| &scene.key_budget),
    sight("PlanSubscription", "of acme", |scene| &scene.subscription),
    sight("PlanSubscription", "the member's own", |scene| &scene.own_subscription),
    sight("Member", "the owner's", |scene| &scene.owner_membership),
    sight("Invitation", "by mail", |scene| &scene.mailed),
    sight("Invitation", "as a link", |scene| &scene.linked),
    sight("Team", "of acme", |scene| &scene.team),
    sight("TeamMember", "the member's", |scene| &scene.team_membership),
    sight("Project", "rocket", |scene| &scene.world.rocket),
    sight("ProjectMember", "the developer's", |scene| &scene.developer_role),
    sight("Space", "open", |scene| &scene.world.handbook),
    sight("Space", "private", |scene| &scene.world.lab),
    sight("Space", "the member's personal one", |scene| &scene.personal),
    sight("SpaceMember", "the reader's in the private space", |scene| &scene.reader_role),
    sight("Space", "listed", |scene| &scene.board),
    sight("JoinRequest", "of the member, for the listed space", |scene| &scene.asking),
    sight("Document", "in the open space", |scene| &scene.page),
    sight("Document", "private", |scene| &scene.private),
    sight("Document", "for the private space", |scene| &scene.shared),
    sight("Document", "for the organization", |scene| &scene.open),
    sight("Document", "public", |scene| &scene.public),
    sight("Document", "archived", |scene| &scene.archived),
    sight("Document", "in the trash", |scene| &scene.trashed),
    sight("Document", "in the member's personal space", |scene| &scene.diary),
    sight("Tag", "of the private space", |scene| &scene.tag),
    sight("Policy", "of acme, a draft", |scene| &scene.draft),
    sight("Policy", "of acme, published", |scene| &scene.policy),
    sight("Policy", "of rocket, a draft", |scene| &scene.project_draft),
    sight("Policy", "of rocket, published", |scene| &scene.project_policy),
    sight("PolicySimulation", "of acme", |scene| &scene.simulation),
    sight("Decision", "about the developer", |scene| &scene.decision),
    sight("Approval", "asked for by the developer", |scene| &scene.approval),
    sight("McpCall", "of the developer in rocket", |scene| &scene.call),
    sight("ApiKey", "of rocket", |scene| &scene.key),
    sight("ApiKey", "the member's", |scene| &scene.personal_key),
    sight("Secret", "of rocket", |scene| &scene.secret),
    sight("AuditEntry", "of acme", |scene| &scene.entry),
    sight("AuditEntry", "of the member's account", |scene| &scene.own_entry),
    sight("McpServer", "of rocket", |scene| &scene.server),
    sight("McpServerVersion", "of a server of rocket", |scene| &scene.server_version),
    sight("McpDiscovery", "of a server of rocket", |scene| &scene.discovery),
    sight("McpTool", "of a server of rocket", |scene| &scene.tool),
    sight("McpScan", "of a server of rocket", |scene| &scene.scan),
];

pub const fn change(
    field: &'static str,
    on: &'static str,
    action: &'static str,
    id: Id,
    input: fn(&Scene) -> Value,
) -> Change {
    Change { field, on, allowed_by: Some((action, id)), input }
}

pub const fn free(field: &'static str, on: &'static str, input: fn(&Scene) -> Value) -> Change {
    Change { field, on, allowed_by: None, input }
}

/// What nobody came back with from a provider.
fn answer() -> Value {
    json!({ "provider": "one", "state": "x", "code": "x", "browserSecret": "x" })
}

/// An address that nobody used before: mail to one address is limited.
fn fresh_address() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    format!("nobody{}@example.org", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Every mutation, on every kind of thing.
pub fn changes() -> impl Iterator<Item = &'static Change> {
    CHANGES.iter().chain(REGISTRY_CHANGES).chain(POLICY_CHANGES).chain(KEY_CHANGES)
}

const CHANGES: &[Change] = &[
    free("signUp", "", |_| json!({ "email": "nora@example.org", "password": PASSWORD, "name": "Nora" })),
    free("signIn", "", |_| json!({ "email": "member@acme.test", "password": PASSWORD })),
    free("signInConfirm", "with a made-up token", |_| json!({ "mfaToken": "x", "code": "000000" })),
    free("tokenRefresh", "", |scene| json!({ "refreshToken": scene.refresh_token })),
    free("signOut", "", |_| Value::Null),
    free("reauthenticate", "", |_| json!({ "password": PASSWORD })),
    change("sessionRevoke", "the member's", "DELETE", |scene| &scene.session, |scene| json!({ "id": scene.session })),
    free("sessionRevokeOthers", "their own", |_| Value::Null),
    free(
        "passwordChange",
        "their own",
        |_| json!({ "currentPassword": PASSWORD, "newPassword": "another good password" }),
    ),
    free("passwordResetRequest", "of nobody", |_| json!({ "email": fresh_address() })),
    free(
        "passwordReset",
        "the member's",
        |scene| json!({ "token": scene.reset_token, "newPassword": "another good password" }),
    ),
    free("mfaEnroll", "their own", |_| Value::Null),
    free("mfaConfirm", "before it was begun", |_| json!({ "code": "000000" })),
    free("mfaDisable", "where there is none", |_| Value::Null),
    free("recoveryCodesRegenerate", "where there is none", |_| Value::Null),
    free("openIdBegin", "to sign in, where there is no provider", |_| json!({ "provider": "one" })),
    free("openIdBegin", "to link, where there is no provider", |_| json!({ "provider": "one", "purpose": "LINK" })),
    free("openIdSignIn", "with a made-up answer", |_| answer()),
    free("openIdLink", "with a made-up answer", |_| answer()),
    free("openIdReauthenticate", "with a made-up answer", |_| answer()),
    change(
        "oauthConnectionUnlink",
        "the member's",
        "DELETE",
        |scene| &scene.connection,
        |scene| json!({ "id": scene.connection }),
    ),
    free("emailChange", "their own", |_| json!({ "email": fresh_address() })),
    free("emailChangeConfirm", "the member's", |scene| json!({ "token": scene.change_token })),
    free("accountDelete", "their own", |_| Value::Null),
    free("settingsUpdate", "their own", |_| json!({ "theme": "DARK" })),
    free("emailVerify", "", |scene| json!({ "token": scene.verification_token })),
    free("emailVerificationSend", "their own", |_| Value::Null),
    free("profileUpdate", "their own", |_| json!({ "bio": "New." })),
    free("organizationCreate", "", |_| json!({ "name": "New", "slug": "new" })),
    change(
        "organizationUpdate",
        "acme",
        "EDIT",
        |scene| &scene.world.acme,
        |scene| json!({ "id": scene.world.acme, "name": "New" }),
    ),
    change(
        "subscriptionChange",
        "acme",
        "TRANSFER",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "plan": "PRO" }),
    ),
    free("subscriptionChange", "their own", |_| json!({ "plan": "PRO" })),
    change(
        "organizationDelete",
        "acme",
        "DELETE",
        |scene| &scene.world.acme,
        |scene| json!({ "id": scene.world.acme }),
    ),
    change(
        "organizationSingleSignOnUpdate",
        "acme",
        "MANAGE_SIGN_IN",
        |scene| &scene.world.acme,
        |scene| json!({ "id": scene.world.acme, "emailDomains": ["acme.test"] }),
    ),
    change(
        "organizationSingleSignOnRelease",
        "acme, where it is not enforced",
        "MANAGE_SIGN_IN",
        |scene| &scene.world.acme,
        |_| json!({ "slug": "acme" }),
    ),
    change(
        "organizationLeave",
        "acme",
        "LEAVE",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme }),
    ),
    change(
        "memberUpdate",
        "the member",
        "EDIT",
        |scene| &scene.member_membership,
        |scene| json!({ "id": scene.member_membership, "role": "VIEWER" }),
    ),
    change(
        "memberUpdate",
        "the admin",
        "EDIT",
        |scene| &scene.admin_membership,
        |scene| json!({ "id": scene.admin_membership, "role": "MEMBER" }),
    ),
    change(
        "memberUpdate",
        "the owner",
        "EDIT",
        |scene| &scene.owner_membership,
        |scene| json!({ "id": scene.owner_membership, "role": "MEMBER" }),
    ),
    change(
        "organizationTransfer",
        "to the member",
        "TRANSFER",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "memberId": scene.member_membership }),
    ),
    free("activeContextSet", "acme", |scene| json!({ "organizationId": scene.world.acme })),
    free("activeContextSet", "the private space", |scene| json!({ "spaceId": scene.world.lab })),
    free("memberRemove", "the member", |scene| json!({ "id": scene.member_membership })),
    free("memberRemove", "the owner", |scene| json!({ "id": scene.owner_membership })),
    change(
        "invitationCreate",
        "by mail, as member",
        "MANAGE_MEMBERS",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "email": "new@example.org", "role": "MEMBER" }),
    ),
    change(
        "invitationCreate",
        "as a link, as owner",
        "MANAGE_MEMBERS",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "role": "OWNER" }),
    ),
    change("invitationResend", "by mail", "EDIT", |scene| &scene.mailed, |scene| json!({ "id": scene.mailed })),
    change("invitationResend", "as a link", "EDIT", |scene| &scene.linked, |scene| json!({ "id": scene.linked })),
    change("invitationRevoke", "by mail", "DELETE", |scene| &scene.mailed, |scene| json!({ "id": scene.mailed })),
    free("invitationAccept", "by mail, for somebody else", |_| json!({ "token": MAILED_TOKEN })),
    free("invitationAccept", "as a link", |_| json!({ "token": LINKED_TOKEN })),
    free("invitationDecline", "by mail", |_| json!({ "token": MAILED_TOKEN })),
    free("invitationDecline", "as a link", |_| json!({ "token": LINKED_TOKEN })),
    change(
        "teamCreate",
        "of acme",
        "MANAGE_TEAMS",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "name": "New" }),
    ),
    change("teamUpdate", "of acme", "EDIT", |scene| &scene.team, |scene| json!({ "id": scene.team, "name": "New" })),
    change("teamDelete", "of acme", "DELETE", |scene| &scene.team, |scene| json!({ "id": scene.team })),
    change(
        "teamMemberAdd",
        "to a team of acme",
        "MANAGE_MEMBERS",
        |scene| &scene.team,
        |scene| json!({ "teamId": scene.team, "userId": scene.world.reader.id }),
    ),
    change(
        "teamMemberRemove",
        "the member",
        "DELETE",
        |scene| &scene.team_membership,
        |scene| json!({ "id": scene.team_membership }),
    ),
    change(
        "projectCreate",
        "of acme",
        "CREATE_PROJECTS",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "name": "New", "slug": "new" }),
    ),
    change(
        "projectUpdate",
        "rocket",
        "EDIT",
        |scene| &scene.world.rocket,
        |scene| json!({ "id": scene.world.rocket, "name": "New" }),
    ),
    change(
        "projectDelete",
        "rocket",
        "DELETE",
        |scene| &scene.world.rocket,
        |scene| json!({ "id": scene.world.rocket }),
    ),
    change(
        "projectMemberAdd",
        "to rocket",
        "MANAGE_MEMBERS",
        |scene| &scene.world.rocket,
        |scene| json!({ "projectId": scene.world.rocket, "userId": scene.world.member.id, "role": "DEVELOPER" }),
    ),
    change(
        "projectMemberUpdate",
        "the developer",
        "EDIT",
        |scene| &scene.developer_role,
        |scene| json!({ "id": scene.developer_role, "role": "VIEWER" }),
    ),
    change(
        "projectMemberRemove",
        "the developer",
        "DELETE",
        |scene| &scene.developer_role,
        |scene| json!({ "id": scene.developer_role }),
    ),
    change(
        "spaceCreate",
        "of acme",
        "CREATE_SPACES",
        |scene| &scene.world.acme,
        |scene| json!({ "organizationId": scene.world.acme, "name": "New", "slug": "new" }),
    ),
    change(
        "spaceUpdate",
        "the open space",
        "EDIT",
        |scene| &scene.world.handbook,
        |scene| json!({ "id": scene.world.handbook, "name": "New" }),
    ),
    change(
        "spaceUpdate",
        "the private space",
        "EDIT",
        |scene| &scene.world.lab,
        |scene| json!({ "id": scene.world.lab, "name": "New" }),
    ),
    change(
        "spaceUpdate",
        "a personal space",
        "EDIT",
        |scene| &scene.personal,
        |scene| json!({ "id": scene.personal, "name": "New" }),
    ),
    change(
        "spaceArchive",
        "the private space",
        "ARCHIVE",
        |scene| &scene.world.lab,
        |scene| json!({ "id": scene.world.lab }),
    ),
    change(
        "spaceUnarchive",
        "the private space",
        "ARCHIVE",
        |scene| &scene.world.lab,
        |scene| json!({ "id": scene.world.lab }),
    ),
    change(
        "spaceDelete",
        "the private space",
        "DELETE",
        |scene| &scene.world.lab,
        |scene| json!({ "id": scene.world.lab }),
    ),
    change(
        "spaceDelete",
        "a personal space",
        "DELETE",
        |scene| &scene.personal,
        |scene| json!({ "id": scene.personal }),
    ),
    free("spaceJoin", "the open space", |scene| json!({ "spaceId": scene.world.handbook })),
    free("spaceJoin", "the private space", |scene| json!({ "spaceId": scene.world.lab })),
    free("joinRequestCreate", "for the listed space", |scene| json!({ "spaceId": scene.board })),
    free("joinRequestCreate", "for the private space", |scene| json!({ "spaceId": scene.world.lab })),
    change(
        "joinRequestApprove",
        "of the member",
        "EDIT",
        |scene| &scene.asking,
        |scene| json!({ "id": scene.asking, "role": "EDITOR" }),
    ),
    change("joinRequestDecline", "of the member", "EDIT", |scene| &scene.asking, |scene| json!({ "id": scene.asking })),
    change(
        "joinRequestWithdraw",
        "of the member",
        "DELETE",
        |scene| &scene.asking,
        |scene| json!({ "id": scene.asking }),
    ),
    free("spaceLeave", "the private space", |scene| json!({ "spaceId": scene.world.lab })),
    change(
        "spaceMemberAdd",
        "to the private space",
        "MANAGE_MEMBERS",
        |scene| &scene.world.lab,
        |scene| json!({ "spaceId": scene.world.lab, "userId": scene.world.member.id, "role": "EDITOR" }),
    ),
    change(
        "spaceMemberUpdate",
        "the reader",
        "EDIT",
        |scene| &scene.reader_role,
        |scene| json!({ "id": scene.reader_role, "role": "EDITOR" }),
    ),
    change(
        "spaceMemberRemove",
        "the reader",
        "DELETE",
        |scene| &scene.reader_role,
        |scene| json!({ "id": scene.reader_role }),
    ),
    change(
        "documentCreate",
        "in the open space",
        "CREATE_DOCUMENTS",
        |scene| &scene.world.handbook,
        |scene| json!({ "spaceId": scene.world.handbook, "title": "New" }),
    ),
    change(
        "documentCreate",
        "in the private space",
        "CREATE_DOCUMENTS",
        |scene| &scene.world.lab,
        |scene| json!({ "spaceId": scene.world.lab, "title": "New" }),
    ),
    change(
        "documentCreate",
        "in a personal space",
        "CREATE_DOCUMENTS",
        |scene| &scene.personal,
        |scene| json!({ "spaceId": scene.personal, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "in the open space",
        "EDIT",
        |scene| &scene.page,
        |scene| json!({ "id": scene.page, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "private",
        "EDIT",
        |scene| &scene.private,
        |scene| json!({ "id": scene.private, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "for the space",
        "EDIT",
        |scene| &scene.shared,
        |scene| json!({ "id": scene.shared, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "for the organization",
        "EDIT",
        |scene| &scene.open,
        |scene| json!({ "id": scene.open, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "public",
        "EDIT",
        |scene| &scene.public,
        |scene| json!({ "id": scene.public, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "in the trash",
        "EDIT",
        |scene| &scene.trashed,
        |scene| json!({ "id": scene.trashed, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "in a personal space",
        "EDIT",
        |scene| &scene.diary,
        |scene| json!({ "id": scene.diary, "title": "New" }),
    ),
    change(
        "documentUpdate",
        "to make it public",
        "SHARE",
        |scene| &scene.shared,
        |scene| json!({ "id": scene.shared, "visibility": "PUBLIC" }),
    ),
    change(
        "documentUpdate",
        "the editor's, to make it public",
        "SHARE",
        |scene| &scene.of_editor,
        |scene| json!({ "id": scene.of_editor, "visibility": "PUBLIC" }),
    ),
    free(
        "documentUpdate",
        "the editor's, to make it private",
        |scene| json!({ "id": scene.of_editor, "visibility": "PRIVATE" }),
    ),
    change("documentMove", "for the space", "MOVE", |scene| &scene.shared, |scene| json!({ "id": scene.shared })),
    change(
        "documentTag",
        "for the space",
        "EDIT",
        |scene| &scene.shared,
        |scene| json!({ "id": scene.shared, "tags": ["new"] }),
    ),
    change(
        "documentUntag",
        "for the space",
        "EDIT",
        |scene| &scene.shared,
        |scene| json!({ "id": scene.shared, "tags": ["kept"] }),
    ),
    change("documentPublish", "for the space", "PUBLISH", |scene| &scene.shared, |scene| json!({ "id": scene.shared })),
    change(
        "documentUnpublish",
        "published",
        "PUBLISH",
        |scene| &scene.published,
        |scene| json!({ "id": scene.published }),
    ),
    change("documentArchive", "for the space", "ARCHIVE", |scene| &scene.shared, |scene| json!({ "id": scene.shared })),
    change(
        "documentUnarchive",
        "archived",
        "ARCHIVE",
        |scene| &scene.archived,
        |scene| json!({ "id": scene.archived }),
    ),
    change("documentTrash", "for the space", "TRASH", |scene| &scene.shared, |scene| json!({ "id": scene.shared })),
    change(
        "documentTrash",
        "the editor's",
        "TRASH",
        |scene| &scene.of_editor,
        |scene| json!({ "id": scene.of_editor }),
    ),
    change(
        "documentRestore",
        "in the trash",
        "RESTORE",
        |scene| &scene.trashed,
        |scene| json!({ "id": scene.trashed }),
    ),
    change("documentDelete", "in the trash", "DELETE", |scene| &scene.trashed, |scene| json!({ "id": scene.trashed })),
    change(
        "documentDelete",
        "not in the trash",
        "DELETE",
        |scene| &scene.shared,
        |scene| json!({ "id": scene.shared }),
    ),
    change(
        "tagCreate",
        "in the private space",
        "MANAGE_TAGS",
        |scene| &scene.world.lab,
        |scene| json!({ "spaceId": scene.world.lab, "name": "New" }),
    ),
    change(
        "tagUpdate",
        "of the private space",
        "EDIT",
        |scene| &scene.tag,
        |scene| json!({ "id": scene.tag, "name": "New" }),
    ),
    change("tagDelete", "of the private space", "DELETE", |scene| &scene.tag, |scene| json!({ "id": scene.tag })),
];
