//! The shape of the source: which layer may name which, and what may stand nowhere. Each rule is one of the
//! invariants of the design, or of the house.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// A file of the repository.
struct File {
    /// From the top of the repository.
    path: String,
    text: String,
}

impl File {
    fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }

    fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    fn is_within(&self, folder: &str) -> bool {
        self.path.starts_with(&format!("{folder}/"))
    }

    fn is_test(&self) -> bool {
        self.is_within("tests") || self.path.contains("/tests/") || self.name() == "tests.rs"
    }

    /// The lines before a test module, each with its number.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    /// The lines of the product, without a test module at the end.
    fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.is_test();
        self.lines().take_while(move |(_, line)| !is_test && line.trim() != "#[cfg(test)]")
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// What git does not keep.
const BUILT: [&str; 4] = ["target", "node_modules", "dist", "package-lock.json"];

fn collect(folder: &Path, prefix: &str, files: &mut Vec<File>) {
    for entry in fs::read_dir(folder).expect("a folder can be read").flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        if BUILT.contains(&name.as_str()) || (name.starts_with('.') && name != ".ci") {
            continue;
        }
        if entry.path().is_dir() {
            collect(&entry.path(), &format!("{path}/"), files);
        } else if let Ok(text) = fs::read_to_string(entry.path()) {
            files.push(File { path, text });
        }
    }
}

/// Every text file of the repository.
fn files() -> &'static [File] {
    static FILES: LazyLock<Vec<File>> = LazyLock::new(|| {
        let mut files = Vec::new();
        collect(&root(), "", &mut files);
        files
    });
    &FILES
}

fn rust() -> impl Iterator<Item = &'static File> {
    files().iter().filter(|file| file.is_rust())
}

/// Fails with every place where the rule is broken.
#[track_caller]
fn hold(rule: &str, broken: Vec<String>) {
    assert!(broken.is_empty(), "{rule}:\n{}", broken.join("\n"));
}

/// The places where a line of the product meets the condition.
fn places(files: impl Iterator<Item = &'static File>, condition: impl Fn(&File, &str) -> bool) -> Vec<String> {
    files
        .flat_map(|file| {
            let condition = &condition;
            file.product_lines()
                .filter(move |(_, line)| condition(file, line))
                .map(move |(number, line)| format!("{}:{number}: {}", file.path, line.trim()))
        })
        .collect()
}

/// A line without its comment.
fn code(line: &str) -> &str {
    if line.trim_start().starts_with("//") { "" } else { line }
}

#[test]
fn the_files_are_there() {
    assert!(rust().count() > 100, "{}", rust().count());
    assert!(rust().any(|file| file.path == "api/src/app.rs"));
}

#[test]
fn the_top_level_holds_what_it_should() {
    let allowed = [
        "Cargo.toml",
        "Cargo.lock",
        "LICENSE",
        "README.md",
        "api",
        "dev",
        "entity",
        "migration",
        "schema.graphql",
        "tests",
        "target",
    ];
    let names = fs::read_dir(root()).expect("the repository can be read").flatten();
    let names = names.map(|entry| entry.file_name().to_string_lossy().into_owned());
    let others = names.filter(|name| !name.starts_with('.') && !allowed.contains(&name.as_str())).collect();
    hold("The top level is fixed; tools have dot-files", others);
}

#[test]
fn what_a_client_sees_never_names_the_database() {
    let names = ["graphql.rs", "mutations.rs", "subscription.rs"];
    let seen = rust().filter(|file| file.is_within("api/src") && !file.is_within("api/src/platform"));
    let seen = seen.filter(|file| names.contains(&file.name()) || file.path.contains("/mutations/"));
    hold("graphql.rs never names sea_orm", places(seen, |_, line| code(line).contains("sea_orm")));
}

#[test]
fn rules_never_name_the_graph() {
    let rules = rust().filter(|file| file.is_within("api/src") && file.name() == "rules.rs");
    hold("rules.rs never names async_graphql", places(rules, |_, line| code(line).contains("async_graphql")));
}

#[test]
fn queries_are_built_in_stores_and_the_platform_alone() {
    let elsewhere = rust()
        .filter(|file| file.is_within("api/src") && !file.is_within("api/src/platform") && file.name() != "store.rs");
    let opened = |_: &File, line: &str| code(line).contains("clippy::disallowed_methods");
    hold("only store.rs and platform open a closed door", places(elsewhere, opened));
}

#[test]
fn what_changes_grants_holds_them_alone() {
    let tenancy = rust().filter(|file| file.is_within("api/src/tenancy"));
    // The context is the session's, and nobody's grants depend on it.
    let shared = |file: &File, line: &str| {
        let opens = |name: &str| code(line).contains(name);
        opens(".begin_write()") || opens(".begin_write_of_sessions()") && !file.is_within("api/src/tenancy/context")
    };
    hold("tenancy opens a write of grants", places(tenancy, shared));
}

/// The modules beside `platform`.
fn domains() -> Vec<String> {
    let library = rust().find(|file| file.path == "api/src/lib.rs").expect("the library");
    let modules = library.text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    modules.filter(|name| *name != "platform").map(str::to_owned).collect()
}

#[test]
fn the_platform_knows_no_domain() {
    let domains = domains();
    assert!(domains.iter().any(|name| name == "content"), "{domains:?}");
    let platform = rust().filter(|file| file.is_within("api/src/platform"));
    let knows = |_: &File, line: &str| {
        domains.iter().any(|name| {
            let path = format!("crate::{name}");
            code(line)
                .match_indices(&path)
                .any(|(at, _)| !line[at + path.len()..].starts_with(|next: char| next.is_alphanumeric() || next == '_'))
        })
    };
    hold("platform imports no domain", places(platform, knows));
}

#[test]
fn a_domain_uses_another_through_its_door() {
    let reaches = |file: &File, line: &str| {
        let line = code(line);
        line.match_indices("crate::").any(|(at, _)| {
            let path: Vec<&str> = line[at..]
                .split(|next: char| !(next.is_alphanumeric() || next == '_'))
                .filter(|part| !part.is_empty())
                .take(6)
                .collect();
            let inner = path.iter().position(|part| *part == "store").filter(|place| *place > 1);
            inner.is_some_and(|place| !file.path.starts_with(&format!("api/src/{}", path[1..place].join("/"))))
        })
    };
    let domains = rust().filter(|file| file.is_within("api/src") && !file.is_within("api/src/platform"));
    hold("a domain uses another through its mod, never its store", places(domains, reaches));
}

#[test]
fn the_entities_and_migrations_know_no_server() {
    let below = rust().filter(|file| file.is_within("entity") || file.is_within("migration"));
    hold("entity and migration stand below api", places(below, |_, line| code(line).contains("api::")));
}

#[test]
fn no_file_is_too_long_to_read() {
    let written = files().iter().filter(|file| {
        [".rs", ".sql", ".js", ".jsx", ".mjs", ".ts", ".tsx", ".css", ".html", ".toml", ".sh"]
            .iter()
            .any(|end| file.path.ends_with(end))
            || file.path == "dev"
    });
    let long = written.filter(|file| file.text.lines().count() > 600);
    hold(
        "a file has 600 lines at most",
        long.map(|file| format!("{}: {}", file.path, file.text.lines().count())).collect(),
    );
}

#[test]
fn each_file_says_what_lives_in_it() {
    let silent = rust().filter(|file| !file.text.starts_with("//! "));
    hold("a file opens with `//!`", silent.map(|file| file.path.clone()).collect());
}

#[test]
fn lints_are_expected_with_a_reason_and_never_allowed() {
    let allowed = |line: &str| ["#[allow", "#![allow"].iter().any(|start| line.trim_start().starts_with(start));
    let all = rust().flat_map(|file| file.lines().map(move |(number, line)| (file, number, line)));
    hold(
        "no lint is allowed",
        all.filter(|(_, _, line)| allowed(line)).map(|(file, number, _)| format!("{}:{number}", file.path)).collect(),
    );

    let mut silent = Vec::new();
    for file in rust() {
        for (at, _) in file.text.match_indices("[expect(") {
            let attribute: String = file.text[at..].chars().take_while(|next| *next != ']').collect();
            if file.text[..at].ends_with(['#', '!']) && !attribute.contains("reason =") {
                silent.push(format!("{}: {attribute}", file.path));
            }
        }
    }
    hold("an expected lint says why", silent);
}

#[test]
fn nothing_panics_but_where_an_invariant_is_broken() {
    let product = || {
        rust().filter(|file| ["api", "entity", "migration"].iter().any(|name| file.is_within(&format!("{name}/src"))))
    };
    let macros = ["todo!(", "unimplemented!(", "dbg!("];
    hold(
        "nothing is left to be done",
        places(product(), |_, line| macros.iter().any(|name| code(line).contains(name))),
    );
    let panics = |_: &File, line: &str| {
        let line = code(line);
        line.contains(".unwrap()")
            || line.contains(".unwrap_err()")
            || (line.contains("panic!(") && !line.contains("\"Invariant:"))
    };
    hold("nothing panics", places(product(), panics));
    let mut silent = Vec::new();
    for file in product() {
        let text: String = file.product_lines().map(|(_, line)| format!("{}\n", code(line))).collect();
        for (at, _) in text.match_indices(".expect(") {
            if !text[at + ".expect(".len()..].trim_start().starts_with("\"Invariant:") {
                silent.push(format!("{}: {}", file.path, text[at..].lines().next().unwrap_or_default()));
            }
        }
    }
    hold("an expectation is an invariant", silent);
}

#[test]
fn nothing_is_put_off() {
    // Written in parts, so that this file may be looked at too.
    let words = [["TO", "DO"].concat(), ["FIX", "ME"].concat(), ["XX", "X"].concat(), ["HA", "CK"].concat()];
    let mut found = Vec::new();
    for file in files() {
        for (number, line) in file.lines() {
            let mut parts = line.split(|next: char| !next.is_alphanumeric() && next != '_');
            if parts.any(|part| words.iter().any(|word| part == word)) {
                found.push(format!("{}:{number}: {}", file.path, line.trim()));
            }
        }
    }
    hold("nothing is put off", found);
}

#[test]
fn names_say_what_is_in_them() {
    let grab_bags =
        ["util", "utils", "common", "core", "helper", "helpers", "manager", "managers", "service", "services", "misc"];
    let named = files().iter().filter(|file| {
        let parts = file.path.split('/').map(|part| part.split('.').next().unwrap_or_default());
        parts.into_iter().any(|part| grab_bags.contains(&part))
    });
    hold("no grab-bags", named.map(|file| file.path.clone()).collect());
}

#[test]
fn tests_wait_for_what_happens_and_leave_nothing_out() {
    let tests = || rust().filter(|file| file.is_within("tests") && !file.is_within("tests/bench"));
    let lines = |wanted: &dyn Fn(&File, &str) -> bool| -> Vec<String> {
        let all = tests().flat_map(|file| file.lines().map(move |(number, line)| (file, number, line)));
        all.filter(|(file, _, line)| wanted(file, line))
            .map(|(file, number, line)| format!("{}:{number}: {}", file.path, line.trim()))
            .collect()
    };
    let (sleep, ignore) = (["sle", "ep("].concat(), ["#[ign", "ore"].concat());
    hold(
        "tests wait for conditions",
        lines(&|file, line| code(line).contains(&sleep) && file.path != "tests/support/waiting.rs"),
    );
    hold("no test is left out", lines(&|_, line| line.trim_start().starts_with(&ignore)));
}
