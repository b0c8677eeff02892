//! People and papers: candidates, first weeks, suppliers, the reading group.

use super::{Draft, Scene};
use crate::demo::calendar;
use crate::demo::markdown::Markdown;
use crate::demo::voice::decimal;

/// What we thought of a candidate.
pub fn hire(scene: &mut Scene<'_>) -> Draft {
    let role = scene.voice.phrase("roles");
    let letter = char::from(b'A' + u8::try_from(scene.voice.random.below(26)).unwrap_or(0));
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("hire.open", 2);
    page.paragraph(opening);
    page.heading("Seen");
    let seen = scene.voice.phrases("hire.seen", 3);
    page.list(seen);
    let rows: Vec<Vec<String>> = ["Finds out what is true", "Explains", "Asks", "Finishes"]
        .iter()
        .map(|what| {
            vec![(*what).to_owned(), ["little", "some", "clearly", "strongly"][scene.voice.random.below(4)].to_owned()]
        })
        .collect();
    page.table(&["Quality", "Seen"], &rows);
    page.heading("What we do");
    let close = scene.voice.phrases("hire.close", 1);
    page.paragraph(close);
    let subject = scene.subject();
    if let Some(subject) = subject {
        let said: Vec<String> =
            ["what", "decided"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    Draft::of(format!("{role}: candidate {letter}., {}", calendar::short(scene.date)), page.finish(), None)
        .tagged([role])
}

/// Somebody's first four weeks.
pub fn plan(scene: &mut Scene<'_>) -> Draft {
    let role = scene.voice.phrase("roles");
    let guide = scene.voice.colleague();
    let mut page = Markdown::new();
    page.text(&format!("**First day:** {}  \n**Guide:** {guide}", calendar::long(scene.date)));
    let tasks = scene.voice.phrases("people.tasks", 2);
    page.paragraph(tasks);
    let mut weeks = scene.voice.phrases("plan.weeks", 6).into_iter();
    for week in ["Week one", "Week two", "Week three", "Week four"] {
        page.heading(week);
        page.list(weeks.next());
        if week == "Week two" {
            page.list(weeks.next());
        }
    }
    if let Some(subject) = scene.subject() {
        page.heading("A subject to begin with");
        let topic = scene.topic(subject);
        let mut said = vec![format!("{topic}.")];
        said.extend(["what", "seen", "idea"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)));
        page.paragraph(said);
    }
    Draft::of(format!("{role}, from {}", calendar::long(scene.date)), page.finish(), None).tagged(["onboarding"])
}

/// A call with a supplier, or a look at their deliveries.
pub fn supplier(scene: &mut Scene<'_>) -> Draft {
    let name = scene.voice.phrase("suppliers");
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("supplier.open", 1);
    page.paragraph(opening);
    let mut late = 0;
    let rows: Vec<Vec<String>> = (0..scene.voice.random.between(4, 8))
        .map(|_| {
            let ordered = scene.date - chrono::Duration::days(scene.voice.random.between(60, 260));
            let weeks = scene.voice.random.between(4, 16);
            let delay = scene.voice.random.between(-1, 7).max(0);
            late += delay;
            vec![
                calendar::iso(ordered),
                scene.number_between(200, 4000),
                format!("{weeks} weeks"),
                format!("{} weeks", weeks + delay),
            ]
        })
        .collect();
    page.table(&["Ordered", "Pieces", "Promised", "Delivered after"], &rows);
    page.paragraph([format!(
        "On average {} weeks late.",
        decimal(late * 10 / i64::try_from(rows.len()).unwrap_or(1), 1)
    )]);
    let subject = scene.subject();
    if let Some(subject) = subject {
        let topic = scene.topic(subject);
        page.heading(&topic);
        let said: Vec<String> =
            ["seen", "cause", "idea", "decided"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
        let tasks = scene.tasks(subject, 2);
        page.list(tasks);
    }
    page.heading("Result");
    let result = scene.voice.phrases("supplier.result", 2);
    page.list(result);
    Draft::of(format!("{name}, {}", calendar::long(scene.date)), page.finish(), subject)
}

/// A paper that was read together.
pub fn reading(scene: &mut Scene<'_>) -> Option<Draft> {
    let paper = scene.voice.corpus.phrases("readings").get(scene.number - 1).copied()?;
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("reading.open", 2);
    page.paragraph(opening);
    page.heading("What it says to us");
    let subjects = scene.subjects.clone();
    for (subject, _) in subjects.iter().take(2) {
        let said: Vec<String> =
            ["what", "seen", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    page.heading("What we think of it");
    let view = scene.voice.phrases("reading.view", 4);
    page.list(view);
    if let Some((subject, _)) = subjects.first() {
        page.heading("What we could do");
        let tasks = scene.tasks(subject, 2);
        page.list(tasks);
    }
    Some(Draft::of(paper.to_owned(), page.finish(), scene.subject()))
}
