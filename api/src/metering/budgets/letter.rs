//! The letter that tells that a budget runs out.

use entity::enums::BudgetMeasure;
use entity::metering::budget;

use crate::platform::mail::Letter;

/// The letter for a budget of which so many percent are used. Of the policy's name only letters and digits are told, so
/// that a mail program takes nothing in it for a link.
pub fn running_out(address: &str, policy: &str, row: &budget::Model, percent: i32) -> Letter {
    let kept =
        |character: char| if character.is_alphanumeric() || "-'&,".contains(character) { character } else { ' ' };
    let policy: String = policy.chars().map(kept).collect();
    let policy = policy.split_whitespace().collect::<Vec<_>>().join(" ");
    let measured = match row.measure {
        BudgetMeasure::Requests => "requests",
        BudgetMeasure::Tokens => "tokens",
        BudgetMeasure::CostUsd => "US dollars",
    };
    let (taken, amount) = ((row.used + row.reserved).normalize(), row.amount.normalize());
    let end = row.window_end.format("%-d %B %Y, %H:%M UTC");
    Letter::new(address, format!("{percent}% of a budget are used: {policy}"))
        .paragraph(format!(
            "The policy {policy} limits what is used: {taken} of {amount} {measured} are used or reserved."
        ))
        .paragraph(format!("The next window begins on {end}."))
}
