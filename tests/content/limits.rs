//! How much a document may hold, told as user errors that name the field.

use serde_json::{Value, json};

use crate::support::{Answer, World};

const MOST: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn content_may_have_ten_megabytes_and_not_a_byte_more() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "content": "x".repeat(MOST) })).await;
    let accented = "é".repeat(MOST / 2);
    let update = json!({ "id": id, "content": accented });
    let answer = world
        .editor
        .mutate_for("documentUpdate", "document { sizeBytes contentLength wordCount }", update)
        .await
        .well();
    assert_eq!(
        answer.at("documentUpdate.document"),
        &json!({ "sizeBytes": MOST, "contentLength": MOST / 2, "wordCount": 1 })
    );
    let before = world.database.digest().await;
    let over = "x".repeat(MOST + 1);
    let create = json!({ "spaceId": world.lab, "title": "Large", "content": over });
    world.editor.mutate("documentCreate", create).await.refused("CONTENT_TOO_LARGE", "content");
    let update = json!({ "id": id, "content": format!("{accented}x") });
    world.editor.mutate("documentUpdate", update).await.refused("CONTENT_TOO_LARGE", "content");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn texts_out_of_bounds_are_refused_with_their_field() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    let long = |length: usize| "x".repeat(length);
    for (field, value, code) in [
        ("title", json!(""), "TITLE_REQUIRED"),
        ("title", json!(" \n\t\u{2003} "), "TITLE_REQUIRED"),
        ("title", json!(long(501)), "TEXT_INVALID"),
        ("title", json!(long(1_000_000)), "TEXT_INVALID"),
        ("title", json!("a\0b"), "TEXT_INVALID"),
        ("title", json!("a\u{1b}[2Jb"), "TEXT_INVALID"),
        ("content", json!("a\0b"), "TEXT_INVALID"),
        ("description", json!(long(2_001)), "TEXT_INVALID"),
        ("description", json!("\0"), "TEXT_INVALID"),
        ("slug", json!("No Slug"), "SLUG_INVALID"),
        ("slug", json!(long(501)), "SLUG_INVALID"),
        ("slug", json!("\0"), "SLUG_INVALID"),
        ("languageCode", json!("english"), "LANGUAGE_INVALID"),
        ("languageCode", json!("EN"), "LANGUAGE_INVALID"),
        ("languageCode", json!("en-us"), "LANGUAGE_INVALID"),
        ("languageCode", json!("en-USA"), "LANGUAGE_INVALID"),
        ("languageCode", json!("e\0"), "LANGUAGE_INVALID"),
        ("source", json!(long(101)), "TEXT_INVALID"),
        ("source", json!("\0"), "TEXT_INVALID"),
        ("externalId", json!(long(1_001)), "TEXT_INVALID"),
        ("externalId", json!("\0"), "TEXT_INVALID"),
        ("metadata", json!([1]), "METADATA_INVALID"),
        ("metadata", json!("text"), "METADATA_INVALID"),
        ("metadata", json!({ "a": long(65_536) }), "METADATA_INVALID"),
        ("metadata", json!({ "a": "\0" }), "METADATA_INVALID"),
        ("metadata", json!({ "\0": 1 }), "METADATA_INVALID"),
        ("metadata", json!({ "a": [{ "b": "\0" }] }), "METADATA_INVALID"),
        ("metadata", json!({ "n": 1.797_693_134_862_315_7e308 }), "METADATA_INVALID"),
        ("metadata", json!({ "n": [-1e301] }), "METADATA_INVALID"),
    ] {
        let mut create = json!({ "spaceId": world.lab, "title": "T" });
        create[field] = value.clone();
        world.editor.mutate("documentCreate", create).await.refused(code, field);
        let mut update = json!({ "id": id });
        update[field] = value;
        world.editor.mutate("documentUpdate", update).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn texts_within_bounds_are_kept() {
    let world = World::new().await;
    let wide = |length: usize| "漢".repeat(length);
    for (field, value) in [
        ("title", json!(wide(500))),
        ("title", json!("👩‍👩‍👧‍👦 Ünïcödé \u{200f}title")),
        ("description", json!(wide(2_000))),
        ("languageCode", json!("en")),
        ("languageCode", json!("pt-BR")),
        ("source", json!(wide(100))),
        ("externalId", json!(wide(1_000))),
        ("metadata", json!({ "numbers": [0.1, -3, 1e300, 9_007_199_254_740_993_i64], "empty": {}, "ünï": "💾" })),
        ("metadata", json!({ "a": "x".repeat(65_000) })),
    ] {
        let mut input = json!({ "spaceId": world.lab, "title": "T" });
        input[field] = value.clone();
        let answer = world.editor.mutate_for("documentCreate", &format!("document {{ {field} }}"), input).await.well();
        assert_eq!(answer.at("documentCreate.document")[field], value, "{field}");
    }
}

#[tokio::test]
async fn a_document_carries_fifty_tags_at_most() {
    let world = World::new().await;
    let names = |range: std::ops::Range<usize>| range.map(|number| format!("tag {number}")).collect::<Vec<_>>();
    let over = json!({ "spaceId": world.lab, "title": "T", "tags": names(0..51) });
    world.editor.mutate("documentCreate", over).await.refused("TOO_MANY", "tags");
    let id = world.editor.document(&world.lab, json!({ "tags": names(0..50) })).await;
    let before = world.database.digest().await;
    world.editor.mutate("documentTag", json!({ "id": id, "tags": ["one more"] })).await.refused("TOO_MANY", "tags");
    assert_eq!(world.database.digest().await, before);
    // One that it carries already is not one more.
    world.editor.mutate("documentTag", json!({ "id": id, "tags": ["TAG 1"] })).await.well();
}

#[tokio::test]
async fn no_text_that_holds_nul_is_a_fault_of_the_server() {
    let world = World::new().await;
    for (query, variables) in [
        ("query($text: String!) { organization(slug: $text) { id } }", json!({ "text": "ac\0me" })),
        (
            "query($text: String!) { organization(slug: \"acme\") { space(slug: $text) { id } } }",
            json!({ "text": "\0" }),
        ),
        (
            "query($text: String!) { viewer { documents(first: 1, filter: { title: { contains: $text } }) { nodes { id } } } }",
            json!({ "text": "\0" }),
        ),
        (
            "query($text: String!) { viewer { documents(first: 1, filter: { tag: $text }) { nodes { id } } } }",
            json!({ "text": "\0" }),
        ),
        (
            "query($text: String!) { viewer { documents(first: 1, filter: { externalId: { in: [$text] } }) { nodes { id } } } }",
            json!({ "text": "\0" }),
        ),
        (
            "mutation($text: String!) { signIn(input: { email: $text, password: \"x\" }) { userErrors { code } } }",
            json!({ "text": "a\0@acme.test" }),
        ),
        (
            "mutation($text: String!) { profileUpdate(input: { timezone: $text }) { userErrors { code } } }",
            json!({ "text": "\0" }),
        ),
    ] {
        let answer = world.member.query(query, variables).await;
        assert!(!answer.codes().contains(&"INTERNAL"), "{query}: {}", answer.body);
    }
    let id = world.editor.document(&world.lab, json!({})).await;
    let answer = world.editor.mutate("documentUntag", json!({ "id": id, "tags": ["\0"] })).await;
    assert!(!answer.codes().contains(&"INTERNAL"), "{}", answer.body);
    let input = json!({ "organizationId": world.acme, "role": "MEMBER", "email": "a\0@acme.test" });
    let answer = world.admin.mutate("invitationCreate", input).await;
    assert!(!answer.codes().contains(&"INTERNAL"), "{}", answer.body);
}

#[tokio::test]
async fn the_operations_of_a_batch_share_what_a_request_may_read() {
    let world = World::with(|config| config.query.query_content_bytes = 10_000).await;
    let id = world.editor.document(&world.lab, json!({ "content": "x".repeat(4_000) })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { content { text } } } }";
    let operation = json!({ "query": query, "variables": { "id": id } });
    let batch = json!([operation, operation, operation]);
    let ask = async || {
        let post = world.editor.post().json(&batch);
        Answer::read(post.send().await.expect("the server answers")).await
    };
    for _ in 0..2 {
        let answer = ask().await;
        let codes: Vec<&Value> = (0..3).map(|index| &answer.json[index]["errors"][0]["extensions"]["code"]).collect();
        assert_eq!(codes, [&Value::Null, &Value::Null, &json!("QUERY_TOO_COMPLEX")], "{}", answer.body);
    }
    // Each operation of a socket is a request of its own.
    let mut socket = world.editor.socket().await;
    for _ in 0..3 {
        socket.subscribe(query, json!({ "id": id })).await;
        socket.event().await;
        assert_eq!(socket.message().await["type"], "complete");
    }
}
