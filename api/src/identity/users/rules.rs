//! What may happen to an account, and by whom. An account is only its owner's.

use entity::identity::user;
use entity::ids::UserId;
use entity::tenancy::member;
use sea_orm::{ColumnTrait, Condition};

use super::store::{self, Person};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing, within_scopes};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;

impl Resource for user::Entity {
    type Id = UserId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ProfileRead, ActionSet::of(&[Action::Read]))];

    fn id(row: &user::Model) -> UserId {
        row.id
    }

    fn id_column() -> user::Column {
        user::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &user::Model) -> ActionSet {
        if viewer.account_id() == Some(row.id) && row.deleted_at.is_none() {
            ActionSet::of(&[Action::Read, Action::Edit])
        } else {
            ActionSet::NONE
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.account_id().map_or_else(nothing, |id| Condition::all().add(user::Column::Id.eq(id)))
    }
}

/// Whether the viewer knows the person: itself, or somebody in an organization of both. A key knows whom it may read.
pub fn knows(viewer: &Viewer, person: &Person) -> bool {
    let is_itself = viewer.account_id() == Some(person.user.id);
    let is_colleague = || {
        let organizations = viewer.grants().map(|grants| &grants.organizations);
        organizations.is_some_and(|known| person.organization_ids.iter().any(|id| known.contains_key(id)))
    };
    viewer.is_system()
        || (is_itself && within_scopes::<user::Entity>(viewer).contains(Action::Read))
        || (is_colleague() && within_scopes::<member::Entity>(viewer).contains(Action::Read))
}

/// What may be changed; none leaves it as it is, an empty text removes it.
#[derive(Default)]
pub struct ProfileChanges {
    pub name: Option<String>,
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub company: Option<String>,
    pub bio: Option<String>,
    pub avatar_url: Option<String>,
    pub timezone: Option<String>,
    pub locale: Option<String>,
}

/// Changes the viewer's own profile.
pub async fn update_profile(
    request: &Request,
    expected_version: Option<i32>,
    changes: ProfileChanges,
) -> Result<Committed<user::Model>> {
    let changes = check(changes)?;
    let id = request.user_id()?;
    let mut write = request.begin_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, user.version, Code::Conflict, "The profile changed since you read it.")?;
    let updated = store::update(&write, &user, changes).await?;
    write.record(&IdentityEvent::UserUpdated { user: id });
    write.commit(updated).await
}

fn check(changes: ProfileChanges) -> Result<ProfileChanges> {
    let line = |field, text: Option<String>, most| {
        text.map(|text| checks::limited_line(field, text.trim(), most, Code::TextInvalid)).transpose()
    };
    if let Some(timezone) = &changes.timezone
        && timezone.parse::<chrono_tz::Tz>().is_err()
    {
        return Err(reject("timezone", Code::TimezoneInvalid, "This is not an IANA time zone."));
    }
    if let Some(locale) = &changes.locale
        && checks::language(locale).as_ref() != Some(locale)
    {
        return Err(reject("locale", Code::LocaleInvalid, "Write the locale as \"en\" or \"en-US\"."));
    }
    Ok(ProfileChanges {
        name: changes
            .name
            .map(|name| checks::required_text("name", &name, 255, Code::NameRequired, Code::TextInvalid))
            .transpose()?,
        first_name: line("firstName", changes.first_name, 100)?,
        last_name: line("lastName", changes.last_name, 100)?,
        company: line("company", changes.company, 255)?,
        bio: changes.bio.map(|text| checks::limited_text("bio", text.trim(), 2_000, Code::TextInvalid)).transpose()?,
        avatar_url: changes
            .avatar_url
            .map(|address| match address.is_empty() {
                true => Ok(address),
                false => checks::web_address("avatarUrl", &address, Code::TextInvalid),
            })
            .transpose()?,
        timezone: changes.timezone,
        locale: changes.locale,
    })
}
