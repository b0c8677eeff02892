//! How invitations are stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{MemberRole, MemberStatus, OrganizationStatus, UserStatus};
use entity::identity::user;
use entity::ids::{InvitationId, OrganizationId, UserId};
use entity::tenancy::invitation::{self, Column, Entity, Model};
use entity::tenancy::{member, organization};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Func};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, JoinType, PaginatorTrait, QueryFilter,
    QuerySelect, RelationTrait, Select,
};

use super::rules::Found;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::clock::token_hash;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The invitations of these organizations.
pub fn of_organizations(organizations: Vec<OrganizationId>) -> Condition {
    Condition::all().add(Column::OrganizationId.eq_any(organizations))
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a row stands in a list, the newest first.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of invitations below each of many organizations.
pub struct BelowOrganizations;

impl Load for BelowOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.organization_id);
        children::visible_pages::<Entity, _>(context, keys, Column::OrganizationId, &NEWEST, parent).await
    }
}

/// How many invitations each organization has.
pub struct CountBelowOrganizations;

impl Load for CountBelowOrganizations {
    type Key = OrganizationId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::OrganizationId, &keys).await
    }
}

/// How many invitations of the organization wait for an answer and are good at this moment.
pub async fn count_open(write: &Write<'_>, organization: OrganizationId) -> Result<u64> {
    let all = write.read().visible::<Entity>().filter(Column::OrganizationId.eq(organization));
    let open = all
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::DeclinedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(write.request().now()));
    Ok(open.count(write.connection()).await?)
}

/// The invitation, if the viewer may read it.
pub async fn visible(write: &Write<'_>, id: InvitationId) -> Result<Option<Model>> {
    let invitations = write.read().visible::<Entity>();
    Ok(invitations.filter(Column::Id.eq(id)).one(write.connection()).await?)
}

/// What the row of a new invitation is made from.
pub struct NewRow<'a> {
    pub id: Option<InvitationId>,
    pub email: Option<String>,
    pub role: MemberRole,
    pub token: &'a str,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(write: &Write<'_>, organization: &Granted<organization::Entity>, new: NewRow<'_>) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = invitation::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(organization.id),
        email: Set(new.email),
        role: Set(new.role),
        token_hash: Set(token_hash(new.token).into()),
        invited_by: Set(write.viewer().user_id()),
        last_sent_at: Set(now),
        expires_at: Set(new.expires_at),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(organization, row).await.map_err(refused)
}

/// The row with another token and a new life. Who renews it is the one who invites from now on.
pub async fn renew(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    token: &str,
    expires_at: DateTime<Utc>,
) -> Result<Model> {
    let row = invitation::ActiveModel {
        token_hash: Set(token_hash(token).into()),
        invited_by: Set(write.viewer().user_id()),
        last_sent_at: Set(write.request().now()),
        expires_at: Set(expires_at),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

pub async fn revoke(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = invitation::ActiveModel { revoked_at: Set(Some(write.request().now())), ..changed(write, granted) };
    write.update(granted, row).await
}

pub async fn accept(write: &Write<'_>, authority: &dyn Authority, row: &Model, user: UserId) -> Result<Model> {
    let accepted = invitation::ActiveModel {
        accepted_by: Set(Some(user)),
        accepted_at: Set(Some(write.request().now())),
        ..changed(write, row)
    };
    write.update_below(authority, accepted).await
}

pub async fn decline(write: &Write<'_>, authority: &dyn Authority, row: &Model) -> Result<Model> {
    let declined = invitation::ActiveModel { declined_at: Set(Some(write.request().now())), ..changed(write, row) };
    write.update_below(authority, declined).await
}

fn changed(write: &Write<'_>, row: &Model) -> invitation::ActiveModel {
    invitation::ActiveModel {
        id: Set(row.id),
        version: Set(row.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

fn with_token(token: &str) -> Select<Entity> {
    let invitations = Read::new(Viewer::System("an invitation is looked up by its token"));
    invitations.visible::<Entity>().filter(Column::TokenHash.eq(token_hash(token)))
}

/// Whose invitation is answered: that of a token, or one to a confirmed address.
#[derive(Debug)]
pub enum Answered<'a> {
    WithToken(&'a str),
    ToAddress { id: InvitationId, email: &'a str },
}

impl Answered<'_> {
    fn select(&self) -> Select<Entity> {
        match self {
            Self::WithToken(token) => with_token(token),
            Self::ToAddress { id, email } => to_address(email).filter(Column::Id.eq(*id)),
        }
    }
}

fn to_address(email: &str) -> Select<Entity> {
    let invitations = Read::new(Viewer::System("who has confirmed an address is the one who is invited by it"));
    let address = Expr::expr(Func::lower(Expr::col(Column::Email.as_column_ref())));
    invitations.visible::<Entity>().filter(address.eq(email.to_lowercase()))
}

/// An invitation as whom it is for sees it.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Received {
    pub id: InvitationId,
    pub role: MemberRole,
    pub organization_name: String,
    pub inviter_name: String,
    pub last_sent_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    created_at: DateTime<Utc>,
}

/// Where a received invitation stands in a list, the newest first.
pub fn place_received(row: &Received) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// What `Found::if_good` asks for, in a query.
const GOOD_SQL: &str = "EXISTS (\
    SELECT FROM tenancy.organizations AS organization \
    JOIN tenancy.members AS member ON member.organization_id = organization.id \
    JOIN identity.users AS account ON account.id = member.user_id \
    WHERE organization.id = invitations.organization_id \
        AND organization.deleted_at IS NULL AND organization.status = 'active' \
        AND member.user_id = invitations.invited_by AND member.status = 'active' \
        AND (member.role = 'owner' OR member.role = 'admin' AND invitations.role <> 'owner') \
        AND account.deleted_at IS NULL AND account.status <> 'suspended')";

/// As the index of addresses has it.
const UNANSWERED_SQL: &str =
    "num_nonnulls(invitations.accepted_at, invitations.declined_at, invitations.revoked_at) = 0";

fn good_to_address(request: &Request, email: &str) -> Select<Entity> {
    to_address(email)
        .filter(Expr::cust(UNANSWERED_SQL))
        .filter(Column::ExpiresAt.gt(request.now()))
        .filter(Expr::cust(GOOD_SQL))
}

/// A page of the good invitations to the address.
pub async fn received(request: &Request, email: &str, page: &Page) -> Result<Slice<Received>> {
    let inviter = Entity::belongs_to(user::Entity).from(Column::InvitedBy).to(user::Column::Id);
    let named = good_to_address(request, email)
        .join(JoinType::InnerJoin, invitation::Relation::Organization.def())
        .join(JoinType::InnerJoin, inviter.into())
        .column_as(organization::Column::Name, "organization_name")
        .column_as(user::Column::Name, "inviter_name");
    let rows = page.apply(named, &NEWEST)?.into_model::<Received>().all(&request.connection()).await?;
    Ok(page.slice(rows))
}

pub async fn count_received(request: &Request, email: &str) -> Result<i64> {
    request.count(good_to_address(request, email)).await
}

/// The invitation of a token, whatever became of it.
pub async fn by_token(connection: &impl ConnectionTrait, token: &str) -> Result<Option<Found>> {
    let Some(invitation) = with_token(token).one(connection).await? else { return Ok(None) };
    let organization = live_organization(invitation.organization_id).one(connection).await?;
    Ok(Some(Found { inviter: inviter(connection, &invitation).await?, invitation, organization }))
}

/// The invitation that is answered, locked, so that of two answers the second sees the first. The organization is held before: while it is,
/// nobody's role in it changes.
pub async fn lock_answered(write: &Write<'_>, answered: &Answered<'_>) -> Result<Option<Found>> {
    let connection = write.connection();
    let Some(known) = answered.select().one(connection).await? else { return Ok(None) };
    let organization = live_organization(known.organization_id).lock_shared().one(connection).await?;
    let Some(invitation) = answered.select().lock_exclusive().one(connection).await? else { return Ok(None) };
    Ok(Some(Found { inviter: inviter(connection, &invitation).await?, invitation, organization }))
}

fn system() -> Read {
    Read::new(Viewer::System("the token of an invitation is the grant"))
}

fn live_organization(id: OrganizationId) -> Select<organization::Entity> {
    system()
        .visible::<organization::Entity>()
        .filter(organization::Column::Id.eq(id))
        .filter(organization::Column::DeletedAt.is_null())
        .filter(organization::Column::Status.eq(OrganizationStatus::Active))
}

/// Who invites, if that is an active member of the organization.
async fn inviter(
    connection: &impl ConnectionTrait,
    invitation: &Model,
) -> Result<Option<(user::Model, member::Model)>> {
    let Some(id) = invitation.invited_by else { return Ok(None) };
    let membership = system()
        .visible::<member::Entity>()
        .filter(member::Column::OrganizationId.eq(invitation.organization_id))
        .filter(member::Column::UserId.eq(id))
        .filter(member::Column::Status.eq(MemberStatus::Active))
        .one(connection)
        .await?;
    let account = system()
        .visible::<user::Entity>()
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::DeletedAt.is_null())
        .filter(user::Column::Status.ne(UserStatus::Suspended))
        .one(connection)
        .await?;
    Ok(account.zip(membership))
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("invitations_open_key", || {
            reject("email", Code::AlreadyInvited, "This address has an open invitation. Send that again instead.")
        })
        .when_constraint("invitations_email_format", || {
            reject("email", Code::EmailInvalid, "This is not an e-mail address.")
        })
        .when_constraint("invitations_pkey", || checks::id_taken(Code::IdTaken))
}
