//! Calendar windows in a time zone. Pure.

use chrono::{DateTime, Datelike, Days, Months, NaiveDate, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc};
use chrono_tz::Tz;

use crate::governance::decision::Window;

/// The window around an instant: its start, and the start of the next.
pub fn around(window: Window, now: DateTime<Utc>, zone: Tz) -> (DateTime<Utc>, DateTime<Utc>) {
    let here = now.with_timezone(&zone);
    let date = here.date_naive();
    match window {
        Window::Minute => short(now, TimeDelta::seconds(i64::from(now.second())), TimeDelta::minutes(1)),
        Window::Hour => {
            // Some zones are half an hour off.
            let into = here.offset().fix().local_minus_utc().rem_euclid(3_600) + seconds_into_hour(now);
            short(now, TimeDelta::seconds((into % 3_600).into()), TimeDelta::hours(1))
        }
        Window::Day => (start_of(date, zone), start_of(date.checked_add_days(Days::new(1)).unwrap_or(date), zone)),
        Window::Month => {
            let first = date.with_day(1).unwrap_or(date);
            (start_of(first, zone), start_of(first.checked_add_months(Months::new(1)).unwrap_or(first), zone))
        }
    }
}

fn seconds_into_hour(now: DateTime<Utc>) -> i32 {
    i32::try_from(now.minute() * 60 + now.second()).unwrap_or_default()
}

fn short(now: DateTime<Utc>, into: TimeDelta, length: TimeDelta) -> (DateTime<Utc>, DateTime<Utc>) {
    let whole = now.with_nanosecond(0).unwrap_or(now);
    let start = whole - into;
    (start, start + length)
}

/// The first instant of a day. Where clocks go forward at midnight, that is later than midnight.
fn start_of(date: NaiveDate, zone: Tz) -> DateTime<Utc> {
    let midnight = date.and_time(NaiveTime::MIN);
    let quarters = (0..=12).map(|quarter| midnight + TimeDelta::minutes(15 * quarter));
    let first = quarters.filter_map(|time| zone.from_local_datetime(&time).earliest()).next();
    first.map_or(midnight.and_utc(), |time| time.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn told(window: Window, now: &str, zone: &str) -> (String, String) {
        let now = DateTime::parse_from_rfc3339(now).expect("an instant").to_utc();
        let (start, end) = around(window, now, zone.parse().expect("a zone"));
        (start.to_rfc3339(), end.to_rfc3339())
    }

    #[test]
    fn windows_are_those_of_the_calendar_of_the_zone() {
        for (window, now, zone, start, end) in [
            (Window::Minute, "2026-11-20T10:20:30.5Z", "Europe/Berlin", "2026-11-20T10:20:00", "2026-11-20T10:21:00"),
            (Window::Hour, "2026-11-20T10:20:30Z", "UTC", "2026-11-20T10:00:00", "2026-11-20T11:00:00"),
            (Window::Hour, "2026-11-20T10:20:30Z", "Asia/Kolkata", "2026-11-20T09:30:00", "2026-11-20T10:30:00"),
            (Window::Day, "2026-11-20T23:30:00Z", "Europe/Berlin", "2026-11-20T23:00:00", "2026-11-21T23:00:00"),
            (Window::Month, "2026-11-30T23:30:00Z", "Europe/Berlin", "2026-11-30T23:00:00", "2026-12-31T23:00:00"),
            (Window::Month, "2026-12-31T10:00:00Z", "UTC", "2026-12-01T00:00:00", "2027-01-01T00:00:00"),
            // Summer time begins: a day of 23 hours; it ends: one of 25.
            (Window::Day, "2026-03-29T12:00:00Z", "Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
            (Window::Day, "2026-10-25T12:00:00Z", "Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
            // Clocks go forward at midnight: the day begins at one.
            (Window::Day, "2026-04-24T12:00:00Z", "Africa/Cairo", "2026-04-23T22:00:00", "2026-04-24T21:00:00"),
        ] {
            let expected = (format!("{start}+00:00"), format!("{end}+00:00"));
            assert_eq!(told(window, now, zone), expected, "{window:?} {now} {zone}");
        }
    }

    proptest! {
        #[test]
        fn an_instant_is_within_its_window_and_windows_follow_each_other(
            seconds in 1_500_000_000_i64..2_000_000_000,
            zone in 0..chrono_tz::TZ_VARIANTS.len(),
            kind in 0..4_usize,
        ) {
            let zone = chrono_tz::TZ_VARIANTS[zone];
            let window = [Window::Minute, Window::Hour, Window::Day, Window::Month][kind];
            let now = DateTime::from_timestamp(seconds, 0).expect("an instant");
            let (start, end) = around(window, now, zone);
            prop_assert!(start <= now && now < end, "{zone} {window:?} {now}: {start} {end}");
            if matches!(window, Window::Day | Window::Month) {
                prop_assert_eq!(around(window, start, zone), (start, end), "{} {:?}", zone, window);
                prop_assert_eq!(around(window, end, zone).0, end, "{} {:?}", zone, window);
            }
        }
    }
}
