//! What is set about plans: what each allows, and how the provider of payments is believed.

use clap::{Args, value_parser};
use entity::enums::{BillingCycle, Plan};
use entity::tenancy::subscription::SubscriptionLimits;
use serde::Deserialize;

use super::SecretText;

/// Settings of plans and payments.
#[derive(Args, Clone, Debug, Default)]
pub struct PlanSettings {
    /// What each plan allows, as JSON: {"free": {"maxUsers": 5, "maxProjects": 3, "maxMcpServers": 10,
    /// "maxTokensPerMonth": 1000000, "maxContentBytes": 100000000}, "team": {}, "pro": {}, "enterprise": {}}. What is left
    /// out has no limit. Default: limits for all but enterprise where payments are told of, else none.
    #[arg(long, env = "TRELLIS_PLAN_LIMITS", value_parser = PlanLimits::read)]
    pub plan_limits: Option<PlanLimits>,

    /// Secrets by which the provider of payments signs what it sends to /webhooks/billing, separated by commas: any of
    /// them is good, so that they can be changed. Without one, owners choose their plan themselves.
    #[arg(long, env = "TRELLIS_BILLING_SECRETS", value_delimiter = ',', hide_env_values = true)]
    pub billing_secrets: Vec<SecretText>,

    /// The plan that each price of the provider stands for, separated by commas: price_1Abc=team:monthly,price_2Abc=pro:yearly.
    #[arg(long, env = "TRELLIS_BILLING_PRICES", value_delimiter = ',', value_parser = Price::read)]
    pub billing_prices: Vec<Price>,

    /// Seconds that the time of a signature may be off.
    #[arg(long, env = "TRELLIS_BILLING_TOLERANCE_SECONDS", default_value_t = 300, value_parser = value_parser!(i64).range(1..=3_600))]
    pub billing_tolerance_seconds: i64,

    /// Days for which a failed payment changes nothing.
    #[arg(long, env = "TRELLIS_BILLING_GRACE_DAYS", default_value_t = 14, value_parser = value_parser!(i64).range(0..=365))]
    pub billing_grace_days: i64,
}

/// What each plan allows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case", default, deny_unknown_fields)]
pub struct PlanLimits {
    pub free: SubscriptionLimits,
    pub team: SubscriptionLimits,
    pub pro: SubscriptionLimits,
    pub enterprise: SubscriptionLimits,
}

/// A price of the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Price {
    pub id: String,
    pub plan: Plan,
    pub cycle: BillingCycle,
}

const fn limited(users: i64, projects: i64, tokens: i64, mcp_servers: i64) -> SubscriptionLimits {
    SubscriptionLimits {
        max_users: Some(users),
        max_projects: Some(projects),
        max_tokens_per_month: Some(tokens),
        max_mcp_servers: Some(mcp_servers),
        max_content_bytes: None,
    }
}

const FREE: SubscriptionLimits = limited(5, 3, 1_000_000, 10);
const TEAM: SubscriptionLimits = limited(25, 20, 20_000_000, 50);
const PRO: SubscriptionLimits = limited(250, 200, 200_000_000, 500);

impl PlanSettings {
    /// Whether somebody else says who has which plan.
    pub fn is_billed(&self) -> bool {
        !self.billing_secrets.is_empty()
    }

    /// What a plan allows.
    pub fn limits(&self, plan: Plan) -> SubscriptionLimits {
        match (&self.plan_limits, plan) {
            (Some(limits), Plan::Free) => limits.free,
            (Some(limits), Plan::Team) => limits.team,
            (Some(limits), Plan::Pro) => limits.pro,
            (Some(limits), Plan::Enterprise) => limits.enterprise,
            (None, Plan::Free) if self.is_billed() => FREE,
            (None, Plan::Team) if self.is_billed() => TEAM,
            (None, Plan::Pro) if self.is_billed() => PRO,
            (None, _) => SubscriptionLimits::default(),
        }
    }

    /// The price with this id.
    pub fn price(&self, id: &str) -> Option<&Price> {
        self.billing_prices.iter().find(|price| price.id == id)
    }
}

impl PlanLimits {
    fn read(text: &str) -> Result<Self, String> {
        // Else a list would do, with the plans in their order.
        let named: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(text).map_err(|error| error.to_string())?;
        let limits: Self = serde_json::from_value(named.into()).map_err(|error| error.to_string())?;
        let plans = [limits.free, limits.team, limits.pro, limits.enterprise];
        let numbers = plans.iter().flat_map(|plan| {
            [plan.max_users, plan.max_projects, plan.max_tokens_per_month, plan.max_mcp_servers, plan.max_content_bytes]
        });
        match numbers.flatten().find(|number| *number < 0) {
            Some(number) => Err(format!("{number} is no limit: a limit is zero or more")),
            None => Ok(limits),
        }
    }
}

impl Price {
    fn read(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no price such as price_1Abc=team:monthly");
        let (id, named) = text.trim().split_once('=').ok_or_else(wrong)?;
        let (plan, cycle) = named.split_once(':').ok_or_else(wrong)?;
        let plans = [Plan::Free, Plan::Team, Plan::Pro, Plan::Enterprise];
        let cycles = [BillingCycle::Monthly, BillingCycle::Yearly];
        Ok(Self {
            id: Some(id).filter(|id| !id.is_empty()).ok_or_else(wrong)?.to_owned(),
            plan: plans.into_iter().find(|known| known.as_str() == plan).ok_or_else(wrong)?,
            cycle: cycles.into_iter().find(|known| known.as_str() == cycle).ok_or_else(wrong)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_names_a_plan_and_a_cycle() {
        let price = Price::read(" price_1=pro:yearly").expect("a price");
        assert_eq!((price.id.as_str(), price.plan, price.cycle), ("price_1", Plan::Pro, BillingCycle::Yearly));
        for wrong in ["", "price_1", "price_1=pro", "=pro:yearly", "price_1=gold:yearly", "price_1=pro:daily"] {
            assert!(Price::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_left_out_of_the_limits_of_a_plan_is_not_limited() {
        let limits = PlanLimits::read(r#"{"free": {"maxProjects": 3}}"#).expect("limits");
        assert_eq!((limits.free.max_projects, limits.free.max_users, limits.team.max_projects), (Some(3), None, None));
        for wrong in ["", "[]", r#"{"gold": {}}"#, r#"{"free": {"maxCats": 3}}"#, r#"{"free": {"maxUsers": -1}}"#] {
            assert!(PlanLimits::read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_server_that_nobody_pays_for_limits_nothing_unless_told_to() {
        let mut settings = PlanSettings::default();
        assert_eq!(settings.limits(Plan::Free), SubscriptionLimits::default());
        settings.billing_secrets = vec!["whsec".into()];
        assert_eq!(settings.limits(Plan::Free).max_projects, Some(3));
        assert_eq!(settings.limits(Plan::Enterprise), SubscriptionLimits::default());
    }
}
