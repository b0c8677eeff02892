//! What a discovery found becomes rows: new tools, changed ones, and those that are gone.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entity::enums::ToolDrift;
use entity::governance::{mcp_server, mcp_tool};

use super::{reasons, store};
use crate::governance::pins::{self, DriftKind, Tool};
use crate::governance::risk;
use crate::platform::authorization::Granted;
use crate::platform::errors::{Error, Result};
use crate::platform::write::Write;

/// What a discovery changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Whether any tool is another than when it was found before.
    pub is_changed: bool,
    /// The tools that went back to review just now.
    pub drifted: Vec<String>,
}

/// Brings the rows of a server to what was found. Tools that were approved and are not as they were go back to review.
pub async fn upsert(write: &Write<'_>, server: &Granted<mcp_server::Entity>, found: &[Tool]) -> Result<Changes> {
    let rows = store::all_of_server(write, server.id).await?;
    let approved = rows.iter().filter_map(|row| reasons::approved(row).transpose()).collect::<Result<Vec<Tool>>>()?;
    let drifts = kinds(&approved, found, server.approved_version_id.is_some());
    let mut known: HashMap<String, mcp_tool::Model> = rows.into_iter().map(|row| (row.name.clone(), row)).collect();
    let (mut changes, mut seen, mut new) = (Changes::default(), BTreeSet::new(), Vec::new());
    for tool in found {
        // Of tools with the same name one is kept, and it is marked.
        if !seen.insert(tool.name.as_str()) {
            continue;
        }
        let (row, drift) = (known.remove(&tool.name), drifts.get(tool.name.as_str()).copied());
        changes.note(row.as_ref(), Some(tool), drift);
        let found = described(tool, drift)?;
        match row {
            None => new.push(store::new_row(write, server.id, found)),
            Some(row) => store::set_found(write, server, &row, found).await?,
        }
    }
    write.insert_many(server, new).await?;
    for row in known.into_values().filter(|row| row.is_present) {
        let drift = drifts.get(row.name.as_str()).copied();
        changes.note(Some(&row), None, drift);
        store::set_gone(write, server, &row, drift.map(reasons::drift)).await?;
    }
    changes.drifted.sort();
    Ok(changes)
}

impl Changes {
    fn note(&mut self, row: Option<&mcp_tool::Model>, tool: Option<&Tool>, drift: Option<DriftKind>) {
        let pin = tool.map(|tool| tool.pin().0.to_vec());
        let held = row.filter(|row| row.is_present).map(|row| row.found_pin.clone());
        let drift = drift.map(reasons::drift);
        if pin != held || row.is_some_and(|row| row.drift != drift) {
            self.is_changed = true;
        }
        let is_new = row.is_none_or(|row| row.drift != drift) || pin != held;
        let (Some(name), Some(drift)) = (tool.map(|tool| &tool.name).or(row.map(|row| &row.name)), drift) else {
            return;
        };
        if is_new && drift != ToolDrift::Cosmetic {
            self.drifted.push(name.clone());
        }
    }
}

/// How each tool drifted. Before a server was first approved nothing was there to drift from, but a name that stands there
/// twice is refused from the beginning.
fn kinds<'a>(approved: &'a [Tool], found: &'a [Tool], was_approved: bool) -> BTreeMap<String, DriftKind> {
    let drifts = pins::drift(approved, found);
    let mut kinds = BTreeMap::new();
    for drift in drifts {
        let is_repeated = found.iter().filter(|tool| tool.name == drift.tool).count() > 1;
        if was_approved || is_repeated {
            let kind = kinds.entry(drift.tool).or_insert(drift.kind);
            *kind = drift.kind.max(*kind);
        }
    }
    kinds
}

fn described(tool: &Tool, drift: Option<DriftKind>) -> Result<store::Found<'_>> {
    let assessment = risk::assess(tool);
    Ok(store::Found {
        tool,
        drift: drift.map(reasons::drift),
        accepts: drift == Some(DriftKind::Cosmetic),
        risk_level: reasons::level(assessment.level),
        risk_reasons: serde_json::to_value(assessment.reasons).map_err(Error::internal)?,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tool(name: &str) -> Tool {
        Tool { name: name.to_owned(), input_schema: json!({ "type": "object" }), ..Tool::default() }
    }

    #[test]
    fn before_the_first_approval_nothing_drifts_but_a_name_that_stands_there_twice() {
        assert_eq!(kinds(&[], &[tool("a"), tool("b")], false), BTreeMap::new());
        let twice = kinds(&[], &[tool("a"), tool("b"), tool("a")], false);
        assert_eq!(twice, BTreeMap::from([("a".to_owned(), DriftKind::Poisoned)]));
    }

    #[test]
    fn after_it_what_comes_goes_and_changes_does() {
        let changed = Tool { description: Some("More.".to_owned()), ..tool("a") };
        let drifts = kinds(&[tool("a"), tool("b")], &[changed, tool("c")], true);
        let names: Vec<&str> = drifts.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "b", "c"]);
        assert_eq!((drifts["b"], drifts["c"]), (DriftKind::Removed, DriftKind::Added));
    }
}
