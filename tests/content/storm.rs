//! Many writers at once, in any order: whatever is refused, what remains is whole.

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::support::World;

/// What somebody does with one document, and maybe another.
#[derive(Clone, Copy, Debug)]
enum Deed {
    Create,
    Update,
    Move,
    MoveToTheTop,
    Trash,
    Restore,
    Delete,
    Tag,
    Untag,
}

const DEEDS: [Deed; 9] = [
    Deed::Create,
    Deed::Update,
    Deed::Move,
    Deed::MoveToTheTop,
    Deed::Trash,
    Deed::Restore,
    Deed::Delete,
    Deed::Tag,
    Deed::Untag,
];

impl Deed {
    fn mutation(self, space: &str, one: &str, other: &str) -> (&'static str, Value) {
        match self {
            Self::Create => (
                "documentCreate",
                json!({ "spaceId": space, "title": "New", "parentId": one, "tags": ["red", "blue"] }),
            ),
            Self::Update => ("documentUpdate", json!({ "id": one, "content": "some other words" })),
            Self::Move => ("documentMove", json!({ "id": one, "parentId": other })),
            Self::MoveToTheTop => ("documentMove", json!({ "id": one, "first": true })),
            Self::Trash => ("documentTrash", json!({ "id": one })),
            Self::Restore => ("documentRestore", json!({ "id": one })),
            Self::Delete => ("documentDelete", json!({ "id": one })),
            Self::Tag => ("documentTag", json!({ "id": one, "tags": ["blue", "green", "red"] })),
            Self::Untag => ("documentUntag", json!({ "id": one, "tags": ["red", "green"] })),
        }
    }
}

/// What must hold whatever happened: each query counts what is broken.
const WHOLE: [(&str, &str); 6] = [
    (
        "a document stands below itself",
        "WITH RECURSIVE tree AS (SELECT id FROM content.documents WHERE parent_id IS NULL \
         UNION SELECT d.id FROM content.documents d JOIN tree ON d.parent_id = tree.id) \
         SELECT count(*) FROM content.documents WHERE id NOT IN (SELECT id FROM tree)",
    ),
    (
        "a document stands below one in the trash",
        "SELECT count(*) FROM content.documents d JOIN content.documents p ON p.id = d.parent_id \
         WHERE d.deleted_at IS NULL AND p.deleted_at IS NOT NULL",
    ),
    (
        "a document has no content",
        "SELECT count(*) FROM content.documents d LEFT JOIN content.document_contents c ON c.document_id = d.id \
         WHERE c.document_id IS NULL",
    ),
    (
        "a tag is counted wrong",
        "SELECT count(*) FROM content.tags t WHERE usage_count <> (SELECT count(*) FROM content.document_tags c \
         JOIN content.documents d ON d.id = c.document_id AND d.deleted_at IS NULL WHERE c.tag_id = t.id)",
    ),
    (
        "a change has no event",
        "SELECT count(*) FROM audit.logs l WHERE resource_type = 'documents' AND request_id IS NOT NULL \
         AND NOT EXISTS (SELECT FROM platform.outbox o WHERE o.request_id = l.request_id AND o.stream = 'documents')",
    ),
    (
        "a hash is not that of the content",
        "SELECT count(*) FROM content.documents d JOIN content.document_contents c ON c.document_id = d.id \
         WHERE d.content_hash <> sha256(convert_to(c.source, 'UTF8')) OR d.size_bytes <> octet_length(c.source)",
    ),
];

#[test]
fn whatever_is_done_at_once_leaves_everything_whole() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let deed = (prop::sample::select(&DEEDS[..]), 0..6_usize, 0..6_usize, any::<bool>());
    let storms = prop::collection::vec(prop::collection::vec(deed, 2..8), 1..8);
    let config = Config { cases: 10, failure_persistence: None, max_shrink_iters: 30, ..Config::default() };
    let checked = TestRunner::new(config).run(&storms, |storm| {
        runtime.block_on(async {
            world.database.run("DELETE FROM content.documents; DELETE FROM content.tags").await;
            let mut ids = Vec::new();
            for number in 0..6 {
                let parent: Option<&String> = if number < 3 { None } else { ids.get(number - 3) };
                ids.push(world.editor.document(&world.lab, json!({ "parentId": parent, "tags": ["red"] })).await);
            }
            for at_once in &storm {
                let answers = join_all(at_once.iter().map(async |(deed, one, other, is_manager)| {
                    let client = if *is_manager { &world.manager } else { &world.editor };
                    let (mutation, input) = deed.mutation(&world.lab, &ids[*one], &ids[*other]);
                    client.mutate(mutation, input).await
                }))
                .await;
                for (answer, deed) in answers.iter().zip(at_once) {
                    prop_assert!(!answer.codes().contains(&"INTERNAL"), "{deed:?}: {}", answer.body);
                }
                for (what, sql) in WHOLE {
                    prop_assert_eq!(world.database.number(sql).await, 0, "{}", what);
                }
            }
            Ok::<(), TestCaseError>(())
        })
    });
    runtime.block_on(async move { drop(world) });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}
