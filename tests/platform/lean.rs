//! Objects resolved without the engine's ado answer as the engine does.

use serde_json::{Value, json};

use crate::support::{World, base, graph};

/// Every field of a type that takes no arguments and has no fields of its own.
fn leaves(of: &str) -> String {
    let fields = graph().fields(of).filter(|field| field.arguments.is_empty());
    fields.filter(|field| graph().is_leaf(base(&field.ty.node))).map(|field| format!("{} ", field.name.node)).collect()
}

/// A query five levels deep. `beside` stands in each selection.
fn query(beside: &str) -> String {
    let [organization, space, document, user, tag] = ["Organization", "Space", "Document", "User", "Tag"].map(leaves);
    format!(
        "{{ organization(slug: \"acme\") {{ {organization} {beside} spaces(first: 5) {{ {beside} nodes {{ {space} {beside} \
         documents(first: 5) {{ {beside} nodes {{ {document} {beside} owner {{ {user} {beside} }} \
         tags(first: 5) {{ {beside} nodes {{ kind: __typename also: name {tag} {beside} }} }} }} }} }} }} }} }}"
    )
}

#[tokio::test]
async fn what_is_at_hand_is_what_its_resolver_says() {
    let world = World::new().await;
    for (number, visibility) in ["PRIVATE", "SPACE", "ORGANIZATION", "PUBLIC"].into_iter().enumerate() {
        let tags = ["red", "blue moon", "Grün"];
        let input = json!({ "title": format!("Title {number}"), "visibility": visibility, "tags": tags[..number % 4] });
        world.editor.document(&world.lab, input).await;
    }
    for client in [&world.editor, &world.reader] {
        let lean = client.query(&query(""), Value::Null).await.well();
        // Whatever has a directive is left to the engine.
        let by_engine = client.query(&query("typed: __typename @include(if: true)"), Value::Null).await.well();
        let without_types = by_engine.body.matches("\"typed\":").count();
        assert!(without_types > 20, "{}", by_engine.body);
        let mut expected: Value = serde_json::from_str(&by_engine.body).expect("JSON");
        remove(&mut expected, "typed");
        assert_eq!(serde_json::from_str::<Value>(&lean.body).expect("JSON"), expected);
    }
}

/// The engine merges what stands under one name: conditional fields before others, and fields of an interface beside those
/// of its objects.
#[tokio::test]
async fn what_is_asked_for_twice_under_one_name_is_answered_whole() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "Twice", "tags": ["red"] })).await;
    let query = "query($id: ID!, $yes: Boolean!) { node(id: $id) { ... on Document { \
        owner @include(if: $yes) { email } owner { name } \
        tags(first: 1) @include(if: $yes) { nodes { slug } } tags(first: 1) { nodes { name } totalCount } \
        space { documents(first: 1) { nodes { owner @skip(if: $yes) { email } owner { id name } } } } } } }";
    for yes in [true, false] {
        let answer = world.editor.query(query, json!({ "id": id, "yes": yes })).await.well();
        let document = answer.at("node");
        let has = |place: &str| document.pointer(place).is_some_and(|value| !value.is_null());
        assert!(has("/owner/name") && has("/tags/nodes/0/name") && has("/tags/totalCount"), "{}", answer.body);
        assert_eq!((has("/owner/email"), has("/tags/nodes/0/slug")), (yes, yes), "{}", answer.body);
        let first = "/space/documents/nodes/0/owner";
        assert!(has(&format!("{first}/id")) && has(&format!("{first}/name")), "{}", answer.body);
        assert_eq!(has(&format!("{first}/email")), !yes, "{}", answer.body);
    }
}

/// What people keep as JSON of their own stays a part of the answer, whatever its keys are.
#[tokio::test]
async fn keys_of_own_json_are_escaped() {
    let world = World::new().await;
    let own = json!({ "a\": 1, \"id": { "\\": "\n\nevent: next\ndata: {}", "\n\u{1}": [null] } });
    let id = world.editor.document(&world.lab, json!({ "title": "Keys", "metadata": own })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { metadata \
        space { documents(first: 1) { nodes { title metadata } } } } } }";
    let answer = world.editor.query(query, json!({ "id": id })).await.well();
    assert_eq!(answer.at("node.metadata"), &own);
    assert_eq!(answer.list("node.space.documents.nodes")[0], json!({ "title": "Keys", "metadata": own }));
    assert!(!answer.body.contains('\n'), "{}", answer.body);
}

/// Removes a key from every object of a value.
fn remove(value: &mut Value, key: &str) {
    match value {
        Value::Object(fields) => {
            fields.remove(key);
            fields.values_mut().for_each(|value| remove(value, key));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| remove(value, key)),
        _ => {}
    }
}
