//! The written material, embedded and taken apart: subjects with what can be said about them, phrases by use,
//! whole pages, names. `corpus/` holds it as text; a line is a sentence with slots (`voice`).

use std::collections::HashMap;

/// One thing that people write about, from its first sighting to the decision.
#[derive(Debug)]
pub struct Subject {
    /// Where it is talked about.
    pub areas: Vec<&'static str>,
    pub products: Vec<&'static str>,
    pub tags: Vec<&'static str>,
    /// The kind of customer it happens to; none is everybody.
    pub customers: Option<&'static str>,
    lines: HashMap<&'static str, Vec<&'static str>>,
}

impl Subject {
    /// What can be said of this kind.
    pub fn lines(&self, kind: &str) -> &[&'static str] {
        self.lines.get(kind).map_or(&[], Vec::as_slice)
    }

    pub fn is_of(&self, areas: &[&str]) -> bool {
        self.areas.iter().any(|area| areas.contains(area))
    }
}

/// A page that is complete as it stands.
#[derive(Debug)]
pub struct WholePage {
    pub title: &'static str,
    pub tags: Vec<&'static str>,
    /// The section or area it belongs to.
    pub place: &'static str,
    pub text: &'static str,
}

/// A row of a table of names: its columns.
pub type Row = Vec<&'static str>;

/// Everything that was written.
#[derive(Debug)]
pub struct Corpus {
    pub subjects: Vec<Subject>,
    phrases: HashMap<&'static str, Vec<&'static str>>,
    languages: HashMap<&'static str, HashMap<&'static str, Vec<&'static str>>>,
    pub handbook: Vec<WholePage>,
    pub templates: Vec<WholePage>,
    /// Title and text.
    pub notes: Vec<(&'static str, &'static str)>,
    pub people: Vec<Row>,
    pub customers: Vec<Row>,
    pub spaces: Vec<Block>,
}

/// A headed block of lines.
pub type Block = (&'static str, Vec<&'static str>);

impl Corpus {
    pub fn new() -> Self {
        let subjects = [
            include_str!("corpus/subjects_hardware.txt"),
            include_str!("corpus/subjects_software.txt"),
            include_str!("corpus/subjects_company.txt"),
        ];
        let phrases = [include_str!("corpus/frames.txt"), include_str!("corpus/names.txt")];
        let languages = [
            ("de", include_str!("corpus/german.txt")),
            ("fr", include_str!("corpus/french.txt")),
            ("es", include_str!("corpus/spanish.txt")),
        ];
        Self {
            subjects: subjects.into_iter().flat_map(blocks).map(subject).collect(),
            phrases: phrases.into_iter().flat_map(blocks).collect(),
            languages: languages.into_iter().map(|(code, text)| (code, blocks(text).collect())).collect(),
            handbook: pages(include_str!("corpus/handbook.md")),
            templates: pages(include_str!("corpus/templates.md")),
            notes: notes(include_str!("corpus/notes.txt")),
            people: rows(include_str!("corpus/people.txt")),
            customers: rows(include_str!("corpus/customers.txt")),
            spaces: blocks(include_str!("corpus/spaces.txt")).collect(),
        }
    }

    /// The phrases of one use.
    pub fn phrases(&self, key: &str) -> &[&'static str] {
        self.phrases.get(key).map_or(&[], Vec::as_slice)
    }

    /// The phrases of one use in German, French or Spanish.
    pub fn foreign(&self, language: &str, key: &str) -> &[&'static str] {
        self.languages.get(language).and_then(|keys| keys.get(key)).map_or(&[], Vec::as_slice)
    }

    /// The subjects of some areas.
    pub fn subjects_of(&self, areas: &[&str]) -> Vec<&Subject> {
        self.subjects.iter().filter(|subject| subject.is_of(areas)).collect()
    }
}

/// Blocks that begin with `== name`.
fn blocks(text: &'static str) -> impl Iterator<Item = Block> {
    text.split("\n== ").filter_map(|block| {
        let mut lines = block.trim_start_matches("== ").lines();
        let name = lines.next()?.trim();
        Some((name, lines.filter(|line| !line.trim().is_empty()).collect()))
    })
}

fn subject((_, block): Block) -> Subject {
    let mut lines: HashMap<&'static str, Vec<&'static str>> = HashMap::new();
    for (kind, line) in block.iter().filter_map(|line| line.split_once(": ")) {
        lines.entry(kind).or_default().push(line);
    }
    let mut list = |kind: &str, separator: &'static str| -> Vec<&'static str> {
        let line = lines.remove(kind).and_then(|lines| lines.first().copied()).unwrap_or_default();
        line.split(separator).map(str::trim).collect()
    };
    let (areas, products, tags) = (list("areas", " "), list("products", ","), list("tags", ","));
    let customers = lines.remove("customers").and_then(|kinds| kinds.first().copied());
    Subject { areas, products, tags, customers, lines }
}

/// Pages that begin with `=== title | tags | place`.
fn pages(text: &'static str) -> Vec<WholePage> {
    let page = |page: &'static str| {
        let (head, text) = page.split_once('\n')?;
        let mut head = head.split('|').map(str::trim);
        let (title, tags, place) = (head.next()?, head.next()?, head.next()?);
        Some(WholePage { title, tags: tags.split(',').map(str::trim).collect(), place, text: text.trim() })
    };
    text.trim_start_matches("=== ").split("\n=== ").filter_map(page).collect()
}

fn notes(text: &'static str) -> Vec<(&'static str, &'static str)> {
    text.trim_start_matches("= ").split("\n= ").filter_map(|note| note.split_once('\n')).collect()
}

fn rows(text: &'static str) -> Vec<Row> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| line.split('|').map(str::trim).collect())
        .collect()
}
