//! What those who build it write: specifications, decisions, incidents, runbooks and releases.

use super::{Draft, Scene};
use crate::demo::calendar;
use crate::demo::corpus::Subject;
use crate::demo::markdown::Markdown;
use crate::demo::voice::capital;

/// What should be built, for whom, and how to know that it was worth it.
pub fn spec(scene: &mut Scene<'_>) -> Option<Draft> {
    let subject = scene.subject()?;
    let title = scene.title()?;
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("spec.open", 2);
    page.paragraph(opening);
    page.heading("The problem");
    let problem: Vec<String> =
        ["what", "seen", "seen", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
    page.paragraph(problem);
    page.heading("Who needs it");
    let mut rows = Vec::new();
    for customer in scene.others.clone().into_iter().take(3) {
        let quote = scene.voice.about(subject, "said", 1).pop();
        let today = quote.map_or_else(|| scene.voice.phrase("interview.heard"), |quote| format!("“{quote}”"));
        rows.push(vec![customer.name.to_owned(), customer.place.to_owned(), today.replace('|', "/")]);
    }
    page.table(&["Customer", "Where", "In their words"], &rows);
    page.heading("The proposal");
    let ideas = scene.voice.about(subject, "idea", 3);
    page.paragraph(ideas);
    let decided = scene.voice.about(subject, "decided", 1);
    page.paragraph(decided);
    page.heading("Steps");
    let steps = scene.tasks(subject, 3);
    page.list(steps);
    page.heading("Not part of it");
    let out = scene.voice.phrases("spec.out", 2);
    page.paragraph(out);
    page.heading("How we will know");
    let measure = scene.voice.phrases("spec.measure", 2);
    page.paragraph(measure);
    page.heading("Risks and open questions");
    let mut open = scene.voice.about(subject, "risk", 1);
    open.extend(scene.voice.phrases("spec.question", 3));
    page.list(open);
    Some(Draft::of(title, page.finish(), Some(subject)).tagged(subject.products.iter().take(1).copied()))
}

/// What was chosen, and at what price.
pub fn decision(scene: &mut Scene<'_>) -> Option<Draft> {
    let subject = scene.subject()?;
    let title = scene.title()?;
    let mut page = Markdown::new();
    let status = scene.voice.phrase("decision.status");
    page.text(&format!("**{}:** {status}", calendar::long(scene.date)));
    page.heading("What we know");
    let known: Vec<String> = ["what", "seen", "seen", "cause", "cause"]
        .iter()
        .flat_map(|kind| scene.voice.about(subject, kind, 1))
        .collect();
    page.paragraph(known);
    page.heading("What we could do");
    let mut options = scene.voice.about(subject, "idea", 3);
    options.push("Nothing, and look again in a year.".to_owned());
    page.steps(options);
    page.heading("What we do");
    let decided = scene.voice.about(subject, "decided", 1);
    page.paragraph(decided);
    let why = scene.voice.phrases("decision.why", 1);
    page.paragraph(why);
    page.heading("What it costs us");
    let cost = scene.voice.about(subject, "risk", 1);
    page.paragraph(cost);
    let tasks = scene.tasks(subject, 2);
    page.list(tasks);
    Some(Draft::of(title, page.finish(), Some(subject)))
}

/// What went wrong, minute by minute.
pub fn incident(scene: &mut Scene<'_>) -> Option<Draft> {
    let subject = scene.subject()?;
    scene.voice.set("weekday", scene.date.format("%A").to_string());
    let title = format!("INC-{}: {}", 140 + scene.number, capital(&scene.title()?));
    let mut page = Markdown::new();
    let lead = scene.voice.colleague();
    page.text(&format!("**When:** {}  \n**Lead:** {lead}", calendar::long(scene.date)));
    let summary = scene.voice.phrases("incident.summary", 2);
    page.paragraph(summary);
    page.heading("Timeline");
    let mut minute = scene.voice.random.between(5 * 60, 10 * 60);
    let mut rows = Vec::new();
    for part in ["start", "noticed", "looked", "tried", "understood", "fixed", "over"] {
        let most = if matches!(part, "looked" | "tried") { 2 } else { 1 };
        for event in scene.voice.phrases(&format!("incident.{part}"), most) {
            rows.push(vec![format!("{:02}:{:02}", minute / 60 % 24, minute % 60), event]);
            minute += scene.voice.random.between(2, 31);
        }
    }
    page.table(&["UTC", "What was seen or done"], &rows);
    page.heading("What happened");
    let happened: Vec<String> =
        ["seen", "what", "seen"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
    page.paragraph(happened);
    let log = if subject.products.contains(&"Almanac") { "log.almanac" } else { "log.halyard" };
    let lines: Vec<String> = (0..scene.voice.random.between(3, 6)).map(|_| scene.voice.phrase(log)).collect();
    page.code("text", &lines);
    page.heading("Why it was possible");
    let cause = scene.voice.about(subject, "cause", 2);
    page.paragraph(cause);
    page.heading("What helped, and what did not");
    let mut helped = scene.voice.phrases("incident.good", 2);
    helped.extend(scene.voice.phrases("incident.bad", 1));
    page.list(helped);
    page.heading("Actions");
    let actions = scene.tasks(subject, 3);
    page.list(actions);
    let decided = scene.voice.about(subject, "decided", 1);
    page.paragraph(decided);
    Some(Draft::of(title, page.finish(), Some(subject)).tagged(subject.products.iter().take(1).copied()))
}

/// How something is done, for somebody who has not done it.
pub fn runbook(scene: &mut Scene<'_>) -> Option<Draft> {
    let subject = scene.subject()?;
    let title = scene.title()?;
    let mut page = Markdown::new();
    let when = scene.voice.phrases("runbook.when", 2);
    page.paragraph(when);
    page.heading("What is behind it");
    let behind: Vec<String> = ["what", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 2)).collect();
    page.paragraph(behind);
    page.heading("Before you begin");
    let before = scene.voice.phrases("runbook.before", 2);
    page.paragraph(before);
    page.heading("Steps");
    let mut steps = Vec::new();
    for step in subject.lines("step") {
        steps.push(scene.voice.say(step));
    }
    page.steps(steps);
    page.heading("How it usually looks");
    let looks = scene.voice.about(subject, "seen", 2);
    page.paragraph(looks);
    page.heading("Afterwards");
    let mut after = scene.voice.phrases("runbook.after", 2);
    after.extend(scene.voice.about(subject, "risk", 1));
    page.paragraph(after);
    Some(Draft::of(title, page.finish(), Some(subject)).tagged(subject.products.iter().take(1).copied()))
}

/// What changed in a version.
pub fn release(scene: &mut Scene<'_>) -> Draft {
    const PRODUCTS: [&str; 5] = ["Halyard", "Larkspur", "Burrow", "Tern", "Halyard"];
    let product = PRODUCTS[scene.number % PRODUCTS.len()];
    let number = scene.number / PRODUCTS.len();
    let patch = usize::from(scene.number % PRODUCTS.len() == 4);
    let version = format!("{}.{}.{patch}", 3 + number / 12, number % 12);
    scene.voice.set("version", version.clone());
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("release.open", 1);
    page.paragraph(opening);
    page.heading("Changed");
    let corpus = scene.voice.corpus;
    let own = |subject: &&Subject| subject.products.contains(&product) && !subject.lines("decided").is_empty();
    let mut fits: Vec<&Subject> = scene.subjects.iter().map(|(subject, _)| *subject).filter(own).collect();
    if fits.is_empty() {
        fits = corpus.subjects_of(&["firmware", "field", "calibration"]).into_iter().filter(own).collect();
        scene.voice.random.shuffle(&mut fits);
    }
    for subject in fits.iter().take(2) {
        let topic = scene.topic(subject);
        page.small_heading(&topic);
        let said: Vec<String> =
            ["decided", "cause", "seen"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    page.heading("Also");
    let also = scene.voice.phrases("release.other", 3);
    page.list(also);
    page.heading("Known");
    let known: Vec<String> = fits.iter().take(2).flat_map(|subject| scene.voice.about(subject, "risk", 1)).collect();
    page.list(known);
    page.heading("Files");
    let rows: Vec<Vec<String>> = ["C", "D"]
        .iter()
        .map(|board| {
            let bytes: [u8; 6] = scene.voice.random.bytes();
            let digest: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            vec![format!("board {board}"), format!("{} kB", scene.number_between(340, 520)), format!("`{digest}…`")]
        })
        .collect();
    page.table(&["For", "Size", "SHA-256"], &rows);
    page.heading("Updating");
    let updating = scene.voice.phrases("release.upgrade", 2);
    page.paragraph(updating);
    let subject = fits.first().copied();
    Draft::of(format!("{product} firmware {version}"), page.finish(), subject).tagged([product])
}
