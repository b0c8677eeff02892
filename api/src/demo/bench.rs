//! Many organizations of the same shape, for measuring: five spaces with two dozen small documents each.

use entity::enums::{MemberRole, MemberStatus, Plan, SpaceRole};
use entity::ids::UserId;

use super::calendar;
use super::corpus::{Corpus, Subject};
use super::library::{Keeping, Shelf};
use super::markdown::Markdown;
use super::plan::SpacePlan;
use super::random::Random;
use super::society::Society;
use super::voice::{Voice, capital};
use super::world::World;
use super::writing::Draft;

pub const ORGANIZATIONS: usize = 200;
const DOCUMENTS: usize = 24;
/// Subjects in one space, so that its documents share tags.
const SUBJECTS: usize = 6;
const NAMES: [&str; 5] = ["Archive", "Field", "Lab", "Office", "Workshop"];
const PEOPLE: usize = 4;

/// The slug of one of the organizations, counted from 1.
pub fn slug(number: usize) -> String {
    format!("bench-{number:03}")
}

/// The address of the owner of one of the organizations, who manages all of its spaces.
pub fn owner(number: usize) -> String {
    format!("owner-{number:03}@bench.example")
}

/// Adds the organizations to a world.
pub fn fill(world: &mut World, corpus: &Corpus, seed: u64, password_hash: &str) {
    for number in 1..=ORGANIZATIONS {
        let random = Random::new(seed).stream(&slug(number));
        organization(world, corpus, number, &random, password_hash);
    }
}

fn organization(world: &mut World, corpus: &Corpus, number: usize, random: &Random, password_hash: &str) {
    let mut names = random.stream("names");
    let mut society = Society { world, random: random.stream("people"), password_hash };
    let users: Vec<UserId> = (0..PEOPLE)
        .map(|index| {
            let email = if index == 0 { owner(number) } else { format!("member-{number:03}-{index}@bench.example") };
            society.user(&email, &name(corpus, &mut names), calendar::beginning())
        })
        .collect();
    let name = format!("Bench {number}");
    let id = society.organization(&slug(number), &name, "One of many, for measuring.", Plan::Team, users[0]);
    for (index, user) in users.iter().enumerate() {
        let role = if index == 0 { MemberRole::Owner } else { MemberRole::Member };
        society.member(id, *user, role, MemberStatus::Active);
    }
    for name in NAMES {
        let plan = plan(name);
        let space = society.space(&plan, id, users[0], &[(Some(users[0]), None, SpaceRole::Manager)]);
        let mut shelf = Shelf::new(space, Some(id), true, random.stream(name));
        let mut random = random.stream(plan.name);
        let first = random.below(corpus.subjects.len());
        for index in 0..DOCUMENTS {
            let subject = &corpus.subjects[(first + index % SUBJECTS) % corpus.subjects.len()];
            let draft = draft(corpus, subject, &mut random, index);
            let created_at = calendar::working_moment(random.between(0, calendar::DAYS), &mut random);
            let owner = users[random.below(users.len())];
            shelf.put(society.world, draft, Keeping::new(owner, created_at));
        }
    }
}

fn name(corpus: &Corpus, random: &mut Random) -> String {
    let mut part = |index: usize| -> &str {
        let row = random.pick(&corpus.people);
        row.and_then(|row| row.first()).and_then(|name| name.split(' ').nth(index)).unwrap_or("Robin")
    };
    format!("{} {}", part(0), part(1))
}

fn plan(name: &'static str) -> SpacePlan {
    let slug = match name {
        "Archive" => "archive",
        "Field" => "field",
        "Lab" => "lab",
        "Office" => "office",
        _ => "workshop",
    };
    SpacePlan {
        organization: "bench",
        slug,
        name,
        about: "One of five, for measuring.",
        icon: "📁",
        color: "#475569",
        open: true,
        default_role: "editor",
        team: "",
        project: None,
        areas: Vec::new(),
        source: None,
        archived: false,
        sections: Vec::new(),
    }
}

/// A short text about one subject.
fn draft(corpus: &Corpus, subject: &Subject, random: &mut Random, index: usize) -> Draft {
    let mut voice = Voice::new(random.stream(&index.to_string()), corpus);
    for (slot, value) in [
        ("customer", "Gut Rabenau"),
        ("place", "Rabenau"),
        ("month", "March"),
        ("weekday", "Monday"),
        ("version", "4.2.0"),
        ("person", "Ciaran"),
        ("river", "Arle"),
    ] {
        voice.set(slot, value);
    }
    voice.set_colleagues(vec!["Freya".to_owned(), "Owen".to_owned()]);
    let topic = capital(&voice.one_about(subject, "topic"));
    let mut page = Markdown::new();
    let said: Vec<String> = ["what", "seen", "cause"].iter().flat_map(|kind| voice.about(subject, kind, 1)).collect();
    page.paragraph(said);
    let tags = subject.tags.iter().map(|tag| (*tag).to_owned()).chain(["notes".to_owned()]).collect();
    Draft { title: format!("{topic} ({})", index + 1), text: page.finish(), tags, language: "en" }
}
