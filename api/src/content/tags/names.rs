//! Names and slugs of tags are taken one after the other in each space, and what an editor does not see gives way: a tag
//! that nobody made for the space and that only others' private documents carry.

use entity::ids::{SpaceId, TagId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use uuid::Uuid;

use super::rules::{NAME_LENGTH, slug_of};
use crate::platform::errors::Result;
use crate::platform::write::Write;

/// Tags of one space are made and renamed one after the other, so that names and slugs can be looked at first.
pub async fn lock(write: &Write<'_>, space: SpaceId) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('tags ' || $1::text, 0))";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [space.uuid().into()]);
    write.connection().execute_raw(statement).await?;
    Ok(())
}

/// A document that carried a tag which had to give way, and the name of that.
#[derive(FromQueryResult)]
pub struct Carrier {
    name: String,
    document_id: Uuid,
}

/// What an editor of the space does not see of its tags: what nobody made for it and only others' private documents carry.
const HIDDEN: &str =
    "(NOT is_explicit AND reach = 'owners' AND NOT coalesce($2::uuid = ANY (private_owner_ids), false))";

/// Takes away the tags with these names that the viewer does not see, and gives the documents that carried them. Whoever
/// takes the name hands it on to them, so that they carry it as before.
pub async fn clear_way(write: &Write<'_>, space: SpaceId, names: &[&String]) -> Result<Vec<Carrier>> {
    let names: Vec<String> = names.iter().map(|name| (*name).clone()).collect();
    let user = write.viewer().user_id().map(UserId::uuid);
    let values = || [space.uuid().into(), user.into(), names.clone().into()];
    let hidden =
        format!("space_id = $1 AND {HIDDEN} AND lower(name) IN (SELECT lower(given) FROM unnest($3) AS given)");
    let sql = format!(
        "SELECT name, document_id FROM content.document_tags \
         JOIN (SELECT id, name FROM content.tags WHERE {hidden} ORDER BY id FOR UPDATE) AS hidden ON hidden.id = tag_id"
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values());
    let carriers = Carrier::find_by_statement(statement).all(write.connection()).await?;
    let sql = format!("DELETE FROM content.tags WHERE {hidden}");
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values());
    write.connection().execute_raw(statement).await?;
    Ok(carriers)
}

/// Puts a tag on the documents that carried what gave way to its name.
pub async fn hand_on(write: &Write<'_>, tag: TagId, name: &str, carriers: &[Carrier]) -> Result<()> {
    let same_name = |carrier: &&Carrier| carrier.name.to_lowercase() == name.to_lowercase();
    let documents: Vec<Uuid> = carriers.iter().filter(same_name).map(|carrier| carrier.document_id).collect();
    if documents.is_empty() {
        return Ok(());
    }
    let sql = "INSERT INTO content.document_tags (document_id, tag_id, space_id, created_at) \
               SELECT id, $2, space_id, $3 FROM content.documents WHERE id = ANY ($1) ON CONFLICT DO NOTHING";
    let values = [documents.into(), tag.uuid().into(), write.request().now().into()];
    write.connection().execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    Ok(())
}

#[derive(FromQueryResult)]
struct Slug {
    id: Uuid,
    slug: String,
    is_hidden: bool,
}

/// The slug of a name, with a number behind it where the space has it already. A tag that the viewer does not see hands
/// its slug over and takes another.
pub async fn free_slug(write: &Write<'_>, space: SpaceId, name: &str) -> Result<String> {
    let base = slug_of(name);
    let sql = format!("SELECT id, slug, {HIDDEN} AS is_hidden FROM content.tags WHERE space_id = $1 AND slug ^@ $3");
    let user = write.viewer().user_id().map(UserId::uuid);
    let prefix: String = base.chars().take(NAME_LENGTH - SLUG_NUMBER).collect();
    let values = [space.uuid().into(), user.into(), prefix.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let held = Slug::find_by_statement(statement).all(write.connection()).await?;
    let first_without = |taken: &dyn Fn(&String) -> bool| {
        (1..).map(|number| numbered(&base, number)).find(|slug| !taken(slug)).unwrap_or_else(|| base.clone())
    };
    let slug = first_without(&|slug| held.iter().any(|other| !other.is_hidden && other.slug == *slug));
    if let Some(hidden) = held.iter().find(|other| other.slug == slug) {
        let other = first_without(&|taken| *taken == slug || held.iter().any(|held| held.slug == *taken));
        let sql = "UPDATE content.tags SET slug = $2 WHERE id = $1";
        let values = [hidden.id.into(), other.into()];
        write.connection().execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    }
    Ok(slug)
}

/// Characters that the number behind a slug may take.
const SLUG_NUMBER: usize = 8;

fn numbered(base: &str, number: usize) -> String {
    match number {
        1 => base.to_owned(),
        _ => format!("{}-{number}", base.chars().take(NAME_LENGTH - SLUG_NUMBER).collect::<String>()),
    }
}
