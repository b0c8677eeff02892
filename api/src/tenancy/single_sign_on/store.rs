//! How single sign-on is stored: in columns of the organization.

use entity::enums::{MemberRole, MemberStatus, OrganizationStatus};
use entity::ids::{MemberId, OrganizationId, UserId};
use entity::tenancy::{member, organization};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QuerySelect, SelectExt, Statement};

use super::rules::Choice;
use crate::platform::authorization::{Granted, Read};
use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

pub(super) async fn update(
    write: &Write<'_>,
    granted: &Granted<organization::Entity>,
    choice: Choice,
) -> Result<organization::Model> {
    let row = organization::ActiveModel {
        id: Set(granted.id),
        sso_provider: Set(choice.provider),
        allowed_email_domains: Set(choice.email_domains),
        sso_enabled: Set(choice.enforced),
        sso_auto_join: Set(choice.auto_join),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn shut_out() -> Read {
    Read::new(Viewer::System("an owner is shut out"))
}

/// The live organization of a slug, locked, whoever asks.
pub(super) async fn lock(write: &Write<'_>, slug: &str) -> Result<Option<organization::Model>> {
    Ok(shut_out()
        .through_granted_row::<organization::Entity>("whether the viewer owns it is asked next")
        .filter(organization::Column::Slug.eq(slug))
        .filter(organization::Column::DeletedAt.is_null())
        .filter(organization::Column::Status.eq(OrganizationStatus::Active))
        .lock_exclusive()
        .one(write.connection())
        .await?)
}

/// Whether the user is an active owner, however they signed in.
pub(super) async fn is_owner(write: &Write<'_>, organization: OrganizationId, user: UserId) -> Result<bool> {
    Ok(shut_out()
        .through_granted_row::<member::Entity>("the viewer's own membership")
        .filter(member::Column::OrganizationId.eq(organization))
        .filter(member::Column::UserId.eq(user))
        .filter(member::Column::Role.eq(MemberRole::Owner))
        .filter(member::Column::Status.eq(MemberStatus::Active))
        .exists(write.connection())
        .await?)
}

/// Ends the enforcement, and nothing else.
pub(super) async fn release(write: &Write<'_>, row: &organization::Model) -> Result<organization::Model> {
    let row = organization::ActiveModel {
        id: Set(row.id),
        sso_enabled: Set(false),
        version: Set(row.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update_below(&write.as_system("an owner lets its members in again"), row).await
}

const ADDRESSES_SQL: &str = "SELECT u.email FROM tenancy.members m JOIN identity.users u ON u.id = m.user_id \
     WHERE m.organization_id = $1 AND m.role = 'owner' AND m.status = 'active' AND u.deleted_at IS NULL ORDER BY m.id";

pub(super) async fn addresses_of_owners(write: &Write<'_>, organization: OrganizationId) -> Result<Vec<String>> {
    let values = [organization.uuid().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, ADDRESSES_SQL, values);
    let rows = write.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get("", "email")?)).collect()
}

const JOIN_SQL: &str = "INSERT INTO tenancy.members (id, organization_id, user_id, role, status, joined_at, created_at, updated_at) \
     SELECT $1, o.id, $2, 'member', 'active', $3, $3, $3 FROM tenancy.organizations o \
     WHERE o.id = $4 AND o.sso_auto_join AND o.sso_provider = $5 AND $6 = ANY (o.allowed_email_domains) \
         AND o.deleted_at IS NULL AND o.status = 'active' \
     ON CONFLICT ON CONSTRAINT members_user_key DO NOTHING";

/// Adds the member if the organization wants that; whether one was added.
pub(super) async fn join(
    write: &Write<'_>,
    organization: OrganizationId,
    user: UserId,
    provider: &str,
    domain: &str,
) -> Result<bool> {
    let request = write.request();
    let values = [
        MemberId(request.new_id()).uuid().into(),
        user.uuid().into(),
        request.now().into(),
        organization.uuid().into(),
        provider.into(),
        domain.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, JOIN_SQL, values);
    Ok(write.connection().execute_raw(statement).await?.rows_affected() > 0)
}

const PROVIDERS_BEYOND_SQL: &str = "SELECT DISTINCT o.sso_provider FROM tenancy.members m \
     JOIN tenancy.organizations o ON o.id = m.organization_id \
     WHERE m.user_id = $1 AND m.status = 'active' AND o.deleted_at IS NULL AND o.status = 'active' \
         AND o.sso_enabled AND o.id <> ALL ($2) ORDER BY 1";

/// The providers of the user's organizations beyond these.
pub(super) async fn providers_beyond(
    request: &Request,
    user: UserId,
    reached: Vec<OrganizationId>,
) -> Result<Vec<String>> {
    let reached: Vec<uuid::Uuid> = reached.into_iter().map(OrganizationId::uuid).collect();
    let values = [user.uuid().into(), reached.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, PROVIDERS_BEYOND_SQL, values);
    let rows = request.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get("", "sso_provider")?)).collect()
}
