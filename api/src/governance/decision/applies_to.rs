//! Whom and what a policy applies to: every dimension must match, one value of a dimension is enough, and an
//! exclusion wins over any inclusion.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

use super::{
    Check, Glob, Problem, ToolGlob,
    input::{Facts, Input},
};

/// The values of one dimension. Nothing included means everything that is not excluded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound(deserialize = "T: Deserialize<'de>"))]
pub struct Selection<T> {
    #[serde(default = "Vec::new")]
    pub include: Vec<T>,
    #[serde(default = "Vec::new")]
    pub exclude: Vec<T>,
}

impl<T> Default for Selection<T> {
    fn default() -> Self {
        Self { include: Vec::new(), exclude: Vec::new() }
    }
}

/// The dimensions. A dimension that the action lacks matches only where nothing is included: a policy for two keys does
/// not apply to who came without one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AppliesTo {
    pub users: Selection<Uuid>,
    pub roles: Selection<String>,
    pub projects: Selection<Uuid>,
    /// Patterns over the names of models.
    pub models: Selection<String>,
    /// Patterns over the names of servers.
    pub servers: Selection<String>,
    /// Patterns over `server/tool`.
    pub tools: Selection<String>,
    pub keys: Selection<Uuid>,
}

/// One dimension that says something.
#[derive(Debug)]
struct Condition {
    values: Values,
    expected: Arc<str>,
}

#[derive(Debug)]
enum Values {
    Users(Selection<Uuid>),
    Roles(Selection<String>),
    Projects(Selection<Uuid>),
    Models(Selection<Glob>),
    Servers(Selection<Glob>),
    Tools(Selection<ToolGlob>),
    Keys(Selection<Uuid>),
}

/// The dimensions of a policy that say something.
#[derive(Debug, Default)]
pub(super) struct CompiledAppliesTo(Vec<Condition>);

impl CompiledAppliesTo {
    /// Problems are added with their paths; what has one is left out.
    pub(super) fn new(source: &AppliesTo, problems: &mut Vec<Problem>) -> Self {
        let mut conditions = Vec::new();
        add(&mut conditions, &source.projects, |selection| Values::Projects(selection.clone()));
        add(&mut conditions, &source.users, |selection| Values::Users(selection.clone()));
        add(&mut conditions, &source.keys, |selection| Values::Keys(selection.clone()));
        add(&mut conditions, &source.roles, |selection| Values::Roles(selection.clone()));
        let models = globs("models", &source.models, Glob::new, problems);
        add(&mut conditions, &source.models, |_| Values::Models(models));
        let servers = globs("servers", &source.servers, Glob::new, problems);
        add(&mut conditions, &source.servers, |_| Values::Servers(servers));
        let tools = globs("tools", &source.tools, ToolGlob::new, problems);
        add(&mut conditions, &source.tools, |_| Values::Tools(tools));
        Self(conditions)
    }

    /// Tries the dimensions until one does not match, and notes each.
    pub(super) fn matches(&self, input: &Input, facts: &Facts, checks: &mut Vec<Check>) -> bool {
        self.0.iter().all(|condition| {
            let (field, actual, holds) = condition.values.holds(input, facts);
            checks.push(Check { field, expected: condition.expected.clone(), actual: actual.clone(), holds });
            holds
        })
    }

    /// Whether the dimensions match that are about who acts and where, whatever is used.
    pub(super) fn matches_caller(&self, input: &Input, facts: &Facts) -> bool {
        self.0.iter().all(|condition| match condition.values {
            Values::Users(_) | Values::Roles(_) | Values::Projects(_) | Values::Keys(_) => {
                condition.values.holds(input, facts).2
            }
            Values::Models(_) | Values::Servers(_) | Values::Tools(_) => true,
        })
    }
}

impl Values {
    fn holds<'a>(&self, input: &Input, facts: &'a Facts) -> (&'static str, &'a Arc<str>, bool) {
        match self {
            Self::Users(users) => ("users", &facts.user, within(users, input.user_id.as_ref(), PartialEq::eq)),
            Self::Projects(ids) => ("projects", &facts.project, within(ids, Some(&input.project_id), PartialEq::eq)),
            Self::Keys(keys) => ("keys", &facts.key, within(keys, input.key_id.as_ref(), PartialEq::eq)),
            Self::Roles(roles) => ("roles", &facts.roles, within_any(roles, &input.roles)),
            Self::Models(models) => {
                ("models", &facts.model, within(models, input.action.model(), |glob, name| glob.matches(name)))
            }
            Self::Servers(servers) => {
                ("servers", &facts.server, within(servers, input.action.server(), |glob, name| glob.matches(name)))
            }
            Self::Tools(tools) => {
                let tool = input.action.tool();
                let holds = within(tools, tool.as_ref(), |glob, (server, tool)| glob.matches(server, tool));
                ("tools", &facts.tool, holds)
            }
        }
    }
}

fn within<T, V: ?Sized>(selection: &Selection<T>, value: Option<&V>, same: impl Fn(&T, &V) -> bool) -> bool {
    match value {
        Some(value) => {
            !selection.exclude.iter().any(|one| same(one, value))
                && (selection.include.is_empty() || selection.include.iter().any(|one| same(one, value)))
        }
        None => selection.include.is_empty(),
    }
}

fn within_any(selection: &Selection<String>, values: &[String]) -> bool {
    !values.iter().any(|value| selection.exclude.contains(value))
        && (selection.include.is_empty() || values.iter().any(|value| selection.include.contains(value)))
}

fn add<T: ToString>(
    conditions: &mut Vec<Condition>,
    source: &Selection<T>,
    values: impl FnOnce(&Selection<T>) -> Values,
) {
    if !source.include.is_empty() || !source.exclude.is_empty() {
        conditions.push(Condition { values: values(source), expected: describe(source) });
    }
}

fn describe<T: ToString>(selection: &Selection<T>) -> Arc<str> {
    let list = |values: &[T]| values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (included, excluded) = (list(&selection.include), list(&selection.exclude));
    match (included.is_empty(), excluded.is_empty()) {
        (_, true) => included.into(),
        (true, false) => format!("all except {excluded}").into(),
        (false, false) => format!("{included} except {excluded}").into(),
    }
}

fn globs<G>(
    dimension: &str,
    source: &Selection<String>,
    compile: impl Fn(&str) -> Result<G, String>,
    problems: &mut Vec<Problem>,
) -> Selection<G> {
    let mut list = |side: &str, patterns: &[String]| {
        Problem::collect(&format!("appliesTo.{dimension}.{side}"), patterns, &compile, problems)
    };
    Selection { include: list("include", &source.include), exclude: list("exclude", &source.exclude) }
}
