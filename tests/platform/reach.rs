//! What a viewer finds in lists and what it finds by id are the same things, whoever it is and whatever was granted.

use std::collections::BTreeSet;

use api::platform::config::Config as Settings;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::support::{Client, World, typed};

/// One query that goes through everything costs more than the server usually allows.
fn generously(config: &mut Settings) {
    config.query.query_cost = 10_000_000;
}

/// Every id of a node in the database.
async fn everything(world: &World) -> Vec<String> {
    let tables = [
        ("user", "identity.users"),
        ("ses", "identity.sessions"),
        ("org", "tenancy.organizations"),
        ("mem", "tenancy.members"),
        ("team", "tenancy.teams"),
        ("tmm", "tenancy.team_members"),
        ("prj", "tenancy.projects"),
        ("prm", "tenancy.project_members"),
        ("spc", "tenancy.spaces"),
        ("spm", "tenancy.space_members"),
        ("doc", "content.documents"),
        ("tag", "content.tags"),
    ];
    let mut ids = Vec::new();
    for (prefix, table) in tables {
        for row in world.database.rows(&format!("SELECT id FROM {table}")).await {
            ids.push(typed(prefix, row["id"].as_str().expect("an id")));
        }
    }
    ids
}

/// What the viewer finds by id.
async fn by_id(client: &Client, ids: &[String]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for some in ids.chunks(100) {
        let answer =
            client.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": some })).await.well();
        found.extend(answer.list("nodes").iter().filter_map(|node| node["id"].as_str().map(str::to_owned)));
    }
    found
}

const SPACE: &str = "id tags(first: 100) { nodes { id } } members(first: 100) { nodes { id user { id } } } \
    documents(first: 100, filter: { status: { in: [DRAFT, PUBLISHED, ARCHIVED] } }) { totalCount nodes { id } } \
    trash: documents(first: 100, filter: { trashed: true }) { totalCount nodes { id } }";

/// What the viewer finds from list to list, beginning at itself.
async fn by_lists(client: &Client) -> BTreeSet<String> {
    let query = format!(
        "{{ viewer {{ user {{ id }} sessions(first: 100) {{ nodes {{ id }} }} personalSpace {{ {SPACE} }} organizations(first: 20) {{ nodes {{ id \
         members(first: 100) {{ nodes {{ id user {{ id }} }} }} \
         teams(first: 20) {{ nodes {{ id members(first: 100) {{ nodes {{ id user {{ id }} }} }} }} }} \
         projects(first: 20) {{ nodes {{ id members(first: 100) {{ nodes {{ id user {{ id }} }} }} }} }} \
         spaces(first: 20) {{ nodes {{ {SPACE} }} }} }} }} }} }}"
    );
    let answer = client.query(&query, Value::Null).await.well();
    let mut found = BTreeSet::new();
    collect(&answer.json["data"], &mut found);
    found
}

/// The ids at any depth; on the way, that each count is that of its list.
fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(id)) = fields.get("id") {
                found.insert(id.clone());
            }
            if let (Some(count), Some(Value::Array(nodes))) = (fields.get("totalCount"), fields.get("nodes")) {
                assert_eq!(count.as_u64(), Some(nodes.len() as u64), "a count tells of more than its list");
            }
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

/// Documents of every visibility, owner and state in every space, in trees, with tags.
async fn furnish(world: &World) {
    world.database.run(
        "INSERT INTO content.documents (id, space_id, owner_id, title, position, visibility, status, deleted_at) \
         SELECT gen_random_uuid(), s.id, u.id, 'Title', 'a0', v, st, CASE WHEN trashed THEN now() END \
         FROM tenancy.spaces s \
         CROSS JOIN unnest(ARRAY['private', 'space', 'organization', 'public']) v \
         CROSS JOIN unnest(ARRAY['draft', 'archived']) st \
         CROSS JOIN unnest(ARRAY[false, true]) trashed \
         JOIN identity.users u ON u.email IN ('owner@acme.test', 'editor@acme.test', 'reader@acme.test', 'stranger@acme.test') \
         WHERE s.slug IN ('handbook', 'lab', 'vault') AND NOT (s.organization_id IS NULL AND v = 'organization'); \
         INSERT INTO content.tags (id, space_id, name, slug, is_explicit) \
         SELECT gen_random_uuid(), id, slug, slug, true FROM tenancy.spaces; \
         INSERT INTO content.tags (id, space_id, name, slug) SELECT id, space_id, id::text, id::text FROM content.documents; \
         INSERT INTO content.document_tags (document_id, tag_id, space_id) SELECT id, id, space_id FROM content.documents; \
         INSERT INTO tenancy.teams (id, organization_id, name) SELECT gen_random_uuid(), id, 'Crew' FROM tenancy.organizations; \
         INSERT INTO tenancy.team_members (id, team_id, user_id) SELECT gen_random_uuid(), t.id, m.user_id \
         FROM tenancy.teams t JOIN tenancy.members m ON m.organization_id = t.organization_id",
    )
    .await;
}

/// Public documents are found by their link alone, and those open to an organization also where their space is not seen.
async fn only_by_link(world: &World, extra: &BTreeSet<String>) -> BTreeSet<String> {
    let rows =
        world.database.rows("SELECT id FROM content.documents WHERE visibility IN ('public', 'organization')").await;
    let ids = rows.iter().map(|row| row["id"].as_str().expect("an id"));
    let linked: BTreeSet<String> = ids.flat_map(|id| [typed("doc", id), typed("tag", id)]).collect();
    extra.difference(&linked).cloned().collect()
}

async fn agrees(world: &World, what: &str) -> Result<(), TestCaseError> {
    let ids = everything(world).await;
    for (name, client) in world.viewers() {
        if name == "anonymous" {
            continue;
        }
        let (known, listed) = (by_id(client, &ids).await, by_lists(client).await);
        // The name of a person shows with an object that names them, such as their suspended membership.
        let only_listed: Vec<&String> = listed.difference(&known).filter(|id| !id.starts_with("user_")).collect();
        prop_assert!(only_listed.is_empty(), "{what}: {name} finds in lists and not by id: {only_listed:?}");
        let unlisted = only_by_link(world, &known.difference(&listed).cloned().collect()).await;
        prop_assert!(unlisted.is_empty(), "{what}: {name} finds by id and not in lists: {unlisted:?}");
    }
    Ok(())
}

#[tokio::test]
async fn lists_agree_with_ids_for_every_kind_of_viewer() {
    let world = World::with(generously).await;
    furnish(&world).await;
    agrees(&world, "as settled").await.expect("they agree");
}

#[test]
fn lists_agree_with_ids_whatever_was_granted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::with(generously));
    runtime.block_on(furnish(&world));
    let user = || {
        prop::sample::select(vec![
            "owner",
            "admin",
            "member",
            "viewer",
            "suspended",
            "reader",
            "editor",
            "manager",
            "developer",
            "stranger",
        ])
    };
    let role = |roles: &'static [&'static str]| prop::sample::select(roles);
    let change = prop_oneof![
        (user(), role(&["owner", "admin", "member", "viewer"])).prop_map(|(user, role)| format!(
            "UPDATE tenancy.members SET role = '{role}' WHERE user_id = (SELECT id FROM identity.users WHERE email = '{user}@acme.test')"
        )),
        (user(), role(&["active", "suspended", "invited"])).prop_map(|(user, status)| format!(
            "UPDATE tenancy.members SET status = '{status}' WHERE user_id = (SELECT id FROM identity.users WHERE email = '{user}@acme.test')"
        )),
        (user(), role(&["handbook", "lab"]), role(&["reader", "commenter", "editor", "manager"])).prop_map(|(user, space, role)| format!(
            "INSERT INTO tenancy.space_members (id, space_id, user_id, role) SELECT gen_random_uuid(), s.id, u.id, '{role}' \
             FROM tenancy.spaces s JOIN identity.users u ON u.email = '{user}@acme.test' \
             JOIN tenancy.members m ON m.user_id = u.id AND m.organization_id = s.organization_id WHERE s.slug = '{space}' \
             ON CONFLICT (space_id, user_id) WHERE user_id IS NOT NULL DO UPDATE SET role = excluded.role"
        )),
        (user(), role(&["handbook", "lab"])).prop_map(|(user, space)| format!(
            "DELETE FROM tenancy.space_members WHERE user_id = (SELECT id FROM identity.users WHERE email = '{user}@acme.test') \
             AND space_id = (SELECT id FROM tenancy.spaces WHERE slug = '{space}')"
        )),
        (role(&["handbook", "lab"]), role(&["open", "private"]), role(&["reader", "commenter", "editor"])).prop_map(|(space, privacy, role)| format!(
            "UPDATE tenancy.spaces SET privacy = '{privacy}', default_role = '{role}' WHERE slug = '{space}'"
        )),
        (role(&["handbook", "lab"]), role(&["now()", "NULL"])).prop_map(|(space, time)| format!(
            "UPDATE tenancy.spaces SET archived_at = {time} WHERE slug = '{space}'"
        )),
        (role(&["handbook", "lab", "vault"]), role(&["now()", "NULL"])).prop_map(|(space, time)| format!(
            "UPDATE tenancy.spaces SET deleted_at = {time} WHERE slug = '{space}'"
        )),
        (role(&["acme", "globex"]), role(&["active", "suspended"])).prop_map(|(slug, status)| format!(
            "UPDATE tenancy.organizations SET status = '{status}' WHERE slug = '{slug}'"
        )),
        role(&["now()", "NULL"]).prop_map(|time| format!("UPDATE tenancy.projects SET deleted_at = {time}")),
        role(&["active", "paused", "archived"]).prop_map(|status| format!("UPDATE tenancy.projects SET status = '{status}'")),
        (user(), role(&["viewer", "developer", "admin"])).prop_map(|(user, role)| format!(
            "INSERT INTO tenancy.project_members (id, project_id, user_id, role) SELECT gen_random_uuid(), p.id, u.id, '{role}' \
             FROM tenancy.projects p JOIN identity.users u ON u.email = '{user}@acme.test' \
             JOIN tenancy.members m ON m.user_id = u.id AND m.organization_id = p.organization_id \
             ON CONFLICT (project_id, user_id) WHERE user_id IS NOT NULL DO UPDATE SET role = excluded.role"
        )),
    ];
    let config = Config { cases: 12, failure_persistence: None, max_shrink_iters: 24, ..Config::default() };
    let checked = TestRunner::new(config).run(&prop::collection::vec(change, 1..6), |changes| {
        runtime.block_on(async {
            for change in &changes {
                world.database.run(change).await;
            }
            agrees(&world, &changes.join("; ")).await
        })
    });
    runtime.block_on(async move { drop(world) });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
