//! When people are busy with what: each subject comes up, is understood, is settled, and some come back.

use chrono::{DateTime, Utc};

use super::calendar::{DAYS, beginning};
use super::corpus::{Corpus, Subject};
use super::plan::Genre;
use super::random::Random;
use super::writing::Phase;

/// The days, counted from the beginning, during which each subject is on people's minds.
#[derive(Debug)]
pub struct Timeline {
    windows: Vec<Vec<(i64, i64)>>,
}

impl Timeline {
    pub fn new(corpus: &Corpus, random: &Random) -> Self {
        let mut random = random.stream("timeline");
        let mut window = |from: i64| {
            let start = random.between(from, (from + 430).min(DAYS - 90));
            (start, start + random.between(110, 230))
        };
        let windows = corpus
            .subjects
            .iter()
            .map(|_| {
                let first = window(-40);
                let again = first.1 + 70;
                if again < DAYS - 120 { vec![first, window(again)] } else { vec![first] }
            })
            .collect();
        Self { windows }
    }

    /// What is on the minds of those who work in these areas, in no order; at least so much.
    pub fn on_minds<'a>(
        &self,
        corpus: &'a Corpus,
        areas: &[&str],
        date: DateTime<Utc>,
        least: usize,
        random: &mut Random,
    ) -> Vec<(&'a Subject, Phase)> {
        let mut found: Vec<(&Subject, Phase)> = corpus
            .subjects
            .iter()
            .enumerate()
            .filter(|(_, subject)| subject.is_of(areas))
            .filter_map(|(index, subject)| Some((subject, self.phase(index, date)?)))
            .collect();
        random.shuffle(&mut found);
        let mut others: Vec<&Subject> = corpus.subjects_of(areas);
        random.shuffle(&mut others);
        // In quiet weeks old subjects come up again.
        for subject in others {
            if found.len() < least && found.iter().all(|(known, _)| !std::ptr::eq(*known, subject)) {
                found.push((subject, Phase::Decided));
            }
        }
        found
    }

    fn phase(&self, subject: usize, date: DateTime<Utc>) -> Option<Phase> {
        let day = (date - beginning()).num_days();
        let (start, end) = *self.windows.get(subject)?.iter().find(|(start, end)| (*start..=*end).contains(&day))?;
        let part = (day - start) * 100 / (end - start).max(1);
        Some(match part {
            ..35 => Phase::Seen,
            35..70 => Phase::Understood,
            _ => Phase::Decided,
        })
    }

    /// A day on which a text of this kind is written about the subject.
    pub fn day(&self, subject: usize, genre: Genre, random: &mut Random) -> i64 {
        let windows = self.windows.get(subject).map_or(&[][..], Vec::as_slice);
        let Some((start, end)) = random.pick(windows).copied() else { return random.between(0, DAYS) };
        let (from, to) = match genre {
            Genre::Incident => (0, 35),
            Genre::Spec => (25, 65),
            Genre::Decision => (60, 100),
            Genre::Runbook | Genre::Answer => (50, 130),
            _ => (10, 95),
        };
        let length = end - start;
        random.between(start + length * from / 100, start + length * to / 100).clamp(0, DAYS - 3)
    }
}
