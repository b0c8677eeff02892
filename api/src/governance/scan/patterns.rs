//! Patterns of secrets and personal data, shared by the scan and by compliance policies. All take linear time.

use std::sync::LazyLock;

use regex::Regex;

/// A pattern that is part of the program.
pub(crate) fn fixed(source: &str) -> Regex {
    Regex::new(source).expect("Invariant: the patterns of the program are regular expressions")
}

/// Keys and tokens of well-known services, recognised by their fixed prefixes, and private keys.
pub fn secret_pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| {
        fixed(concat!(
            r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
            r"|\bgh[pousr]_[A-Za-z0-9]{36,}\b",
            r"|\bgithub_pat_[A-Za-z0-9_]{40,}\b",
            r"|\bglpat-[A-Za-z0-9_-]{20,}",
            r"|\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{32,}",
            r"|\bxox[abposr]-[A-Za-z0-9-]{20,}",
            r"|\b(?:sk|rk)_live_[A-Za-z0-9]{20,}\b",
            r"|\bAIza[0-9A-Za-z_-]{35}",
            r"|\bnpm_[A-Za-z0-9]{36}\b",
            r"|\bpypi-[A-Za-z0-9_-]{50,}",
            r"|\btr_(?:live|test)_[A-Za-z0-9_-]{32,}",
            r"|-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
        ))
    });
    &PATTERN
}

/// Addresses of mail.
pub fn email_pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> =
        LazyLock::new(|| fixed(r"(?i)\b[a-z0-9._%+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){0,6}\.[a-z]{2,24}\b"));
    &PATTERN
}

/// What could be the number of a payment card; its check digit is looked at apart.
pub fn payment_card_pattern() -> &'static Regex {
    static PATTERN: LazyLock<Regex> = LazyLock::new(|| fixed(r"\b[2-6][0-9](?:[ -]?[0-9]){11,17}\b"));
    &PATTERN
}
