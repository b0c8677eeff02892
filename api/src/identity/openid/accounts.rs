//! Whose account it is that a provider speaks of. Found by provider and subject alone. Somebody who is not known gets an
//! account of their own, if the provider has verified an address that has none yet: an account is never given to
//! somebody because of an address, however sure a provider is of it.

use entity::enums::UserStatus;
use entity::identity::user;

use crate::identity::IdentityErrorCode as Code;
use crate::identity::sessions::Through;
use crate::identity::users::NewUser;
use crate::identity::{oauth_connections, sign_in, users};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::openid::{Identity, Provider};
use crate::platform::write::Write;
use crate::tenancy::single_sign_on;

/// The account, locked, and how its owner came in.
pub struct Account {
    pub user: user::Model,
    pub through: Through,
}

/// The account of somebody whom a provider let in; a new one, if they are new.
pub async fn of_arrival(write: &mut Write<'_>, provider: &Provider, identity: &Identity) -> Result<Account> {
    let id = &provider.settings.id;
    oauth_connections::hold_subject(write, id, &identity.subject).await?;
    let (user, connection_id) = match oauth_connections::find(write.connection(), provider, identity).await? {
        Some(known) => {
            let user = users::lock(write, known.user_id, "the provider says who it is").await?;
            let user = user.filter(|user| user.status != UserStatus::Suspended).ok_or_else(closed)?;
            let known = oauth_connections::lock(write, known.id).await?.ok_or(Error::Conflict)?;
            oauth_connections::note_use(write, &known, identity.email.as_deref()).await?;
            (user, known.id)
        }
        None => {
            let user = new(write, provider, identity).await?;
            let authority = write.as_system("an account is made by somebody who has none yet");
            let connection = oauth_connections::insert(write, &authority, user.id, id, identity).await?;
            (user, connection.id)
        }
    };
    let domain = vouched_domain(identity);
    if let Some(domain) = &domain {
        single_sign_on::join(write, user.id, provider, domain).await?;
    }
    let authenticated_at = identity.authenticated_at;
    Ok(Account { user, through: Through { provider: id.clone(), connection_id, domain, authenticated_at } })
}

/// The domain of the address that the provider vouches for, as organizations list it.
pub fn vouched_domain(identity: &Identity) -> Option<String> {
    let email = checks::email("", identity.email.as_deref()?, Code::EmailUnverified).ok()?;
    let (_, domain) = email.rsplit_once('@')?;
    Some(domain.to_ascii_lowercase())
}

async fn new(write: &mut Write<'_>, provider: &Provider, identity: &Identity) -> Result<user::Model> {
    let unverified = || {
        reject(
            "",
            Code::EmailUnverified,
            "The provider tells no address that it has verified, and an account needs one.",
        )
    };
    let email = identity.email.as_deref().ok_or_else(unverified)?;
    let email = checks::email("", email, Code::EmailUnverified)?;
    if !provider.settings.vouches_for(&email) {
        return Err(unverified());
    }
    if users::by_email(write.connection(), &email).await?.is_some() {
        return Err(has_account());
    }
    let named = |name: &str| checks::required_text("", name, 255, Code::NameRequired, Code::TextInvalid).ok();
    let local = email.split('@').next().unwrap_or(&email).to_owned();
    let name = identity.name.as_deref().and_then(named).unwrap_or(local);
    let new = NewUser { email, email_verified: true, name, password_hash: None };
    let made = sign_in::insert_account(write, new).await;
    // Somebody signed up with it at the same moment.
    made.map_err(|error| match error {
        Error::Rejected(reasons) if reasons.iter().any(|reason| reason.code == "EMAIL_TAKEN") => has_account(),
        other => other,
    })
}

/// Whoever hears this has proved to the provider that the address is theirs.
fn has_account() -> Error {
    let message = "An account has this address already. Sign in to it as before, and link the provider there.";
    reject("", Code::AccountExists, message)
}

fn closed() -> Error {
    reject("", Code::ProviderRefused, "The account that the provider speaks of cannot be used.")
}
