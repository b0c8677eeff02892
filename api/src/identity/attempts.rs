//! How often a secret may be guessed and mail be asked for: by account or address, and by network. An address counts
//! whether it has an account or not, and what a guesser uses up at one network does not lock its owner out at another
//! before many networks are at it.

use std::time::Duration;

use entity::ids::{OrganizationId, UserId};

use super::IdentityErrorCode as Code;
use crate::platform::errors::{Error, Result, reject_for};
use crate::platform::limits::{Rate, TooMany, network};
use crate::platform::request::Request;

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub enum Attempt<'a> {
    /// A password for an address.
    SignIn { email: &'a str },
    /// A new account.
    SignUp,
    /// A mail to whoever has the address.
    MailTo { email: &'a str },
    /// The token of a link.
    Link,
    /// A way to an identity provider.
    Journey,
    /// An invitation, to an address or as a link.
    Invite { by: UserId, into: OrganizationId, email: Option<&'a str> },
    /// The password or a code of somebody who is known already.
    Proof { user: UserId },
}

const MINUTE: Duration = Duration::from_mins(1);

/// From one network on one address, or on one account.
const CLOSE: Rate = Rate { burst: 10, pause: MINUTE };
/// From everywhere on one address.
const WIDE: Rate = Rate { burst: 100, pause: Duration::from_secs(10) };
const MAILS: Rate = Rate { burst: 5, pause: Duration::from_mins(5) };
/// Mails of many to one address.
const WIDE_MAILS: Rate = Rate { burst: 30, pause: Duration::from_mins(5) };
/// By one account to anybody: a team at once, and then one after the other.
const INVITATIONS: Rate = Rate { burst: 100, pause: MINUTE };

impl Attempt<'_> {
    /// What is counted, how, and how often it may be.
    fn counts(self, request: &Request) -> Vec<(&'static str, String, Rate)> {
        let network = request.origin.ip.map(|address| network(address).to_string());
        let network = network.unwrap_or_else(|| "nowhere".to_owned());
        let from_network = {
            let burst = request.platform.config.attempts_per_network;
            Rate { burst, pause: Duration::from_mins(15) / burst.max(1) }
        };
        let everything = |operation| (operation, network.clone(), from_network);
        match self {
            Self::SignIn { email } => {
                let email = folded(email);
                vec![
                    ("sign_in_from", format!("{network} {email}"), CLOSE),
                    ("sign_in_to", email, WIDE),
                    everything("sign_in"),
                ]
            }
            Self::SignUp => vec![everything("sign_up")],
            Self::MailTo { email } => vec![("mail_to", folded(email), MAILS), everything("mail")],
            Self::Link => vec![everything("link")],
            Self::Journey => vec![everything("journey")],
            // Apart from the other mails, or a stranger's invitations would keep people from resetting their password.
            Self::Invite { by, into, email } => {
                let to = email.map(|email| {
                    let email = folded(email);
                    // Many may invite the same person, and who overdoes it keeps nobody else from it.
                    [("invite_into", format!("{into} {email}"), MAILS), ("invite_to", email, WIDE_MAILS)]
                });
                to.into_iter().flatten().chain([("invite", by.to_string(), INVITATIONS)]).collect()
            }
            Self::Proof { user } => vec![("proof", user.to_string(), CLOSE), everything("sign_in")],
        }
    }
}

fn folded(email: &str) -> String {
    email.trim().to_lowercase()
}

/// Counts the attempt, or refuses it as RATE_LIMITED.
pub async fn count(request: &Request, attempt: Attempt<'_>) -> Result<()> {
    for (operation, subject, rate) in attempt.counts(request) {
        request.platform.limits.take(operation, &subject, rate).await.map_err(refused)?;
    }
    Ok(())
}

/// The attempt was good: those before it on the same address or account are forgiven. Those of the network are not, or
/// one account of their own would give guessers as many attempts as they like.
pub async fn forgive(request: &Request, attempt: Attempt<'_>) {
    if let Some((operation, subject, _)) = attempt.counts(request).first() {
        request.platform.limits.forget(operation, subject).await;
    }
}

fn refused(TooMany { retry_after }: TooMany) -> Error {
    let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
    reject_for(seconds, Code::RateLimited, format!("Too many attempts. Try again in {seconds} seconds."))
}
