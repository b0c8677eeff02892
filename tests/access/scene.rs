//! The things that the matrix is about, and how they are put back after each change.

use serde_json::{Value, json};

use crate::support::{Client, Digest, PASSWORD, World, eventually, graph, new_id, typed, uuid};

/// A world with one of everything, and a copy of its rows.
pub struct Scene {
    pub world: World,
    /// Documents of the manager in the private space lab.
    pub shared: String,
    pub private: String,
    pub open: String,
    pub public: String,
    pub published: String,
    pub archived: String,
    pub trashed: String,
    /// A document of the editor in the lab, for the space.
    pub of_editor: String,
    /// A document of the owner in the open space handbook.
    pub page: String,
    /// The member's personal space and a document in it.
    pub personal: String,
    pub diary: String,
    /// A tag of the lab.
    pub tag: String,
    /// Budgets of acme: of what the project rocket uses, of what the member does, and of what the member's key does.
    pub budget: String,
    pub own_budget: String,
    pub key_budget: String,
    /// The subscriptions of acme and of the member.
    pub subscription: String,
    pub own_subscription: String,
    /// Memberships of acme.
    pub owner_membership: String,
    pub admin_membership: String,
    pub member_membership: String,
    /// A team of acme without any role, and the member in it.
    pub team: String,
    pub team_membership: String,
    /// The reader's role in the lab and the developer's in the project.
    pub reader_role: String,
    pub developer_role: String,
    /// An invitation to acme by mail and one as a link, with these tokens.
    pub mailed: String,
    pub linked: String,
    /// A private space of the owner that is listed, and the member's request to join it.
    pub board: String,
    pub asking: String,
    /// Policies of acme and of its project rocket.
    pub draft: String,
    pub policy: String,
    pub project_draft: String,
    pub project_policy: String,
    /// A request of the developer for the approval of a call, and the decision that asks for it.
    pub approval: String,
    pub decision: String,
    /// A call of the developer that was denied.
    pub call: String,
    /// A simulation of acme that is said to run.
    pub simulation: String,
    /// A key of the project, made by its admin, and a personal one of the member.
    pub key: String,
    pub personal_key: String,
    /// A secret of the project.
    pub secret: String,
    /// Programs: each with a key of its own.
    pub programs: Vec<(&'static str, Client)>,
    /// An entry of the log of acme, and one about the member's account.
    pub entry: String,
    pub own_entry: String,
    /// A good refresh token of somebody.
    pub refresh_token: String,
    /// A session of the member.
    pub session: String,
    /// An account of the member at a provider.
    pub connection: String,
    /// Tokens of links that reset the password of the member and change their address.
    pub reset_token: String,
    pub change_token: String,
    /// The token of a link that confirms the address of the member.
    pub verification_token: String,
    /// A tool server of the project, submitted and never approved, what it is reached by, a run that found a tool in it, its
    /// scan, and the tool, which is not as it was approved.
    pub server: String,
    pub server_version: String,
    pub discovery: String,
    pub scan: String,
    pub tool: String,
    /// The digest of each table whose rows are put back.
    kept: Digest,
}

impl Scene {
    pub async fn new() -> Self {
        // Everybody tries the same links from one network.
        let world = World::with(|config| {
            config.attempts_per_network = 100_000;
            // What is counted of keys is written at other times than what is compared.
            config.key_usage_seconds = 3_600;
            // No tool server is really connected to, or rows would change beside what is tried.
            config.mcp_runs = 0;
        })
        .await;
        let (manager, lab) = (&world.manager, &world.lab);
        let document = async |visibility: &str| {
            let title = format!("A {} document", visibility.to_lowercase());
            manager.document(lab, json!({ "title": title, "visibility": visibility, "tags": ["kept"] })).await
        };
        let [shared, private, open, public] = [
            document("SPACE").await,
            document("PRIVATE").await,
            document("ORGANIZATION").await,
            document("PUBLIC").await,
        ];
        let [published, archived, trashed] =
            [document("SPACE").await, document("SPACE").await, document("SPACE").await];
        for (mutation, id) in
            [("documentPublish", &published), ("documentArchive", &archived), ("documentTrash", &trashed)]
        {
            manager.mutate(mutation, json!({ "id": id })).await.well();
        }
        let of_editor = world.editor.document(lab, json!({})).await;
        let page = world.owner.document(&world.handbook, json!({})).await;
        let personal = world.personal_space(&world.member).await;
        let diary = world.member.document(&personal, json!({})).await;
        let tag = manager.tag(lab, "red").await;
        let team = world.admin.team(&world.acme, "crew").await;
        let team_membership = world.admin.add_team_member(&team, &world.member).await;
        let board = world.owner.space(&world.acme, "board", json!({ "privacy": "PRIVATE", "isListed": true })).await;
        let asking = world.member.join_request(&board).await;
        let (of_acme, of_rocket) = (json!({ "organizationId": world.acme }), json!({ "projectId": world.rocket }));
        let [draft, policy, project_draft, project_policy] = [
            world.owner.policy(&of_acme, json!({})).await,
            world.owner.policy(&of_acme, json!({ "rules": asking_for("ask") })).await,
            world.project_admin.policy(&of_rocket, json!({})).await,
            world.project_admin.policy(&of_rocket, json!({})).await,
        ];
        for (client, id) in [(&world.owner, &policy), (&world.project_admin, &project_policy)] {
            client.mutate("policyPublish", json!({ "id": id })).await.well();
        }
        world.tools("git", &["ask"]).await;
        let (approval, decision) = approval(&world).await;
        let (key, _) = world.project_admin.api_key(Some(&world.rocket), &["PROJECTS_READ"]).await;
        let secret = world.project_admin.secret(&world.rocket, "TOKEN", "the value").await;
        let programs = programs(&world).await;
        let (personal_key, _) = world.member.api_key(None, &["PROFILE_READ"]).await;
        let mailed = invitation(&world, MAILED_TOKEN, json!({ "email": "nora@example.org", "role": "MEMBER" })).await;
        let linked = invitation(&world, LINKED_TOKEN, json!({ "role": "MEMBER" })).await;
        let input = json!({ "email": "member@acme.test", "password": PASSWORD });
        let signed_in = world.anonymous.mutate_for("signIn", "refreshToken", input).await.well();
        world.member.query("mutation { emailVerificationSend { userErrors { code } } }", Value::Null).await.well();
        let verification_token = world.server.letters().last_of(1, "member@acme.test").await.token();
        let letters = world.server.letters();
        world.member.mutate("emailChange", json!({ "email": "changed@acme.test" })).await.well();
        let change_token = letters.last_of(1, "changed@acme.test").await.token();
        world.anonymous.mutate("passwordResetRequest", json!({ "email": "member@acme.test" })).await.well();
        let reset_token = letters.last_of(2, "member@acme.test").await.token();
        let sql = format!(
            "SELECT id FROM identity.sessions WHERE user_id = '{}' ORDER BY id LIMIT 1",
            uuid(&world.member.id)
        );
        let session = typed("ses", world.database.row(&sql).await["id"].as_str().expect("an id"));
        let connection = "018f0000-0000-7000-8000-00000000c0de";
        let sql = format!(
            "INSERT INTO identity.oauth_connections (id, user_id, provider, provider_id, issuer) \
             VALUES ('{connection}', '{}', 'one', 'member', 'https://one.example')",
            uuid(&world.member.id)
        );
        world.database.run(&sql).await;
        let registered = register(&world).await;
        let mut scene = Self {
            server: registered.server,
            server_version: registered.version,
            discovery: registered.discovery,
            scan: registered.scan,
            tool: registered.tool,
            connection: typed("oac", connection),
            session,
            reset_token,
            change_token,
            shared,
            private,
            open,
            public,
            published,
            archived,
            trashed,
            of_editor,
            page,
            personal,
            diary,
            tag,
            budget: budget(&world, "project", &world.rocket).await,
            own_budget: budget(&world, "user", &world.member.id).await,
            key_budget: budget(&world, "key", &personal_key).await,
            subscription: typed("sub", &uuid(&world.acme)),
            own_subscription: typed("sub", &uuid(&world.member.id)),
            owner_membership: holding(&world, "members", "mem", &world.owner).await,
            admin_membership: holding(&world, "members", "mem", &world.admin).await,
            member_membership: holding(&world, "members", "mem", &world.member).await,
            team,
            team_membership,
            simulation: simulation(&world).await,
            approval,
            decision,
            call: denied_call(&world).await,
            draft,
            policy,
            project_draft,
            project_policy,
            mailed,
            linked,
            board,
            asking,
            key,
            personal_key,
            secret,
            programs,
            entry: entry(&world, "organization_id", &world.acme).await,
            own_entry: entry(&world, "user_id", &world.member.id).await,
            reader_role: holding(&world, "space_members", "spm", &world.reader).await,
            developer_role: holding(&world, "project_members", "prm", &world.developer).await,
            verification_token,
            refresh_token: signed_in.text("signIn.refreshToken").to_owned(),
            kept: Digest::new(),
            world,
        };
        scene.keep().await;
        scene
    }

    /// Remembers every row of the people, their places and their documents.
    async fn keep(&mut self) {
        let mut digest = self.world.database.digest().await;
        digest.retain(|table, _| !table.starts_with("platform.") && !table.starts_with("audit."));
        for table in digest.keys() {
            let copy = copy_of(table);
            self.world
                .database
                .run(&format!("CREATE SCHEMA IF NOT EXISTS kept; CREATE TABLE {copy} AS TABLE {table}"))
                .await;
        }
        self.kept = digest;
        self.world.database.run("CREATE TABLE kept.log AS SELECT max(created_at) AS last FROM audit.logs").await;
    }

    /// Puts back the rows that are not as they were, and gives the digest of everything after that. Grants are numbered
    /// on, since a number must not come back with other grants; the log is cut, or it would be most of what is compared.
    pub async fn put_back(&self, now: &Digest) -> Digest {
        let mut sql = String::from("SET LOCAL session_replication_role = replica;");
        for table in self.kept.iter().filter(|(table, digest)| now.get(*table) != Some(*digest)).map(|(table, _)| table)
        {
            sql += &format!("DELETE FROM {table}; INSERT INTO {table} SELECT * FROM {};", copy_of(table));
        }
        sql += "DELETE FROM audit.logs WHERE created_at > (SELECT last FROM kept.log);";
        sql += "UPDATE platform.grant_versions SET version = version + 1000";
        self.world.database.run(&sql).await;
        self.world.database.digest().await
    }
}

fn copy_of(table: &str) -> String {
    format!("kept.\"{table}\"")
}

/// The first entry of the log of an organization or a person.
async fn entry(world: &World, column: &str, id: &str) -> String {
    let sql = format!("SELECT id FROM audit.logs WHERE {column} = '{}' ORDER BY created_at, id LIMIT 1", uuid(id));
    typed("aud", world.database.row(&sql).await["id"].as_str().expect("an id"))
}

/// A budget of acme that counts the use of a project, a person or a key.
async fn budget(world: &World, kind: &str, subject: &str) -> String {
    let (acme, subject) = (uuid(&world.acme), uuid(subject));
    let project = if kind == "project" { format!("'{subject}'") } else { "NULL".to_owned() };
    let sql = format!(
        "WITH policy AS (INSERT INTO governance.policies (id, organization_id, name, type, rules) \
             VALUES (gen_random_uuid(), '{acme}', 'a limit', 'usage', '{{\"limits\": []}}') RETURNING id), \
         budget AS (INSERT INTO metering.budgets (id, organization_id, project_id, policy_id, limit_index, subject_type, \
             subject_id, measure, amount, window_start, window_end) SELECT gen_random_uuid(), '{acme}', {project}, id, 0, \
             '{kind}', '{subject}', 'requests', 100, now(), now() + interval '1 hour' FROM policy RETURNING id) \
         SELECT id FROM budget"
    );
    // A statement that writes cannot stand within another, as `row` would have it.
    let id: sqlx::types::Uuid =
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(world.database.pool()).await.expect("a budget");
    typed("bud", &id.to_string())
}

/// The tokens of the invitations.
pub const MAILED_TOKEN: &str = "the token of a letter";
pub const LINKED_TOKEN: &str = "the token of a link";

/// An invitation to acme with a known token.
async fn invitation(world: &World, token: &str, mut input: Value) -> String {
    input["organizationId"] = json!(world.acme);
    let answer = world.admin.mutate("invitationCreate", input).await.well();
    let id = answer.text("invitationCreate.invitation.id").to_owned();
    let sql = format!(
        "UPDATE tenancy.invitations SET token_hash = sha256('{token}'), last_sent_at = created_at - interval '1 hour' WHERE id = '{}'",
        uuid(&id)
    );
    world.database.run(&sql).await;
    id
}

/// A simulation of acme that is said to run, by a server that has a long time yet.
async fn simulation(world: &World) -> String {
    let id = "018f0000-0000-7000-8000-00000000517a";
    let sql = format!(
        "INSERT INTO governance.policy_simulations (id, organization_id, draft, window_start, window_end, updated_at) \
         VALUES ('{id}', '{}', '[]', now() - interval '1 day', now(), now() + interval '1 day')",
        uuid(&world.acme)
    );
    world.database.run(&sql).await;
    typed("sim", id)
}

/// Rules that allow every tool, and want an approval for one.
fn asking_for(tool: &str) -> Value {
    json!({ "access": { "allowedTools": ["*"], "approvedTools": [tool] } })
}

/// A request of the developer for the approval of a call, and the decision that asks for it once it is recorded.
async fn approval(world: &World) -> (String, String) {
    let input = json!({ "projectId": world.rocket, "server": "git", "tool": "ask", "arguments": { "n": 0 } });
    let answer = world.developer.mutate_for("approvalRequest", "approval { id decisionId }", input).await.well();
    let text = |path: &str| answer.text(&format!("approvalRequest.approval.{path}")).to_owned();
    let (approval, decision) = (text("id"), text("decisionId"));
    let sql = format!("SELECT count(*) FROM governance.decisions WHERE id = '{}'", uuid(&decision));
    eventually("the decision is recorded", async || (world.database.number(&sql).await == 1).then_some(())).await;
    (approval, decision)
}

/// A call of the developer that was denied, once it is recorded: nobody approved the server.
async fn denied_call(world: &World) -> String {
    let id = new_id();
    let input = json!({ "id": typed("call", &id.to_string()), "projectId": world.rocket, "server": "weather", "tool": "forecast" });
    world.developer.mutate("mcpToolCall", input).await.refused("DENIED", "");
    let sql = format!("SELECT count(*) FROM metering.mcp_usage WHERE id = '{id}'");
    eventually("the call is recorded", async || (world.database.number(&sql).await == 1).then_some(())).await;
    typed("call", &id.to_string())
}

/// The kinds of keys: personal ones of the owner for nothing, for reading and for everything, and one of the project for
/// everything, made by its admin.
async fn programs(world: &World) -> Vec<(&'static str, Client)> {
    let every = graph().values("ApiKeyScope");
    let every: Vec<&str> = every.iter().map(String::as_str).collect();
    let reading: Vec<&str> = every.iter().copied().filter(|scope| scope.ends_with("_READ")).collect();
    let (none, nothing) = world.owner.api_key(None, &["USAGE_READ"]).await;
    let sql = format!("UPDATE governance.api_keys SET scopes = '{{none}}', version = 2 WHERE id = '{}'", uuid(&none));
    world.database.run(&sql).await;
    vec![
        ("no scopes", nothing),
        ("reading", world.owner.api_key(None, &reading).await.1),
        ("every scope", world.owner.api_key(None, &every).await.1),
        ("of the project", world.project_admin.api_key(Some(&world.rocket), &every).await.1),
    ]
}

/// The id of what makes somebody a member.
async fn holding(world: &World, table: &str, prefix: &str, who: &Client) -> String {
    let sql = format!("SELECT id FROM tenancy.{table} WHERE user_id = '{}'", uuid(&who.id));
    typed(prefix, world.database.row(&sql).await["id"].as_str().expect("an id"))
}

/// What is registered in the project rocket.
struct Registered {
    server: String,
    version: String,
    discovery: String,
    scan: String,
    tool: String,
}

async fn register(world: &World) -> Registered {
    let input = json!({ "projectId": world.rocket, "name": "weather", "transport": { "http": { "url": "https://tools.example.com/mcp" } } });
    let fields = "mcpServer { id currentVersion { id latestScan { id } } }";
    let answer = world.project_admin.mutate_for("mcpServerRegister", fields, input).await.well();
    let text = |path: &str| answer.text(&format!("mcpServerRegister.mcpServer.{path}")).to_owned();
    let (server, version, scan) = (text("id"), text("currentVersion.id"), text("currentVersion.latestScan.id"));
    let (discovery, tool) = ("018f0000-0000-7000-8000-00000000d15c", "018f0000-0000-7000-8000-00000000700c");
    let pins = "sha256('found'), sha256('approved')";
    let sql = format!(
        "UPDATE governance.mcp_servers SET health_checked_at = now() WHERE id = '{server}'; \
         INSERT INTO governance.mcp_discoveries (id, server_id, version_id, status, tool_count, ended_at) \
         VALUES ('{discovery}', '{server}', '{version}', 'succeeded', 1, now()); \
         INSERT INTO governance.mcp_tools (id, server_id, name, input_schema, found_pin, approved_pin, approved_tool, drift, risk_level) \
         VALUES ('{tool}', '{server}', 'forecast', '{{}}', {pins}, '{{\"name\": \"forecast\", \"inputSchema\": {{}}}}', 'compatible', 'low')",
        server = uuid(&server),
        version = uuid(&version),
    );
    world.database.run(&sql).await;
    world.developer.mutate("mcpServerSubmit", json!({ "id": server })).await.well();
    Registered { server, version, scan, discovery: typed("mcd", discovery), tool: typed("tool", tool) }
}
