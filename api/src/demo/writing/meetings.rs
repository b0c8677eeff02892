//! What teams write for themselves: weekly notes, goals of a quarter and the look back at it.

use super::{Draft, Phase, Scene};
use crate::demo::calendar;
use crate::demo::markdown::Markdown;

/// Notes of a meeting: what is on people's minds, and who does what.
pub fn weekly(scene: &mut Scene<'_>) -> Draft {
    let mut page = Markdown::new();
    page.text(&format!("Present: {}", scene.present.join(", ")));
    let opening = scene.voice.phrases("weekly.open", 1);
    page.paragraph(opening);
    let long = scene.voice.random.chance(20);
    let most = if long { 5 } else { 3 };
    let mut tasks = Vec::new();
    let subjects = scene.subjects.clone();
    for (subject, phase) in subjects.iter().take(if long { 4 } else { 3 }) {
        let topic = scene.topic(subject);
        page.heading(&topic);
        let said = scene.account_of(subject, *phase, most);
        page.paragraph(said);
        if *phase != Phase::Seen {
            tasks.extend(scene.tasks(subject, 2));
        } else if scene.voice.random.chance(50) {
            tasks.extend(scene.tasks(subject, 1));
        }
    }
    if scene.voice.random.chance(25) {
        page.heading("Numbers");
        let numbers = scene.voice.phrases("review.numbers", 2);
        page.list(numbers);
    }
    if !tasks.is_empty() {
        page.heading("Who does what");
        page.list(tasks);
    }
    let close = scene.voice.phrases("weekly.close", 1);
    page.paragraph(close);
    let title = format!("{} weekly, {}", scene.team, calendar::long(scene.date));
    let draft = Draft::of(title, page.finish(), None);
    draft.tagged(subjects.iter().take(3).filter_map(|(subject, _)| subject.tags.first().copied()))
}

/// The goals of a quarter, or what became of them.
pub fn quarter(scene: &mut Scene<'_>) -> Draft {
    if scene.number.is_multiple_of(2) { review(scene) } else { goals(scene) }
}

fn goals(scene: &mut Scene<'_>) -> Draft {
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("goals.open", 2);
    page.paragraph(opening);
    let subjects = scene.subjects.clone();
    for (index, (subject, _)) in subjects.iter().take(3).enumerate() {
        let topic = scene.topic(subject);
        page.heading(&format!("{}. {topic}", index + 1));
        let (why, goal) = (scene.voice.about(subject, "seen", 2), scene.voice.about(subject, "decided", 1));
        page.paragraph(why);
        page.paragraph(goal.into_iter().map(|goal| format!("**At the end of the quarter:** {goal}")));
        let (first, risk) = (scene.tasks(subject, 2), scene.voice.about(subject, "risk", 1));
        page.list(first);
        page.paragraph(risk);
    }
    if subjects.len() > 3 {
        page.heading("Not this quarter");
        let mut later = Vec::new();
        for (subject, _) in subjects.iter().skip(3).take(3) {
            later.push(scene.topic(subject));
        }
        page.list(later);
    }
    let measure = scene.voice.phrases("spec.measure", 1);
    page.paragraph(measure);
    let title = format!("{}: goals for {}", scene.team, calendar::quarter(scene.date + chrono::Duration::days(20)));
    Draft::of(title, page.finish(), None).tagged(["goals"])
}

/// A long page: everything that the quarter was about.
fn review(scene: &mut Scene<'_>) -> Draft {
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("review.open", 2);
    page.paragraph(opening);
    let subjects = scene.subjects.clone();
    let mut rows = Vec::new();
    for (subject, _) in subjects.iter().take(10) {
        let topic = scene.topic(subject);
        page.heading(&topic);
        let reached = scene.voice.phrase("review.reached");
        rows.push(vec![topic, reached.split(',').next().unwrap_or_default().trim_end_matches(['.', ':']).to_owned()]);
        page.paragraph([format!("*{reached}*")]);
        for kinds in [&["what", "seen", "seen"][..], &["cause", "cause", "idea"], &["decided", "risk"]] {
            let mut sentences = Vec::new();
            for kind in kinds {
                sentences.extend(scene.voice.about(subject, kind, 1));
            }
            page.paragraph(sentences);
        }
        let quote = scene.voice.about(subject, "said", 1);
        page.quote(&quote.join(" "));
    }
    page.heading("In one table");
    page.table(&["Goal", "Outcome"], &rows);
    page.heading("Numbers");
    let numbers = scene.voice.phrases("review.numbers", 4);
    page.list(numbers);
    page.heading("What we learned");
    let lessons = scene.voice.phrases("review.lesson", 3);
    page.list(lessons);
    let next = scene.voice.phrases("review.next", 2);
    page.paragraph(next);
    let title = format!("{}: looking back at {}", scene.team, calendar::quarter(scene.date));
    Draft::of(title, page.finish(), None).tagged(["review"])
}
