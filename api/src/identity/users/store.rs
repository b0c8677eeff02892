//! How accounts are stored.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::{UserRole, UserStatus, UserTier};
use entity::identity::{user, user_settings};
use entity::ids::{OrganizationId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, LockType};
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QuerySelect, Statement};
use uuid::Uuid;

use super::rules::ProfileChanges;
use crate::identity::IdentityErrorCode as Code;
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::held;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// A person, with the organizations it is an active member of: what tells who may know it.
#[derive(Clone, Debug)]
pub struct Person {
    pub user: Arc<user::Model>,
    pub organization_ids: Vec<OrganizationId>,
}

/// People by id, shared between concurrent requests; what a viewer sees of them is decided after loading.
pub struct People;

const ORGANIZATIONS_SQL: &str = "ARRAY(SELECT m.organization_id FROM tenancy.members m \
     WHERE m.user_id = held.id AND m.status = 'active')";

impl Load for People {
    type Key = UserId;
    type Value = Option<Arc<Person>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<UserId>) -> Result<HashMap<UserId, Self::Value>> {
        let ids = keys.into_iter().map(UserId::uuid).collect();
        let rows = held::by_id_with::<user::Entity, Vec<Uuid>>(context, ids, ORGANIZATIONS_SQL, |row, column| {
            Ok(row.try_get("", column)?)
        });
        let found = rows.await?.into_iter().map(|(user, organization_ids)| {
            let organization_ids = organization_ids.into_iter().map(OrganizationId).collect();
            (user.id, Some(Arc::new(Person { user, organization_ids })))
        });
        Ok(found.collect())
    }
}

/// The name of somebody in whose name something is done, whatever the viewer may read of them.
pub async fn name_of(request: &Request, id: UserId) -> Result<String> {
    let person = request.load::<People>(id).await?.ok_or(Error::NotFound)?;
    Ok(person.user.name.clone())
}

/// The live account of an address, for signing in and for adding people.
pub async fn by_email(connection: &impl ConnectionTrait, email: &str) -> Result<Option<user::Model>> {
    let query = Read::new(Viewer::System("an address is looked up")).visible::<user::Entity>();
    let lower = sea_orm::sea_query::Func::lower(Expr::col((user::Entity, user::Column::Email)));
    Ok(query
        .filter(sea_orm::sea_query::ExprTrait::eq(lower, email.to_lowercase()))
        .filter(user::Column::DeletedAt.is_null())
        .one(connection)
        .await?)
}

/// The live account, locked until the write ends: what concerns several rows of one account starts here.
/// Its grants come first, as for every write of its owner, so that none waits for another in a circle.
pub async fn lock(write: &Write<'_>, id: UserId, reason: &'static str) -> Result<Option<user::Model>> {
    let grants = "SELECT FROM platform.grant_versions WHERE subject_id = $1 FOR NO KEY UPDATE";
    let grants = Statement::from_sql_and_values(DbBackend::Postgres, grants, [id.uuid().into()]);
    write.connection().execute_raw(grants).await?;
    Ok(Read::new(Viewer::System(reason))
        .visible::<user::Entity>()
        .filter(user::Column::Id.eq(id))
        .filter(user::Column::DeletedAt.is_null())
        // Who refers to the account in a new row need not wait: it may hold what this write asks for next.
        .lock(LockType::NoKeyUpdate)
        .one(write.connection())
        .await?)
}

/// What a new account is made from. The password is hashed already.
pub struct NewUser {
    pub email: String,
    pub email_verified: bool,
    pub name: String,
    pub password_hash: Option<String>,
}

pub async fn insert(write: &Write<'_>, authority: &dyn Authority, new: NewUser) -> Result<user::Model> {
    let request = write.request();
    let now = request.now();
    let row = user::ActiveModel {
        id: Set(UserId(request.new_id())),
        email: Set(new.email),
        email_verified: Set(new.email_verified),
        email_verified_at: Set(new.email_verified.then_some(now)),
        password_hash: Set(new.password_hash.map(Into::into)),
        name: Set(new.name),
        role: Set(UserRole::User),
        tier: Set(UserTier::Free),
        timezone: Set("UTC".to_owned()),
        locale: Set("en-US".to_owned()),
        status: Set(if new.email_verified { UserStatus::Active } else { UserStatus::PendingVerification }),
        mfa_enabled: Set(false),
        metadata: Set(serde_json::json!({})),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let user = write.insert(authority, row).await.map_err(refused)?;
    let settings = user_settings::ActiveModel {
        user_id: Set(user.id),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, settings).await?;
    Ok(user)
}

/// What a refused address means.
pub fn refused(error: Error) -> Error {
    error
        .when_constraint("users_email_key", || {
            reject("email", Code::EmailTaken, "This address has an account already.")
        })
        .when_constraint("users_email_format", || reject("email", Code::EmailInvalid, "This is not an e-mail address."))
}

pub async fn update(
    write: &Write<'_>,
    granted: &Granted<user::Entity>,
    changes: ProfileChanges,
) -> Result<user::Model> {
    let mut row = user::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    let or_none = |text: String| Some(text).filter(|text| !text.is_empty());
    if let Some(name) = changes.name {
        row.name = Set(name);
    }
    if let Some(first_name) = changes.first_name {
        row.first_name = Set(or_none(first_name));
    }
    if let Some(last_name) = changes.last_name {
        row.last_name = Set(or_none(last_name));
    }
    if let Some(company) = changes.company {
        row.company = Set(or_none(company));
    }
    if let Some(bio) = changes.bio {
        row.bio = Set(or_none(bio));
    }
    if let Some(address) = changes.avatar_url {
        row.avatar_url = Set(or_none(address));
    }
    if let Some(timezone) = changes.timezone {
        row.timezone = Set(timezone);
    }
    if let Some(locale) = changes.locale {
        row.locale = Set(locale);
    }
    write.update(granted, row).await
}
