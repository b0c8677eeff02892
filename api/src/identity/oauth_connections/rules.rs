//! When an account at an identity provider is linked and unlinked. It is only its owner's.

use entity::identity::{oauth_connection, user};
use entity::ids::OauthConnectionId;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait};

use super::store;
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::identity::{mfa, sessions};
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::errors::{Result, reject};
use crate::platform::mail::Letter;
use crate::platform::openid::{Identity, Provider};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

impl Resource for oauth_connection::Entity {
    type Id = OauthConnectionId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[];

    fn id(row: &oauth_connection::Model) -> OauthConnectionId {
        row.id
    }

    fn id_column() -> oauth_connection::Column {
        oauth_connection::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &oauth_connection::Model) -> ActionSet {
        match viewer.user_id() == Some(row.user_id) {
            true => ActionSet::of(&[Action::Read, Action::Delete]),
            false => ActionSet::NONE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.user_id().map_or_else(nothing, |id| Condition::all().add(oauth_connection::Column::UserId.eq(id)))
    }
}

/// The connection of somebody whom a provider let in. A provider that became another issuer under its old name knows
/// other people, even if it calls one the same.
pub async fn find(
    connection: &impl ConnectionTrait,
    provider: &Provider,
    identity: &Identity,
) -> Result<Option<oauth_connection::Model>> {
    let found = store::of_subject(connection, &provider.settings.id, &identity.subject).await?;
    match found {
        Some(found) if found.issuer != identity.issuer => {
            tracing::error!(
                provider = provider.settings.id,
                before = found.issuer,
                now = identity.issuer,
                "a provider became another issuer under the same id: give it an id of its own"
            );
            Err(reject("", Code::ProviderRefused, "The provider is not the one that it was."))
        }
        found => Ok(found),
    }
}

/// Makes the account at the provider another way to sign in to the viewer's account.
pub async fn link(
    request: &Request,
    provider: &Provider,
    identity: &Identity,
) -> Result<Committed<oauth_connection::Model>> {
    let id = request.user_id()?;
    let mut write = request.begin_unrepeatable_write().await?;
    store::hold_subject(&write, &provider.settings.id, &identity.subject).await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    sessions::require_recent_authentication(&write).await?;
    if find(write.connection(), provider, identity).await?.is_some() {
        return Err(store::taken());
    }
    let connection = store::insert(&write, &user, id, &provider.settings.id, identity).await?;
    announce(&mut write, &user, provider_name(request, &connection), "can be used to sign in to");
    write.record(&IdentityEvent::ConnectionLinked { user: id });
    write.commit(connection).await
}

/// Takes a way to sign in away, with the sessions that were opened by it. The present one may stay, and counts as opened
/// without a provider. Never the last way.
pub(super) async fn unlink(request: &Request, id: OauthConnectionId) -> Result<Committed<OauthConnectionId>> {
    let user_id = request.user_id()?;
    let mut write = request.begin_write_of_sessions().await?;
    // The account first, so that of two who unlink the last two ways at once one is refused.
    let user = write.granted::<user::Entity>(user_id, Action::Edit).await?;
    let connection = write.granted::<oauth_connection::Entity>(id, Action::Delete).await?;
    sessions::require_recent_authentication(&write).await?;
    let others = store::of_user(&write, user_id).await?;
    let is_way =
        |other: &oauth_connection::Model| other.id != id && request.platform.providers.get(&other.provider).is_some();
    if user.password_hash.is_none() && !others.iter().any(is_way) {
        return Err(reject(
            "id",
            Code::LastWay,
            "It is the last way to sign in. Set a password first, or link another.",
        ));
    }
    sessions::end_of_connection(&write, id, write.viewer().session_id()).await?;
    mfa::end_challenges(&write, user_id).await?;
    announce(&mut write, &user, provider_name(request, &connection), "can no longer be used to sign in to");
    write.delete(connection).await?;
    write.record(&IdentityEvent::ConnectionUnlinked { user: user_id });
    write.commit(id).await
}

/// What people call the provider of a connection; its id when it is not set any more.
pub(super) fn provider_name(request: &Request, connection: &oauth_connection::Model) -> String {
    let provider = request.platform.providers.get(&connection.provider);
    provider.map_or_else(|| connection.provider.clone(), |provider| provider.settings.name.clone())
}

fn announce(write: &mut Write<'_>, user: &user::Model, provider: String, what: &str) {
    let letter = Letter::new(&user.email, "How you sign in was changed")
        .paragraph(format!("An account at {provider} {what} your Trellis account."))
        .paragraph("If it was not you, reset your password at once, and ask whoever runs this server for help.");
    write.send(letter);
}
