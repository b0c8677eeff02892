//! What tests make before they look: each with defaults, through the API, and as somebody who may.

use api::platform::clock::{Clock, SystemClock};
use chrono::{DateTime, Utc};
use entity::ids::{AnyId, DocumentId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;

/// The id as a client writes it, from its prefix and its UUID.
pub fn typed(prefix: &str, uuid: &str) -> String {
    let uuid = Uuid::parse_str(uuid).unwrap_or_else(|_| panic!("{uuid} is no UUID"));
    let as_document = DocumentId(uuid).to_string();
    format!("{prefix}{}", as_document.trim_start_matches(DocumentId::PREFIX))
}

/// The UUID of an id that a client wrote.
pub fn uuid(id: &str) -> String {
    let id: AnyId = id.parse().unwrap_or_else(|error| panic!("{id}: {error}"));
    id.uuid().to_string()
}

/// This moment.
pub fn now() -> DateTime<Utc> {
    SystemClock.now()
}

/// A UUIDv7 of this moment, as a client makes it.
#[expect(clippy::disallowed_methods, reason = "there is no request whose clock could give it")]
pub fn new_id() -> Uuid {
    Uuid::now_v7()
}

/// The object with the fields of both; the second wins.
fn merged(mut defaults: Value, overrides: Value) -> Value {
    if let (Value::Object(fields), Value::Object(overrides)) = (&mut defaults, overrides) {
        fields.extend(overrides);
    }
    defaults
}

impl Client {
    async fn made(&self, mutation: &str, object: &str, input: Value) -> String {
        self.mutate(mutation, input).await.well().text(&format!("{mutation}.{object}.id")).to_owned()
    }

    /// An organization with this slug, owned by the client.
    pub async fn organization(&self, slug: &str) -> String {
        self.made("organizationCreate", "organization", json!({ "name": slug, "slug": slug })).await
    }

    /// A space with this slug; open, unless the overrides say otherwise.
    pub async fn space(&self, organization: &str, slug: &str, overrides: Value) -> String {
        let defaults = json!({ "organizationId": organization, "name": slug, "slug": slug });
        self.made("spaceCreate", "space", merged(defaults, overrides)).await
    }

    /// A project with this slug.
    pub async fn project(&self, organization: &str, slug: &str) -> String {
        let input = json!({ "organizationId": organization, "name": slug, "slug": slug });
        self.made("projectCreate", "project", input).await
    }

    /// A document with some content; a title and more in the overrides.
    pub async fn document(&self, space: &str, overrides: Value) -> String {
        let defaults = json!({ "spaceId": space, "title": "A document", "content": "Some *text*." });
        self.made("documentCreate", "document", merged(defaults, overrides)).await
    }

    /// An API key with these scopes, named after them: a project's, or a personal one. Gives its id and who holds it.
    pub async fn api_key(&self, project: Option<&str>, scopes: &[&str]) -> (String, Client) {
        let name = if scopes.len() > 3 { "many scopes".to_owned() } else { scopes.join(" ") };
        self.api_key_of(json!({ "projectId": project, "name": name, "scopes": scopes })).await
    }

    /// An API key made from this input.
    pub async fn api_key_of(&self, input: Value) -> (String, Client) {
        let answer = self.mutate_for("apiKeyCreate", "secret apiKey { id }", input).await.well();
        let id = answer.text("apiKeyCreate.apiKey.id").to_owned();
        (id, self.with_token(Some(answer.text("apiKeyCreate.secret"))))
    }

    /// A secret of a project.
    pub async fn secret(&self, project: &str, name: &str, value: &str) -> String {
        self.made("secretCreate", "secret", json!({ "projectId": project, "name": name, "value": value })).await
    }

    /// A tag of a space.
    pub async fn tag(&self, space: &str, name: &str) -> String {
        self.made("tagCreate", "tag", json!({ "spaceId": space, "name": name })).await
    }

    /// Invites somebody to an organization, who accepts.
    pub async fn add_member(&self, organization: &str, who: &Client, role: &str) -> String {
        let input = json!({ "organizationId": organization, "role": role });
        let answer = self.mutate_for("invitationCreate", "link", input).await.well();
        let (_, token) = answer.text("invitationCreate.link").split_once('#').expect("a token");
        who.made("invitationAccept", "member", json!({ "token": token })).await
    }

    /// A team of an organization.
    pub async fn team(&self, organization: &str, name: &str) -> String {
        self.made("teamCreate", "team", json!({ "organizationId": organization, "name": name })).await
    }

    /// Puts somebody into a team.
    pub async fn add_team_member(&self, team: &str, who: &Client) -> String {
        self.made("teamMemberAdd", "teamMember", json!({ "teamId": team, "userId": who.id })).await
    }

    /// Adds somebody to a space.
    pub async fn add_space_member(&self, space: &str, who: &Client, role: &str) -> String {
        let input = json!({ "spaceId": space, "userId": who.id, "role": role });
        self.made("spaceMemberAdd", "spaceMember", input).await
    }

    /// Asks to join a space.
    pub async fn join_request(&self, space: &str) -> String {
        self.made("joinRequestCreate", "joinRequest", json!({ "spaceId": space })).await
    }

    /// A draft of a policy that allows every tool, unless the overrides say otherwise.
    pub async fn policy(&self, scope: &Value, overrides: Value) -> String {
        let rules = json!({ "access": { "allowedTools": ["*"] } });
        let defaults = json!({ "scope": scope, "name": "A policy", "rules": rules });
        self.made("policyCreate", "policy", merged(defaults, overrides)).await
    }

    /// Adds somebody to a project.
    pub async fn add_project_member(&self, project: &str, who: &Client, role: &str) -> String {
        let input = json!({ "projectId": project, "userId": who.id, "role": role });
        self.made("projectMemberAdd", "projectMember", input).await
    }
}
