//! What may not be written down of the arguments of a call: what looks like a secret, what stands under the name of one,
//! and what compliance policies found.

use serde_json::Value;

use crate::governance::decision::ComplianceFinding;
use crate::governance::scan::secret_pattern;
use crate::platform::checks;

/// What stands where something was.
const REDACTED: &str = "[redacted]";
/// Arguments larger than this are not kept.
const MOST_BYTES: usize = 16 * 1024;
/// Parts of the names of fields that hold secrets.
const SECRET_NAMES: [&str; 8] =
    ["password", "passwd", "secret", "token", "apikey", "authorization", "credential", "privatekey"];

/// The arguments as they may be kept and shown, and whether they are whole.
pub fn redacted_arguments(arguments: &Value, findings: &[ComplianceFinding]) -> (Value, bool) {
    let mut kept = arguments.clone();
    for finding in findings.iter().filter(|finding| finding.is_acted_on()) {
        if let Some(found) = kept.pointer_mut(&finding.place) {
            *found = Value::from(REDACTED);
        }
    }
    redact(&mut kept);
    let bytes = kept.to_string().len();
    if bytes > MOST_BYTES {
        return (Value::from(format!("[left out: {bytes} bytes]")), false);
    }
    let is_whole = kept == *arguments;
    (checks::without_nul(kept), is_whole)
}

fn redact(value: &mut Value) {
    match value {
        Value::String(text) => {
            if secret_pattern().is_match(text) {
                *text = secret_pattern().replace_all(text, REDACTED).into_owned();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        Value::Object(fields) => {
            let named = std::mem::take(fields);
            for (name, mut field) in named {
                if is_secret_name(&name) && !field.is_null() && !field.is_boolean() {
                    field = Value::from(REDACTED);
                } else {
                    redact(&mut field);
                }
                let name = if secret_pattern().is_match(&name) { REDACTED.to_owned() } else { name };
                fields.insert(name, field);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn is_secret_name(name: &str) -> bool {
    let plain: String = name.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    SECRET_NAMES.iter().any(|part| plain.contains(part))
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use uuid::Uuid;

    use super::*;
    use crate::governance::decision::Response;

    #[test]
    fn secrets_are_not_kept_whatever_they_stand_in() {
        let key = format!("ghp_{}", "a".repeat(36));
        let arguments = json!({
            "note": format!("use {key} here"), "list": [{ "deep": key }], "api_key": "short", "X-Auth-Token": 5,
            key.clone(): "named", "password": { "old": "a", "new": "b" }, "city": "Berlin", "hasPassword": true,
        });
        let (kept, is_whole) = redacted_arguments(&arguments, &[]);
        let text = kept.to_string();
        assert!(!is_whole && !text.contains("ghp_") && !text.contains("short"), "{text}");
        assert_eq!((&kept["city"], &kept["hasPassword"]), (&json!("Berlin"), &json!(true)));
        assert_eq!((&kept["password"], &kept["X-Auth-Token"]), (&json!(REDACTED), &json!(REDACTED)));
        assert_eq!(kept["note"], "use [redacted] here");
    }

    #[test]
    fn what_compliance_found_is_not_kept_unless_it_is_only_flagged() {
        let finding = |place: &str, response| ComplianceFinding {
            policy_id: Uuid::nil(),
            rule: "patterns[0]".into(),
            place: place.into(),
            response,
            enforced: true,
        };
        let arguments = json!({ "a": "x", "b": "y", "c": "z" });
        let monitored = ComplianceFinding { enforced: false, ..finding("/c", Response::Block) };
        let findings = [finding("/a", Response::Block), finding("/b", Response::Redact), finding("/c", Response::Flag)];
        let findings = [&findings[..], &[monitored]].concat();
        let (kept, is_whole) = redacted_arguments(&arguments, &findings);
        assert_eq!((kept, is_whole), (json!({ "a": REDACTED, "b": REDACTED, "c": "z" }), false));
    }

    #[test]
    fn what_is_harmless_is_kept_whole_and_what_is_huge_is_not_kept() {
        let arguments = json!({ "branch": "main", "count": 3 });
        assert_eq!(redacted_arguments(&arguments, &[]), (arguments.clone(), true));
        let (kept, is_whole) = redacted_arguments(&json!({ "text": "a".repeat(20_000) }), &[]);
        assert!(!is_whole && kept.is_string());
    }
}
