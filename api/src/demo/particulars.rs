//! What programs keep about a document: where it came from, and its metadata.

use chrono::{DateTime, Datelike, Utc};
use serde_json::{Value, json};

use super::plan::{Genre, Section, SpacePlan};
use super::random::Random;

/// Where a document came from, and what it is called there.
pub fn origin(plan: &SpacePlan, section: &Section, date: DateTime<Utc>, number: usize) -> Option<(String, String)> {
    let letters = match section.genre {
        Genre::Visit => "VIS",
        Genre::Install => "INS",
        Genre::Batch => "LOT",
        Genre::Digest => "DIG",
        Genre::Answer => "ANS",
        _ => return None,
    };
    Some((plan.source?.to_owned(), format!("{letters}-{}-{number:04}", date.year())))
}

/// What programs keep about a document.
pub fn metadata(genre: Genre, random: &mut Random) -> Value {
    match genre {
        Genre::Incident => {
            json!({ "severity": random.between(1, 3), "customersAffected": random.between(3, 80), "minutes": random.between(20, 300) })
        }
        Genre::Visit | Genre::Install => {
            json!({ "minutesOnSite": random.between(25, 260), "kilometres": random.between(8, 410), "pictures": random.between(4, 9) })
        }
        Genre::Batch => {
            json!({ "line": random.between(1, 2), "firstPassYield": random.between(880, 999) as f64 / 1000.0 })
        }
        Genre::Release => {
            let channel = if random.chance(70) { "stable" } else { "early" };
            json!({ "channel": channel, "stations": random.between(400, 3_900) })
        }
        Genre::Digest => json!({ "conversations": random.between(180, 420) }),
        _ if random.chance(25) => json!({ "reviewedBy": random.between(1, 4) }),
        _ => json!({}),
    }
}
