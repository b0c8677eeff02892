//! The ways mail can go: through an SMTP server, into a folder, or into the log alone.

use std::path::PathBuf;
use std::time::Duration;

use lettre::message::Mailbox;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use uuid::Uuid;

use super::letter::Letter;
use crate::platform::clock::SharedClock;
use crate::platform::config::Config;
use crate::platform::errors::{Error, Result};

/// How long a mail server may take for one command.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(super) struct Transport {
    from: Mailbox,
    way: Way,
    /// In development a letter is shown in the log; elsewhere its links are nobody's business.
    shown: bool,
}

#[derive(Debug)]
enum Way {
    Smtp(Box<AsyncSmtpTransport<Tokio1Executor>>),
    Folder(PathBuf),
    Log,
}

/// Why a letter was not taken.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Trying again may help.
    ForNow(String),
    /// It will never be taken.
    ForGood(String),
}

impl Transport {
    pub(super) fn new(config: &Config) -> Result<Self> {
        let from = config.mail_from.parse().map_err(|error| Error::internal(format!("TRELLIS_MAIL_FROM: {error}")))?;
        let way = match (&config.mail_url, &config.mail_dir) {
            (Some(url), _) => {
                let smtp = AsyncSmtpTransport::<Tokio1Executor>::from_url(url.reveal());
                // The cause may hold the address with its password.
                let smtp = smtp.map_err(|_| Error::internal("TRELLIS_MAIL_URL is not the address of a mail server"))?;
                Way::Smtp(Box::new(smtp.timeout(Some(PATIENCE)).build()))
            }
            (None, Some(folder)) => Way::Folder(folder.clone()),
            (None, None) => Way::Log,
        };
        let shown = config.is_development() && !matches!(way, Way::Smtp(_));
        Ok(Self { from, way, shown })
    }

    pub(super) async fn send(&self, id: Uuid, letter: &Letter, clock: &SharedClock) -> Result<(), Refusal> {
        let message = letter.message(id, &self.from, clock.now());
        let message = message.map_err(|error| Refusal::ForGood(error.to_string()))?;
        if self.shown {
            let (to, subject) = (&message.envelope().to()[0], message.headers().get_raw("Subject").unwrap_or_default());
            tracing::info!(%to, subject, "a letter:\n{}", letter.text());
        }
        match &self.way {
            Way::Smtp(smtp) => match smtp.send(message).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(Refusal::ForGood(error.to_string())),
                Err(error) => Err(Refusal::ForNow(error.to_string())),
            },
            Way::Folder(folder) => put(folder, id, &message).await.map_err(|error| Refusal::ForNow(error.to_string())),
            Way::Log => Ok(()),
        }
    }
}

/// Puts the message into the folder, whole or not at all.
async fn put(folder: &PathBuf, id: Uuid, message: &Message) -> std::io::Result<()> {
    tokio::fs::create_dir_all(folder).await?;
    let (unfinished, finished) = (folder.join(format!(".{id}")), folder.join(format!("{id}.eml")));
    tokio::fs::write(&unfinished, message.formatted()).await?;
    tokio::fs::rename(&unfinished, &finished).await
}
