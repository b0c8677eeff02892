//! Numbers that are measured by themselves, without a peer, and what they promise.

use serde_json::json;

/// One number, and what it should stay under.
pub struct Number {
    pub case: String,
    pub value: f64,
    pub unit: &'static str,
    pub goal: Option<f64>,
}

/// Prints what a benchmark measured, as JSON or as a table.
pub fn print(bench: &str, numbers: &[Number], is_json: bool) {
    print!("{}", if is_json { as_json(bench, numbers) } else { as_table(numbers) });
}

fn as_json(bench: &str, numbers: &[Number]) -> String {
    let rounded = |value: f64| (value * 1000.0).round() / 1000.0;
    let results: Vec<_> = numbers
        .iter()
        .map(|Number { case, value, unit, goal }| {
            json!({ "case": case, "value": rounded(*value), "unit": unit, "goal": goal })
        })
        .collect();
    format!("{}\n", json!({ "bench": bench, "results": results }))
}

fn as_table(numbers: &[Number]) -> String {
    let lines = numbers.iter().map(|Number { case, value, unit, goal }| {
        let goal = goal.map_or_else(String::new, |goal| format!("   goal: under {goal}"));
        format!("{case:<52} {value:>12.1} {unit}{goal}\n")
    });
    format!("\n{}", lines.collect::<String>())
}
