//! How tags are stored and listed.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use entity::content::tag::{self, Column, Entity, Model};
use entity::content::{document, document_tag};
use entity::ids::{DocumentId, SpaceId, TagId};
use entity::tenancy::space;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, Func, OnConflict};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, Statement};
use uuid::Uuid;

use super::rules::{TagChanges, slug_of};
use crate::content::ContentErrorCode as Code;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::held;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;

pub fn within(spaces: Vec<SpaceId>) -> Condition {
    Condition::all().add(Column::SpaceId.eq_any(spaces))
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a row stands in a list by name.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of the tags of each of many spaces.
pub struct BelowSpaces;

impl Load for BelowSpaces {
    type Key = (SpaceId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, parents) in children::by_page(keys) {
            let query = Read::new(context.viewer.clone()).visible::<Entity>();
            let slices = children::pages(
                &context.connection,
                query,
                Column::SpaceId,
                &parents,
                &page,
                &BY_NAME,
                |row: &Model| Some(row.space_id),
            )
            .await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many tags each space has.
pub struct CountBelowSpaces;

impl Load for CountBelowSpaces {
    type Key = SpaceId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<SpaceId>) -> Result<HashMap<SpaceId, i64>> {
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        children::counts(&context.connection, query, Column::SpaceId, &keys).await
    }
}

/// A page of the tags of each of many documents, reached through documents that the viewer may read and so shared
/// between concurrent requests. A document carries few, so pages are cut here.
pub struct OnDocuments;

/// The join that is spelled out keeps PostgreSQL at looking tags up, where it would rather read all of them.
const CARRIED_SQL: &str = "SELECT carried.document_id, tag.id, tag.xmin FROM unnest($1::uuid[]) AS document \
     CROSS JOIN LATERAL (SELECT document_id, tag_id FROM content.document_tags WHERE document_id = document) AS carried \
     CROSS JOIN LATERAL (SELECT id, xmin FROM content.tags WHERE id = carried.tag_id OFFSET 0) AS tag";

impl Load for OnDocuments {
    type Key = (DocumentId, Page);
    type Value = Slice<Arc<Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let documents: HashSet<Uuid> = keys.iter().map(|(document, _)| document.uuid()).collect();
        let documents: Vec<Uuid> = documents.into_iter().collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, CARRIED_SQL, [documents.into()]);
        let table = context.held_rows.table::<Entity>();
        let mut carried: HashMap<DocumentId, Vec<Arc<Model>>> = HashMap::with_capacity(keys.len());
        let mut missing: HashMap<Uuid, Vec<DocumentId>> = HashMap::new();
        for row in context.connection.query_all_raw(statement).await? {
            let (document, tag) = (DocumentId(held::uuid_at(&row, 0)?), held::uuid_at(&row, 1)?);
            match table.get(tag, held::version_at(&row, 2)?) {
                Some(tag) => carried.entry(document).or_default().push(tag),
                None => missing.entry(tag).or_default().push(document),
            }
        }
        if !missing.is_empty() {
            for tag in held::by_id::<Entity>(context, missing.keys().copied().collect()).await? {
                for document in missing.remove(&tag.id.uuid()).unwrap_or_default() {
                    carried.entry(document).or_default().push(Arc::clone(&tag));
                }
            }
        }
        for tags in carried.values_mut() {
            tags.sort_unstable_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
        }
        let cut = |(document, page): Self::Key| {
            let tags = carried.get(&document).cloned().unwrap_or_default();
            let slice = page.cut(tags, |tag| place(tag));
            ((document, page), slice)
        };
        Ok(keys.into_iter().map(cut).collect())
    }
}

/// How many tags each document carries.
pub struct CountOnDocuments;

impl Load for CountOnDocuments {
    type Key = DocumentId;
    type Value = i64;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<DocumentId>) -> Result<HashMap<DocumentId, i64>> {
        let query = Read::new(context.viewer.clone())
            .through_granted_row::<document_tag::Entity>("tags are asked of a document that was read");
        children::counts(&context.connection, query, document_tag::Column::DocumentId, &keys).await
    }
}

pub async fn insert(
    write: &Write<'_>,
    space: &Granted<space::Entity>,
    id: Option<TagId>,
    name: String,
    color: String,
    description: Option<String>,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = tag::ActiveModel {
        id: Set(id.unwrap_or_else(|| TagId(request.new_id()))),
        organization_id: Set(space.organization_id),
        space_id: Set(space.id),
        slug: Set(slug_of(&name)),
        name: Set(name),
        color: Set(color),
        description: Set(description),
        usage_count: Set(0),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    write.insert(space, row).await.map_err(refused)
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: TagChanges) -> Result<Model> {
    let mut row = tag::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    if let Some(name) = changes.name {
        row.slug = Set(slug_of(&name));
        row.name = Set(name);
    }
    if let Some(color) = changes.color {
        row.color = Set(color);
    }
    if let Some(description) = changes.description {
        row.description = Set(Some(description).filter(|text| !text.is_empty()));
    }
    write.update(granted, row).await.map_err(refused)
}

/// The tags of the document's space with these names; the missing ones are made.
pub async fn named(
    write: &Write<'_>,
    authority: &dyn Authority,
    document: &document::Model,
    names: Vec<String>,
    color: &str,
) -> Result<Vec<TagId>> {
    let request = write.request();
    let now = request.now();
    let mut unique: Vec<String> = Vec::new();
    for name in names {
        if !unique.iter().any(|held| held.to_lowercase() == name.to_lowercase()) {
            unique.push(name);
        }
    }
    // One order of locks for everyone who makes the same tags at once.
    unique.sort_by_key(|name| name.to_lowercase());
    let rows = unique.iter().map(|name| tag::ActiveModel {
        id: Set(TagId(request.new_id())),
        organization_id: Set(document.organization_id),
        space_id: Set(document.space_id),
        name: Set(name.clone()),
        slug: Set(slug_of(name)),
        color: Set(color.to_owned()),
        usage_count: Set(0),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    });
    write.insert_missing(authority, rows.collect(), OnConflict::new().do_nothing().to_owned()).await?;
    let (names, slugs): (Vec<String>, Vec<String>) =
        unique.iter().map(|name| (name.to_lowercase(), slug_of(name))).unzip();
    let lower = Expr::expr(Func::lower(Expr::col((Entity, Column::Name))));
    let same_name = sea_orm::sea_query::ExprTrait::is_in(lower, names);
    let found = Read::new(crate::platform::viewer::Viewer::System("tags are looked up by name"))
        .visible::<Entity>()
        .filter(Column::SpaceId.eq(document.space_id))
        .filter(Condition::any().add(same_name).add(Column::Slug.eq_any(slugs)))
        .all(write.connection())
        .await?;
    Ok(found.into_iter().map(|tag| tag.id).collect())
}

pub async fn put_on(write: &Write<'_>, document: &document::Model, tags: &[TagId]) -> Result<()> {
    let ids: Vec<Uuid> = tags.iter().map(|id| id.uuid()).collect();
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "INSERT INTO content.document_tags (document_id, tag_id, space_id, organization_id, created_at) \
         SELECT $1, tag_id, $3, $4, $5 FROM unnest($2::uuid[]) AS tag_id ORDER BY tag_id ON CONFLICT DO NOTHING",
        [
            document.id.uuid().into(),
            ids.into(),
            document.space_id.uuid().into(),
            document.organization_id.map(|id| id.uuid()).into(),
            write.request().now().into(),
        ],
    );
    write.connection().execute_raw(statement).await?;
    Ok(())
}

pub async fn take_off(write: &Write<'_>, document: &document::Model, names: &[String]) -> Result<()> {
    let lower: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "DELETE FROM content.document_tags WHERE document_id = $1 AND tag_id IN \
         (SELECT id FROM content.tags WHERE space_id = $2 AND lower(name) = ANY($3))",
        [document.id.uuid().into(), document.space_id.uuid().into(), lower.into()],
    );
    write.connection().execute_raw(statement).await?;
    Ok(())
}

pub async fn count_on(write: &Write<'_>, document: DocumentId) -> Result<usize> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT count(*) AS count FROM content.document_tags WHERE document_id = $1",
        [document.uuid().into()],
    );
    let row = write.connection().query_one_raw(statement).await?;
    let count: i64 = row.map_or(Ok(0), |row| row.try_get("", "count"))?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn refused(error: Error) -> Error {
    let taken = || reject("name", Code::NameTaken, "The space has a tag of this name.");
    error
        .when_constraint("tags_name_key", taken)
        .when_constraint("tags_slug_key", taken)
        .when_constraint("tags_pkey", || reject("id", Code::IdTaken, "This id is already in use."))
}
