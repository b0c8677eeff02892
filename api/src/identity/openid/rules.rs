//! What coming back from a provider is good for: signing in, linking it, proving again who one is.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::OpenIdPurpose;
use entity::identity::{oauth_connection, user};

use super::accounts::{self, Account};
use super::journeys::{self, Arrival, Return};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::identity::sign_in::{self, Entry};
use crate::identity::{oauth_connections, sessions};
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Committed;

/// By how much a provider's clock may be behind.
const LEEWAY: TimeDelta = TimeDelta::seconds(30);

/// Signs in, or signs up.
pub(super) async fn sign_in(request: &Request, back: &Return) -> Result<Entry> {
    let Arrival { provider, identity, .. } = journeys::come_back(request, OpenIdPurpose::SignIn, back).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let Account { user, through } = accounts::of_arrival(&mut write, &provider, &identity).await?;
    sign_in::enter(write, &user, Some(&through)).await
}

/// Links the provider to the viewer's account.
pub(super) async fn link(request: &Request, back: &Return) -> Result<Committed<oauth_connection::Model>> {
    request.user_id()?;
    let Arrival { provider, identity, .. } = journeys::come_back(request, OpenIdPurpose::Link, back).await?;
    oauth_connections::link(request, &provider, &identity).await
}

/// Proves again who the viewer is, by a provider that is linked to the account and says that it asked just now. An account
/// with a second factor takes its code instead, as everywhere.
pub(super) async fn reauthenticate(request: &Request, back: &Return) -> Result<Committed<DateTime<Utc>>> {
    let id = request.user_id()?;
    let arrival = journeys::come_back(request, OpenIdPurpose::Reauthenticate, back).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    if user.mfa_enabled {
        return Err(reject("", Code::CodeInvalid, "Your account has a second factor: use reauthenticate with a code."));
    }
    let connection = oauth_connections::find(write.connection(), &arrival.provider, &arrival.identity).await?;
    let is_own = connection.is_some_and(|connection| connection.user_id == id);
    let is_anew = arrival.identity.authenticated_at.is_some_and(|proved| proved + LEEWAY >= arrival.set_out_at);
    if !is_own || !is_anew {
        let message = "The provider did not ask again who you are, or said somebody else.";
        return Err(reject("", Code::ProviderRefused, message));
    }
    let authenticated_at = sessions::mark_authenticated(&write).await?;
    write.record(&IdentityEvent::Reauthenticated { user: id });
    write.commit(authenticated_at).await
}

/// What a token that nobody may come in by is told as. The log has the cause.
pub(super) fn shut_out(error: Error) -> Error {
    match error {
        refused @ Error::Rejected(_) => {
            tracing::info!(cause = %refused, "nobody comes in by this foreign token");
            Error::Unauthenticated
        }
        other => other,
    }
}
