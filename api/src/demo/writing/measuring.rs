//! What is measured: studies and tests, batches, certificates.

use chrono::Datelike;

use super::{Draft, Scene};
use crate::demo::calendar;
use crate::demo::markdown::Markdown;
use crate::demo::plan::Genre;
use crate::demo::voice::{capital, decimal};

/// A question, what was measured, and what it cannot say.
pub fn study(scene: &mut Scene<'_>, genre: Genre) -> Option<Draft> {
    let subject = scene.subject()?;
    let mut title = capital(&scene.title()?);
    let product = subject.products.first().copied().unwrap_or("Larkspur");
    let mut page = Markdown::new();
    if genre == Genre::Test {
        const RUNS: [&str; 5] =
            ["first run", "second run", "with the new board", "in the cold chamber", "after the winter"];
        title = format!("{title} ({})", RUNS[scene.number % RUNS.len()]);
        let opening = scene.voice.phrases("test.open", 2);
        page.paragraph(opening);
    } else {
        let why: Vec<String> = ["what", "what"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(why);
        page.heading("Method");
        let mut method = scene.voice.phrases("study.method", 2);
        method.extend(scene.voice.phrases("test.open", 1));
        page.paragraph(method);
    }
    page.heading("What we saw");
    let (head, rows) = measurements(scene, product);
    page.table(&head, &rows);
    let seen = scene.voice.about(subject, "seen", 3);
    page.paragraph(seen);
    let result = scene.voice.phrases("test.result", 2);
    page.paragraph(result);
    page.heading("What we make of it");
    let made: Vec<String> =
        ["cause", "cause", "idea", "idea"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
    page.paragraph(made);
    if genre == Genre::Study {
        page.heading("What it cannot say");
        let mut limits = scene.voice.phrases("study.limits", 2);
        limits.extend(scene.voice.about(subject, "risk", 1));
        page.paragraph(limits);
    }
    page.heading("Next");
    let next = scene.tasks(subject, 2);
    page.list(next);
    Some(Draft::of(title, page.finish(), Some(subject)).tagged([product]))
}

/// A table of readings, as the product gives them.
fn measurements(scene: &mut Scene<'_>, product: &str) -> (Vec<&'static str>, Vec<Vec<String>>) {
    let rows = usize::try_from(scene.voice.random.between(4, 9)).unwrap_or(4);
    let head = match product {
        "Burrow" => vec!["Probe", "Soil, weighed (%)", "Reading (%)", "Difference"],
        "Tern" => vec!["Unit", "Staff gauge (m)", "Reading (m)", "Spread (mm)"],
        "Halyard" => vec!["Unit", "Signal (dBm)", "Uploads", "Current (mA)", "Battery (V)"],
        "Almanac" | "Fieldbook" => vec!["Run", "Load (1/s)", "Median (ms)", "95 % (ms)", "Errors"],
        _ => vec!["Unit", "Reference (°C)", "Reading (°C)", "Difference"],
    };
    let table = (0..rows)
        .map(|index| {
            let name = match product {
                "Almanac" | "Fieldbook" => (index + 1).to_string(),
                _ => scene.serial(product),
            };
            let random = &mut scene.voice.random;
            let mut row = vec![name];
            match product {
                "Burrow" | "Tern" => {
                    let reference = random.between(80, 460);
                    let difference = random.between(-24, 31);
                    let places = if product == "Tern" { 2 } else { 1 };
                    row.push(decimal(reference, places));
                    row.push(decimal(reference + difference, places));
                    row.push(if product == "Tern" {
                        random.between(2, 40).to_string()
                    } else {
                        decimal(difference, 1)
                    });
                }
                "Halyard" => {
                    row.push((-random.between(71, 112)).to_string());
                    row.push(random.between(120, 2100).to_string());
                    row.push(random.between(31, 440).to_string());
                    row.push(decimal(random.between(114, 133), 1));
                }
                "Almanac" | "Fieldbook" => {
                    let median = random.between(8, 140);
                    row.push(random.between(80, 1900).to_string());
                    row.push(median.to_string());
                    row.push((median + random.between(20, 900)).to_string());
                    row.push(random.between(0, 3).to_string());
                }
                _ => {
                    let reference = random.between(-180, 340);
                    let difference = random.between(-9, 16);
                    row.push(decimal(reference, 1));
                    row.push(decimal(reference + difference, 1));
                    row.push(decimal(difference, 1));
                }
            }
            row
        })
        .collect();
    (head, table)
}

/// A lot from the workshop.
pub fn batch(scene: &mut Scene<'_>) -> Draft {
    const PRODUCTS: [&str; 4] = ["Burrow", "Larkspur", "Halyard", "Tern"];
    let trouble =
        scene.subject().filter(|subject| !subject.lines("batch").is_empty()).filter(|_| scene.voice.random.chance(55));
    let product = match trouble {
        Some(subject) => subject.products.first().copied().unwrap_or("Burrow"),
        None => PRODUCTS[scene.number % PRODUCTS.len()],
    };
    let number = format!("{}-{}", scene.date.format("%y"), 100 + scene.number % 150);
    let mut page = Markdown::new();
    let built = scene.voice.random.between(80, 420);
    scene.voice.set("units", built.to_string());
    scene.voice.set("week", scene.date.iso_week().week().to_string());
    let opening = scene.voice.phrases("batch.open", 2);
    page.paragraph(opening);
    let reworked = scene.voice.random.between(1, if trouble.is_some() { built / 6 } else { built / 40 + 1 });
    let scrapped = scene.voice.random.between(0, 4);
    let rows: Vec<Vec<String>> = [
        ("Built", built),
        ("Passed at the first test", built - reworked - scrapped),
        ("Reworked", reworked),
        ("Not repaired", scrapped),
    ]
    .iter()
    .map(|(what, count)| vec![(*what).to_owned(), count.to_string()])
    .collect();
    page.table(&["Outcome", "Units"], &rows);
    let title = match trouble {
        Some(subject) => {
            page.heading("Remarkable");
            for kinds in [["seen", "seen"], ["cause", "idea"], ["decided", "what"]] {
                let said: Vec<String> = kinds.iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
                page.paragraph(said);
            }
            let tasks = scene.tasks(subject, 2);
            page.list(tasks);
            format!("Batch {number}: {}", scene.voice.one_about(subject, "batch"))
        }
        None => {
            page.heading("Samples");
            let (head, rows) = measurements(scene, product);
            page.table(&head, &rows);
            format!("Batch {number}: {product}, {built} units")
        }
    };
    page.heading("Decision");
    let close = scene.voice.phrases("batch.close", 1);
    page.paragraph(close);
    Draft::of(title, page.finish(), trouble).tagged([product])
}

/// What an instrument showed and what it should have shown.
pub fn calibration(scene: &mut Scene<'_>) -> Draft {
    const QUANTITIES: [(&str, &str, [i64; 4], i64, &str); 4] = [
        ("humidity", "%", [113, 330, 753, 970], 20, "Larkspur"),
        ("temperature", "°C", [-200, 0, 200, 400], 3, "Larkspur"),
        ("rain", "mm/h", [100, 300, 600, 1200], 30, "Larkspur"),
        ("wind", "m/s", [5, 50, 150, 300], 4, "Larkspur"),
    ];
    let (quantity, unit, points, limit, product) = QUANTITIES[scene.number % QUANTITIES.len()];
    let serial = scene.serial(product);
    let mut page = Markdown::new();
    let owner = scene.customer;
    page.text(&format!(
        "**Instrument:** {product} {serial}  \n**Owner:** {}, {}  \n**Quantity:** {quantity}",
        owner.name, owner.place
    ));
    let opening = scene.voice.phrases("calibration.open", 2);
    page.paragraph(opening);
    let drift = scene.voice.random.between(-limit, limit);
    let rows: Vec<Vec<String>> = points
        .iter()
        .map(|point| {
            let error = drift + scene.voice.random.between(-limit / 3, limit / 3);
            let verdict = if error.abs() <= limit { "within" } else { "**outside**" };
            vec![decimal(*point, 1), decimal(point + error, 1), decimal(error, 1), verdict.to_owned()]
        })
        .collect();
    let reference = format!("Reference ({unit})");
    let reading = format!("Reading ({unit})");
    let limits = format!("Limit ±{}", decimal(limit, 1));
    page.table(&[&reference, &reading, "Difference", &limits], &rows);
    let subject = scene.subjects.iter().map(|(subject, _)| *subject).find(|subject| subject.tags.contains(&quantity));
    if let Some(subject) = subject {
        let said: Vec<String> =
            ["what", "seen", "cause"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    let close = scene.voice.phrases("calibration.close", 2);
    page.paragraph(close);
    let title = format!("{serial}: {quantity}, {}", calendar::long(scene.date));
    Draft::of(title, page.finish(), None).tagged([quantity, product])
}
