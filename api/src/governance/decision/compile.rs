//! Policies, read once and kept ready. Saving refuses what has a problem; what became broken later (a pattern that this
//! version no longer reads) is kept and fails closed.

use std::{fmt, sync::Arc};

use uuid::Uuid;

use super::{
    AppliedLimit, Check, Defaults, Level, Matcher, Mode, Policy, Rules,
    access::CompiledAccess,
    applies_to::CompiledAppliesTo,
    compliance::CompiledCompliance,
    input::{Facts, Input},
    usage,
};

/// What is wrong with a policy, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in the policy, such as `rules.blockedTools[2]`.
    pub path: String,
    pub message: String,
}

impl Problem {
    pub(super) fn collect<G>(
        path: &str,
        patterns: &[String],
        compile: &impl Fn(&str) -> Result<G, String>,
        problems: &mut Vec<Self>,
    ) -> Vec<G> {
        let mut compiled = Vec::with_capacity(patterns.len());
        for (index, pattern) in patterns.iter().enumerate() {
            match compile(pattern) {
                Ok(glob) => compiled.push(glob),
                Err(message) => problems.push(Self { path: format!("{path}[{index}]"), message }),
            }
        }
        compiled
    }
}

#[derive(Debug)]
pub(super) enum CompiledRules {
    Usage(Vec<AppliedLimit>),
    Access(Box<CompiledAccess>),
    Compliance(CompiledCompliance),
    Custom(Arc<dyn Matcher>),
    /// Denies where it applies, or, where it could only allow, allows nothing and keeps others from being the only word.
    Broken {
        error: Arc<str>,
        only_allows: bool,
    },
}

#[derive(Debug)]
pub(super) struct CompiledPolicy {
    pub id: Uuid,
    pub version: i32,
    pub name: Arc<str>,
    pub level: Level,
    /// A server's policy says nothing about other servers.
    pub server: Option<Arc<str>>,
    pub mode: Mode,
    pub priority: i32,
    applies_to: CompiledAppliesTo,
    pub rules: CompiledRules,
}

impl CompiledPolicy {
    /// Whether the policy is about this action; what was compared is noted.
    pub(super) fn applies(&self, input: &Input, facts: &Facts, checks: &mut Vec<Check>) -> bool {
        let is_own = self.server.as_ref().is_none_or(|server| {
            let holds = input.action.server() == Some(&**server);
            checks.push(Check { field: "server", expected: server.clone(), actual: facts.server.clone(), holds });
            holds
        });
        is_own && self.applies_to.matches(input, facts, checks)
    }
}

/// The policies of one project, ready for deciding.
#[derive(Debug)]
pub struct CompiledPolicies {
    pub(super) version: i64,
    pub(super) defaults: Defaults,
    pub(super) policies: Vec<CompiledPolicy>,
}

/// Compiles the text of a custom policy.
pub type CustomCompiler<'a> = &'a dyn Fn(&str) -> Result<Arc<dyn Matcher>, String>;

impl CompiledPolicies {
    /// The policies of the organization, the project and its servers. `version` names the set in traces. Disabled ones
    /// are left out.
    #[must_use]
    pub fn new(version: i64, defaults: Defaults, policies: &[Policy], custom: CustomCompiler<'_>) -> Self {
        let active = policies.iter().filter(|policy| policy.mode != Mode::Disabled);
        Self { version, defaults, policies: active.map(|policy| compile(policy, custom).0).collect() }
    }

    /// How many policies are tried.
    #[must_use]
    pub fn len(&self) -> usize {
        self.policies.len()
    }

    /// Whether only the defaults hold.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// The limits of the usage policies that may apply to what the caller does, whatever that is, each with the level of
    /// its policy. The tightest come first among those that count the same.
    #[must_use]
    pub fn limits_of_caller(&self, input: &Input) -> Vec<(Level, AppliedLimit)> {
        let facts = Facts::new(input);
        let applying = self.policies.iter().filter(|policy| policy.applies_to.matches_caller(input, &facts));
        let mut limits: Vec<(Level, AppliedLimit)> = applying
            .filter_map(|policy| match &policy.rules {
                CompiledRules::Usage(limits) => Some(limits.iter().map(|limit| (policy.level, limit.clone()))),
                CompiledRules::Access(_)
                | CompiledRules::Compliance(_)
                | CompiledRules::Custom(_)
                | CompiledRules::Broken { .. } => None,
            })
            .flatten()
            .collect();
        limits.sort_unstable_by_key(|(_, limit)| limit.rank());
        limits
    }
}

/// Checks a policy that is about to be saved.
///
/// # Errors
/// Every problem with its place.
pub fn validate(policy: &Policy, custom: CustomCompiler<'_>) -> Result<(), Vec<Problem>> {
    let (_, problems) = compile(policy, custom);
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn compile(policy: &Policy, custom: CustomCompiler<'_>) -> (CompiledPolicy, Vec<Problem>) {
    let mut problems = Vec::new();
    let applies_to = CompiledAppliesTo::new(&policy.applies_to, &mut problems);
    if (policy.level == Level::Server) != policy.server.is_some() {
        let message = "A server's policy names its server, and no other does.".to_owned();
        problems.push(Problem { path: "server".to_owned(), message });
    }
    let enforced = policy.mode == Mode::Enforce;
    let compiled = match &policy.rules {
        Rules::Usage(rules) => Some(CompiledRules::Usage(usage::compile(policy.id, enforced, rules, &mut problems))),
        Rules::Access(rules) => Some(CompiledRules::Access(Box::new(CompiledAccess::new(rules, &mut problems)))),
        Rules::Compliance(rules) => {
            Some(CompiledRules::Compliance(CompiledCompliance::new(policy.id, enforced, rules, &mut problems)))
        }
        Rules::Custom(rules) => match custom(&rules.text) {
            Ok(matcher) => Some(CompiledRules::Custom(matcher)),
            Err(message) => {
                problems.push(Problem { path: "rules.text".to_owned(), message });
                None
            }
        },
    };
    let rules = match compiled {
        Some(rules) if problems.is_empty() => rules,
        _ => CompiledRules::Broken {
            error: problems.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ").into(),
            only_allows: matches!(&policy.rules, Rules::Access(rules) if rules.only_allows()),
        },
    };
    let policy = CompiledPolicy {
        id: policy.id,
        version: policy.version,
        name: policy.name.as_str().into(),
        level: policy.level,
        server: policy.server.as_deref().map(Into::into),
        mode: policy.mode,
        priority: policy.priority,
        applies_to,
        rules,
    };
    (policy, problems)
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.path, self.message)
    }
}
