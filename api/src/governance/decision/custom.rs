//! Custom rules: text in a policy language of its own. What reads the language is handed in as a `Matcher`, so that
//! deciding does not depend on it.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Effect, Input};

/// The rules of a custom policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CustomRules {
    pub text: String,
}

/// Compiled custom rules. The same input always gets the same answer.
pub trait Matcher: fmt::Debug + Send + Sync {
    /// What the rules say, or nothing where they do not apply.
    ///
    /// # Errors
    /// A message for the trace, where the rules cannot be evaluated on this input.
    fn evaluate(&self, input: &Input) -> Result<Option<Effect>, String>;

    /// Whether the rules could deny or ask for approval: then an error denies.
    fn may_refuse(&self) -> bool;
}
