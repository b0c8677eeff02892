//! The things that the matrix is about, and how they are put back after each change.

use serde_json::{Value, json};

use crate::support::{Client, Digest, PASSWORD, World, typed, uuid};

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
    /// Budgets of acme: of what the project rocket uses, and of what the member does.
    pub budget: String,
    pub own_budget: String,
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
    /// The digest of each table whose rows are put back.
    kept: Digest,
}

impl Scene {
    pub async fn new() -> Self {
        // Everybody tries the same links from one network.
        let world = World::with(|config| config.attempts_per_network = 100_000).await;
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
        let mut scene = Self {
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
            subscription: typed("sub", &uuid(&world.acme)),
            own_subscription: typed("sub", &uuid(&world.member.id)),
            owner_membership: holding(&world, "members", "mem", &world.owner).await,
            admin_membership: holding(&world, "members", "mem", &world.admin).await,
            member_membership: holding(&world, "members", "mem", &world.member).await,
            team,
            team_membership,
            mailed,
            linked,
            board,
            asking,
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

/// A budget of acme that counts the use of a project or a person.
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

/// The id of what makes somebody a member.
async fn holding(world: &World, table: &str, prefix: &str, who: &Client) -> String {
    let sql = format!("SELECT id FROM tenancy.{table} WHERE user_id = '{}'", uuid(&who.id));
    typed(prefix, world.database.row(&sql).await["id"].as_str().expect("an id"))
}
