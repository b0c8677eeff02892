//! How a person's places are found and removed.

use entity::ids::{OrganizationId, SpaceId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use uuid::Uuid;

use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::write::Write;

const LOCK_SQL: &str = "SELECT o.id FROM tenancy.organizations o JOIN tenancy.members m ON m.organization_id = o.id \
     WHERE m.user_id = $1 ORDER BY o.id FOR UPDATE OF o";

const SOLELY_OWNED_SQL: &str = "SELECT o.name FROM tenancy.organizations o JOIN tenancy.members m ON m.organization_id = o.id \
     WHERE m.user_id = $1 AND m.role = 'owner' AND m.status = 'active' AND o.deleted_at IS NULL AND NOT EXISTS ( \
         SELECT FROM tenancy.members other WHERE other.organization_id = o.id AND other.user_id <> $1 \
         AND other.role = 'owner' AND other.status = 'active') \
     ORDER BY o.name, o.id";

const COUNT_SQL: &str = "SELECT count(*) AS count FROM tenancy.members m JOIN tenancy.organizations o ON o.id = m.organization_id \
     WHERE m.user_id = $1 AND o.deleted_at IS NULL";

async fn rows(connection: &impl ConnectionTrait, sql: &str, user: UserId) -> Result<Vec<QueryResult>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [user.uuid().into()]);
    Ok(connection.query_all_raw(statement).await?)
}

async fn names(connection: &impl ConnectionTrait, user: UserId) -> Result<Vec<String>> {
    let rows = rows(connection, SOLELY_OWNED_SQL, user).await?;
    rows.iter().map(|row| Ok(row.try_get("", "name")?)).collect()
}

/// The names of the organizations that the user alone owns.
pub async fn solely_owned(request: &Request, user: UserId) -> Result<Vec<String>> {
    names(&request.connection(), user).await
}

/// The same under a lock of each of the user's organizations: no other owner goes meanwhile.
pub async fn solely_owned_now(write: &Write<'_>, user: UserId) -> Result<Vec<String>> {
    rows(write.connection(), LOCK_SQL, user).await?;
    names(write.connection(), user).await
}

/// How many organizations the user is a member of, in whatever state.
pub async fn count_organizations(request: &Request, user: UserId) -> Result<i64> {
    let rows = rows(&request.connection(), COUNT_SQL, user).await?;
    Ok(rows.first().map(|row| row.try_get("", "count")).transpose()?.unwrap_or_default())
}

const HAND_OVER_SQL: &str = "UPDATE tenancy.organizations o SET owner_id = (SELECT m.user_id FROM tenancy.members m \
     WHERE m.organization_id = o.id AND m.user_id <> $1 AND m.role = 'owner' AND m.status = 'active' \
     ORDER BY m.joined_at, m.id LIMIT 1) WHERE o.owner_id = $1";

/// Names another owner where the user was named as the owner.
pub(super) async fn hand_over(write: &Write<'_>, user: UserId) -> Result<()> {
    rows(write.connection(), HAND_OVER_SQL, user).await.map(drop)
}

/// Removes the memberships, and with them what hangs on them; gives the organizations that are left.
pub(super) async fn remove_memberships(write: &Write<'_>, user: UserId) -> Result<Vec<OrganizationId>> {
    let sql = "DELETE FROM tenancy.members WHERE user_id = $1 RETURNING organization_id";
    ids(write, sql, user, "organization_id").await.map(|ids| ids.into_iter().map(OrganizationId).collect())
}

/// Removes the roles in spaces that hang on no membership: other people's personal spaces.
pub(super) async fn remove_shares(write: &Write<'_>, user: UserId) -> Result<()> {
    rows(write.connection(), "DELETE FROM tenancy.space_members WHERE user_id = $1", user).await.map(drop)
}

/// Removes the personal space with its documents and tags.
pub(super) async fn remove_personal_spaces(write: &Write<'_>, user: UserId) -> Result<Vec<SpaceId>> {
    let sql = "DELETE FROM tenancy.spaces WHERE user_id = $1 RETURNING id";
    ids(write, sql, user, "id").await.map(|ids| ids.into_iter().map(SpaceId).collect())
}

async fn ids(write: &Write<'_>, sql: &str, user: UserId, column: &str) -> Result<Vec<Uuid>> {
    let rows = rows(write.connection(), sql, user).await?;
    rows.iter().map(|row| Ok(row.try_get("", column)?)).collect()
}
