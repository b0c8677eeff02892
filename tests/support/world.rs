//! A running server over a database of its own, in which a small cast lives: an organization with every role, a
//! stranger with an organization of their own, and spaces and projects for both.

use std::collections::HashMap;

use api::platform::config::Config;
use api::platform::database::Database as Store;
use entity::ids::{SessionId, UserId};
use serde_json::{Value, json};
use uuid::Uuid;

use super::client::Client;
use super::database::Database;
use super::fixtures::typed;
use super::server::Server;
use super::waiting::eventually;

/// The password of everybody in the cast.
pub const PASSWORD: &str = "correct horse battery staple";

/// Everybody who signs up: the local part of the address, at `acme.test`.
const CAST: [&str; 13] = [
    "owner",
    "admin",
    "member",
    "viewer",
    "suspended",
    "reader",
    "commenter",
    "editor",
    "manager",
    "project-viewer",
    "developer",
    "project-admin",
    "stranger",
];

/// A server with the cast.
pub struct World {
    pub anonymous: Client,
    /// Owns the organization acme.
    pub owner: Client,
    /// An admin of acme.
    pub admin: Client,
    /// A member of acme, without a role of their own anywhere below.
    pub member: Client,
    /// A viewer of acme.
    pub viewer: Client,
    /// A suspended member of acme, who manages the space lab on paper.
    pub suspended: Client,
    /// Members of acme with these roles in the space lab.
    pub reader: Client,
    pub commenter: Client,
    pub editor: Client,
    pub manager: Client,
    /// Members of acme with these roles in the project rocket.
    pub project_viewer: Client,
    pub developer: Client,
    pub project_admin: Client,
    /// Owns the organization globex, and has nothing to do with acme.
    pub stranger: Client,

    pub acme: String,
    /// A space of acme, open to its members as readers.
    pub handbook: String,
    /// A private space of acme.
    pub lab: String,
    /// A project of acme.
    pub rocket: String,
    pub globex: String,
    /// A private space of globex.
    pub vault: String,

    // Dropped in this order: the server before its database.
    pub server: Server,
    pub database: Database,
}

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose server has other settings.
    pub async fn with(change: impl FnOnce(&mut Config)) -> Self {
        Self::over(Database::settled().await, change).await
    }

    /// Waits until every event has its place. Before, a cursor of a write may stand before the write's own events.
    pub async fn feed_has_come_this_far(&self) {
        eventually("every event is placed", async || {
            let waiting = "SELECT count(*) FROM platform.outbox WHERE position IS NULL";
            (self.database.number(waiting).await == 0).then_some(())
        })
        .await;
    }

    async fn over(database: Database, change: impl FnOnce(&mut Config)) -> Self {
        let server = Server::start(&database, change).await;
        // The template may be old, and everybody has just signed in.
        let recent =
            "SET LOCAL session_replication_role = replica; UPDATE identity.sessions SET authenticated_at = now()";
        database.run(recent).await;
        let http = http();
        let mut clients = HashMap::new();
        let sql = "SELECT u.email, u.id, s.id AS session FROM identity.users u \
                   JOIN identity.sessions s ON s.user_id = u.id";
        for row in database.rows(sql).await {
            let id = |column: &str| row[column].as_str().and_then(|text| Uuid::parse_str(text).ok()).expect("an id");
            let (user, session) = (UserId(id("id")), SessionId(id("session")));
            let now = server.platform().clock.now();
            let (token, _) = server.platform().tokens.issue(user, session, now).expect("a token");
            let name = row["email"].as_str().and_then(|email| email.split('@').next()).expect("an address");
            clients.insert(name.to_owned(), Client::new(http.clone(), &server, user.to_string(), Some(token)));
        }
        let person = |name: &str| clients.get(name).cloned().unwrap_or_else(|| panic!("{name} is not in the cast"));
        let mut places = HashMap::new();
        let sql = "SELECT 'org' AS kind, slug, id FROM tenancy.organizations \
                   UNION ALL SELECT 'spc', slug, id FROM tenancy.spaces WHERE organization_id IS NOT NULL \
                   UNION ALL SELECT 'prj', slug, id FROM tenancy.projects";
        for row in database.rows(sql).await {
            let text = |column: &str| row[column].as_str().expect("a text");
            places.insert(text("slug").to_owned(), typed(text("kind"), text("id")));
        }
        let place = |slug: &str| places.get(slug).cloned().unwrap_or_else(|| panic!("there is no {slug}"));
        Self {
            anonymous: Client::new(http, &server, String::new(), None),
            owner: person("owner"),
            admin: person("admin"),
            member: person("member"),
            viewer: person("viewer"),
            suspended: person("suspended"),
            reader: person("reader"),
            commenter: person("commenter"),
            editor: person("editor"),
            manager: person("manager"),
            project_viewer: person("project-viewer"),
            developer: person("developer"),
            project_admin: person("project-admin"),
            stranger: person("stranger"),
            acme: place("acme"),
            handbook: place("handbook"),
            lab: place("lab"),
            rocket: place("rocket"),
            globex: place("globex"),
            vault: place("vault"),
            server,
            database,
        }
    }

    /// Every kind of viewer, by name.
    pub fn viewers(&self) -> Vec<(&'static str, &Client)> {
        vec![
            ("anonymous", &self.anonymous),
            ("stranger", &self.stranger),
            ("suspended", &self.suspended),
            ("viewer", &self.viewer),
            ("member", &self.member),
            ("reader", &self.reader),
            ("commenter", &self.commenter),
            ("editor", &self.editor),
            ("manager", &self.manager),
            ("project viewer", &self.project_viewer),
            ("developer", &self.developer),
            ("project admin", &self.project_admin),
            ("admin", &self.admin),
            ("owner", &self.owner),
        ]
    }

    /// The personal space of somebody.
    pub async fn personal_space(&self, client: &Client) -> String {
        let answer = client.query("{ viewer { personalSpace { id } } }", Value::Null).await;
        answer.well().text("viewer.personalSpace.id").to_owned()
    }
}

fn http() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().expect("an HTTP client")
}

/// Brings an empty database to the present schema.
pub async fn migrate(database: &Database) {
    let store = Store::connect_as_owner(&database.stores(1)).await.expect("the database answers");
    migration::up(store.connection()).await.expect("the migrations apply");
    store.pool().close().await;
}

/// Makes the cast in an empty database, through the API.
pub async fn settle(database: &Database) {
    migrate(database).await;
    let server = Server::start(database, |_| {}).await;
    let anonymous = Client::new(http(), &server, String::new(), None);
    let mut cast = HashMap::new();
    for name in CAST {
        let input = json!({ "email": format!("{name}@acme.test"), "password": PASSWORD, "name": name });
        let fields = "accessToken viewer { user { id } }";
        let answer = anonymous.mutate_for("signUp", fields, input).await.well();
        let mut client = anonymous.with_token(Some(answer.text("signUp.accessToken")));
        client.id = answer.text("signUp.viewer.user.id").to_owned();
        cast.insert(name, client);
    }
    let [owner, stranger] = ["owner", "stranger"].map(|name| &cast[name]);

    let acme = owner.organization("acme").await;
    for name in CAST.iter().filter(|name| !["owner", "stranger"].contains(name)) {
        let role = match *name {
            "admin" => "ADMIN",
            "viewer" => "VIEWER",
            _ => "MEMBER",
        };
        owner.add_member(&acme, &cast[name], role).await;
    }
    owner.space(&acme, "handbook", json!({})).await;
    let lab = cast["manager"].space(&acme, "lab", json!({ "privacy": "PRIVATE" })).await;
    for (name, role) in
        [("reader", "READER"), ("commenter", "COMMENTER"), ("editor", "EDITOR"), ("suspended", "MANAGER")]
    {
        cast["manager"].add_space_member(&lab, &cast[name], role).await;
    }
    let rocket = owner.project(&acme, "rocket").await;
    for (name, role) in [("project-viewer", "VIEWER"), ("developer", "DEVELOPER"), ("project-admin", "ADMIN")] {
        owner.add_project_member(&rocket, &cast[name], role).await;
    }
    let suspension = "UPDATE tenancy.members SET status = 'suspended' FROM identity.users u \
                      WHERE u.id = user_id AND u.email = 'suspended@acme.test'";
    database.run(suspension).await;

    let globex = stranger.organization("globex").await;
    stranger.space(&globex, "vault", json!({ "privacy": "PRIVATE" })).await;
    server.stop().await;
    // The feed begins anew for each test, as its Redis does.
    database.run("TRUNCATE platform.outbox; UPDATE platform.feed SET last_position = 0, published_position = 0").await;
}
