//! Levels of tools like those of real servers, and what claims can and cannot do.

use serde_json::{Value, json};

use super::*;

fn tool(name: &str, description: &str, parameters: &[&str], annotations: Value) -> Tool {
    let properties: serde_json::Map<String, Value> =
        parameters.iter().map(|name| ((*name).to_owned(), json!({"type": "string"}))).collect();
    let schema = json!({"type": "object", "properties": properties});
    serde_json::from_value(json!({"name": name, "description": description, "inputSchema": schema,
        "annotations": annotations}))
    .unwrap()
}

fn harmless() -> Value {
    json!({"readOnlyHint": true, "openWorldHint": false})
}

#[test]
fn each_level_has_its_facts() {
    let level = |name, description, parameters| assess(&tool(name, description, parameters, harmless())).level;
    assert_eq!(level("get-sum", "Returns the sum of two numbers", &["a", "b"]), RiskLevel::Low);
    assert_eq!(level("read_text_file", "Read the contents of a file", &["path"]), RiskLevel::Medium);
    assert_eq!(level("create_entities", "Create entities in the knowledge graph", &["entities"]), RiskLevel::Medium);
    assert_eq!(level("git_reset", "Unstages all staged changes", &["repo_path"]), RiskLevel::High);
    assert_eq!(level("sendMessage", "To a channel", &["text"]), RiskLevel::High);
    assert_eq!(level("get-env", "Returns all environment variables", &[]), RiskLevel::Critical);
    assert_eq!(level("printEnv", "Prints them", &[]), RiskLevel::Critical);
    assert_eq!(level("worker", "Does things", &["command"]), RiskLevel::Critical);
    assert_eq!(level("analyze", "Runs a SQL query", &["text"]), RiskLevel::Critical);
    assert_eq!(level("refund_order", "Gives it back", &["order"]), RiskLevel::Critical);
}

#[test]
fn no_claim_lowers_what_words_give_away() {
    for claim in
        [harmless(), json!({"destructiveHint": false, "readOnlyHint": true, "openWorldHint": false}), json!(null)]
    {
        assert_eq!(assess(&tool("get-env", "", &[], claim)).level, RiskLevel::Critical);
    }
}

#[test]
fn what_is_not_claimed_is_taken_for_the_worse() {
    let sum = |annotations| assess(&tool("sum", "Adds", &["a"], annotations));
    assert!(sum(json!(null)).has(Fact::EffectsUnsaid));
    assert_eq!(sum(json!({})).level, RiskLevel::High);
    assert_eq!(sum(json!({"readOnlyHint": false})).level, RiskLevel::High);
    assert_eq!(sum(json!({"readOnlyHint": true, "destructiveHint": true})).level, RiskLevel::High);
    assert_eq!(sum(json!({"readOnlyHint": true})).level, RiskLevel::Medium);
}

#[test]
fn reasons_name_the_place_and_the_word() {
    let assessment = assess(&tool("x", "", &["command"], harmless()));
    let reason = &assessment.reasons[0];
    assert_eq!((reason.place.as_str(), reason.excerpt.as_str()), ("/inputSchema/properties/command", "command"));
}
