//! The script that charges every key of an action at once, by the clock of Redis.

use std::sync::LazyLock;

use redis::Script;

use super::charge::{Charge, Found};
use crate::platform::cache::Cache;

/// Gives two numbers for each key, in microseconds: how long until it is as good as new, and how long to wait for room,
/// which is none where it is not above zero. Charges every key that has room, unless one that refuses has none, or it is
/// only looked at.
static CHARGE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local charged, found, refused = {}, {}, ARGV[#KEYS * 4 + 1] == 'look'
        for index, key in ipairs(KEYS) do
            local at = (index - 1) * 4
            local pause, burst = tonumber(ARGV[at + 1]), tonumber(ARGV[at + 2])
            local cost, refuses = tonumber(ARGV[at + 3]), ARGV[at + 4] == '1'
            local held = math.max(tonumber(redis.call('GET', key) or now), now)
            local full_at = held + pause * cost
            local wait = full_at - pause * burst - now
            if wait <= 0 then
                charged[key] = full_at
            elseif refuses then
                refused = true
            end
            found[index * 2 - 1] = string.format('%.3f', held - now)
            found[index * 2] = string.format('%.3f', wait)
        end
        if not refused then
            for key, full_at in pairs(charged) do
                redis.call('SET', key, string.format('%.3f', full_at), 'PX', math.ceil((full_at - now) / 1000) + 1)
            end
        end
        return found
        ",
    )
});

/// What is done besides finding how keys stand.
#[derive(Clone, Copy, Debug)]
pub enum Purpose {
    Charge,
    /// Nothing.
    Look,
}

pub async fn run(cache: &Cache, charges: &[Charge], purpose: Purpose) -> redis::RedisResult<Vec<Found>> {
    let keys: Vec<&str> = charges.iter().map(|charge| charge.key.as_str()).collect();
    let purpose = match purpose {
        Purpose::Charge => "charge",
        Purpose::Look => "look",
    };
    let arguments: Vec<String> = charges
        .iter()
        .flat_map(|charge| {
            let refuses = if charge.refuses { "1" } else { "0" };
            let pause = format!("{:.3}", charge.rate.pause_micros());
            [pause, charge.rate.burst.to_string(), charge.cost().to_string(), refuses.to_owned()]
        })
        .chain([purpose.to_owned()])
        .collect();
    let numbers: Vec<f64> = cache.run(&CHARGE, &keys, &arguments).await?;
    Ok(numbers.chunks_exact(2).map(|pair| Found { full_after: pair[0], wait: pair[1] }).collect())
}
