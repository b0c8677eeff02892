//! The life of a document: draft, published, archived, in the trash, gone.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{World, eventually};

const STATE: &str = "document { status publishedAt archivedAt trashedAt version }";

async fn titles(world: &World, filter: Value) -> Vec<String> {
    let query = "query($id: ID!, $filter: DocumentFilter) { node(id: $id) { ... on Space { documents(first: 50, filter: $filter, orderBy: TITLE_ASC) { nodes { title } } } } }";
    world
        .manager
        .query(query, json!({ "id": world.lab, "filter": filter }))
        .await
        .well()
        .texts("node.documents.nodes", "title")
}

#[tokio::test]
async fn a_document_goes_through_its_states_and_no_other_way() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let mut version = 1;
    for (mutation, expected) in [
        ("documentUnpublish", None),
        ("documentUnarchive", None),
        ("documentRestore", Some("FORBIDDEN")),
        ("documentPublish", Some("PUBLISHED")),
        ("documentPublish", None),
        ("documentArchive", Some("ARCHIVED")),
        ("documentArchive", None),
        ("documentPublish", None),
        ("documentUnpublish", None),
        ("documentUnarchive", Some("PUBLISHED")),
        ("documentUnpublish", Some("DRAFT")),
        ("documentArchive", Some("ARCHIVED")),
        ("documentUnarchive", Some("DRAFT")),
    ] {
        let answer = world.editor.mutate_for(mutation, STATE, json!({ "id": id })).await;
        match expected {
            None => answer.refused("WRONG_STATE", "id"),
            Some("FORBIDDEN") => assert_eq!(answer.code(), "FORBIDDEN"),
            Some(status) => {
                version += 1;
                let answer = answer.well();
                let document = answer.at(&format!("{mutation}.document"));
                assert_eq!(
                    (&document["status"], &document["version"]),
                    (&json!(status), &json!(version)),
                    "{mutation}"
                );
                assert_eq!(document["archivedAt"].is_null(), status != "ARCHIVED", "{mutation}");
                assert!(status != "PUBLISHED" || document["publishedAt"].is_string(), "{mutation}");
                assert!(status != "DRAFT" || document["publishedAt"].is_null(), "{mutation}");
            }
        }
    }
}

#[tokio::test]
async fn an_archived_document_is_left_out_of_lists_that_do_not_ask_for_it() {
    let world = World::new().await;
    for title in ["archived", "draft"] {
        world.editor.document(&world.lab, json!({ "title": title })).await;
    }
    world.database.run("UPDATE content.documents SET status = 'archived' WHERE title = 'archived'").await;
    assert_eq!(titles(&world, json!({})).await, ["draft"]);
    assert_eq!(titles(&world, json!({ "status": { "eq": "ARCHIVED" } })).await, ["archived"]);
    assert_eq!(titles(&world, json!({ "status": { "in": ["ARCHIVED", "DRAFT"] } })).await, ["archived", "draft"]);
    assert_eq!(
        titles(&world, json!({ "or": [{ "status": { "eq": "ARCHIVED" } }, { "kind": { "eq": "DOCUMENT" } }] })).await,
        ["archived", "draft"]
    );
}

#[tokio::test]
async fn the_trash_takes_what_is_below_and_gives_back_what_went_together() {
    let world = World::new().await;
    let top = world.editor.document(&world.lab, json!({ "title": "top" })).await;
    let child = world.editor.document(&world.lab, json!({ "title": "child", "parentId": top })).await;
    let early = world.editor.document(&world.lab, json!({ "title": "early", "parentId": child })).await;
    world.editor.document(&world.lab, json!({ "title": "other" })).await;
    world.editor.mutate("documentTrash", json!({ "id": early })).await.well();
    let answer = world.editor.mutate_for("documentTrash", STATE, json!({ "id": top })).await.well();
    assert!(answer.at("documentTrash.document.trashedAt").is_string());
    assert_eq!(titles(&world, json!({})).await, ["other"]);
    assert_eq!(titles(&world, json!({ "trashed": true })).await, ["child", "early", "top"]);
    for id in [&top, &child] {
        assert!(world.reader.node(id).await.is_null(), "whoever cannot restore does not see the trash");
    }
    assert_eq!(world.editor.mutate("documentUpdate", json!({ "id": top, "title": "x" })).await.code(), "FORBIDDEN");
    world.editor.mutate("documentRestore", json!({ "id": top })).await.well();
    assert_eq!(titles(&world, json!({})).await, ["child", "other", "top"]);
    assert_eq!(titles(&world, json!({ "trashed": true })).await, ["early"], "what was in the trash before stays there");
    assert_eq!(world.reader.node(&child).await["id"], child);
}

#[tokio::test]
async fn what_stood_below_the_trash_comes_back_at_the_top() {
    let world = World::new().await;
    let top = world.editor.document(&world.lab, json!({ "title": "top" })).await;
    let child = world.editor.document(&world.lab, json!({ "title": "child", "parentId": top })).await;
    world.editor.mutate("documentTrash", json!({ "id": top })).await.well();
    let answer = world
        .editor
        .mutate_for("documentRestore", "document { parent { id } trashedAt }", json!({ "id": child }))
        .await
        .well();
    assert_eq!(answer.at("documentRestore.document"), &json!({ "parent": null, "trashedAt": null }));
    assert_eq!(titles(&world, json!({ "isRoot": true })).await, ["child"]);
}

#[tokio::test]
async fn a_document_is_deleted_from_the_trash_alone_and_what_was_below_moves_up() {
    let world = World::new().await;
    let top = world.editor.document(&world.lab, json!({ "title": "top", "tags": ["red"] })).await;
    let middle = world.editor.document(&world.lab, json!({ "title": "middle", "parentId": top })).await;
    let leaf = world.editor.document(&world.lab, json!({ "title": "leaf", "parentId": middle })).await;
    assert_eq!(world.editor.mutate("documentDelete", json!({ "id": middle })).await.code(), "FORBIDDEN");
    world.editor.mutate("documentTrash", json!({ "id": middle })).await.well();
    world.editor.mutate("documentRestore", json!({ "id": leaf })).await.well();
    let answer = world.editor.mutate("documentDelete", json!({ "id": middle })).await.well();
    assert_eq!(answer.text("documentDelete.deletedId"), middle);
    assert_eq!(world.editor.mutate("documentDelete", json!({ "id": middle })).await.code(), "NOT_FOUND");
    assert!(world.editor.node(&middle).await.is_null());
    assert_eq!(world.editor.node(&leaf).await["id"], leaf);
    let left = "SELECT count(*) FROM content.document_contents c LEFT JOIN content.documents d ON d.id = c.document_id WHERE d.id IS NULL";
    assert_eq!(world.database.number(left).await, 0);
    // Its history outlives it.
    let sql = format!(
        "SELECT count(*) FROM audit.logs WHERE resource_id = '{}' AND action = 'documents.delete'",
        crate::support::uuid(&middle)
    );
    assert_eq!(world.database.number(&sql).await, 1);
}

#[tokio::test]
async fn below_a_deleted_document_the_trash_can_still_be_restored() {
    let world = World::new().await;
    let top = world.editor.document(&world.lab, json!({ "title": "top" })).await;
    let child = world.editor.document(&world.lab, json!({ "title": "child", "parentId": top })).await;
    world.editor.mutate("documentTrash", json!({ "id": top })).await.well();
    world.editor.mutate("documentDelete", json!({ "id": top })).await.well();
    assert_eq!(titles(&world, json!({ "trashed": true })).await, ["child"]);
    world.editor.mutate("documentRestore", json!({ "id": child })).await.well();
    assert_eq!(titles(&world, json!({ "isRoot": true })).await, ["child"]);
}

#[tokio::test]
async fn trashing_twice_changes_nothing() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    world.editor.mutate("documentTrash", json!({ "id": id })).await.well();
    let before = world.database.digest().await;
    assert_eq!(world.editor.mutate("documentTrash", json!({ "id": id })).await.code(), "FORBIDDEN");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_created_while_the_trash_takes_what_is_above_it_does_not_stay_behind() {
    let world = World::new().await;
    let top = world.editor.document(&world.lab, json!({ "title": "top" })).await;
    let middle = world.editor.document(&world.lab, json!({ "title": "middle", "parentId": top })).await;
    let waiting =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    // The new document has its row, and its parent, while its content still has to wait.
    let mut holder = world.database.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE content.document_contents").execute(&mut *holder).await.expect("a lock");
    let create = world.manager.document(&world.lab, json!({ "title": "new", "parentId": middle }));
    let trash = async {
        eventually("the new document waits", async || (world.database.number(waiting).await > 0).then_some(())).await;
        let release = async {
            // The trash waits for the new document, unless it is done by itself.
            for _ in 0..200 {
                if world.database.number(waiting).await > 1 {
                    break;
                }
            }
            holder.rollback().await.expect("the lock is given back");
        };
        join(world.editor.mutate("documentTrash", json!({ "id": top })), release).await.0
    };
    let (_, trashed) = join(create, trash).await;
    trashed.well();
    let left = "SELECT count(*) FROM content.documents d JOIN content.documents p ON p.id = d.parent_id \
                WHERE d.deleted_at IS NULL AND p.deleted_at IS NOT NULL";
    assert_eq!(world.database.number(left).await, 0, "a document stands below one in the trash");
}

#[tokio::test]
async fn a_stale_action_changes_nothing_and_shows_the_present_document() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    world.editor.mutate("documentUpdate", json!({ "id": id, "title": "Newer" })).await.well();
    let other = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    for mutation in ["documentPublish", "documentArchive", "documentMove", "documentTrash"] {
        let stale = json!({ "id": id, "expectedVersion": 1 });
        let answer = world.editor.mutate_for(mutation, "document { title version }", stale).await;
        answer.refused("CONFLICT", "expectedVersion");
        assert_eq!(
            answer.at(&format!("{mutation}.document")),
            &json!({ "title": "Newer", "version": 2 }),
            "{mutation}"
        );
    }
    assert_eq!(world.database.digest().await, before);
    let mut version = 2;
    for mutation in [
        "documentPublish",
        "documentUnpublish",
        "documentArchive",
        "documentUnarchive",
        "documentMove",
        "documentTrash",
        "documentRestore",
        "documentTrash",
    ] {
        let input = json!({ "id": id, "expectedVersion": version });
        let answer = world.editor.mutate_for(mutation, "document { version }", input).await.well();
        version = answer.number(&format!("{mutation}.document.version"));
    }
    let delete = |version: i64| json!({ "id": id, "expectedVersion": version });
    world.editor.mutate("documentDelete", delete(version - 1)).await.refused("CONFLICT", "expectedVersion");
    world.editor.mutate("documentDelete", delete(version)).await.well();
    assert_eq!(world.editor.node(&other).await["id"], other);
}

#[tokio::test]
async fn content_says_with_which_version_it_was_written() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "content": "One" })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { version content { text version } } } }";
    for (change, version, written) in [
        (json!({ "title": "Other" }), 2, 1),
        (json!({ "content": "Two" }), 3, 3),
        (json!({ "description": "What" }), 4, 3),
    ] {
        let mut input = json!({ "id": id });
        input.as_object_mut().expect("an object").extend(change.as_object().cloned().unwrap_or_default());
        world.editor.mutate("documentUpdate", input).await.well();
        let answer = world.editor.query(query, json!({ "id": id })).await.well();
        assert_eq!((answer.number("node.version"), answer.number("node.content.version")), (version, written));
    }
}
