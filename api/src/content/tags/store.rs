//! How tags are stored and listed.

use std::collections::HashMap;
use std::sync::Arc;

use entity::content::document;
use entity::content::tag::{self, Column, Entity, Model};
use entity::enums::TagReach;
use entity::ids::{DocumentId, SpaceId, TagId, UserId};
use entity::tenancy::space;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::extension::postgres::PgFunc;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, Statement};
use uuid::Uuid;

use super::names::{clear_way, free_slug, hand_on, lock};
use super::rules::{NewTag, TagChanges, slug_of};
use crate::content::ContentErrorCode as Code;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::viewer::Grants;
use crate::platform::write::Write;

/// The tags within a user's grants: in its spaces those made for them and those on documents that it may read, and those
/// on documents that are open to its organizations.
pub fn within(user: UserId, grants: &Grants) -> Condition {
    let own = Expr::val(user.uuid()).eq(PgFunc::any(Column::PrivateOwnerIds.into_expr()));
    let for_all = [TagReach::Readers, TagReach::Organization, TagReach::Everyone];
    let seen = Condition::any().add(Column::IsExplicit.eq(true)).add(Column::Reach.is_in(for_all)).add(own);
    let mut readable = Condition::any()
        .add(Condition::all().add(Column::SpaceId.eq_any(grants.space_ids())).add(seen))
        .add(Condition::all().add(Column::SpaceId.eq_any(grants.edited())).add(Column::Reach.eq(TagReach::Editors)));
    if !grants.organizations.is_empty() {
        readable = readable.add(
            Condition::all()
                .add(Column::OrganizationId.eq_any(grants.organization_ids()))
                .add(Column::Reach.is_in([TagReach::Organization, TagReach::Everyone])),
        );
    }
    readable
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

/// The page of the tags that a document carries, of what was found by the ids that it names.
pub fn page_of_carried(document: &document::Model, page: &Page, found: Vec<Option<Arc<Model>>>) -> Slice<Arc<Model>> {
    // A tag that has just been deleted may have left its id to another space.
    let of_space = found.into_iter().flatten().filter(|tag| tag.space_id == document.space_id);
    let mut tags: Vec<Arc<Model>> = of_space.collect();
    tags.sort_unstable_by(|one, other| (&one.name, one.id).cmp(&(&other.name, other.id)));
    page.cut(tags, |tag| place(tag))
}

/// Adds a tag that somebody made for the space.
pub async fn insert(write: &Write<'_>, space: &Granted<space::Entity>, new: NewTag) -> Result<Model> {
    let slug = free_slug(write, space.id, &new.name).await?;
    let row = tag::ActiveModel {
        id: Set(checks::new_id(write.request(), new.id, Code::IdTaken)?),
        organization_id: Set(space.organization_id),
        space_id: Set(space.id),
        is_explicit: Set(true),
        description: Set(new.description),
        ..fresh(write, new.name, slug, new.color)
    };
    write.insert(space, row).await.map_err(refused)
}

fn fresh(write: &Write<'_>, name: String, slug: String, color: Option<String>) -> tag::ActiveModel {
    let now = write.request().now();
    tag::ActiveModel {
        name: Set(name),
        slug: Set(slug),
        color: color.map_or(NotSet, Set),
        usage_count: Set(0),
        reach: Set(TagReach::Owners),
        private_owner_ids: Set(Vec::new()),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    }
}

/// The tag with the changes, if they change anything.
pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: TagChanges) -> Result<Option<Model>> {
    let mut row = <tag::ActiveModel as Default>::default();
    if let Some(name) = changes.name.filter(|name| *name != granted.name) {
        if slug_of(&name) != slug_of(&granted.name) {
            row.slug = Set(free_slug(write, granted.space_id, &name).await?);
        }
        row.name = Set(name);
    }
    if let Some(color) = changes.color.filter(|color| *color != granted.color) {
        row.color = Set(color);
    }
    let description = changes.description.map(|text| Some(text).filter(|text| !text.is_empty()));
    if let Some(description) = description.filter(|description| *description != granted.description) {
        row.description = Set(description);
    }
    if !row.is_changed() {
        return Ok(None);
    }
    row.id = Set(granted.id);
    row.version = Set(granted.version + 1);
    row.updated_at = Set(write.request().now());
    write.update(granted, row).await.map_err(refused).map(Some)
}

/// The tags of the document's space with these names, which differ in more than case; the missing ones are made.
pub async fn named(
    write: &Write<'_>,
    authority: &dyn Authority,
    document: &document::Model,
    names: &[String],
    color: &str,
) -> Result<Vec<TagId>> {
    let space = document.space_id;
    let found = of_names(write, space, names).await?;
    if found.len() == names.len() {
        return Ok(found.into_iter().map(|tag| tag.id).collect());
    }
    lock(write, space).await?;
    let found = of_names(write, space, names).await?;
    let missing: Vec<&String> =
        names.iter().filter(|name| found.iter().all(|tag| tag.name.to_lowercase() != name.to_lowercase())).collect();
    let carriers = clear_way(write, space, &missing).await?;
    let mut ids: Vec<TagId> = found.into_iter().map(|tag| tag.id).collect();
    for name in missing {
        let id = TagId(write.request().new_id());
        let slug = free_slug(write, space, name).await?;
        let row = tag::ActiveModel {
            id: Set(id),
            organization_id: Set(document.organization_id),
            space_id: Set(space),
            ..fresh(write, name.clone(), slug, Some(color.to_owned()))
        };
        write.insert(authority, row).await.map_err(refused)?;
        hand_on(write, id, name, &carriers).await?;
        ids.push(id);
    }
    Ok(ids)
}

/// The tags with these names, whatever their case, that the viewer sees.
async fn of_names(write: &Write<'_>, space: SpaceId, names: &[String]) -> Result<Vec<Model>> {
    Ok(write
        .read()
        .visible::<Entity>()
        .filter(Column::SpaceId.eq(space))
        .filter(Expr::cust_with_exprs(
            "lower($1) IN (SELECT lower(given) FROM unnest($2) AS given)",
            [Expr::col((Entity, Column::Name)), Expr::value(names.to_vec())],
        ))
        .all(write.connection())
        .await?)
}

/// Puts the tags on the document; gives those that it did not carry before.
pub async fn put_on(write: &Write<'_>, document: &document::Model, tags: &[TagId]) -> Result<Vec<Uuid>> {
    let ids: Vec<Uuid> = tags.iter().map(|id| id.uuid()).collect();
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "INSERT INTO content.document_tags (document_id, tag_id, space_id, organization_id, created_at) \
         SELECT $1, tag_id, $3, $4, $5 FROM unnest($2::uuid[]) AS tag_id ORDER BY tag_id ON CONFLICT DO NOTHING RETURNING tag_id",
        [
            document.id.uuid().into(),
            ids.into(),
            document.space_id.uuid().into(),
            document.organization_id.map(|id| id.uuid()).into(),
            write.request().now().into(),
        ],
    );
    write.connection().query_all_raw(statement).await?.iter().map(|row| Ok(row.try_get("", "tag_id")?)).collect()
}

/// Takes the tags of these names off the document; gives the number of those that it carried.
pub async fn take_off(write: &Write<'_>, document: &document::Model, names: &[String]) -> Result<u64> {
    let lower: Vec<String> = names.iter().map(|name| name.trim().to_lowercase()).collect();
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "DELETE FROM content.document_tags WHERE document_id = $1 AND tag_id IN \
         (SELECT id FROM content.tags WHERE space_id = $2 AND lower(name) = ANY($3))",
        [document.id.uuid().into(), document.space_id.uuid().into(), lower.into()],
    );
    Ok(write.connection().execute_raw(statement).await?.rows_affected())
}

/// The tag, if the viewer may see it.
pub async fn seen(write: &Write<'_>, id: TagId) -> Result<Option<Model>> {
    Ok(write.read().visible::<Entity>().filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// Locks the documents that carry a tag, before the tag itself is: whoever puts it on one of them has that one first.
pub async fn lock_carriers(write: &Write<'_>, tag: TagId) -> Result<()> {
    let sql = "SELECT FROM content.documents WHERE id IN \
               (SELECT document_id FROM content.document_tags WHERE tag_id = $1) ORDER BY id FOR NO KEY UPDATE";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [tag.uuid().into()]);
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
    error
        .when_constraint("tags_name_key", || reject("name", Code::NameTaken, "The space has a tag of this name."))
        .when_constraint("tags_pkey", || checks::id_taken(Code::IdTaken))
}
