//! What an import reads: the documents of earlier ones, and where and as whom to import.

use std::collections::HashMap;

use entity::content::{document, document_tag, tag};
use entity::enums::{DocumentVisibility, SpaceRole, UserStatus};
use entity::identity::user;
use entity::ids::{DocumentId, OrganizationId, SpaceId, UserId};
use entity::tenancy::{organization, space, space_member};
use sea_orm::sea_query::Query;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityName, JoinType, QueryFilter, QuerySelect, RelationTrait, Statement,
};

use crate::platform::authorization::Read;
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// The documents of a space that came from this source and that the viewer may read, by external id. A shared one goes
/// before the viewer's own private one of the same id.
pub async fn imported(request: &Request, space: SpaceId, source: &str) -> Result<HashMap<String, document::Model>> {
    let mut rows = request
        .read()
        .visible::<document::Entity>()
        .filter(document::Column::SpaceId.eq(space))
        .filter(document::Column::Source.eq(source))
        .filter(document::Column::ExternalId.is_not_null())
        .filter(document::Column::DeletedAt.is_null())
        .all(&request.connection())
        .await?;
    rows.sort_by_key(|row| row.visibility != DocumentVisibility::Private);
    Ok(rows.into_iter().filter_map(|row| Some((row.external_id.clone()?, row))).collect())
}

/// The names of the tags on those documents.
pub async fn tags_of_imported(
    request: &Request,
    space: SpaceId,
    source: &str,
) -> Result<HashMap<DocumentId, Vec<String>>> {
    let imported = Query::select()
        .column(document::Column::Id)
        .from(document::Entity.table_ref())
        .and_where(document::Column::SpaceId.eq(space))
        .and_where(document::Column::Source.eq(source))
        .to_owned();
    let rows: Vec<(DocumentId, String)> = request
        .read()
        .through_granted_row::<document_tag::Entity>("tags are compared for documents that were read")
        .join(JoinType::InnerJoin, document_tag::Relation::Tag.def())
        .filter(document_tag::Column::SpaceId.eq(space))
        .filter(document_tag::Column::DocumentId.in_subquery(imported))
        .select_only()
        .column(document_tag::Column::DocumentId)
        .column(tag::Column::Name)
        .into_tuple()
        .all(&request.connection())
        .await?;
    let mut tags: HashMap<DocumentId, Vec<String>> = HashMap::new();
    for (document, name) in rows {
        tags.entry(document).or_default().push(name);
    }
    Ok(tags)
}

/// The last position among the documents below each parent of a space, and at its top.
pub async fn last_positions(request: &Request, space: SpaceId) -> Result<HashMap<Option<DocumentId>, String>> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT parent_id, max(position) AS last FROM content.documents \
         WHERE space_id = $1 AND deleted_at IS NULL GROUP BY parent_id",
        [space.uuid().into()],
    );
    let rows = request.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((row.try_get::<Option<DocumentId>>("", "parent_id")?, row.try_get("", "last")?))).collect()
}

/// The spaces with this slug, each with its organization's slug, in an organization if one is named.
pub async fn spaces_named(
    request: &Request,
    slug: &str,
    organization: Option<&str>,
) -> Result<Vec<(space::Model, Option<String>)>> {
    let connection = request.connection();
    let spaces = request
        .read()
        .visible::<space::Entity>()
        .filter(space::Column::Slug.eq(slug))
        .filter(space::Column::DeletedAt.is_null())
        .all(&connection)
        .await?;
    let organizations = system()
        .visible::<organization::Entity>()
        .filter(
            organization::Column::Id
                .eq_any(spaces.iter().filter_map(|space| space.organization_id).collect::<Vec<_>>()),
        )
        .filter(organization::Column::DeletedAt.is_null())
        .all(&connection)
        .await?;
    let slugs: HashMap<OrganizationId, String> = organizations.into_iter().map(|row| (row.id, row.slug)).collect();
    Ok(spaces
        .into_iter()
        .map(|space| {
            let slug = space.organization_id.and_then(|id| slugs.get(&id).cloned());
            (space, slug)
        })
        .filter(|(_, slug)| organization.is_none() || slug.as_deref() == organization)
        .collect())
}

/// The personal space of the viewer.
pub async fn personal_space(request: &Request) -> Result<Option<space::Model>> {
    Ok(request
        .read()
        .visible::<space::Entity>()
        .filter(space::Column::UserId.eq(request.user_id()?))
        .filter(space::Column::IsPersonal.eq(true))
        .one(&request.connection())
        .await?)
}

/// The people who were made manager of the space themselves.
pub async fn managers(request: &Request, space: SpaceId) -> Result<Vec<UserId>> {
    let rows = system()
        .visible::<space_member::Entity>()
        .filter(space_member::Column::SpaceId.eq(space))
        .filter(space_member::Column::Role.eq(SpaceRole::Manager))
        .filter(space_member::Column::UserId.is_not_null())
        .all(&request.connection())
        .await?;
    Ok(rows.into_iter().filter_map(|row| row.user_id).collect())
}

/// The accounts among these that may be used.
pub async fn live_users(request: &Request, ids: Vec<UserId>) -> Result<Vec<user::Model>> {
    Ok(system()
        .visible::<user::Entity>()
        .filter(user::Column::Id.eq_any(ids))
        .filter(user::Column::DeletedAt.is_null())
        .filter(user::Column::Status.ne(UserStatus::Suspended))
        .all(&request.connection())
        .await?)
}

fn system() -> Read {
    Read::new(crate::platform::viewer::Viewer::System("an operator imports files"))
}
