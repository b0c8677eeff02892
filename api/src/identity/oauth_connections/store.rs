//! How accounts at identity providers are stored.

use entity::identity::oauth_connection::{self, Column, Entity, Model};
use entity::ids::{OauthConnectionId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QuerySelect, Select, Statement};

use crate::identity::IdentityErrorCode as Code;
use crate::platform::authorization::{Authority, Read};
use crate::platform::errors::{Result, reject};
use crate::platform::openid::Identity;
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

fn connections() -> Select<Entity> {
    Read::new(Viewer::System("the provider says who it is"))
        .through_granted_row::<Entity>("the provider's word is the grant")
}

/// Lets nobody else come in as the same person of the provider before the write ends, as one whom nobody knows yet would
/// be made twice.
pub async fn hold_subject(write: &Write<'_>, provider: &str, subject: &str) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
    let name = format!("oauth connection {provider} {subject}");
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [name.into()]);
    write.connection().execute_raw(statement).await?;
    Ok(())
}

/// The connection of a provider's subject, whatever issuer it was made with.
pub async fn of_subject(connection: &impl ConnectionTrait, provider: &str, subject: &str) -> Result<Option<Model>> {
    let found = connections().filter(Column::Provider.eq(provider)).filter(Column::ProviderId.eq(subject));
    Ok(found.one(connection).await?)
}

/// The connection, if it still is there, locked.
pub async fn lock(write: &Write<'_>, id: OauthConnectionId) -> Result<Option<Model>> {
    Ok(connections().filter(Column::Id.eq(id)).lock_exclusive().one(write.connection()).await?)
}

/// The connections of an account.
pub(super) async fn of_user(write: &Write<'_>, user: UserId) -> Result<Vec<Model>> {
    Ok(connections().filter(Column::UserId.eq(user)).all(write.connection()).await?)
}

pub async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    user: UserId,
    provider: &str,
    identity: &Identity,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = oauth_connection::ActiveModel {
        id: Set(OauthConnectionId(request.new_id())),
        user_id: Set(user),
        provider: Set(provider.to_owned()),
        provider_id: Set(identity.subject.clone()),
        issuer: Set(identity.issuer.clone()),
        email: Set(identity.email.clone()),
        last_used_at: Set(now),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let inserted = write.insert(authority, row).await;
    inserted.map_err(|error| error.when_constraint("oauth_connections_provider_id_key", taken))
}

/// What is said when somebody at a provider is linked already.
pub(super) fn taken() -> crate::platform::errors::Error {
    reject("", Code::ConnectionTaken, "This account at the provider is linked already: to you or to somebody else.")
}

/// Notes that the provider let its person in, and what it calls their address now.
pub async fn note_use(write: &Write<'_>, connection: &Model, email: Option<&str>) -> Result<()> {
    let now = write.request().now();
    let mut row =
        oauth_connection::ActiveModel { id: Set(connection.id), last_used_at: Set(now), ..Default::default() };
    if email.is_some() && connection.email.as_deref() != email {
        row.email = Set(email.map(str::to_owned));
        row.updated_at = Set(now);
    }
    write.update_below(&write.as_system("the provider let its person in"), row).await?;
    Ok(())
}

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a row stands in a list by the time of linking.
pub(super) fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// The viewer's connections, oldest first.
pub(super) async fn of_viewer(request: &Request, page: &Page) -> Result<Slice<Model>> {
    let query = page.apply(request.read().visible::<Entity>(), &BY_TIME)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

pub(super) async fn count_of_viewer(request: &Request) -> Result<i64> {
    request.count(request.read().visible::<Entity>()).await
}
