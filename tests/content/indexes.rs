//! Each filter and each order of lists of documents has an index behind it, which PostgreSQL takes in a space with many.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{World, graph, uuid};

/// A filter or order as SQL has it, and the indexes of which one serves it.
struct Case {
    of: &'static str,
    sql: &'static str,
    indexes: &'static [&'static str],
}

const fn case(of: &'static str, sql: &'static str, indexes: &'static [&'static str]) -> Case {
    Case { of, sql, indexes }
}

/// By the field of `DocumentFilter` or the value of `DocumentOrder`. `SPACE` and the like stand for the ids of rows.
const CASES: &[Case] = &[
    case("kind", "kind = 'note'", &["documents_space_kind_idx"]),
    case("status", "status = 'archived'", &["documents_space_status_idx"]),
    case("visibility", "visibility = 'public'", &["documents_space_visibility_idx"]),
    case("title", "title = 'Title 77'", &["documents_space_title_idx"]),
    case("title", "title ILIKE '%needle%'", &["documents_title_words_idx"]),
    case("title", "title ILIKE 'needle%'", &["documents_title_words_idx"]),
    case("languageCode", "language_code = 'de'", &["documents_space_language_idx"]),
    case("source", "source = 'wiki'", &["documents_space_source_idx"]),
    case("externalId", "external_id = 'page 77'", &["documents_space_external_id_idx"]),
    case(
        "ownerId",
        "owner_id = EDITOR",
        &["documents_owner_updated_idx", "documents_owner_created_idx", "documents_owner_position_idx"],
    ),
    case("parentId", "parent_id = PARENT", &["documents_parent_idx", "documents_tree_idx"]),
    case("isRoot", "parent_id IS NULL", &["documents_tree_idx"]),
    case("isTemplate", "is_template", &["documents_template_idx"]),
    case(
        "tagId",
        "id IN (SELECT document_id FROM content.document_tags WHERE tag_id = TAG)",
        &["document_tags_tag_idx"],
    ),
    case(
        "tag",
        "id IN (SELECT c.document_id FROM content.document_tags c JOIN content.tags t ON t.id = c.tag_id WHERE t.slug = 'rare' \
         AND t.space_id = SPACE)",
        &["tags_slug_key"],
    ),
    case("wordCount", "word_count >= 1000000", &["documents_space_word_count_idx"]),
    case("createdAt", "created_at < '2001-01-01'", &["documents_space_created_idx"]),
    case("updatedAt", "updated_at < '2001-01-01'", &["documents_space_updated_idx"]),
    case("trashed", "trashed", &["documents_trash_idx"]),
    case("UPDATED_AT_DESC", "updated_at DESC, id DESC", &["documents_space_updated_idx"]),
    case("UPDATED_AT_ASC", "updated_at, id", &["documents_space_updated_idx"]),
    case("CREATED_AT_DESC", "created_at DESC, id DESC", &["documents_space_created_idx"]),
    case("CREATED_AT_ASC", "created_at, id", &["documents_space_created_idx"]),
    case("TITLE_ASC", "title, id", &["documents_space_title_idx"]),
    case("TITLE_DESC", "title DESC, id DESC", &["documents_space_title_idx"]),
    case("POSITION_ASC", "position, id", &["documents_space_position_idx"]),
];

/// Each order of a person's documents.
const OF_OWNER: &[(&str, &str)] = &[
    ("updated_at DESC, id DESC", "documents_owner_updated_idx"),
    ("created_at, id", "documents_owner_created_idx"),
    ("title, id", "documents_owner_title_idx"),
    ("title DESC, id DESC", "documents_owner_title_idx"),
    ("position, id", "documents_owner_position_idx"),
];

/// Many documents, most of them alike.
async fn fill(world: &World) {
    let fill = "INSERT INTO content.documents (id, space_id, owner_id, created_by, title, position, visibility, status, kind, source, \
                external_id, language_code, is_template, word_count, parent_id, created_at, updated_at, deleted_at) \
         SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, SPACE, \
            CASE WHEN n % 100 = 1 THEN EDITOR ELSE MANAGER END, EDITOR, \
            CASE WHEN n % 2000 = 7 THEN 'needle ' ELSE 'Title ' END || n, 'a' || lpad(n::text, 6, '0'), \
            CASE WHEN n % 2000 = 5 THEN 'public' ELSE 'space' END, CASE WHEN n % 2000 = 6 THEN 'archived' ELSE 'draft' END, \
            CASE WHEN n % 2000 = 8 THEN 'note' ELSE 'document' END, CASE WHEN n % 2000 = 9 THEN 'wiki' ELSE 'import' END, \
            'page ' || n, CASE WHEN n % 2000 = 10 THEN 'de' ELSE 'en' END, n % 2000 = 11, n, \
            CASE WHEN n % 2000 IN (0, 12) OR n <= 1 THEN NULL \
                ELSE ('01900000-0000-7000-8000-' || lpad(to_hex(n / 20), 12, '0'))::uuid END, \
            now() - n * interval '1 minute', now() - n * interval '1 minute', CASE WHEN n % 1000 = 13 THEN now() END \
         FROM generate_series(0, 9999) AS n; \
         INSERT INTO content.tags (id, space_id, name, slug) VALUES (TAG, SPACE, 'rare', 'rare'); \
         INSERT INTO content.tags (id, space_id, name, slug) SELECT gen_random_uuid(), SPACE, 'tag ' || n, 'tag-' || n \
         FROM generate_series(1, 2000) AS n; \
         INSERT INTO content.document_tags (document_id, tag_id, space_id) \
         SELECT d.id, t.id, SPACE FROM content.tags t JOIN content.documents d ON d.word_count % 2000 = length(t.slug) * 7;";
    world
        .database
        .run(&in_words(world, &format!("BEGIN; SET LOCAL session_replication_role = replica; {fill} COMMIT;")))
        .await;
    for table in ["documents", "document_tags", "tags"] {
        // Not only statistics: what waits to enter an index of words makes it look dear.
        world.database.run(&format!("VACUUM ANALYZE content.{table}")).await;
    }
}

/// The statement with ids in place of the words that stand for them.
fn in_words(world: &World, sql: &str) -> String {
    let quoted = |id: &str| format!("'{}'::uuid", uuid(id));
    sql.replace("SPACE", &quoted(&world.lab))
        .replace("EDITOR", &quoted(&world.editor.id))
        .replace("MANAGER", &quoted(&world.manager.id))
        .replace("PARENT", "'01900000-0000-7000-8000-000000000011'::uuid")
        .replace("TAG", "'01900000-0000-7000-8000-00000000ffff'::uuid")
}

/// The names of the indexes in the plan of a page, and whether it sorts.
async fn plan(world: &World, condition: &str, order: &str) -> (BTreeSet<String>, bool) {
    let sql = format!("EXPLAIN (FORMAT JSON) SELECT * FROM content.documents WHERE {condition} {order} LIMIT 21");
    // Which index there is, and not whether reading everything would be cheaper for so few rows.
    let mut session = world.database.pool().acquire().await.expect("a connection");
    sqlx::query("SET enable_seqscan = off").execute(&mut *session).await.expect("a setting");
    let sql = sqlx::AssertSqlSafe(in_words(world, &sql));
    let text: Value = sqlx::query_scalar(sql).fetch_one(&mut *session).await.expect("a plan");
    let (mut indexes, mut sorts) = (BTreeSet::new(), false);
    let mut nodes = vec![&text[0]["Plan"]];
    while let Some(node) = nodes.pop() {
        indexes.extend(node["Index Name"].as_str().map(str::to_owned));
        sorts |= node["Node Type"] == "Sort";
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
    }
    (indexes, sorts)
}

#[tokio::test]
async fn each_filter_and_each_order_of_documents_has_its_index() {
    let world = World::new().await;
    fill(&world).await;
    for Case { of, sql, indexes } in CASES {
        let is_order = of.chars().all(|letter| letter.is_ascii_uppercase() || letter == '_');
        let (found, sorts) = match *of {
            "trashed" => plan(&world, "space_id = SPACE AND deleted_at IS NOT NULL", "").await,
            "ownerId" | "parentId" => plan(&world, &format!("deleted_at IS NULL AND {sql}"), "").await,
            _ if is_order => plan(&world, "space_id = SPACE AND deleted_at IS NULL", &format!("ORDER BY {sql}")).await,
            _ => plan(&world, &format!("space_id = SPACE AND deleted_at IS NULL AND {sql}"), "").await,
        };
        assert!(indexes.iter().any(|index| found.contains(*index)), "{of}: {sql}: {found:?}");
        assert!(!is_order || !sorts, "{of} sorts what the index has in order");
    }
    for (order, index) in OF_OWNER {
        let (found, sorts) =
            plan(&world, "owner_id = MANAGER AND deleted_at IS NULL", &format!("ORDER BY {order}")).await;
        assert!(found.contains(*index) && !sorts, "{order}: {found:?}");
    }
    let (found, sorts) = plan(&world, "parent_id = PARENT", "ORDER BY position, id").await;
    assert!(found.contains("documents_parent_idx") && !sorts, "{found:?}");
}

#[test]
fn no_filter_and_no_order_is_left_out() {
    let covered: BTreeSet<&str> = CASES.iter().map(|case| case.of).collect();
    let combining = ["and", "or", "not"];
    for field in graph().input_fields("DocumentFilter") {
        let name = field.name.node.as_str();
        assert!(covered.contains(name) || combining.contains(&name), "{name} has no case here");
    }
    for order in graph().values("DocumentOrder") {
        assert!(covered.contains(order.as_str()), "{order} has no case here");
    }
}
