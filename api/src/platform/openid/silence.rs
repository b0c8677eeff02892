//! A provider that did not answer is not asked again at once, so that a crowd does not wait for it one after the other.

use chrono::{DateTime, TimeDelta, Utc};

use super::ProviderError;

const PAUSE: TimeDelta = TimeDelta::seconds(5);

/// Since when a provider is silent, if it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence(Option<DateTime<Utc>>);

impl Silence {
    pub fn since(now: DateTime<Utc>) -> Self {
        Self(Some(now))
    }

    /// Refuses for some seconds after it did not answer.
    pub fn refuse_within(self, now: DateTime<Utc>) -> Result<(), ProviderError> {
        match self.0.is_some_and(|since| now - since < PAUSE) {
            true => Err(ProviderError::Unreachable("it did not answer a moment ago".to_owned())),
            false => Ok(()),
        }
    }
}
