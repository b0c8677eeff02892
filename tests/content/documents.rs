//! Creating and changing documents and notes.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::World;

const ALL: &str = "document { id title kind format status visibility version slug description languageCode isTemplate source externalId \
    metadata wordCount contentLength sizeBytes contentHash publishedAt archivedAt trashedAt owner { id } updatedBy { id } \
    space { id } parent { id } tags(first: 10) { nodes { name } } content { text version } }";

#[tokio::test]
async fn a_document_is_created_with_what_was_given_and_measured() {
    let world = World::new().await;
    let content = "# Überschrift\n\nTwo words, and 漢字.\n";
    let input = json!({ "spaceId": world.lab, "title": "  A title  ", "content": content, "tags": ["red", "Blue"],
        "languageCode": "de-DE", "source": "import", "externalId": "x-1", "metadata": { "a": [1, null, { "b": "c" }] },
        "description": "About it.", "slug": "a-title", "isTemplate": true });
    let answer = world.editor.mutate_for("documentCreate", ALL, input).await.well();
    let mut document = answer.at("documentCreate.document").clone();
    let id = document["id"].take();
    assert!(id.as_str().is_some_and(|id| id.starts_with("doc_")));
    assert_eq!(
        document,
        json!({ "id": null, "title": "A title", "kind": "DOCUMENT", "format": "MARKDOWN", "status": "DRAFT", "visibility": "SPACE",
            "version": 1, "slug": "a-title", "description": "About it.", "languageCode": "de-DE", "isTemplate": true,
            "source": "import", "externalId": "x-1", "metadata": { "a": [1, null, { "b": "c" }] },
            "wordCount": 6, "contentLength": 34, "sizeBytes": 39,
            "contentHash": "b2eed17e971480fb884b4c617d05a2d50d63fc3949363509e4cc8df56c0a4d12",
            "publishedAt": null, "archivedAt": null, "trashedAt": null, "owner": { "id": world.editor.id },
            "updatedBy": { "id": world.editor.id }, "space": { "id": world.lab }, "parent": null,
            "tags": { "nodes": [{ "name": "Blue" }, { "name": "red" }] }, "content": { "text": content, "version": 1 } })
    );
}

#[tokio::test]
async fn little_needs_to_be_given() {
    let world = World::new().await;
    let answer =
        world.editor.mutate_for("documentCreate", ALL, json!({ "spaceId": world.lab, "title": "Empty" })).await.well();
    let document = answer.at("documentCreate.document");
    assert_eq!(
        (&document["wordCount"], &document["sizeBytes"], &document["metadata"]),
        (&json!(0), &json!(0), &json!({}))
    );
    assert_eq!(document["content"]["text"], "");
}

#[tokio::test]
async fn content_is_kept_byte_for_byte() {
    let world = World::new().await;
    for content in [
        "",
        " leading and trailing \n\n",
        "windows\r\nlines\rold",
        "tabs\tand \u{a0}spaces\u{2028}",
        "e\u{301} and é stay different",
        "🧕🏽👩‍👩‍👧‍👦 \u{202e}right to left\u{202c}",
        "\u{feff}byte order mark",
        "\u{1}\u{7f}\u{85} controls",
        "<script>alert('x')</script> & \" \\ $1 %s",
        "\u{fffd}\u{10ffff}",
    ] {
        let id = world.editor.document(&world.lab, json!({ "content": content })).await;
        let query = "query($id: ID!) { node(id: $id) { ... on Document { content { text } contentHash sizeBytes contentLength } } }";
        let answer = world.reader.query(query, json!({ "id": id })).await.well();
        assert_eq!(answer.text("node.content.text"), content);
        assert_eq!(answer.number("node.sizeBytes"), i64::try_from(content.len()).expect("short"));
        assert_eq!(answer.number("node.contentLength"), i64::try_from(content.chars().count()).expect("short"));
        let sql = format!(
            "SELECT encode(content_hash, 'hex') AS hash FROM content.documents WHERE id = '{}'",
            crate::support::uuid(&id)
        );
        assert_eq!(world.database.row(&sql).await["hash"], *answer.at("node.contentHash"));
    }
}

#[tokio::test]
async fn an_update_changes_what_it_names_and_nothing_else() {
    let world = World::new().await;
    let input = json!({ "title": "Before", "content": "one two", "description": "About it.", "slug": "before", "languageCode": "en",
        "metadata": { "a": 1 }, "externalId": "x-1" });
    let id = world.editor.document(&world.lab, input).await;
    let answer = world.manager.mutate_for("documentUpdate", ALL, json!({ "id": id, "title": "After" })).await.well();
    let document = answer.at("documentUpdate.document");
    assert_eq!(
        (&document["title"], &document["description"], &document["slug"]),
        (&json!("After"), &json!("About it."), &json!("before"))
    );
    assert_eq!((&document["wordCount"], &document["content"]["text"]), (&json!(2), &json!("one two")));
    assert_eq!((&document["version"], &document["updatedBy"]["id"]), (&json!(2), &json!(world.manager.id)));
    assert_eq!(document["owner"]["id"], world.editor.id);

    let input = json!({ "id": id, "content": "one two three", "description": "", "slug": "", "languageCode": "", "externalId": "",
        "metadata": { "b": 2 } });
    let answer = world.editor.mutate_for("documentUpdate", ALL, input).await.well();
    let document = answer.at("documentUpdate.document");
    assert_eq!((&document["wordCount"], &document["content"]["version"]), (&json!(3), &json!(3)));
    for field in ["description", "slug", "languageCode", "externalId"] {
        assert!(document[field].is_null(), "{field}: an empty text removes");
    }
    assert_eq!(document["metadata"], json!({ "b": 2 }), "metadata is replaced whole");
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_that_carries_the_current_document() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "First" })).await;
    world.manager.mutate("documentUpdate", json!({ "id": id, "title": "Theirs", "expectedVersion": 1 })).await.well();
    let before = world.database.digest().await;
    for version in [1, 3, 0, -1, i32::MAX] {
        let input = json!({ "id": id, "title": "Mine", "content": "mine", "expectedVersion": version });
        let answer =
            world.editor.mutate_for("documentUpdate", "document { id title version content { text } }", input).await;
        answer.refused("CONFLICT", "expectedVersion");
        assert_eq!(
            answer.at("documentUpdate.document"),
            &json!({ "id": id, "title": "Theirs", "version": 2, "content": { "text": "Some *text*." } })
        );
        assert!(answer.at("documentUpdate.commitCursor").is_null());
    }
    assert_eq!(world.database.digest().await, before);
    world.editor.mutate("documentUpdate", json!({ "id": id, "title": "Mine", "expectedVersion": 2 })).await.well();
}

#[tokio::test]
async fn of_updates_at_once_from_one_version_one_wins() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let update = |number: usize| json!({ "id": id, "title": format!("Number {number}"), "expectedVersion": 1 });
    let answers = join_all((0..8).map(|number| world.editor.mutate("documentUpdate", update(number)))).await;
    let won = answers.iter().filter(|answer| answer.refusals().is_empty() && answer.codes().is_empty()).count();
    assert_eq!(won, 1);
    answers
        .iter()
        .filter(|answer| !answer.refusals().is_empty())
        .for_each(|answer| answer.refused("CONFLICT", "expectedVersion"));
    let without =
        join_all((0..8).map(|number| {
            world.editor.mutate("documentUpdate", json!({ "id": id, "title": format!("Last {number}") }))
        }))
        .await;
    without.into_iter().for_each(|answer| drop(answer.well()));
    let version = world.database.number("SELECT version FROM content.documents").await;
    assert_eq!(version, 10, "without a version the last writer wins, and each counts");
}

#[tokio::test]
async fn an_external_id_is_unique_in_its_space_for_its_source() {
    let world = World::new().await;
    let with = |space: &str, source: Value, id: &str| json!({ "spaceId": space, "title": "T", "source": source, "externalId": id });
    world.editor.mutate("documentCreate", with(&world.lab, json!("wiki"), "1")).await.well();
    world
        .editor
        .mutate("documentCreate", with(&world.lab, json!("wiki"), "1"))
        .await
        .refused("EXTERNAL_ID_TAKEN", "externalId");
    world.editor.mutate("documentCreate", with(&world.lab, json!("blog"), "1")).await.well();
    world.editor.mutate("documentCreate", with(&world.lab, Value::Null, "1")).await.well();
    world
        .editor
        .mutate("documentCreate", with(&world.lab, Value::Null, "1"))
        .await
        .refused("EXTERNAL_ID_TAKEN", "externalId");
    world.owner.mutate("documentCreate", with(&world.handbook, json!("wiki"), "1")).await.well();
    let other = world.editor.document(&world.lab, json!({ "source": "wiki", "externalId": "2" })).await;
    let update = json!({ "id": other, "externalId": "1" });
    world.editor.mutate("documentUpdate", update).await.refused("EXTERNAL_ID_TAKEN", "externalId");
    // One in the trash holds its id no longer, and cannot come back while another has it.
    world.editor.mutate("documentTrash", json!({ "id": other })).await.well();
    world.editor.mutate("documentCreate", with(&world.lab, json!("wiki"), "2")).await.well();
    let answer = world.editor.mutate("documentRestore", json!({ "id": other })).await;
    assert_eq!(answer.refusals(), ["EXTERNAL_ID_TAKEN"], "{}", answer.body);
}

#[tokio::test]
async fn a_note_is_a_document_of_another_kind() {
    let world = World::new().await;
    let space = world.personal_space(&world.member).await;
    let note = world.member.document(&space, json!({ "kind": "NOTE", "title": "Remember" })).await;
    world.member.document(&space, json!({ "title": "A letter" })).await;
    let query = "query($id: ID!, $kind: DocumentKind!) { node(id: $id) { ... on Space { documents(first: 5, filter: { kind: { eq: $kind } }) { nodes { id kind title } } } } }";
    let answer = world.member.query(query, json!({ "id": space, "kind": "NOTE" })).await.well();
    assert_eq!(answer.at("node.documents.nodes"), &json!([{ "id": note, "kind": "NOTE", "title": "Remember" }]));
    let answer = world.member.query(query, json!({ "id": space, "kind": "DOCUMENT" })).await.well();
    assert_eq!(answer.texts("node.documents.nodes", "title"), ["A letter"]);
}

#[tokio::test]
async fn ones_own_documents_are_listed_across_spaces() {
    let world = World::new().await;
    let space = world.personal_space(&world.manager).await;
    for (space, title) in [(&space, "personal"), (&world.lab, "shared")] {
        world.manager.document(space, json!({ "title": title })).await;
    }
    world.editor.document(&world.lab, json!({ "title": "not mine" })).await;
    let query = "{ viewer { documents(first: 10, orderBy: TITLE_ASC) { totalCount nodes { title } } } }";
    let answer = world.manager.query(query, Value::Null).await.well();
    assert_eq!(answer.texts("viewer.documents.nodes", "title"), ["personal", "shared"]);
    assert_eq!(answer.number("viewer.documents.totalCount"), 2);
}
