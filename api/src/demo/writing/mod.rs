//! Writing one document: what kind of text it is decides its form, its subject decides what it says.

mod building;
mod customers;
mod field;
mod measuring;
mod meetings;
mod pages;
mod people;

use chrono::{DateTime, Utc};

pub use pages::{follow_up, index, note};

use super::calendar;
use super::cast::Customer;
use super::corpus::Subject;
use super::plan::Genre;
use super::voice::{Voice, capital};

/// How far people have come with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    Seen,
    Understood,
    Decided,
}

/// What one document is written in.
#[derive(Debug)]
pub struct Scene<'a> {
    pub voice: Voice<'a>,
    pub date: DateTime<Utc>,
    pub team: &'a str,
    /// First names of those who are there; the author is among them.
    pub present: Vec<&'a str>,
    pub customer: Customer,
    pub others: Vec<Customer>,
    /// What is on people's minds at the time; the document's own subject comes first.
    pub subjects: Vec<(&'a Subject, Phase)>,
    /// The line that gives the title, where the subject has one for this kind of text.
    pub line: Option<&'static str>,
    /// The place of the document in its section, from 1.
    pub number: usize,
}

/// A document as it was written.
#[derive(Clone, Debug)]
pub struct Draft {
    pub title: String,
    pub text: String,
    pub tags: Vec<String>,
    pub language: &'static str,
}

/// Writes a document. None where the kind has no more to say.
pub fn write(genre: Genre, scene: &mut Scene<'_>) -> Option<Draft> {
    scene.prepare();
    match genre {
        Genre::Account => Some(customers::account(scene)),
        Genre::Answer => customers::answer(scene),
        Genre::Batch => Some(measuring::batch(scene)),
        Genre::Calibration => Some(measuring::calibration(scene)),
        Genre::Decision => building::decision(scene),
        Genre::Digest => Some(customers::digest(scene)),
        Genre::Guide => field::guide(scene),
        Genre::Handbook => pages::handbook(scene),
        Genre::Handover => Some(field::handover(scene)),
        Genre::Hire => Some(people::hire(scene)),
        Genre::Incident => building::incident(scene),
        Genre::Install => Some(field::install(scene)),
        Genre::Interview => Some(customers::interview(scene)),
        Genre::Plan => Some(people::plan(scene)),
        Genre::Quarter => Some(meetings::quarter(scene)),
        Genre::Reading => people::reading(scene),
        Genre::Release => Some(building::release(scene)),
        Genre::Runbook => building::runbook(scene),
        Genre::Spec => building::spec(scene),
        Genre::Study | Genre::Test => measuring::study(scene, genre),
        Genre::Supplier => Some(people::supplier(scene)),
        Genre::Template => pages::template(scene),
        Genre::Visit => Some(field::visit(scene)),
        Genre::Weekly => Some(meetings::weekly(scene)),
    }
}

impl<'a> Scene<'a> {
    /// Gives the slots that every phrase may use their values.
    fn prepare(&mut self) {
        let voice = &mut self.voice;
        let earlier = self.date - chrono::Duration::days(voice.random.between(30, 150));
        let rivers = voice.corpus.phrases("rivers");
        let river = voice.random.pick(rivers).copied().unwrap_or_default();
        let months = (self.date - calendar::beginning()).num_days() / 30;
        let version = format!("{}.{}.{}", 3 + months / 14, months % 14, voice.random.below(3));
        let weekday = calendar::weekday("en", &mut voice.random);
        voice.set("customer", self.customer.name);
        voice.set("place", self.customer.place);
        voice.set("month", calendar::month(earlier));
        voice.set("weekday", weekday);
        voice.set("date", calendar::short(self.date));
        voice.set("river", river);
        voice.set("version", version);
        voice.set("person", self.present.last().copied().unwrap_or_default());
        voice.set_colleagues(self.present.iter().map(|name| (*name).to_owned()).collect());
    }

    /// The document's own subject.
    pub fn subject(&self) -> Option<&'a Subject> {
        self.subjects.first().map(|(subject, _)| *subject)
    }

    /// The title from the subject's line.
    pub fn title(&mut self) -> Option<String> {
        let line = self.line?;
        Some(self.voice.say(line))
    }

    /// A few words for the subject, as a heading. What follows is about a customer who has to do with it.
    pub fn topic(&mut self, subject: &Subject) -> String {
        let other = self.others.iter().find(|other| other.has(subject));
        if let Some(other) = other.filter(|_| !self.customer.has(subject)) {
            self.voice.set("customer", other.name);
            self.voice.set("place", other.place);
        }
        capital(&self.voice.one_about(subject, "topic"))
    }

    /// What is said of a subject, as far as people have come with it.
    pub fn account_of(&mut self, subject: &Subject, phase: Phase, most: usize) -> Vec<String> {
        let kinds: &[&str] = match phase {
            Phase::Seen => &["seen", "what", "seen", "said"],
            Phase::Understood => &["cause", "seen", "idea", "cause", "risk"],
            Phase::Decided => &["decided", "cause", "risk", "seen", "idea"],
        };
        let mut sentences = Vec::new();
        for kind in kinds.iter().take(most) {
            let said = self.voice.about(subject, kind, 1);
            sentences.extend(said.into_iter().map(|said| if *kind == "said" { format!("“{said}”") } else { said }));
        }
        sentences
    }

    /// Tasks with somebody's name each.
    pub fn tasks(&mut self, subject: &Subject, most: usize) -> Vec<String> {
        let tasks = self.voice.about(subject, "next", most);
        tasks
            .into_iter()
            .map(|task| {
                let mark = if self.voice.random.chance(30) { "x" } else { " " };
                format!("[{mark}] **{}:** {task}", self.voice.colleague())
            })
            .collect()
    }

    /// The serial number of some product.
    pub fn serial(&mut self, product: &str) -> String {
        let random = &mut self.voice.random;
        let letters = match product {
            "Tern" => "TN",
            "Burrow" => "BW",
            "Halyard" => "HY",
            _ => "LK",
        };
        let (batch, count) = (random.between(101, 149), random.between(1, 420));
        let year = random.between(22, 26);
        let check = (year * 7 + batch * 3 + count) % 10;
        format!("{letters}{year}{batch}{count:04}{check}")
    }

    /// A number between two, as text.
    pub fn number_between(&mut self, least: i64, most: i64) -> String {
        self.voice.random.between(least, most).to_string()
    }
}

impl Draft {
    /// A draft in English about a subject.
    fn of(title: String, text: String, subject: Option<&Subject>) -> Self {
        let tags = subject.map_or_else(Vec::new, |subject| subject.tags.iter().map(|tag| (*tag).to_owned()).collect());
        Self { title, text, tags, language: "en" }
    }

    fn tagged(mut self, tags: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.tags.extend(tags.into_iter().map(Into::into));
        self
    }
}
