//! Counts of what hangs on something, and the removal of what was deleted.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use crate::platform::errors::{Error, Result};
use crate::platform::request::Platform;

pub const ORGANIZATION_SQL: &str = "SELECT ARRAY[ \
     (SELECT count(*) FROM tenancy.members WHERE organization_id = $1), \
     (SELECT count(*) FROM tenancy.teams WHERE organization_id = $1), \
     (SELECT count(*) FROM tenancy.projects WHERE organization_id = $1 AND deleted_at IS NULL), \
     (SELECT count(*) FROM tenancy.spaces WHERE organization_id = $1 AND deleted_at IS NULL), \
     (SELECT count(*) FROM content.documents WHERE organization_id = $1 AND deleted_at IS NULL), \
     (SELECT count(*) FROM tenancy.invitations WHERE organization_id = $1 AND expires_at > now() \
        AND num_nonnulls(accepted_at, declined_at, revoked_at) = 0)] AS counts";

pub const PROJECT_SQL: &str = "SELECT ARRAY[ \
     (SELECT count(*) FROM tenancy.project_members WHERE project_id = $1), \
     (SELECT count(*) FROM tenancy.spaces WHERE project_id = $1 AND deleted_at IS NULL)] AS counts";

pub const SPACE_SQL: &str = "SELECT ARRAY[ \
     (SELECT count(*) FROM tenancy.space_members WHERE space_id = $1), \
     (SELECT count(*) FROM content.documents WHERE space_id = $1 AND deleted_at IS NULL), \
     (SELECT count(*) FROM content.tags WHERE space_id = $1), \
     (SELECT count(*) FROM tenancy.join_requests WHERE space_id = $1 AND state = 'open')] AS counts";

/// The counts of one statement, all of the same moment.
pub async fn count<const N: usize>(connection: &impl ConnectionTrait, sql: &str, id: Uuid) -> Result<[i64; N]> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into()]);
    let row = connection.query_one_raw(statement).await?.ok_or_else(|| Error::internal("nothing was counted"))?;
    let counts: Vec<i64> = row.try_get("", "counts")?;
    counts.try_into().map_err(|_| Error::internal("something was not counted"))
}

/// What goes first is what there is much of, so that no statement takes long: an open one holds the event feed back. Rows
/// that another round is removing are left to it.
const PURGES: [&str; 4] = [
    "DELETE FROM content.documents WHERE id = ANY (ARRAY(SELECT d.id FROM content.documents d \
     JOIN tenancy.spaces s ON s.id = d.space_id LEFT JOIN tenancy.organizations o ON o.id = s.organization_id \
     WHERE least(s.deleted_at, o.deleted_at) < now() - make_interval(days => $1) LIMIT 200 FOR UPDATE OF d SKIP LOCKED))",
    "DELETE FROM tenancy.spaces WHERE id = ANY (ARRAY(SELECT s.id FROM tenancy.spaces s \
     LEFT JOIN tenancy.organizations o ON o.id = s.organization_id \
     WHERE least(s.deleted_at, o.deleted_at) < now() - make_interval(days => $1) LIMIT 20 FOR UPDATE OF s SKIP LOCKED))",
    "DELETE FROM tenancy.projects WHERE id = ANY (ARRAY(SELECT id FROM tenancy.projects \
     WHERE deleted_at < now() - make_interval(days => $1) LIMIT 20 FOR UPDATE SKIP LOCKED))",
    "DELETE FROM tenancy.organizations WHERE id = ANY (ARRAY(SELECT id FROM tenancy.organizations \
     WHERE deleted_at < now() - make_interval(days => $1) LIMIT 1 FOR UPDATE SKIP LOCKED))",
];

/// Removes for good what was deleted longer ago than it is kept, and says how many rows that were. The audit log stays.
pub async fn purge(platform: &Platform) -> Result<u64> {
    let days = platform.config.deleted_days;
    let mut removed = 0;
    for sql in PURGES {
        loop {
            let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [days.into()]);
            let rows = platform.database.connection().execute_raw(statement).await?.rows_affected();
            if rows == 0 {
                break;
            }
            removed += rows;
        }
    }
    Ok(removed)
}
