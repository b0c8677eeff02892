//! Hard limits of requests in a minute or an hour.

use std::time::Duration;

use rust_decimal::prelude::ToPrimitive;

use super::{Counted, LimitStanding, Reached, Refused, Usage, after};
use crate::governance::decision::WhenRedisAway;
use crate::platform::limits::{Charge, Rate, Standing, WhenAway};
use crate::platform::request::Request;

/// Charges every rate, or none where one that refuses has no room.
pub async fn charge(request: &Request, rates: &[Counted<'_>], estimate: Usage) -> Result<Vec<LimitStanding>, Refused> {
    let charges: Vec<Charge> = rates.iter().map(|counted| charge_of(counted, estimate)).collect();
    // A limit of nothing has no rate, and never has room.
    let none = rates.iter().find(|counted| counted.refuses() && amount(counted) == 0);
    if let Some(counted) = none {
        return Err(reached(request, counted, &nothing_of(window(counted))));
    }
    match request.platform.limits.charge(&charges).await {
        Ok(standings) => {
            let told = rates.iter().zip(&standings);
            Ok(told.map(|(counted, standing)| standing_of(request, counted, standing)).collect())
        }
        Err(refused) => match (rates.get(refused.tightest), refused.standings.get(refused.tightest)) {
            (Some(counted), Some(standing)) => Err(reached(request, counted, standing)),
            _ => Ok(Vec::new()),
        },
    }
}

/// Where every rate stands, without charging any.
pub async fn look(request: &Request, rates: &[Counted<'_>]) -> Vec<LimitStanding> {
    let charges: Vec<Charge> = rates.iter().map(|counted| charge_of(counted, Usage::request())).collect();
    let standings = request.platform.limits.look(&charges).await;
    let told = rates.iter().zip(&standings).map(|(counted, standing)| match amount(counted) {
        0 => standing_of(request, counted, &nothing_of(window(counted))),
        _ => standing_of(request, counted, standing),
    });
    told.collect()
}

/// How a limit of nothing stands.
fn nothing_of(window: Duration) -> Standing {
    Standing { limit: 0, remaining: 0, reset_after: window, retry_after: window }
}

fn reached(request: &Request, counted: &Counted<'_>, standing: &Standing) -> Refused {
    let retry_after = standing.retry_after;
    Refused::Reached(Box::new(Reached { standing: standing_of(request, counted, standing), retry_after }))
}

fn standing_of(request: &Request, counted: &Counted<'_>, standing: &Standing) -> LimitStanding {
    LimitStanding {
        limit: counted.limit.clone(),
        subject: counted.subject,
        remaining: standing.remaining.into(),
        resets_at: after(request.now(), standing.reset_after),
        has_room: standing.limit > 0 && standing.retry_after.is_zero(),
    }
}

fn charge_of(counted: &Counted<'_>, estimate: Usage) -> Charge {
    let window = window(counted);
    let rate = Rate::of(amount(counted), window).unwrap_or(Rate { burst: 0, pause: window });
    let subject = format!("{}:{}:{}", counted.limit.policy_id, counted.limit.index, counted.subject);
    let mut charge = Charge::new("policy", &subject, rate);
    charge.cost = estimate.requests;
    charge.refuses = counted.refuses();
    charge.when_away = match counted.limit.limit.when_redis_away {
        WhenRedisAway::Deny => WhenAway::Deny,
        WhenRedisAway::Allow => WhenAway::Allow,
        WhenRedisAway::Local => WhenAway::Local,
    };
    charge
}

fn amount(counted: &Counted<'_>) -> u32 {
    counted.limit.limit.amount.to_u32().unwrap_or(u32::MAX)
}

fn window(counted: &Counted<'_>) -> Duration {
    Duration::from_secs(counted.limit.limit.window.seconds().into())
}
