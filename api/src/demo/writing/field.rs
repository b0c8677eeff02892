//! What is written on the road: visits in the language of the place, installations, handovers, guides.

use chrono::Datelike;

use super::{Draft, Scene};
use crate::demo::calendar;
use crate::demo::markdown::Markdown;
use crate::demo::voice::decimal;

/// A visit to a station.
pub fn visit(scene: &mut Scene<'_>) -> Draft {
    let language = scene.customer.language;
    if language != "en" && scene.voice.random.chance(75) {
        return foreign_visit(scene, language);
    }
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("visit.open", 2);
    page.paragraph(opening);
    page.heading("Found");
    let found = scene.voice.phrases("visit.found", 4);
    page.list(found);
    let table = comparison(scene, ["Temperature (°C)", "Humidity (%)", "Wind (m/s)"]);
    page.table(&["Quantity", "Hand instrument", "Station"], &table);
    let subject = scene.subject().filter(|_| scene.voice.random.chance(70));
    let mut title = format!("{}, {}", scene.customer.place, calendar::long(scene.date));
    if let Some(subject) = subject {
        let topic = scene.voice.one_about(subject, "topic");
        title = format!("{title}: {topic}");
        let said: Vec<String> =
            ["seen", "cause", "idea"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said);
    }
    page.heading("Done");
    let done = scene.voice.phrases("visit.done", 3);
    page.list(done);
    if let Some(subject) = subject {
        let quote = scene.voice.about(subject, "said", 1);
        page.quote(&quote.join(" "));
    }
    let close = scene.voice.phrases("visit.close", 2);
    page.paragraph(close);
    Draft::of(title, page.finish(), subject)
}

/// Mean temperatures of the months, in tenths of a degree.
const MONTHLY_MEANS: [i64; 12] = [10, 20, 60, 100, 140, 180, 205, 200, 160, 110, 55, 20];

/// Readings of the hand instruments next to those of the station.
fn comparison(scene: &mut Scene<'_>, names: [&str; 3]) -> Vec<Vec<String>> {
    let warmth = MONTHLY_MEANS[scene.date.month0() as usize % 12];
    let ranges = [(warmth - 60, warmth + 70, 4), (320, 980, 25), (2, 140, 6)];
    names
        .iter()
        .zip(ranges)
        .map(|(name, (least, most, off))| {
            let random = &mut scene.voice.random;
            let value = random.between(least, most);
            let station = value + random.between(-off, off);
            vec![(*name).to_owned(), decimal(value, 1), decimal(station, 1)]
        })
        .collect()
}

fn foreign_visit(scene: &mut Scene<'_>, language: &'static str) -> Draft {
    set_foreign_slots(scene, language);
    let corpus = scene.voice.corpus;
    let some = |scene: &mut Scene<'_>, key: &str, most: usize| scene.voice.some(corpus.foreign(language, key), most);
    let title = some(scene, "title.visit", 1).pop().unwrap_or_default();
    let headings = corpus.foreign(language, "headings");
    let heading = |index: usize| headings.get(index).copied().unwrap_or_default();
    let mut page = Markdown::new();
    let opening = some(scene, "open", 2);
    page.paragraph(opening);
    page.heading(heading(0));
    let found = some(scene, "found", 4);
    page.list(found);
    let names = match language {
        "de" => ["Temperatur (°C)", "Feuchte (%)", "Wind (m/s)"],
        "fr" => ["Température (°C)", "Humidité (%)", "Vent (m/s)"],
        _ => ["Temperatura (°C)", "Humedad (%)", "Viento (m/s)"],
    };
    let head = match language {
        "de" => ["Größe", "Handgerät", "Station"],
        "fr" => ["Grandeur", "Instrument", "Station"],
        _ => ["Magnitud", "Instrumento", "Estación"],
    };
    let table = comparison(scene, names);
    page.table(&head, &table);
    page.heading(heading(1));
    let done = some(scene, "done", 3);
    page.list(done);
    page.heading(heading(2));
    let said = some(scene, "said", 1);
    page.quote(&said.join(" "));
    page.heading(heading(3));
    let close = some(scene, "close", 2);
    page.paragraph(close);
    Draft { language, ..Draft::of(title, decimal_commas(&page.finish()), None) }
}

/// Numbers as they are written on the continent: a comma where English has a point.
fn decimal_commas(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let is_digit =
        |index: Option<usize>| index.and_then(|index| characters.get(index)).is_some_and(char::is_ascii_digit);
    let comma = |(index, character): (usize, &char)| {
        let within = *character == '.' && is_digit(index.checked_sub(1)) && is_digit(Some(index + 1));
        if within { ',' } else { *character }
    };
    characters.iter().enumerate().map(comma).collect()
}

fn set_foreign_slots(scene: &mut Scene<'_>, language: &str) {
    let date = calendar::foreign(scene.date, language);
    let weekday = calendar::weekday(language, &mut scene.voice.random);
    for slot in ["datum", "date_fr", "fecha"] {
        scene.voice.set(slot, date.clone());
    }
    for slot in ["wochentag", "jour", "dia"] {
        scene.voice.set(slot, weekday);
    }
}

/// A page to send along, in German, French or Spanish.
pub fn guide(scene: &mut Scene<'_>) -> Option<Draft> {
    let corpus = scene.voice.corpus;
    let titles: Vec<(&'static str, &'static str)> = ["de", "fr", "es"]
        .into_iter()
        .flat_map(|language| corpus.foreign(language, "title.guide").iter().map(move |title| (language, *title)))
        .collect();
    let (language, title) = *titles.get(scene.number - 1)?;
    let mut page = Markdown::new();
    let opening = corpus.foreign(language, "guide").first().copied().unwrap_or_default();
    page.text(opening);
    let advice: Vec<&'static str> = corpus.foreign(language, "guide").iter().skip(1).copied().collect();
    let advice = scene.voice.some(&advice, 6);
    page.steps(advice);
    set_foreign_slots(scene, language);
    let quote = scene.voice.some(corpus.foreign(language, "said"), 1);
    page.quote(&quote.join(" "));
    Some(Draft { language, ..Draft::of(title.to_owned(), page.finish(), None) })
}

/// A station as it was built.
pub fn install(scene: &mut Scene<'_>) -> Draft {
    const KITS: [&[&str]; 4] = [
        &["Larkspur", "Halyard"],
        &["Burrow", "Burrow", "Burrow", "Halyard"],
        &["Tern", "Halyard"],
        &["Larkspur", "Burrow", "Burrow", "Halyard"],
    ];
    let kit = KITS[scene.number % KITS.len()];
    let mut page = Markdown::new();
    page.text(&format!(
        "**For:** {}, {}  \n**Crew:** {}",
        scene.customer.name,
        scene.customer.place,
        scene.present.join(", ")
    ));
    let opening = scene.voice.phrases("install.open", 2);
    page.paragraph(opening);
    let rows: Vec<Vec<String>> = kit
        .iter()
        .map(|product| {
            let where_ = match *product {
                "Burrow" => format!("{} and {} cm", scene.number_between(15, 25), scene.number_between(40, 60)),
                "Tern" => format!("{} m above low water", decimal(scene.voice.random.between(28, 71), 1)),
                _ => format!("mast, {} m", scene.number_between(2, 6)),
            };
            vec![
                (*product).to_owned(),
                scene.serial(product),
                where_,
                format!("-{} dBm", scene.voice.random.between(76, 104)),
            ]
        })
        .collect();
    page.table(&["Product", "Serial number", "Where", "Signal"], &rows);
    page.heading("Checked");
    let done = scene.voice.phrases("install.done", 4);
    page.list(done);
    if let Some(subject) = scene.subject() {
        page.heading("Told the owner");
        let told: Vec<String> =
            ["what", "seen", "risk"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(told);
    }
    page.heading("For the next visit");
    let close = scene.voice.phrases("visit.close", 2);
    page.list(close);
    let title = format!(
        "{}: {}, {}",
        scene.customer.name,
        kit.first().copied().unwrap_or_default(),
        calendar::long(scene.date)
    );
    Draft::of(title, page.finish(), None).tagged([kit.first().copied().unwrap_or_default()])
}

/// A van goes from one crew to the next.
pub fn handover(scene: &mut Scene<'_>) -> Draft {
    const BOX: [&str; 7] = [
        "Anemometer head",
        "Gland and O-ring",
        "Filter cap",
        "Battery, 12 V",
        "Earth rod",
        "Guy wire clamp",
        "Gel syringe",
    ];
    let mut page = Markdown::new();
    let opening = scene.voice.phrases("handover.open", 3);
    page.paragraph(opening);
    let rows: Vec<Vec<String>> = BOX
        .iter()
        .map(|part| {
            let wanted = scene.voice.random.between(2, 12);
            let there = scene.voice.random.between(0, wanted);
            vec![(*part).to_owned(), there.to_string(), wanted.to_string()]
        })
        .collect();
    page.table(&["Part", "There", "Wanted"], &rows);
    page.heading("To know");
    let mut notes = Vec::new();
    for customer in scene.others.clone().into_iter().take(3) {
        scene.voice.set("customer", customer.name);
        scene.voice.set("place", customer.place);
        notes.extend(scene.voice.phrases("hand.notes", 1));
    }
    page.list(notes);
    if let Some(subject) = scene.subject() {
        let said: Vec<String> = ["seen", "next"].iter().flat_map(|kind| scene.voice.about(subject, kind, 1)).collect();
        page.paragraph(said.into_iter().map(|said| if said.ends_with('.') { said } else { format!("{said}.") }));
    }
    let van = if scene.number.is_multiple_of(2) { "Northern van" } else { "Southern van" };
    Draft::of(format!("{van}, {}", calendar::week(scene.date)), page.finish(), None).tagged(["van"])
}
