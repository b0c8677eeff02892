//! Tells the whole demo: three organizations, their people, and two years of what they wrote.

use std::collections::HashMap;

use chrono::{DateTime, Datelike, Duration, TimeZone, Utc, Weekday};
use entity::enums::{MemberRole, MemberStatus, SpaceRole};
use entity::ids::{DocumentId, OrganizationId, TeamId, UserId};

use super::calendar;
use super::cast::{self, Customer, Person};
use super::corpus::{Corpus, Subject};
use super::library::{Keeping, Shelf};
use super::particulars;
use super::plan::{self, Genre, Section, SpacePlan};
use super::random::Random;
use super::society::{ORGANIZATIONS, Society};
use super::timeline::Timeline;
use super::voice::Voice;
use super::world::World;
use super::writing::{self, Scene};

/// What is needed to tell it.
pub struct Story<'a> {
    pub(super) corpus: &'a Corpus,
    pub(super) random: Random,
    timeline: Timeline,
    customers: Vec<Customer>,
    pub(super) people: Vec<Person>,
    pub(super) users: Vec<UserId>,
    /// Documents in a hundred of those at medium scale.
    pub(super) percent: usize,
}

/// One text to be written: when, and about which of the corpus's subjects, by which line.
type Task = (DateTime<Utc>, Option<(usize, &'static str)>);

impl<'a> Story<'a> {
    pub fn new(corpus: &'a Corpus, seed: u64, demo_email: &str, percent: usize) -> Self {
        let random = Random::new(seed);
        Self {
            timeline: Timeline::new(corpus, &random),
            customers: cast::customers(corpus),
            people: cast::people(corpus, demo_email),
            users: Vec::new(),
            corpus,
            random,
            percent,
        }
    }

    /// Fills the world.
    pub fn tell(mut self, world: &mut World, password_hash: &str) {
        let mut society = Society { world, random: self.random.stream("people"), password_hash };
        self.users = self.people.iter().map(|person| society.person(person)).collect();
        let plans: Vec<SpacePlan> = self.corpus.spaces.iter().filter_map(plan::space).collect();
        for organization in &ORGANIZATIONS {
            let founder = self.founder(organization.slug);
            let id = society.organization(
                organization.slug,
                organization.name,
                organization.description,
                organization.plan,
                self.users[founder],
            );
            let teams = self.join(&mut society, organization.slug, id);
            society.projects((organization.slug, id), |name| teams.get(name).copied(), self.users[founder]);
            for plan in plans.iter().filter(|plan| plan.organization == organization.slug) {
                let team = teams.get(plan.team).copied();
                let space = society.space(plan, id, self.users[self.lead(plan)], &self.grants(plan, team));
                let shelf = Shelf::new(space, Some(id), plan.open, self.random.stream(plan.slug));
                self.fill(society.world, plan, shelf);
            }
        }
        self.notes(world);
    }

    /// The first owner after the demo user, who came later.
    fn founder(&self, organization: &str) -> usize {
        let owns = |person: &Person| person.membership(organization).is_some_and(|held| held.role == MemberRole::Owner);
        self.people.iter().rposition(owns).unwrap_or(0)
    }

    /// Members and teams of an organization.
    fn join(&self, society: &mut Society<'_>, slug: &str, id: OrganizationId) -> HashMap<&'static str, TeamId> {
        let mut teams: Vec<(&'static str, Vec<UserId>)> = Vec::new();
        for (person, user) in self.people.iter().zip(&self.users) {
            let Some(membership) = person.membership(slug) else { continue };
            society.member(id, *user, membership.role, membership.status);
            if membership.role == MemberRole::Viewer || membership.status != MemberStatus::Active {
                continue;
            }
            for team in &person.teams {
                match teams.iter_mut().find(|(name, _)| name == team) {
                    Some((_, members)) => members.push(*user),
                    None => teams.push((team, vec![*user])),
                }
            }
        }
        teams.into_iter().map(|(name, members)| (name, society.team(id, name, &members))).collect()
    }

    /// Those who write in a space: its team, else everybody who may.
    fn authors(&self, plan: &SpacePlan) -> Vec<usize> {
        let writes = |index: &usize| self.people[*index].writes_in(plan.organization);
        let everybody: Vec<usize> = (0..self.people.len()).filter(writes).collect();
        let team: Vec<usize> =
            everybody.iter().copied().filter(|index| self.people[*index].teams.contains(&plan.team)).collect();
        if team.is_empty() { everybody } else { team }
    }

    fn lead(&self, plan: &SpacePlan) -> usize {
        self.authors(plan).first().copied().unwrap_or(0)
    }

    /// The team edits, its lead and the demo user manage.
    fn grants(&self, plan: &SpacePlan, team: Option<TeamId>) -> Vec<(Option<UserId>, Option<TeamId>, SpaceRole)> {
        let lead = self.lead(plan);
        let mut grants = vec![(Some(self.users[lead]), None, SpaceRole::Manager)];
        if lead != 0 && self.people[0].writes_in(plan.organization) {
            grants.push((Some(self.users[0]), None, SpaceRole::Manager));
        }
        if team.is_some() {
            grants.push((None, team, SpaceRole::Editor));
        }
        grants
    }

    /// Writes everything that is in a space.
    fn fill(&self, world: &mut World, plan: &SpacePlan, mut shelf: Shelf) {
        let random = self.random.stream(plan.slug);
        let lead = self.users[self.lead(plan)];
        for section in &plan.sections {
            let mut random = random.stream(section.title);
            let tasks = self.tasks(plan, section, &mut random);
            let first = tasks.first().map_or_else(calendar::beginning, |task| task.0);
            let above = Keeping::new(lead, (first - Duration::days(2)).min(calendar::end()));
            let root = shelf.put(world, writing::index(section, None, plan.team), above);
            let mut years: HashMap<i32, DocumentId> = HashMap::new();
            for (index, (date, line)) in tasks.into_iter().enumerate() {
                let parent = if section.by_year {
                    *years.entry(date.year()).or_insert_with(|| {
                        let draft = writing::index(section, Some(date.year()), plan.team);
                        shelf.put(
                            world,
                            draft,
                            Keeping { parent: Some(root), ..Keeping::new(lead, date - Duration::hours(2)) },
                        )
                    })
                } else {
                    root
                };
                self.write(world, &mut shelf, plan, section, parent, (date, line), index + 1, &mut random);
            }
        }
    }

    /// When the texts of a section are written, and about what; oldest first.
    fn tasks(&self, plan: &SpacePlan, section: &Section, random: &mut Random) -> Vec<Task> {
        let fixed = matches!(section.genre, Genre::Handbook | Genre::Template | Genre::Guide);
        let count = if fixed { section.count } else { (section.count * self.percent).div_ceil(100) };
        let mut tasks: Vec<Task> = match section.genre {
            Genre::Weekly | Genre::Digest | Genre::Handover | Genre::Reading => {
                let weekdays = [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu];
                let weekday =
                    if section.genre == Genre::Weekly { weekdays[random.below(weekdays.len())] } else { Weekday::Fri };
                let weeks = (104 / i64::try_from(count.max(1)).unwrap_or(104)).clamp(1, 5);
                calendar::weekly(weekday, weeks, count, random).into_iter().map(|date| (date, None)).collect()
            }
            Genre::Quarter => (0..count).map(|index| (quarter(index, random), None)).collect(),
            genre => match genre.titles() {
                Some(kind) => self.by_line(plan, section, kind, count, random),
                None => (0..count)
                    .map(|_| (calendar::working_moment(random.between(0, calendar::DAYS), random), None))
                    .collect(),
            },
        };
        tasks.sort_by_key(|task| task.0);
        tasks
    }

    /// Each line that gives a title is used once, except where things happen again.
    fn by_line(&self, plan: &SpacePlan, section: &Section, kind: &str, count: usize, random: &mut Random) -> Vec<Task> {
        let mut lines: Vec<(usize, &'static str)> = self
            .corpus
            .subjects
            .iter()
            .enumerate()
            .filter(|(_, subject)| subject.is_of(&plan.areas))
            .flat_map(|(index, subject)| subject.lines(kind).iter().map(move |line| (index, *line)))
            .collect();
        random.shuffle(&mut lines);
        let again = match section.genre {
            Genre::Incident => count,
            Genre::Test => lines.len() * 5,
            _ => lines.len(),
        };
        lines
            .iter()
            .cycle()
            .take(count.min(again))
            .map(|(subject, line)| {
                let day = self.timeline.day(*subject, section.genre, random);
                (calendar::working_moment(day, random), Some((*subject, *line)))
            })
            .collect()
    }

    #[expect(clippy::too_many_arguments, reason = "one text stands where many threads of the story meet")]
    fn write(
        &self,
        world: &mut World,
        shelf: &mut Shelf,
        plan: &SpacePlan,
        section: &Section,
        parent: DocumentId,
        (date, line): Task,
        number: usize,
        random: &mut Random,
    ) {
        let authors = self.authors(plan);
        let author = *random.pick(&authors).unwrap_or(&0);
        let editor = if random.chance(60) { author } else { *random.pick(&authors).unwrap_or(&0) };
        let mut scene = self.scene(plan, section.genre, date, author, number, random);
        if let Some((subject, line)) = line {
            let subject = &self.corpus.subjects[subject];
            scene.line = Some(line);
            let phase = scene.subjects.iter().find(|(other, _)| std::ptr::eq(*other, subject)).map(|(_, phase)| *phase);
            scene.subjects.retain(|(other, _)| !std::ptr::eq(*other, subject));
            scene.subjects.insert(0, (subject, phase.unwrap_or(writing::Phase::Decided)));
            if !scene.customer.has(subject)
                && let Some(customer) = self.customers.iter().filter(|customer| customer.has(subject)).nth(number % 7)
            {
                scene.customer = *customer;
            }
            scene.others.sort_by_key(|other| !other.has(subject));
        }
        let Some(mut draft) = writing::write(section.genre, &mut scene) else { return };
        draft.tags.push(section.genre.tag().to_owned());
        let is_page = matches!(section.genre, Genre::Handbook | Genre::Template | Genre::Guide | Genre::Runbook);
        let keeping = Keeping {
            parent: Some(parent),
            editor: self.users[editor],
            drafts: match section.genre {
                Genre::Spec | Genre::Study => 25,
                Genre::Handbook | Genre::Template | Genre::Release | Genre::Calibration => 0,
                _ => 8,
            },
            mortal: !is_page,
            is_template: section.genre == Genre::Template,
            slug: is_page,
            origin: particulars::origin(plan, section, date, number),
            metadata: particulars::metadata(section.genre, random),
            ..Keeping::new(self.users[author], date)
        };
        let talked_about = matches!(section.genre, Genre::Spec | Genre::Incident | Genre::Interview | Genre::Study);
        if !talked_about || !random.chance(22) {
            shelf.put(world, draft, keeping);
            return;
        }
        let title = draft.title.clone();
        let id = shelf.put(world, draft, Keeping { mortal: false, ..keeping });
        let later = date + Duration::days(random.between(5, 45));
        if later < calendar::end()
            && let Some(below) = writing::follow_up(&mut scene, &title)
        {
            let later = calendar::at_work(later, random);
            shelf.put(world, below, Keeping { parent: Some(id), ..Keeping::new(self.users[editor], later) });
        }
    }

    /// What a text is written in: who is there, which customer it is about, what is on people's minds.
    pub(super) fn scene(
        &self,
        plan: &SpacePlan,
        genre: Genre,
        date: DateTime<Utc>,
        author: usize,
        number: usize,
        random: &mut Random,
    ) -> Scene<'a> {
        let mut present: Vec<usize> = self.authors(plan);
        if present.len() < 3 {
            let others = (0..self.people.len()).filter(|index| self.people[*index].writes_in(plan.organization));
            present.extend(others.filter(|index| *index != author).take(4));
        }
        present.retain(|index| *index != author);
        random.shuffle(&mut present);
        present.dedup();
        present.truncate(5);
        present.insert(0, author);
        let mut others = self.customers.clone();
        if genre != Genre::Account {
            random.shuffle(&mut others);
        }
        let customer = others.remove((number - 1) % others.len());
        random.shuffle(&mut others);
        others.truncate(9);
        let mut minds: Vec<(&'a Subject, writing::Phase)> =
            self.timeline.on_minds(self.corpus, &plan.areas, date, if genre == Genre::Quarter { 9 } else { 4 }, random);
        minds.sort_by_key(|(subject, _)| tells_of_one(genre) && !customer.has(subject));
        if genre == Genre::Batch {
            // The lots with trouble are those of subjects that lots can have.
            minds.sort_by_key(|(subject, _)| subject.lines("batch").is_empty());
        }
        Scene {
            voice: Voice::new(random.stream(&format!("{date}")), self.corpus),
            date,
            team: if plan.team == "People" { "People" } else { plan.name },
            present: present.into_iter().map(|index| self.people[index].first).collect(),
            customer,
            others,
            subjects: minds,
            line: None,
            number,
        }
    }
}

/// Whether a text of this kind is about one customer.
fn tells_of_one(genre: Genre) -> bool {
    matches!(genre, Genre::Account | Genre::Install | Genre::Interview | Genre::Visit)
}

/// Goals before a quarter begins, a look back when it ends.
fn quarter(index: usize, random: &mut Random) -> DateTime<Utc> {
    let quarter = i32::try_from(index / 2).unwrap_or(0);
    let month = u32::try_from(quarter % 4).unwrap_or(0) * 3 + 1;
    let start = Utc.with_ymd_and_hms(2025 + quarter / 4, month, 1, 9, 0, 0).single().unwrap_or_else(calendar::end);
    let date = if index.is_multiple_of(2) { start - Duration::days(10) } else { start + Duration::days(87) };
    calendar::at_work(date.min(calendar::end() - Duration::days(1)), random)
}
