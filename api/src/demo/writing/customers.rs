//! What is written about customers and for them: conversations, accounts, answers, the digest of the week.

use super::{Draft, Scene};
use crate::demo::calendar;
use crate::demo::markdown::Markdown;

/// A conversation, in the customer's words.
pub fn interview(scene: &mut Scene<'_>) -> Draft {
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("interview.open", 2);
    page.paragraph(opening);
    page.text(&format!("*{}, {}.* {}", scene.customer.name, scene.customer.place, scene.customer.about));
    let subject = scene.subject();
    let mut title = scene.customer.name.to_owned();
    if let Some(subject) = subject {
        let topic = scene.voice.one_about(subject, "topic");
        title = format!("{title} on {topic}");
        let quotes = scene.voice.about(subject, "said", 2);
        for quote in &quotes {
            page.quote(quote);
        }
        page.heading("What we heard");
        let mut heard = scene.voice.phrases("interview.heard", 2);
        heard.extend(scene.voice.about(subject, "seen", 2));
        page.paragraph(heard);
        page.heading("What is behind it");
        let behind: Vec<String> =
            ["what", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(behind);
        if scene.voice.random.chance(60) {
            page.heading("What surprised us");
            let mut surprise = scene.voice.about(subject, "risk", 1);
            surprise.extend(scene.voice.phrases("interview.heard", 1));
            page.paragraph(surprise);
        }
    }
    page.heading("What we promised");
    let mut promised = scene.voice.phrases("interview.follow", 2);
    if let Some(subject) = subject {
        promised.extend(scene.voice.about(subject, "next", 1));
    }
    page.list(promised);
    Draft::of(title, page.finish(), subject)
}

/// Who a customer is.
pub fn account(scene: &mut Scene<'_>) -> Draft {
    const PRODUCTS: [&str; 4] = ["Larkspur", "Halyard", "Burrow", "Tern"];
    let mut page = Markdown::new();
    page.text(scene.customer.about);
    let opening = scene.voice.phrases("account.open", 2);
    page.paragraph(opening);
    page.heading("Stations");
    let rows: Vec<Vec<String>> = (0..scene.voice.random.between(3, 8))
        .map(|index| {
            let product = PRODUCTS[usize::try_from(index).unwrap_or(0) % PRODUCTS.len()];
            let since = format!("{}-{:02}", scene.number_between(2019, 2025), scene.voice.random.between(1, 12));
            let state = ["reporting", "reporting", "reporting", "weak signal", "visit planned"];
            let state = state[scene.voice.random.below(state.len())];
            vec![product.to_owned(), scene.serial(product), since, state.to_owned()]
        })
        .collect();
    page.table(&["Product", "Serial number", "Since", "State"], &rows);
    page.heading("What we talked about");
    let subjects = scene.subjects.clone();
    for (subject, _) in subjects.iter().take(3) {
        let topic = scene.topic(subject);
        page.small_heading(&topic);
        let said: Vec<String> =
            ["seen", "cause", "decided"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
        let quote = scene.voice.about(subject, "said", 1);
        page.quote(&quote.join(" "));
    }
    let heard = scene.voice.phrases("interview.heard", 2);
    page.paragraph(heard);
    Draft::of(scene.customer.name.to_owned(), page.finish(), None)
        .tagged(subjects.iter().take(2).filter_map(|(subject, _)| subject.tags.first().copied()))
}

/// An answer to send.
pub fn answer(scene: &mut Scene<'_>) -> Option<Draft> {
    let subject = scene.subject()?;
    let title = scene.title()?;
    let mut page = Markdown::new();
    let short: Vec<String> = ["what", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
    page.paragraph(short);
    page.heading("What you can do");
    if subject.lines("step").is_empty() || scene.voice.random.chance(30) {
        let ideas: Vec<String> =
            ["idea", "decided"].iter().flat_map(|kind| scene.voice.about(subject, kind, 2)).collect();
        page.paragraph(ideas);
    } else {
        let mut steps = Vec::new();
        for step in subject.lines("step") {
            steps.push(scene.voice.say(step));
        }
        page.steps(steps);
    }
    page.heading("Good to know");
    let good: Vec<String> =
        ["seen", "what", "risk"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
    page.paragraph(good);
    let close = scene.voice.phrases("answer.close", 1);
    page.paragraph(close);
    Some(Draft::of(title, page.finish(), Some(subject)))
}

/// The week of support.
pub fn digest(scene: &mut Scene<'_>) -> Draft {
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("digest.open", 2);
    page.paragraph(opening);
    let subjects = scene.subjects.clone();
    let mut rows = Vec::new();
    for (subject, _) in subjects.iter().take(5) {
        let topic = scene.topic(subject);
        rows.push(vec![topic, scene.number_between(6, 74), format!("{} h", scene.number_between(1, 19))]);
    }
    page.table(&["About", "Conversations", "First answer after"], &rows);
    for ((subject, phase), row) in subjects.iter().zip(&rows).take(3) {
        page.heading(&row[0]);
        let mut told = scene.account_of(subject, *phase, 3);
        told.extend(scene.voice.phrases("digest.answer", 1));
        page.paragraph(told);
    }
    let close = scene.voice.phrases("digest.close", 1);
    page.paragraph(close);
    let title = format!("Support digest, {}", calendar::week(scene.date));
    Draft::of(title, page.finish(), None)
        .tagged(subjects.iter().take(3).filter_map(|(subject, _)| subject.tags.first().copied()))
}
