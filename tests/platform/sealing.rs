//! Sealing: what is stored opens in its own place alone, under keys that can change.

use std::process::Command;
use std::sync::Arc;

use api::platform::clock::{Clock, SystemClock};
use api::platform::config::{Config, ConfigError, Environment};
use api::platform::mail::LETTERS;
use api::platform::sealing::{KeyError, SealedColumn, Sealing};
use uuid::Uuid;

use crate::support::{World, defaults, environment};

const OLD: &str = "1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";
const RANDOM: &str = "1:4nSPTjcI2Q8cS0qqvQbV0YyVxq0wJ1mGmX7r5UeZkLA=";
const NEW: &str = "2:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=";

fn sealing(keys: &str) -> Sealing {
    let config = Config { sealing_keys: Some(keys.into()), ..defaults() };
    Sealing::new(&config, &[LETTERS], Arc::new(SystemClock)).expect("good keys")
}

#[test]
fn a_sealed_value_opens_in_its_own_place_alone() {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    let sealing = sealing(OLD);
    let sealed = sealing.seal(LETTERS, one, b"a secret").expect("sealed");
    assert_eq!(sealing.open(LETTERS, one, &sealed).expect("opened"), b"a secret");
    assert!(!sealed.windows(8).any(|window| window == b"a secret"));
    assert_ne!(sealing.seal(LETTERS, one, b"a secret").expect("sealed"), sealed, "each has its own nonce");
    let column = SealedColumn { column: "other", ..LETTERS };
    let table = SealedColumn { table: "platform.other", ..LETTERS };
    for (place, row) in [(LETTERS, other), (column, one), (table, one)] {
        assert!(sealing.open(place, row, &sealed).is_err(), "{place:?} {row}");
    }
}

#[test]
fn a_changed_value_does_not_open() {
    let row = Uuid::from_u128(1);
    let sealing = sealing(&format!("{NEW},{OLD}"));
    let sealed = sealing.seal(LETTERS, row, b"a secret").expect("sealed");
    for index in 0..sealed.len() {
        let mut changed = sealed.clone();
        changed[index] ^= 1;
        assert!(sealing.open(LETTERS, row, &changed).is_err(), "byte {index}");
        assert!(sealing.open(LETTERS, row, &sealed[..index]).is_err(), "cut at {index}");
    }
}

#[test]
fn old_keys_open_and_the_first_seals() {
    let row = Uuid::from_u128(1);
    let (old, both, new) = (sealing(OLD), sealing(&format!("{NEW}, {OLD}")), sealing(NEW));
    let sealed = old.seal(LETTERS, row, b"a secret").expect("sealed");
    assert_eq!(both.open(LETTERS, row, &sealed).expect("opened"), b"a secret");
    let error = new.open(LETTERS, row, &sealed).expect_err("the key is gone").to_string();
    assert!(error.contains("key 1"), "{error}");
    let fresh = both.seal(LETTERS, row, b"a secret").expect("sealed");
    assert!(new.open(LETTERS, row, &fresh).is_ok() && old.open(LETTERS, row, &fresh).is_err());
}

#[tokio::test]
async fn upkeep_seals_everything_under_the_present_key() {
    let world = World::new().await;
    let old = sealing(OLD);
    let ids: Vec<Uuid> = (0..450).map(|_| SystemClock.new_id()).collect();
    let seal = |id: &Uuid| old.seal(LETTERS, *id, id.as_bytes()).expect("sealed");
    let values: Vec<Vec<u8>> = ids.iter().map(seal).collect();
    let sql = "INSERT INTO platform.mails (id, letter, due_at) SELECT id, value, now() + interval '1 day' \
               FROM unnest($1::uuid[], $2::bytea[]) AS mail (id, value)";
    let pool = world.database.pool();
    sqlx::query(sql).bind(&ids).bind(values).execute(pool).await.expect("letters");
    // One that no key opens any more must not stop the others.
    sqlx::query("UPDATE platform.mails SET letter = substr(letter, 1, 20) WHERE id = $1")
        .bind(ids[7])
        .execute(pool)
        .await
        .expect("a broken letter");
    for (round, expected) in [(1, true), (2, false)] {
        let output = Command::new(environment("TRELLIS_TEST_BIN"))
            .arg("maintain")
            .env("DATABASE_URL", world.database.url())
            .env("REDIS_URL", environment("TRELLIS_TEST_REDIS_URL"))
            .env("TRELLIS_REDIS_PREFIX", format!("{}:maintain:", world.database.name()))
            .env("TRELLIS_SEALING_KEYS", format!("{NEW},{OLD}"))
            .output()
            .expect("the binary runs");
        let report = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && report.contains("sealed 449 secrets anew") == expected, "{round}: {report}");
    }
    let new = sealing(NEW);
    let rows: Vec<(Uuid, Vec<u8>)> =
        sqlx::query_as("SELECT id, letter FROM platform.mails").fetch_all(pool).await.expect("letters");
    let opened = rows.iter().filter(|(id, sealed)| new.open(LETTERS, *id, sealed).is_ok_and(|it| it == id.as_bytes()));
    assert_eq!(opened.count(), 449);
}

#[test]
fn production_refuses_settings_that_keep_no_secrets() {
    let good = || Config {
        environment: Environment::Production,
        token_secret: Some("xKcD7v0p2QmZr9TnW4yLsB8hJ1fGaE6u".into()),
        sealing_keys: Some(RANDOM.into()),
        public_url: Some("https://trellis.example".to_owned()),
        mail_url: Some("smtps://mail.example".into()),
        mail_from: "trellis@example.com".to_owned(),
        ..defaults()
    };
    assert!(good().check().is_ok());
    assert!(Config { environment: Environment::Development, ..defaults() }.check().is_ok());
    let refused = |config: Config| config.check().expect_err("refused");
    assert!(matches!(refused(Config { sealing_keys: None, ..good() }), ConfigError::MissingSealingKeys));
    assert!(matches!(refused(Config { mail_url: None, mail_dir: None, ..good() }), ConfigError::MissingMail));
    assert!(matches!(refused(Config { public_url: None, ..good() }), ConfigError::MissingPublicUrl));
    let plain = Some("http://trellis.example".to_owned());
    assert!(matches!(refused(Config { public_url: plain, ..good() }), ConfigError::PublicUrl));
    for (keys, reason) in [
        ("", KeyError::Form),
        ("1", KeyError::Form),
        ("one:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=", KeyError::Form),
        ("1:not base64", KeyError::Form),
        ("1:", KeyError::Length(0)),
        ("1:c2hvcnQ=", KeyError::Length(5)),
        (&format!("{RANDOM},{OLD}"), KeyError::Repeated(1)),
    ] {
        let ConfigError::SealingKeys(found) = refused(Config { sealing_keys: Some(keys.into()), ..good() }) else {
            panic!("{keys}: refused for another reason");
        };
        assert_eq!(found, reason, "{keys}");
    }
}
