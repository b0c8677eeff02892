//! The words that give a fact away: in a tool's name, in the names of its parameters and in its description.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Fact, RiskReason};
use crate::governance::{pins::Tool, scan::patterns::fixed};

struct Signs {
    fact: Fact,
    /// Whole words of the tool's name.
    name: &'static [&'static str],
    /// Whole names of parameters.
    parameters: &'static [&'static str],
    description: Option<Regex>,
}

static SIGNS: LazyLock<[Signs; 9]> = LazyLock::new(|| {
    let signs = |fact, name, parameters, description: &str| {
        let description = (!description.is_empty()).then(|| fixed(&format!(r"(?i)\b(?:{description})\b")));
        Signs { fact, name, parameters, description }
    };
    [
        signs(
            Fact::RunsCode,
            &[
                "exec",
                "execute",
                "eval",
                "evaluate",
                "shell",
                "bash",
                "command",
                "cmd",
                "sql",
                "script",
                "subprocess",
                "terminal",
                "powershell",
                "repl",
                "spawn",
            ],
            &["command", "cmd", "shell", "script", "sql", "sql_query", "source_code"],
            r"(?:runs?|executes?|evaluates?)\s+(?:\w+\s+){0,3}(?:code|commands?|scripts?|sql|shell|python|javascript|programs?)|shell commands?|sql (?:query|queries|statements?)|arbitrary code",
        ),
        signs(
            Fact::ReadsEnvironment,
            &["env", "environ", "getenv", "printenv", "environment"],
            &[],
            r"environment variables?|process\.env|os\.environ",
        ),
        signs(
            Fact::ReadsCredentials,
            &["credential", "credentials", "password", "passwords", "secret", "secrets", "apikey", "keychain", "vault"],
            &[],
            r"credentials?|passwords?|private keys?|api[ -]?keys?|access tokens?|keychain|ssh keys?|\.ssh",
        ),
        signs(
            Fact::MovesMoney,
            &["pay", "payment", "payments", "payout", "refund", "purchase", "charge", "withdraw", "invoice"],
            &["iban", "card_number"],
            r"payments?|refunds?|payouts?|(?:transfers?|sends?|withdraws?) (?:\w+ ){0,2}(?:money|funds)|purchases?|credit cards?",
        ),
        signs(
            Fact::Destructive,
            &[
                "delete",
                "remove",
                "drop",
                "truncate",
                "destroy",
                "purge",
                "wipe",
                "erase",
                "kill",
                "terminate",
                "uninstall",
                "reset",
                "overwrite",
                "revoke",
            ],
            &[],
            r"deletes?|destroys?|overwrit(?:e|es|ing)|permanently|irreversibl[ey]|erases?|purges?|wipes?|drops? (?:the )?tables?",
        ),
        signs(
            Fact::SendsOutward,
            &[
                "send", "post", "publish", "upload", "email", "mail", "tweet", "webhook", "push", "share", "forward",
                "deploy",
            ],
            &["webhook_url", "recipient", "recipients"],
            r"sends? (?:an? |the )?(?:e-?mails?|messages?|requests?|data|notifications?)|uploads?|publish(?:es)?|posts? (?:to|a|an|the)|e-?mails?",
        ),
        signs(
            Fact::WritesLocally,
            &[
                "write", "create", "update", "edit", "save", "insert", "move", "rename", "append", "commit", "store",
                "modify", "patch", "mkdir",
            ],
            &[],
            r"writes?|modif(?:y|ies)|creates?|saves?",
        ),
        signs(
            Fact::ReadsPrivate,
            &["file", "files", "directory", "folder", "contacts", "calendar", "inbox", "history", "git", "memory"],
            &["path", "paths", "file", "filename", "file_path", "directory", "repo_path"],
            r"(?:reads?|lists?|searches) (?:\w+ ){0,4}(?:files?|director(?:y|ies)|messages|contacts|calendar|documents?)",
        ),
        signs(
            Fact::UntrustedContent,
            &["fetch", "browse", "web", "http", "download", "crawl", "scrape", "rss"],
            &["url", "urls", "uri", "href", "link"],
            r"(?:fetch(?:es)?|downloads?|crawls?|scrapes?|browses?)|from the (?:internet|web)|web ?(?:pages?|search)",
        ),
    ]
});

/// The facts that the tool's words give away, one reason for each fact and place.
pub(super) fn told(tool: &Tool) -> Vec<RiskReason> {
    let words = words(&tool.name);
    let mut parameters = Vec::new();
    collect_parameters(&tool.input_schema, "/inputSchema", 0, &mut parameters);
    let mut reasons = Vec::new();
    for signs in SIGNS.iter() {
        let mut add = |place: &str, excerpt: &str| {
            reasons.push(RiskReason { fact: signs.fact, place: place.to_owned(), excerpt: excerpt.to_owned() });
        };
        if let Some(word) = words.iter().find(|word| signs.name.contains(&word.as_str())) {
            add("/name", word);
        }
        let texts = [("/title", &tool.title), ("/description", &tool.description)];
        for (place, text) in texts {
            let found = signs.description.as_ref().zip(text.as_deref()).and_then(|(signs, text)| signs.find(text));
            if let Some(found) = found {
                add(place, found.as_str());
            }
        }
        for (place, name) in &parameters {
            if signs.parameters.contains(&snake_case(name).as_str()) {
                add(place, name);
            }
        }
    }
    reasons
}

/// The words of a name in lower case, whether it is written with signs between them or in camel case.
pub(crate) fn words(name: &str) -> Vec<String> {
    snake_case(name).split('_').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn snake_case(name: &str) -> String {
    let mut written = String::with_capacity(name.len() + 4);
    let mut was_small = false;
    for sign in name.chars() {
        if !sign.is_alphanumeric() {
            written.push('_');
        } else {
            if sign.is_uppercase() && was_small {
                written.push('_');
            }
            written.extend(sign.to_lowercase());
        }
        was_small = sign.is_lowercase() || sign.is_ascii_digit();
    }
    written
}

const MAXIMUM_DEPTH: usize = 16;

fn collect_parameters(schema: &Value, place: &str, depth: usize, parameters: &mut Vec<(String, String)>) {
    let Value::Object(fields) = schema else { return };
    if depth > MAXIMUM_DEPTH {
        return;
    }
    for (keyword, value) in fields {
        let place = format!("{place}/{keyword}");
        match (keyword.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(children)) => {
                for (name, child) in children {
                    let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
                    if keyword == "properties" {
                        parameters.push((place.clone(), name.clone()));
                    }
                    collect_parameters(child, &place, depth + 1, parameters);
                }
            }
            (_, Value::Array(items)) => {
                for (index, item) in items.iter().enumerate() {
                    collect_parameters(item, &format!("{place}/{index}"), depth + 1, parameters);
                }
            }
            ("items" | "additionalProperties" | "not" | "if" | "then" | "else", child) => {
                collect_parameters(child, &place, depth + 1, parameters);
            }
            _ => {}
        }
    }
}
