//! Time in the demo: two years that end on a fixed day, how people write dates, and ids that carry them.

use chrono::{DateTime, Datelike, Days, Duration, TimeZone, Timelike, Utc, Weekday};
use uuid::Uuid;

use super::random::Random;

/// Days that the demo looks back on.
pub const DAYS: i64 = 728;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const GERMAN: [&str; 12] = [
    "Januar",
    "Februar",
    "März",
    "April",
    "Mai",
    "Juni",
    "Juli",
    "August",
    "September",
    "Oktober",
    "November",
    "Dezember",
];
const FRENCH: [&str; 12] = [
    "janvier",
    "février",
    "mars",
    "avril",
    "mai",
    "juin",
    "juillet",
    "août",
    "septembre",
    "octobre",
    "novembre",
    "décembre",
];
const SPANISH: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

/// The last moment of the demo: a fixed one, so that everything repeats.
pub fn end() -> DateTime<Utc> {
    Utc.with_ymd_and_hms(2026, 11, 16, 17, 0, 0).single().unwrap_or(DateTime::UNIX_EPOCH)
}

pub fn beginning() -> DateTime<Utc> {
    end() - Duration::days(DAYS)
}

/// A moment of a working day, so many days after the beginning.
pub fn working_moment(day: i64, random: &mut Random) -> DateTime<Utc> {
    let mut date = beginning() + Duration::days(day.clamp(0, DAYS - 3));
    while matches!(date.weekday(), Weekday::Sat | Weekday::Sun) {
        date = date.checked_add_days(Days::new(1)).unwrap_or(date);
    }
    at_work(date, random)
}

/// The same day at some time between seven and five.
pub fn at_work(date: DateTime<Utc>, random: &mut Random) -> DateTime<Utc> {
    let midnight = date - Duration::seconds(i64::from(date.num_seconds_from_midnight()));
    let moment = midnight + Duration::milliseconds(random.between(7 * 3_600_000, 16 * 3_600_000 + 3_599_999));
    moment.min(end())
}

/// The last so many of a weekday, oldest first, every so many weeks.
pub fn weekly(weekday: Weekday, weeks: i64, count: usize, random: &mut Random) -> Vec<DateTime<Utc>> {
    let mut date = end() - Duration::days(1);
    while date.weekday() != weekday {
        date -= Duration::days(1);
    }
    let mut dates: Vec<DateTime<Utc>> = (0..)
        .map(|index| date - Duration::days(7 * weeks * index))
        .take_while(|date| *date >= beginning())
        .take(count)
        .map(|date| at_work(date, random))
        .collect();
    dates.reverse();
    dates
}

/// "14 March 2025".
pub fn long(date: DateTime<Utc>) -> String {
    format!("{} {} {}", date.day(), month(date), date.year())
}

/// "14 March".
pub fn short(date: DateTime<Utc>) -> String {
    format!("{} {}", date.day(), month(date))
}

pub fn month(date: DateTime<Utc>) -> &'static str {
    MONTHS[date.month0() as usize % 12]
}

/// "2025-03-14".
pub fn iso(date: DateTime<Utc>) -> String {
    date.format("%Y-%m-%d").to_string()
}

/// "Q2 2025".
pub fn quarter(date: DateTime<Utc>) -> String {
    format!("Q{} {}", date.month0() / 3 + 1, date.year())
}

/// "week 14 of 2025".
pub fn week(date: DateTime<Utc>) -> String {
    let week = date.iso_week();
    format!("week {} of {}", week.week(), week.year())
}

/// A date as it is written in German, French or Spanish.
pub fn foreign(date: DateTime<Utc>, language: &str) -> String {
    let month = date.month0() as usize % 12;
    match language {
        "de" => format!("{}. {} {}", date.day(), GERMAN[month], date.year()),
        "fr" => format!("{} {} {}", date.day(), FRENCH[month], date.year()),
        _ => format!("{} de {} de {}", date.day(), SPANISH[month], date.year()),
    }
}

/// Some working day's name.
pub fn weekday(language: &str, random: &mut Random) -> &'static str {
    let names = match language {
        "de" => ["Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag"],
        "fr" => ["lundi", "mardi", "mercredi", "jeudi", "vendredi"],
        "es" => ["lunes", "martes", "miércoles", "jueves", "viernes"],
        _ => ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    };
    names[random.below(names.len())]
}

/// A UUIDv7 of that moment.
pub fn id_at(moment: DateTime<Utc>, random: &mut Random) -> Uuid {
    let milliseconds = u64::try_from(moment.timestamp_millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(milliseconds, &random.bytes()).into_uuid()
}
