//! What a subscription is good for at a moment. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::{Plan, SubscriptionStatus};
use entity::tenancy::subscription::{Model, SubscriptionLimits};

use crate::platform::config::PlanSettings;

/// What of a subscription its standing depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    pub status: SubscriptionStatus,
    pub trial_end: Option<DateTime<Utc>>,
    pub past_due_since: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
}

impl From<&Model> for Payment {
    fn from(row: &Model) -> Self {
        Self {
            status: row.status,
            trial_end: row.trial_end,
            past_due_since: row.past_due_since,
            current_period_end: row.current_period_end,
        }
    }
}

impl Payment {
    /// Whether it is paid for, in its trial, or so shortly unpaid that it changes nothing.
    pub fn is_good(self, settings: &PlanSettings, now: DateTime<Utc>) -> bool {
        let lasts = |end: Option<DateTime<Utc>>| end.is_some_and(|end| now < end);
        match self.status {
            SubscriptionStatus::Active => true,
            SubscriptionStatus::Trialing => self.trial_end.is_none() || lasts(self.trial_end),
            SubscriptionStatus::PastDue => {
                lasts(self.past_due_since.map(|since| since + TimeDelta::days(settings.billing_grace_days)))
            }
            SubscriptionStatus::Canceled => lasts(self.current_period_end),
        }
    }
}

/// What it leaves room for. Without good standing that is what the free plan allows; what is there already stays.
pub fn limits(row: Option<&Model>, plan: Plan, settings: &PlanSettings, now: DateTime<Utc>) -> SubscriptionLimits {
    match row {
        None => settings.limits(plan),
        Some(row) if !Payment::from(row).is_good(settings, now) => settings.limits(Plan::Free),
        Some(row) => row.limits.unwrap_or_else(|| settings.limits(row.plan)),
    }
}

#[cfg(test)]
mod tests {
    use entity::enums::BillingCycle;
    use entity::ids::SubscriptionId;
    use uuid::Uuid;

    use super::*;
    use crate::platform::config::PlanLimits;

    const START: DateTime<Utc> = DateTime::UNIX_EPOCH;

    fn row(status: SubscriptionStatus) -> Model {
        Model {
            id: SubscriptionId(Uuid::nil()),
            organization_id: None,
            user_id: None,
            plan: Plan::Pro,
            stripe_subscription_id: None,
            stripe_price_id: None,
            billing_cycle: BillingCycle::Monthly,
            status,
            current_period_start: None,
            current_period_end: Some(START + TimeDelta::days(30)),
            trial_end: Some(START + TimeDelta::days(7)),
            canceled_at: None,
            past_due_since: Some(START),
            limits: None,
            last_billing_event_at: None,
            version: 1,
            created_at: START,
            updated_at: START,
        }
    }

    fn settings() -> PlanSettings {
        let limited = |projects| SubscriptionLimits { max_projects: Some(projects), ..SubscriptionLimits::default() };
        let plans = PlanLimits { free: limited(3), pro: limited(100), ..PlanLimits::default() };
        PlanSettings { plan_limits: Some(plans), billing_grace_days: 14, ..PlanSettings::default() }
    }

    #[test]
    fn each_status_is_good_until_its_end() {
        for (status, last_good_day) in [
            (SubscriptionStatus::Active, None),
            (SubscriptionStatus::Trialing, Some(6)),
            (SubscriptionStatus::PastDue, Some(13)),
            (SubscriptionStatus::Canceled, Some(29)),
        ] {
            for day in 0..60 {
                let good = Payment::from(&row(status)).is_good(&settings(), START + TimeDelta::days(day));
                assert_eq!(good, last_good_day.is_none_or(|last| day <= last), "{status:?} on day {day}");
            }
        }
    }

    #[test]
    fn without_good_standing_the_free_plan_holds() {
        let mut row = row(SubscriptionStatus::PastDue);
        let projects =
            |row: &Model, day| limits(Some(row), Plan::Free, &settings(), START + TimeDelta::days(day)).max_projects;
        assert_eq!((projects(&row, 13), projects(&row, 14)), (Some(100), Some(3)));
        row.limits = Some(SubscriptionLimits::default());
        assert_eq!((projects(&row, 13), projects(&row, 14)), (None, Some(3)));
        assert_eq!(limits(None, Plan::Pro, &settings(), START).max_projects, Some(100));
    }
}
