//! What a write stands on holds until its end: who is taken a right or a session away meanwhile either wrote before, or
//! does not write at all. Each interleaving is made with locks, in both orders.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use crate::support::{Answer, Client, PASSWORD, World, eventually, typed, uuid, within};

/// Takes a lock that lets writes come as far as it and no further.
async fn barrier<'a>(world: &World, sql: &str) -> Transaction<'a, Postgres> {
    let mut holder = world.database.pool().begin().await.expect("a transaction");
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *holder).await.expect("a lock");
    holder
}

/// A write has done its work and wants to say so, which comes right before its commit.
const BEFORE_COMMIT: &str = "LOCK TABLE platform.outbox IN SHARE MODE";

/// The relay may wait at the same lock, and is none of the writes.
async fn waiting(world: &World, number: i64) {
    let sql = "SELECT count(*) FROM pg_stat_activity \
               WHERE datname = current_database() AND wait_event_type = 'Lock' AND query NOT LIKE '%platform.feed%'";
    eventually("the writes wait", async || (world.database.number(sql).await == number).then_some(())).await;
}

/// Lets the first write come to the barrier, then the second begin, and then both go on.
async fn first_then_second(
    world: &World,
    lock: &str,
    first: impl Future<Output = Answer>,
    second: impl Future<Output = Answer>,
) -> (Answer, Answer) {
    let holder = barrier(world, lock).await;
    let second = async {
        waiting(world, 1).await;
        let release = async {
            waiting(world, 2).await;
            holder.rollback().await.expect("the lock is given back");
        };
        join(second, release).await.0
    };
    join(first, second).await
}

async fn membership(world: &World, who: &Client) -> String {
    let sql = format!("SELECT id FROM tenancy.members WHERE user_id = '{}'", uuid(&who.id));
    typed("mem", world.database.row(&sql).await["id"].as_str().expect("an id"))
}

fn retitled(client: &Client, document: &str) -> impl Future<Output = Answer> {
    client.mutate("documentUpdate", json!({ "id": document, "title": "Changed" }))
}

fn signed_out(client: &Client) -> impl Future<Output = Answer> {
    client.query("mutation { signOut { signedOut } }", Value::Null)
}

#[tokio::test]
async fn who_was_demoted_before_writes_nothing() {
    let world = World::new().await;
    let [admin, member] = [membership(&world, &world.admin).await, membership(&world, &world.member).await];
    let (demotion, promotion) = first_then_second(
        &world,
        BEFORE_COMMIT,
        world.owner.mutate("memberUpdate", json!({ "id": admin, "role": "VIEWER" })),
        world.admin.mutate("memberUpdate", json!({ "id": member, "role": "ADMIN" })),
    )
    .await;
    demotion.well();
    assert_eq!(promotion.code(), "FORBIDDEN");
}

#[tokio::test]
async fn who_was_removed_before_writes_nothing() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let editor = membership(&world, &world.editor).await;
    let (removal, update) = first_then_second(
        &world,
        BEFORE_COMMIT,
        world.owner.mutate("memberRemove", json!({ "id": editor })),
        retitled(&world.editor, &document),
    )
    .await;
    removal.well();
    assert_eq!(update.code(), "NOT_FOUND");
}

#[tokio::test]
async fn nobody_is_removed_in_the_middle_of_their_write() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let editor = membership(&world, &world.editor).await;
    let lock = format!("SELECT FROM content.documents WHERE id = '{}' FOR UPDATE", uuid(&document));
    let (update, removal) = first_then_second(
        &world,
        &lock,
        retitled(&world.editor, &document),
        world.owner.mutate("memberRemove", json!({ "id": editor })),
    )
    .await;
    update.well();
    removal.well();
    let order = "SELECT string_agg(action, ' ' ORDER BY created_at) AS order FROM audit.logs \
                 WHERE action IN ('documents.update', 'members.delete')";
    assert_eq!(world.database.row(order).await["order"], "documents.update members.delete");
}

#[tokio::test]
async fn what_is_closed_to_all_is_closed_to_who_writes_at_once() {
    let world = World::new().await;
    let document = world.owner.document(&world.handbook, json!({})).await;
    let (archiving, update) = first_then_second(
        &world,
        BEFORE_COMMIT,
        world.admin.mutate("spaceArchive", json!({ "id": world.handbook })),
        retitled(&world.owner, &document),
    )
    .await;
    archiving.well();
    assert_eq!(update.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_session_that_ended_before_writes_nothing() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let (end, update) =
        first_then_second(&world, BEFORE_COMMIT, signed_out(&world.editor), retitled(&world.editor, &document)).await;
    end.well();
    assert_eq!(update.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_session_does_not_end_in_the_middle_of_its_write() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let lock = format!("SELECT FROM content.documents WHERE id = '{}' FOR UPDATE", uuid(&document));
    let (update, end) =
        first_then_second(&world, &lock, retitled(&world.editor, &document), signed_out(&world.editor)).await;
    update.well();
    end.well();
}

#[tokio::test]
async fn of_two_who_demote_each_other_one_succeeds() {
    let world = World::new().await;
    let [owner, admin] = [membership(&world, &world.owner).await, membership(&world, &world.admin).await];
    world.owner.mutate("memberUpdate", json!({ "id": admin, "role": "OWNER" })).await.well();
    let (first, second) = first_then_second(
        &world,
        BEFORE_COMMIT,
        world.owner.mutate("memberUpdate", json!({ "id": admin, "role": "MEMBER" })),
        world.admin.mutate("memberUpdate", json!({ "id": owner, "role": "MEMBER" })),
    )
    .await;
    first.well();
    assert_eq!(second.code(), "FORBIDDEN");
}

#[tokio::test]
async fn writes_that_change_each_others_grants_do_not_fail() {
    let world = World::new().await;
    let creators = [&world.owner, &world.admin, &world.member, &world.manager];
    let spaces = (0..12).map(|number| {
        let input = json!({ "organizationId": world.acme, "name": "At once", "slug": format!("at-once-{number}") });
        creators[number % creators.len()].mutate("spaceCreate", input)
    });
    let organizations = (0..4).map(|number| {
        world.reader.mutate("organizationCreate", json!({ "name": "At once", "slug": format!("at-once-{number}") }))
    });
    let (spaces, organizations) = join(join_all(spaces), join_all(organizations)).await;
    for answer in spaces.into_iter().chain(organizations) {
        answer.well();
    }
}

#[tokio::test]
async fn people_who_let_each_other_into_their_spaces_do_not_wait_in_a_circle() {
    let world = World::new().await;
    let [of_member, of_editor] = [world.personal_space(&world.member).await, world.personal_space(&world.editor).await];
    let share = |client: &Client, space: &str, with: &Client| {
        let input = json!({ "spaceId": space, "userId": with.id, "role": "READER" });
        let client = client.clone();
        async move { client.mutate("spaceMemberAdd", input).await }
    };
    // Each changes the grants of the other, and both hold the organization that they share.
    let (one, other) = first_then_second(
        &world,
        BEFORE_COMMIT,
        share(&world.member, &of_member, &world.editor),
        share(&world.editor, &of_editor, &world.member),
    )
    .await;
    one.well();
    other.well();
}

#[tokio::test]
async fn a_write_that_finds_another_organization_holds_it_before_its_user() {
    let world = World::new().await;
    let (space, who) = (world.personal_space(&world.stranger).await, uuid(&world.stranger.id));
    let organization = uuid(&world.acme);
    let joining = "INSERT INTO tenancy.members (id, organization_id, user_id, role) VALUES (gen_random_uuid(), '{o}', '{u}', 'member')";
    let joining = barrier(&world, &joining.replace("{o}", &organization).replace("{u}", &who)).await;
    let write = world.stranger.mutate("documentCreate", json!({ "spaceId": space, "title": "Meanwhile" }));
    let others = async {
        // The write waits for the grants of its user, and does not know yet of the organization that was joined.
        waiting(&world, 1).await;
        let hold = "SELECT FROM platform.grant_versions WHERE subject_id = '{o}' FOR NO KEY UPDATE";
        let mut removal = barrier(&world, &hold.replace("{o}", &organization)).await;
        let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *removal).await.expect("a process");
        joining.commit().await.expect("the membership is there");
        // Now it waits for the organization. Who holds that one may change the user's grants, as a removal does.
        let blocked = format!("SELECT count(*) FROM pg_stat_activity WHERE {pid} = ANY (pg_blocking_pids(pid))");
        eventually("the write waits", async || (world.database.number(&blocked).await == 1).then_some(())).await;
        let removing =
            format!("DELETE FROM tenancy.members WHERE organization_id = '{organization}' AND user_id = '{who}'");
        sqlx::raw_sql(AssertSqlSafe(removing)).execute(&mut *removal).await.expect("nobody waits in a circle");
        removal.commit().await.expect("the membership is gone");
    };
    join(write, others).await.0.well();
}

#[tokio::test]
async fn what_follows_in_an_operation_stands_on_the_grants_it_left() {
    let world = World::new().await;
    let text = "mutation($id: ID!) { organizationDelete(input: { id: $id }) { deletedId userErrors { code } } \
                profileUpdate(input: { bio: \"Free\" }) { viewer { organizations(first: 9) { nodes { slug } } } userErrors { code } } \
                spaceCreate(input: { organizationId: $id, name: \"Late\", slug: \"late\" }) { userErrors { code } } }";
    let answer = world.owner.query(text, json!({ "id": world.acme })).await;
    assert_eq!(answer.codes(), ["NOT_FOUND"], "{}", answer.body);
    assert!(!answer.body.contains("acme"), "{}", answer.body);

    let text = "mutation { signOut { userErrors { code } } profileUpdate(input: { bio: \"Gone\" }) { viewer { user { bio } } } }";
    let answer = world.member.query(text, Value::Null).await;
    assert_eq!(answer.codes(), ["UNAUTHENTICATED"], "{}", answer.body);
    let gone = "SELECT count(*) FROM identity.users WHERE bio = 'Gone'";
    assert_eq!(world.database.number(gone).await, 0);
}

#[tokio::test]
async fn a_write_that_cannot_tell_what_it_granted_grants_nothing() {
    let world = World::new().await;
    world.database.run("REVOKE SELECT ON tenancy.project_members FROM trellis_server").await;
    let before = world.database.digest().await;
    let input = json!({ "name": "New", "slug": "new" });
    assert_eq!(world.member.mutate("organizationCreate", input).await.code(), "INTERNAL");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn each_operation_of_a_batch_stands_on_its_own_grants() {
    let world = World::new().await;
    let batch = json!([
        { "query": "query($id: ID!) { node(id: $id) { id } }", "variables": { "id": world.handbook } },
        { "query": "mutation($id: ID!) { organizationLeave(input: { organizationId: $id }) { userErrors { code } } }",
          "variables": { "id": world.acme } },
        { "query": "query($id: ID!) { node(id: $id) { id } }", "variables": { "id": world.handbook } },
        { "query": "mutation { signOut { signedOut } }" },
        { "query": "{ viewer { user { id } } }" },
    ]);
    let answer = Answer::read(world.member.post().json(&batch).send().await.expect("an answer")).await;
    assert_eq!(answer.json[0]["data"]["node"]["id"], world.handbook, "{}", answer.body);
    assert_eq!(answer.json[2], json!({ "data": { "node": null } }), "{}", answer.body);
    assert_eq!(answer.json[3]["data"]["signOut"]["signedOut"], true, "{}", answer.body);
    assert_eq!(answer.json[4]["errors"][0]["extensions"]["code"], "UNAUTHENTICATED", "{}", answer.body);
}

#[tokio::test]
async fn a_session_changes_beside_the_writes_in_its_organizations() {
    let world = World::new().await;
    let held = format!("SELECT FROM platform.grant_versions WHERE subject_id = '{}' FOR SHARE", uuid(&world.acme));
    let holder = barrier(&world, &held).await;
    let changes = async {
        world.reader.mutate("activeContextSet", json!({ "organizationId": world.acme })).await.well();
        world.reader.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
        signed_out(&world.reader).await.well();
    };
    within("the changes of the session", changes).await;
    holder.rollback().await.expect("the lock is given back");
}

#[tokio::test]
async fn one_persons_writes_leave_room_for_everybody_else() {
    let world = World::with(|config| config.stores.database_connections = 8).await;
    let held = format!("SELECT FROM tenancy.organizations WHERE id = '{}' FOR UPDATE", uuid(&world.acme));
    let holder = barrier(&world, &held).await;
    let crowd = join_all((0..24).map(|number| {
        let input =
            json!({ "organizationId": world.acme, "email": format!("guest{number}@acme.test"), "role": "MEMBER" });
        world.owner.mutate("invitationCreate", input)
    }));
    let others = async {
        waiting(&world, 4).await;
        for _ in 0..10 {
            let asked = world.stranger.query("{ viewer { user { name } } }", Value::Null);
            within("the answer", asked).await.well();
        }
        world.stranger.mutate("profileUpdate", json!({ "bio": "Here" })).await.well();
        holder.rollback().await.expect("the lock is given back");
    };
    for answer in join(crowd, others).await.0 {
        answer.well();
    }
}
