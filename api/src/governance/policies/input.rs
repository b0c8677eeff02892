//! The rules of a policy as a client writes them. What cannot be read is a problem with its path; what can be read and
//! cannot be meant is found by `decision::validate`.

use async_graphql::{Enum, InputObject, OneofObject};
use chrono::{NaiveTime, Weekday};
use ipnetwork::IpNetwork;
use rust_decimal::Decimal;

use crate::governance::decision::{
    AccessRules, ComplianceRules, CountedBy, CustomRules, Detector, Enforcement, Hours, Measure, Response, Rules,
    UsageLimit, UsageRules, WhenRedisAway, Window,
};

/// A problem: the path in the policy, and a sentence.
pub type Place = (String, String);

/// The most entries of one list.
const MOST: usize = 500;
const LONGEST_CUSTOM: usize = 20_000;

/// What a policy says, by its type. Exactly one is given, and the type of a policy never changes.
#[derive(Clone, Debug, OneofObject)]
pub enum PolicyRulesInput {
    /// How much may be used.
    Usage(UsageRulesInput),
    /// Which models, servers and tools may be used, when and from where.
    Access(AccessRulesInput),
    /// What arguments and results may hold.
    Compliance(ComplianceRulesInput),
    /// Text in Cedar.
    Custom(CustomRulesInput),
}

/// How much may be used in a window of time.
#[derive(Clone, Debug, InputObject)]
pub struct UsageRulesInput {
    /// The limits, 1 to 500. All of them hold: also one of tokens or cost, once models have used it up, refuses calls of
    /// tools, which consume none.
    pub limits: Vec<UsageLimitInput>,
}

/// One limit.
#[derive(Clone, Debug, InputObject)]
pub struct UsageLimitInput {
    /// What is counted.
    pub measure: Measure,
    /// How much, as a decimal number such as "12.50"; whole for requests and tokens.
    pub amount: String,
    /// In which window.
    pub window: Window,
    /// For whom it is counted apart.
    pub counted_by: CountedBy,
    /// What happens when it is reached.
    #[graphql(default_with = "Enforcement::Hard")]
    pub enforcement: Enforcement,
    /// What holds while the counters cannot be reached.
    #[graphql(default_with = "WhenRedisAway::Local")]
    pub when_redis_away: WhenRedisAway,
}

/// Which models, servers and tools may be used. An empty list says nothing. What is blocked is denied; of the allowed
/// lists of one level one must hold the name. Each list has up to 500 patterns, in which `*` stands for any run of
/// characters.
#[derive(Clone, Debug, InputObject)]
pub struct AccessRulesInput {
    /// Patterns over the names of models.
    #[graphql(default)]
    pub allowed_models: Vec<String>,
    /// Patterns over the names of models.
    #[graphql(default)]
    pub blocked_models: Vec<String>,
    /// Patterns over the names of servers.
    #[graphql(default)]
    pub allowed_servers: Vec<String>,
    /// Patterns over the names of servers.
    #[graphql(default)]
    pub blocked_servers: Vec<String>,
    /// Patterns over `server/tool`; without a slash, the tool of any server.
    #[graphql(default)]
    pub allowed_tools: Vec<String>,
    /// Patterns over `server/tool`; without a slash, the tool of any server.
    #[graphql(default)]
    pub blocked_tools: Vec<String>,
    /// Each use of these tools is approved by somebody else.
    #[graphql(default)]
    pub approved_tools: Vec<String>,
    /// Outside all of these hours everything is denied.
    #[graphql(default)]
    pub hours: Vec<PolicyHoursInput>,
    /// From outside all of these networks, such as "10.0.0.0/8", everything is denied.
    #[graphql(default)]
    pub networks: Vec<String>,
}

/// Hours of the week.
#[derive(Clone, Debug, InputObject)]
pub struct PolicyHoursInput {
    /// A time zone, such as "Europe/Berlin".
    pub zone: String,
    /// The days on which the hours begin; none means every day.
    #[graphql(default)]
    pub days: Vec<PolicyDay>,
    /// When they begin, as "HH:MM".
    pub from: String,
    /// When they end, as "HH:MM"; on the next day where it is not after the beginning.
    pub until: String,
}

/// What arguments and results of tools may hold. It has a pattern or a detector.
#[derive(Clone, Debug, InputObject)]
pub struct ComplianceRulesInput {
    /// Regular expressions, up to 500 of 1,000 bytes each, without look-around and back-references.
    #[graphql(default)]
    pub patterns: Vec<String>,
    /// Built-in detectors.
    #[graphql(default)]
    pub detectors: Vec<Detector>,
    /// Whether arguments are looked at.
    #[graphql(default = true)]
    pub in_arguments: bool,
    /// Whether results are looked at.
    #[graphql(default = true)]
    pub in_results: bool,
    /// What happens to what is found.
    pub response: Response,
}

/// Text in Cedar, version 4. The principal is `User::"user_…"`, in its `Role::"project_developer"`, or `Key::"key_…"`; the
/// action `Action::"callTool"` or `Action::"useModel"`; the resource `Tool::"server/tool"` in its `Server::"server"`, or
/// `Model::"name"`. The context holds `project`, `roles`, `at`, and where there is one `server`, `tool`, `model`, `key`,
/// `address` and `arguments`. A forbid annotated with `@approval("required")` asks for an approval. A forbid that cannot
/// be evaluated denies; a permit that cannot says nothing.
#[derive(Clone, Debug, InputObject)]
pub struct CustomRulesInput {
    /// The text, up to 20,000 bytes.
    pub text: String,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[graphql(remote = "Weekday")]
pub enum PolicyDay {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

impl PolicyRulesInput {
    /// The rules; what cannot be read is left out and told.
    pub fn read(self, problems: &mut Vec<Place>) -> Rules {
        match self {
            Self::Usage(rules) => Rules::Usage(rules.read(problems)),
            Self::Access(rules) => Rules::Access(rules.read(problems)),
            Self::Compliance(rules) => Rules::Compliance(rules.read(problems)),
            Self::Custom(CustomRulesInput { text }) => {
                if text.len() > LONGEST_CUSTOM {
                    let message = format!("The text has {} bytes; at most {LONGEST_CUSTOM} fit.", text.len());
                    problems.push(("rules.custom.text".to_owned(), message));
                    return Rules::Custom(CustomRules::default());
                }
                Rules::Custom(CustomRules { text })
            }
        }
    }
}

impl UsageRulesInput {
    fn read(self, problems: &mut Vec<Place>) -> UsageRules {
        check_length("rules.usage.limits", self.limits.len(), problems);
        let limits = self.limits.into_iter().enumerate().filter_map(|(index, limit)| {
            let amount = limit.amount.parse::<Decimal>().ok().filter(|amount| *amount < Decimal::from(10_i64.pow(13)));
            if amount.is_none() {
                let message = "Write a decimal number below 10^13, such as 12.50.".to_owned();
                problems.push((format!("rules.usage.limits[{index}].amount"), message));
            }
            Some(UsageLimit {
                measure: limit.measure,
                amount: amount?,
                window: limit.window,
                counted_by: limit.counted_by,
                enforcement: limit.enforcement,
                when_redis_away: limit.when_redis_away,
            })
        });
        UsageRules { limits: limits.collect() }
    }
}

impl AccessRulesInput {
    fn read(self, problems: &mut Vec<Place>) -> AccessRules {
        for (name, length) in [
            ("allowedModels", self.allowed_models.len()),
            ("blockedModels", self.blocked_models.len()),
            ("allowedServers", self.allowed_servers.len()),
            ("blockedServers", self.blocked_servers.len()),
            ("allowedTools", self.allowed_tools.len()),
            ("blockedTools", self.blocked_tools.len()),
            ("approvedTools", self.approved_tools.len()),
            ("hours", self.hours.len()),
            ("networks", self.networks.len()),
        ] {
            check_length(&format!("rules.access.{name}"), length, problems);
        }
        let hours = self.hours.into_iter().enumerate().filter_map(|(index, hours)| {
            let mut time = |name: &str, text: &str| {
                let time = NaiveTime::parse_from_str(text, "%H:%M").ok();
                if time.is_none() {
                    problems.push((format!("rules.access.hours[{index}].{name}"), "Write a time as HH:MM.".to_owned()));
                }
                time
            };
            let (from, until) = (time("from", &hours.from), time("until", &hours.until));
            let days = hours.days.into_iter().map(Weekday::from).collect();
            Some(Hours { zone: hours.zone, days, from: from?, until: until? })
        });
        let hours = hours.collect();
        let networks = self.networks.iter().enumerate().filter_map(|(index, text)| {
            let network = text.parse::<IpNetwork>().ok();
            if network.is_none() {
                let message = "Write a network as an address and the length of its prefix, such as 10.0.0.0/8.";
                problems.push((format!("rules.access.networks[{index}]"), message.to_owned()));
            }
            network
        });
        let networks = networks.collect();
        AccessRules {
            allowed_models: self.allowed_models,
            blocked_models: self.blocked_models,
            allowed_servers: self.allowed_servers,
            blocked_servers: self.blocked_servers,
            allowed_tools: self.allowed_tools,
            blocked_tools: self.blocked_tools,
            approved_tools: self.approved_tools,
            hours,
            networks,
        }
    }
}

impl ComplianceRulesInput {
    fn read(self, problems: &mut Vec<Place>) -> ComplianceRules {
        check_length("rules.compliance.patterns", self.patterns.len(), problems);
        for (index, pattern) in self.patterns.iter().enumerate() {
            if pattern.chars().any(char::is_control) {
                let message = "A pattern holds no control characters; write them as escapes.".to_owned();
                problems.push((format!("rules.compliance.patterns[{index}]"), message));
            }
        }
        let mut detectors: Vec<Detector> = Vec::new();
        for detector in self.detectors {
            if !detectors.contains(&detector) {
                detectors.push(detector);
            }
        }
        if !self.in_arguments && !self.in_results {
            let message = "Look at arguments, at results or at both.".to_owned();
            problems.push(("rules.compliance.inArguments".to_owned(), message));
        }
        ComplianceRules {
            patterns: self.patterns,
            detectors,
            in_arguments: self.in_arguments,
            in_results: self.in_results,
            response: self.response,
        }
    }
}

fn check_length(path: &str, length: usize, problems: &mut Vec<Place>) {
    if length > MOST {
        problems.push((path.to_owned(), format!("There are {length} entries; at most {MOST} fit.")));
    }
}
