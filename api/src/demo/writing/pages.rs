//! Pages that are complete as they stand, the page above a section, and notes for oneself.

use super::{Draft, Scene};
use crate::demo::corpus::WholePage;
use crate::demo::markdown::Markdown;
use crate::demo::plan::Section;

/// A page of the handbook.
pub fn handbook(scene: &mut Scene<'_>) -> Option<Draft> {
    whole(scene.voice.corpus.handbook.get(scene.number - 1)?, true)
}

/// A page to copy.
pub fn template(scene: &mut Scene<'_>) -> Option<Draft> {
    whole(scene.voice.corpus.templates.get(scene.number - 1)?, false)
}

fn whole(page: &WholePage, with_place: bool) -> Option<Draft> {
    let mut tags: Vec<String> = page.tags.iter().map(|tag| (*tag).to_owned()).collect();
    if with_place {
        tags.push(page.place.to_lowercase());
    }
    Some(Draft { title: page.title.to_owned(), text: format!("{}\n", page.text), tags, language: "en" })
}

/// The page that a section, or one year of it, stands below.
pub fn index(section: &Section, year: Option<i32>, team: &str) -> Draft {
    let mut page = Markdown::new();
    page.text(section.about);
    let title = match year {
        Some(year) => {
            page.text(&format!(
                "This page holds {year}. New ones go below it; what is no longer true is archived, not deleted."
            ));
            format!("{} {year}", section.title)
        }
        None => {
            page.text(&format!("Kept by {team}. If you do not find something here, ask them, and then add it."));
            section.title.to_owned()
        }
    };
    Draft { title, text: page.finish(), tags: vec!["overview".to_owned()], language: "en" }
}

/// A note for oneself.
pub fn note(scene: &mut Scene<'_>) -> Option<Draft> {
    scene.prepare();
    let corpus = scene.voice.corpus;
    let (title, text) = *corpus.notes.get(scene.number % corpus.notes.len())?;
    if let Some(subject) = scene.subject() {
        for (slot, kind) in [
            ("what", "what"),
            ("seen", "seen"),
            ("said", "said"),
            ("idea", "idea"),
            ("risk", "risk"),
            ("topic", "topic"),
            ("next", "next"),
        ] {
            let said = scene.voice.one_about(subject, kind);
            scene.voice.set(slot, said);
        }
    }
    let (title, text) = (scene.voice.say(title), scene.voice.say(text.trim()));
    Some(Draft { title, text: format!("{text}\n"), tags: Vec::new(), language: "en" })
}

/// What became of a document, written below it.
pub fn follow_up(scene: &mut Scene<'_>, of: &str) -> Option<Draft> {
    scene.prepare();
    let (subject, _) = *scene.subjects.first()?;
    let mut page = Markdown::new();
    for kinds in [["seen", "cause"], ["idea", "decided"], ["risk", "said"]] {
        let said: Vec<String> = kinds.iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    let tasks = scene.tasks(subject, 2);
    page.list(tasks);
    let short: String = of.rsplit_once(": ").map_or(of, |(_, short)| short).chars().take(100).collect();
    let opening = ["After a month", "Second look", "What became of it", "Notes from the discussion"];
    let opening = opening[scene.voice.random.below(opening.len())];
    Some(Draft::of(format!("{opening}: {short}"), page.finish(), Some(subject)))
}
