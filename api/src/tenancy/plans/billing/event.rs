//! What an event of the provider says, in our words. Only what is used is read, so that the provider may add to the rest.
//! Source: <https://docs.stripe.com/api/events>.

use chrono::{DateTime, Utc};
use entity::enums::SubscriptionStatus;
use entity::ids::AnyId;
use serde::Deserialize;
use serde_json::Value;

use crate::tenancy::plans::Owner;

/// An event.
#[derive(Debug, Deserialize)]
pub struct Event {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened, in seconds.
    created: i64,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: Value,
}

/// What it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// How a subscription is.
    Subscription(Box<Snapshot>),
    /// A subscription of this id was paid for.
    Paid(String),
    /// A payment for the subscription of this id failed.
    PaymentFailed(String),
    /// Nothing that matters here.
    Nothing,
}

/// How a subscription is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    pub id: String,
    pub customer: Option<String>,
    /// Whose it is, where the checkout said so.
    pub owner: Option<Owner>,
    /// None while the first payment is awaited.
    pub status: Option<SubscriptionStatus>,
    pub price: Option<String>,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub trial_end: Option<DateTime<Utc>>,
    pub canceled_at: Option<DateTime<Utc>>,
    /// Whether it is over.
    pub ended: bool,
}

#[derive(Deserialize)]
struct Subscription {
    id: String,
    customer: Option<Named>,
    status: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    items: Items,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
    trial_end: Option<i64>,
    canceled_at: Option<i64>,
    ended_at: Option<i64>,
}

#[derive(Default, Deserialize)]
struct Metadata {
    organization_id: Option<String>,
    user_id: Option<String>,
}

#[derive(Default, Deserialize)]
struct Items {
    #[serde(default)]
    data: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    price: Option<Named>,
    current_period_start: Option<i64>,
    current_period_end: Option<i64>,
}

/// An object, or its id alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Named {
    Id(String),
    Object { id: String },
}

impl Named {
    fn id(self) -> String {
        match self {
            Self::Id(id) | Self::Object { id } => id,
        }
    }
}

#[derive(Deserialize)]
struct Invoice {
    subscription: Option<Named>,
    parent: Option<Parent>,
}

#[derive(Deserialize)]
struct Parent {
    subscription_details: Option<SubscriptionDetails>,
}

#[derive(Deserialize)]
struct SubscriptionDetails {
    subscription: Option<Named>,
}

const LONGEST_ID: usize = 255;

impl Event {
    /// The event of a body, if it is one.
    pub fn read(body: &[u8]) -> Option<Self> {
        let event: Self = serde_json::from_slice(body).ok()?;
        let is_named = |text: &str| !text.is_empty() && text.len() <= LONGEST_ID && !text.contains('\0');
        (is_named(&event.id) && is_named(&event.kind) && event.happened_at().is_some()).then_some(event)
    }

    /// When it happened, to the second.
    pub fn happened_at(&self) -> Option<DateTime<Utc>> {
        instant(self.created).filter(crate::platform::filters::is_storable)
    }

    /// Whether it tells how a subscription is.
    pub fn is_snapshot(&self) -> bool {
        self.kind.starts_with("customer.subscription.")
    }

    /// What it tells; none when it does not have the form that its type says.
    pub fn told(&self) -> Option<Told> {
        let object = &self.data.object;
        match self.kind.as_str() {
            "invoice.paid" | "invoice.payment_succeeded" => Some(invoice(object)?.map_or(Told::Nothing, Told::Paid)),
            "invoice.payment_failed" => Some(invoice(object)?.map_or(Told::Nothing, Told::PaymentFailed)),
            "customer.subscription.created"
            | "customer.subscription.updated"
            | "customer.subscription.deleted"
            | "customer.subscription.paused"
            | "customer.subscription.resumed"
            | "customer.subscription.trial_will_end" => {
                let subscription = Subscription::deserialize(object).ok()?;
                let snapshot = subscription.snapshot(self.kind == "customer.subscription.deleted");
                Some(Told::Subscription(Box::new(snapshot)))
            }
            _ => Some(Told::Nothing),
        }
    }
}

/// The subscription of an invoice, if it is for one.
fn invoice(object: &Value) -> Option<Option<String>> {
    let Invoice { subscription, parent } = Invoice::deserialize(object).ok()?;
    let details = parent.and_then(|parent| parent.subscription_details);
    Some(subscription.or(details.and_then(|details| details.subscription)).map(Named::id))
}

fn instant(seconds: i64) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds, 0)
}

impl Subscription {
    fn snapshot(self, ended: bool) -> Snapshot {
        let status = match self.status.as_str() {
            _ if ended => Some(SubscriptionStatus::Canceled),
            "trialing" => Some(SubscriptionStatus::Trialing),
            "active" => Some(SubscriptionStatus::Active),
            "past_due" | "unpaid" | "paused" => Some(SubscriptionStatus::PastDue),
            "canceled" | "incomplete_expired" => Some(SubscriptionStatus::Canceled),
            _ => None,
        };
        let owner = self.metadata.owner();
        let item = self.items.data.into_iter().next();
        let (price, start, end) = item.map_or((None, None, None), |item| {
            (item.price.map(Named::id), item.current_period_start, item.current_period_end)
        });
        let period_end = self.current_period_end.or(end);
        // One that ended at once is not paid for any longer.
        let period_end = if ended { self.ended_at.or(period_end) } else { period_end };
        let time = |seconds: Option<i64>| seconds.and_then(instant).filter(crate::platform::filters::is_storable);
        Snapshot {
            id: self.id,
            customer: self.customer.map(Named::id),
            owner,
            status,
            price,
            current_period_start: time(self.current_period_start.or(start)),
            current_period_end: time(period_end),
            trial_end: time(self.trial_end),
            canceled_at: time(self.canceled_at.or(self.ended_at.filter(|_| ended))),
            ended,
        }
    }
}

impl Metadata {
    fn owner(&self) -> Option<Owner> {
        match (self.organization_id.as_deref().map(str::parse), self.user_id.as_deref().map(str::parse)) {
            (Some(Ok(AnyId::Organization(id))), _) => Some(Owner::Organization(id)),
            (None, Some(Ok(AnyId::User(id)))) => Some(Owner::User(id)),
            _ => None,
        }
    }
}
