//! Loads of concurrent requests are merged, and still each viewer sees its own rows only.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, World, eventually};

const NODES: &str = "query($ids: [ID!]!) { nodes(ids: $ids) { id ... on Document { title content { text } \
    tags(first: 5) { nodes { name } } owner { name } } ... on Tag { name } ... on Space { slug } } }";

struct Tenants {
    world: World,
    /// The ids of both tenants, mixed.
    ids: Vec<String>,
    of_acme: Vec<String>,
    of_globex: Vec<String>,
}

async fn tenants() -> Tenants {
    let world = World::new().await;
    let mut of = [vec![world.lab.clone()], vec![world.vault.clone()]];
    for (index, (client, space, word)) in
        [(&world.manager, &world.lab, "acme"), (&world.stranger, &world.vault, "globex")].into_iter().enumerate()
    {
        for number in 0..8 {
            let secret = format!("{word} secret {number}");
            let input = json!({ "title": secret, "content": secret, "tags": [format!("{word} tag")] });
            of[index].push(client.document(space, input).await);
        }
        of[index].push(client.tag(space, &format!("{word} other")).await);
    }
    let [of_acme, of_globex] = of;
    let ids = of_acme.iter().zip(&of_globex).flat_map(|(one, other)| [one.clone(), other.clone()]).collect();
    Tenants { world, ids, of_acme, of_globex }
}

/// Asks for everything and checks that exactly the own is there.
async fn sees_its_own(client: &Client, ids: &[String], own: &[String], foreign: &str) {
    let answer = client.query(NODES, json!({ "ids": ids })).await.well();
    let seen: Vec<&str> = answer.list("nodes").iter().filter_map(|node| node["id"].as_str()).collect();
    assert_eq!(seen, own.iter().map(String::as_str).collect::<Vec<_>>());
    assert!(!answer.body.contains(foreign), "{foreign} shows: {}", answer.body);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tenants_whose_loads_were_merged_see_only_their_own() {
    let Tenants { world, ids, of_acme, of_globex } = tenants().await;
    for _ in 0..4 {
        let requests = (0..40).map(async |number| {
            if number % 2 == 0 {
                sees_its_own(&world.manager, &ids, &of_acme, "globex").await;
            } else {
                sees_its_own(&world.stranger, &ids, &of_globex, "acme").await;
            }
        });
        join_all(requests).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_that_wait_for_the_same_rows_share_a_statement() {
    let Tenants { world, ids, of_acme, of_globex } = tenants().await;
    // While the documents are locked, requests pile up; only so many statements for them may be under way. Where fewer begin
    // at once, those who come later start the others.
    let most = 4;
    let mut holder = world.database.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE content.documents").execute(&mut *holder).await.expect("a lock");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                   AND wait_event_type = 'Lock' AND query LIKE '%parent_id%'";
    let are_waiting = async |least: i64| (world.database.number(waiting).await >= least).then_some(());
    let ask = async |number: i64| {
        if number % 2 == 0 {
            sees_its_own(&world.manager, &ids, &of_acme, "globex").await;
        } else {
            sees_its_own(&world.stranger, &ids, &of_globex, "acme").await;
        }
    };
    let first = join_all((0..most).map(async |number| {
        eventually("the statements before wait", async || are_waiting(number).await).await;
        ask(number).await;
    }));
    let others = async {
        eventually("as many statements wait as may be under way", async || are_waiting(most).await).await;
        let release = async {
            // Further requests have come in meanwhile and must not add statements.
            for _ in 0..3 {
                assert_eq!(world.database.number(waiting).await, most);
            }
            holder.rollback().await.expect("the lock is given back");
        };
        futures_util::future::join(join_all((0..20).map(ask)), release).await;
    };
    futures_util::future::join(first, others).await;
}

#[tokio::test]
async fn somebody_who_lost_access_gets_nothing_from_a_merged_load() {
    let Tenants { world, ids, of_acme, .. } = tenants().await;
    sees_its_own(&world.reader, &ids, &of_acme, "globex").await;
    let sql = "DELETE FROM tenancy.space_members USING identity.users u \
               WHERE u.id = space_members.user_id AND u.email = 'reader@acme.test'";
    world.database.run(sql).await;
    let (kept, lost) = futures_util::future::join(
        sees_its_own(&world.editor, &ids, &of_acme, "globex"),
        world.reader.query(NODES, json!({ "ids": ids })),
    )
    .await;
    let () = kept;
    assert!(lost.well().list("nodes").iter().all(Value::is_null));
}
