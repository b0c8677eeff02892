//! The people of the demo and the customers they speak of.

use entity::enums::{MemberRole, MemberStatus};
use sea_orm::ActiveEnum;

use super::corpus::{Corpus, Subject};

/// Somebody with an account.
#[derive(Clone, Debug)]
pub struct Person {
    pub name: &'static str,
    pub first: &'static str,
    pub last: &'static str,
    pub email: String,
    pub memberships: Vec<Membership>,
    pub teams: Vec<&'static str>,
    pub locale: &'static str,
    pub timezone: &'static str,
    pub bio: &'static str,
}

#[derive(Clone, Copy, Debug)]
pub struct Membership {
    pub organization: &'static str,
    pub role: MemberRole,
    pub status: MemberStatus,
}

/// Somebody who bought a station.
#[derive(Clone, Copy, Debug)]
pub struct Customer {
    pub name: &'static str,
    pub place: &'static str,
    pub language: &'static str,
    /// What they have to do with: farm, river, road.
    pub kinds: &'static str,
    pub about: &'static str,
}

/// Everybody. The demo user is the first.
pub fn people(corpus: &Corpus, demo_email: &str) -> Vec<Person> {
    let mut people: Vec<Person> = corpus.people.iter().filter_map(|row| person(row)).collect();
    if let Some(first) = people.first_mut() {
        first.email = demo_email.to_owned();
    }
    people
}

pub fn customers(corpus: &Corpus) -> Vec<Customer> {
    let customer = |row: &Vec<&'static str>| match row.as_slice() {
        [name, place, language, kinds, about] => Some(Customer { name, place, language, kinds, about }),
        _ => None,
    };
    corpus.customers.iter().filter_map(customer).collect()
}

fn person(row: &[&'static str]) -> Option<Person> {
    let [name, memberships, teams, locale, timezone, bio] = row else { return None };
    let (first, last) = name.split_once(' ')?;
    let memberships: Vec<Membership> = memberships.split(',').filter_map(membership).collect();
    let domain = memberships.first()?.organization;
    Some(Person {
        name,
        first,
        last,
        email: format!("{}.{}@{domain}.example", plain(first), plain(last)),
        memberships,
        teams: teams.split(',').map(str::trim).filter(|team| !team.is_empty()).collect(),
        locale,
        timezone,
        bio,
    })
}

fn membership(text: &'static str) -> Option<Membership> {
    let mut words = text.split_whitespace();
    let (organization, role) = (words.next()?, words.next()?);
    let status = words.next().unwrap_or("active");
    Some(Membership {
        organization,
        role: MemberRole::try_from_value(&role.to_owned()).ok()?,
        status: MemberStatus::try_from_value(&status.to_owned()).ok()?,
    })
}

impl Customer {
    /// Whether the subject is one that such a customer has.
    pub fn has(&self, subject: &Subject) -> bool {
        subject.customers.is_none_or(|kind| self.kinds.split(' ').any(|own| own == kind))
    }
}

impl Person {
    pub fn membership(&self, organization: &str) -> Option<Membership> {
        self.memberships.iter().copied().find(|membership| membership.organization == organization)
    }

    /// Whether the person may write in the organization.
    pub fn writes_in(&self, organization: &str) -> bool {
        self.membership(organization)
            .is_some_and(|membership| membership.status == MemberStatus::Active && membership.role > MemberRole::Viewer)
    }
}

/// A name in the letters that addresses have.
fn plain(name: &str) -> String {
    let letter = |letter: char| match letter {
        'á' | 'à' | 'ä' => 'a',
        'é' | 'è' => 'e',
        'í' => 'i',
        'ó' | 'ö' => 'o',
        'ú' | 'ü' => 'u',
        'ć' | 'č' => 'c',
        other => other,
    };
    name.to_lowercase().chars().map(letter).filter(char::is_ascii_alphabetic).collect()
}
