//! The spaces of the demo and what is in them, read from the corpus.

use super::corpus::Block;

/// What kind of text a section holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Genre {
    Account,
    Answer,
    Batch,
    Calibration,
    Decision,
    Digest,
    Guide,
    Handbook,
    Handover,
    Hire,
    Incident,
    Install,
    Interview,
    Plan,
    Quarter,
    Reading,
    Release,
    Runbook,
    Spec,
    Study,
    Supplier,
    Template,
    Test,
    Visit,
    Weekly,
}

impl Genre {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "account" => Self::Account,
            "answer" => Self::Answer,
            "batch" => Self::Batch,
            "calibration" => Self::Calibration,
            "decision" => Self::Decision,
            "digest" => Self::Digest,
            "guide" => Self::Guide,
            "handbook" => Self::Handbook,
            "handover" => Self::Handover,
            "hire" => Self::Hire,
            "incident" => Self::Incident,
            "install" => Self::Install,
            "interview" => Self::Interview,
            "plan" => Self::Plan,
            "quarter" => Self::Quarter,
            "reading" => Self::Reading,
            "release" => Self::Release,
            "runbook" => Self::Runbook,
            "spec" => Self::Spec,
            "study" => Self::Study,
            "supplier" => Self::Supplier,
            "template" => Self::Template,
            "test" => Self::Test,
            "visit" => Self::Visit,
            "weekly" => Self::Weekly,
            _ => return None,
        })
    }

    /// What a document of this kind is tagged with.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Account => "customer",
            Self::Answer => "answer",
            Self::Batch => "batch",
            Self::Calibration => "certificate",
            Self::Decision => "decision",
            Self::Digest => "digest",
            Self::Guide => "guide",
            Self::Handbook => "handbook",
            Self::Handover => "handover",
            Self::Hire => "candidate",
            Self::Incident => "incident",
            Self::Install => "installation",
            Self::Interview => "conversation",
            Self::Plan => "first weeks",
            Self::Quarter => "quarter",
            Self::Reading => "paper",
            Self::Release => "release",
            Self::Runbook => "runbook",
            Self::Spec => "specification",
            Self::Study => "study",
            Self::Supplier => "supplier",
            Self::Template => "template",
            Self::Test => "test",
            Self::Visit => "visit",
            Self::Weekly => "notes",
        }
    }

    /// The lines of a subject that give such a document its title.
    pub fn titles(self) -> Option<&'static str> {
        match self {
            Self::Answer => Some("ask"),
            Self::Decision => Some("decision"),
            Self::Incident => Some("incident"),
            Self::Runbook => Some("runbook"),
            Self::Spec => Some("spec"),
            Self::Study | Self::Test => Some("study"),
            _ => None,
        }
    }
}

/// A part of a space: documents of one kind below one document.
#[derive(Debug)]
pub struct Section {
    pub title: &'static str,
    pub genre: Genre,
    /// Documents at medium scale.
    pub count: usize,
    pub by_year: bool,
    pub about: &'static str,
}

/// A space.
#[derive(Debug)]
pub struct SpacePlan {
    pub organization: &'static str,
    pub slug: &'static str,
    pub name: &'static str,
    pub about: &'static str,
    pub icon: &'static str,
    pub color: &'static str,
    pub open: bool,
    /// The role of everybody in an open space.
    pub default_role: &'static str,
    pub team: &'static str,
    pub project: Option<&'static str>,
    pub areas: Vec<&'static str>,
    /// The system that some of its documents come from.
    pub source: Option<&'static str>,
    pub archived: bool,
    pub sections: Vec<Section>,
}

/// Reads the plan of a space.
/// Invariant: the corpus is well-formed; a test reads all of it.
pub fn space(block: &Block) -> Option<SpacePlan> {
    let (organization, slug) = block.0.split_once(' ')?;
    let value = |key: &str| block.1.iter().find_map(|line| line.strip_prefix(key)?.strip_prefix(": "));
    let (icon, color) = value("look")?.split_once(' ')?;
    let mut privacy = value("privacy")?.split(' ');
    Some(SpacePlan {
        organization,
        slug,
        name: value("name")?,
        about: value("about")?,
        icon,
        color,
        open: privacy.next() == Some("open"),
        default_role: privacy.next().unwrap_or("reader"),
        team: value("team")?,
        project: value("project"),
        areas: value("areas")?.split(' ').collect(),
        source: value("source"),
        archived: value("archived").is_some(),
        sections: block.1.iter().filter_map(|line| section(line.strip_prefix("- ")?)).collect(),
    })
}

fn section(line: &'static str) -> Option<Section> {
    let mut columns = line.split('|').map(str::trim);
    let (title, genre, count, about) = (columns.next()?, columns.next()?, columns.next()?, columns.next()?);
    Some(Section {
        title,
        genre: Genre::named(genre)?,
        count: count.split(' ').next()?.parse().ok()?,
        by_year: count.ends_with("by year"),
        about,
    })
}

#[cfg(test)]
mod tests {
    use crate::demo::corpus::Corpus;

    #[test]
    fn every_space_and_section_of_the_corpus_is_read() {
        let corpus = Corpus::new();
        for block in &corpus.spaces {
            let plan = super::space(block).unwrap_or_else(|| panic!("{} cannot be read", block.0));
            let written = block.1.iter().filter(|line| line.starts_with("- ")).count();
            assert_eq!(plan.sections.len(), written, "{}", plan.name);
            assert!(!corpus.subjects_of(&plan.areas).is_empty() || plan.slug == "handbook", "{}", plan.name);
        }
    }
}
