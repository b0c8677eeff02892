//! What an event changes.

use chrono::{DateTime, Utc};
use entity::enums::SubscriptionStatus;
use entity::tenancy::subscription;

use super::event::{Event, Snapshot, Told};
use super::store::{self, Latest, Outcome};
use crate::platform::config::PlanSettings;
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Platform, Request};
use crate::platform::write::Write;
use crate::tenancy::plans::rules::{self as plans, Terms};
use crate::tenancy::plans::store as subscriptions;

/// Carries out an event, once. `body` is what was signed.
pub async fn receive(platform: &Platform, event: &Event, body: &[u8]) -> Result<Outcome> {
    let request = Request::as_system(platform, "the provider of payments tells what was paid");
    let mut write = request.begin_write_of_grants().await?;
    let happened_at = event.happened_at().ok_or_else(|| Error::internal("an event has no time"))?;
    if !store::claim(&write, event, body, happened_at).await? {
        return Ok(Outcome::Replayed);
    }
    let told = event.told().unwrap_or(Told::Nothing);
    let held = match &told {
        Told::Nothing => None,
        Told::Paid(id) | Told::PaymentFailed(id) => subscriptions::locked_by_provider_id(&write, id).await?,
        Told::Subscription(snapshot) => find(&write, snapshot).await?,
    };
    let outcome = match &held {
        None => Outcome::Ignored,
        Some(held) => {
            let latest = store::latest(&write, held.id).await?;
            let terms = after(held, event, &told, latest, happened_at, &platform.config.plans);
            let outcome = if terms.is_some() { Outcome::Applied } else { Outcome::Stale };
            if let Some(terms) = terms
                && terms != Terms::of(held)
            {
                let updated = subscriptions::update(&write, held, terms).await?;
                write.record(&plans::event(&updated));
            }
            outcome
        }
    };
    store::note(&write, event, held.as_ref().map(|held| held.id), outcome).await?;
    write.commit(outcome).await?;
    Ok(outcome)
}

/// The subscription that a snapshot speaks of, locked. One that nobody has yet becomes its owner's, unless it is over.
async fn find(write: &Write<'_>, snapshot: &Snapshot) -> Result<Option<subscription::Model>> {
    if let Some(held) = subscriptions::locked_by_provider_id(write, &snapshot.id).await? {
        return Ok(Some(held));
    }
    let owner = match (snapshot.owner, &snapshot.customer) {
        (Some(owner), _) => Some(owner),
        (None, Some(customer)) => subscriptions::owner_of_customer(write, customer).await?,
        (None, None) => None,
    };
    let Some(owner) = owner.filter(|_| !snapshot.ended && snapshot.status.is_some()) else { return Ok(None) };
    let is_known_price = snapshot.price.as_ref().is_some_and(|id| price(write, id));
    if !is_known_price || !subscriptions::exists(write, owner).await? {
        return Ok(None);
    }
    subscriptions::locked(write, owner).await.map(Some)
}

fn price(write: &Write<'_>, id: &str) -> bool {
    let is_known = write.request().platform.config.plans.price(id).is_some();
    if !is_known {
        tracing::warn!(price = id, "TRELLIS_BILLING_PRICES does not name a price that somebody pays");
    }
    is_known
}

/// What the subscription says after the event; none when everything that the event tells is out of date.
fn after(
    held: &subscription::Model,
    event: &Event,
    told: &Told,
    latest: Latest,
    happened_at: DateTime<Utc>,
    settings: &PlanSettings,
) -> Option<Terms> {
    let order = store::order(event, happened_at);
    let mut terms = Terms::of(held);
    terms.last_billing_event_at = terms.last_billing_event_at.max(Some(happened_at));
    let is_news_of_status = latest.of_anything.is_none_or(|latest| order >= latest);
    let status = match told {
        Told::Nothing => None,
        Told::Paid(_) => (held.status == SubscriptionStatus::PastDue).then_some(SubscriptionStatus::Active),
        Told::PaymentFailed(_) => (held.status != SubscriptionStatus::Canceled).then_some(SubscriptionStatus::PastDue),
        Told::Subscription(snapshot) => {
            if latest.of_subscription.is_some_and(|latest| order < latest) {
                return None;
            }
            snapshot.fill(&mut terms, settings);
            snapshot.status
        }
    };
    match (status, is_news_of_status) {
        (Some(status), true) => {
            terms.past_due_since = (status == SubscriptionStatus::PastDue)
                .then_some(held.past_due_since.filter(|_| held.status == status).unwrap_or(happened_at));
            terms.status = status;
        }
        (_, false) if !event.is_snapshot() => return None,
        _ => {}
    }
    Some(terms)
}

impl Snapshot {
    /// Everything but the status, which invoices tell of too.
    fn fill(&self, terms: &mut Terms, settings: &PlanSettings) {
        if let Some(price) = self.price.as_deref().and_then(|id| settings.price(id)) {
            terms.plan = price.plan;
            terms.billing_cycle = price.cycle;
        }
        terms.stripe_subscription_id = Some(self.id.clone());
        terms.stripe_price_id.clone_from(&self.price);
        terms.current_period_start = self.current_period_start;
        terms.current_period_end = self.current_period_end;
        terms.trial_end = self.trial_end;
        terms.canceled_at = self.canceled_at;
    }
}
