//! The profile of an account, changed by its owner alone.

use serde_json::{Value, json};

use crate::support::World;

const PROFILE: &str = "viewer { version locale user { name firstName lastName company bio avatarUrl timezone } }";

#[tokio::test]
async fn a_profile_changes_where_it_is_told_to_and_stays_otherwise() {
    let world = World::new().await;
    let input = json!({ "firstName": "Mia", "company": "Acme", "bio": "Writes.", "timezone": "Europe/Berlin", "locale": "de-DE",
        "avatarUrl": "https://acme.test/mia.png" });
    let answer = world.member.mutate_for("profileUpdate", PROFILE, input).await.well();
    let user = answer.at("profileUpdate.viewer.user");
    assert_eq!(
        user,
        &json!({ "name": "member", "firstName": "Mia", "lastName": null, "company": "Acme", "bio": "Writes.",
            "avatarUrl": "https://acme.test/mia.png", "timezone": "Europe/Berlin" })
    );
    let input = json!({ "name": "Mia", "company": "", "avatarUrl": "" });
    let answer = world.member.mutate_for("profileUpdate", PROFILE, input).await.well();
    let user = answer.at("profileUpdate.viewer.user");
    assert_eq!((&user["name"], &user["company"], &user["avatarUrl"]), (&json!("Mia"), &Value::Null, &Value::Null));
    assert_eq!((&user["bio"], answer.number("profileUpdate.viewer.version")), (&json!("Writes."), 3));
}

#[tokio::test]
async fn a_stale_profile_is_a_conflict_that_shows_the_present_one() {
    let world = World::new().await;
    let input = json!({ "name": "Mia", "expectedVersion": 1 });
    world.member.mutate("profileUpdate", input).await.well();
    let input = json!({ "name": "Max", "expectedVersion": 1 });
    let answer = world.member.mutate_for("profileUpdate", PROFILE, input).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(
        (answer.text("profileUpdate.viewer.user.name"), answer.number("profileUpdate.viewer.version")),
        ("Mia", 2)
    );
}

#[tokio::test]
async fn what_is_no_profile_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (field, value, code) in [
        ("name", "", "NAME_REQUIRED"),
        ("name", "a\0b", "TEXT_INVALID"),
        ("firstName", &"x".repeat(101), "TEXT_INVALID"),
        ("company", &"x".repeat(256), "TEXT_INVALID"),
        ("bio", &"x".repeat(2_001), "TEXT_INVALID"),
        ("avatarUrl", "http://acme.test/mia.png", "TEXT_INVALID"),
        ("avatarUrl", "javascript:alert(1)", "TEXT_INVALID"),
        ("avatarUrl", "https://", "TEXT_INVALID"),
        ("avatarUrl", "https://a\"onerror=x", "TEXT_INVALID"),
        ("avatarUrl", "https://acme.test/a\"onerror=x", "TEXT_INVALID"),
        ("avatarUrl", "https://acme.test/a'b", "TEXT_INVALID"),
        ("avatarUrl", "https://u:p@acme.test/mia.png", "TEXT_INVALID"),
        ("avatarUrl", "https://acme.test@evil.test/mia.png", "TEXT_INVALID"),
        ("avatarUrl", "https://acme.test/\u{202e}gnp", "TEXT_INVALID"),
        ("avatarUrl", "https://acme.test/a b.png", "TEXT_INVALID"),
        ("avatarUrl", "https://localhost/mia.png", "TEXT_INVALID"),
        ("avatarUrl", "https://127.0.0.1/mia.png", "TEXT_INVALID"),
        ("avatarUrl", &format!("https://acme.test/{}", "x".repeat(2_000)), "TEXT_INVALID"),
        ("timezone", "Mars/Olympus", "TIMEZONE_INVALID"),
        ("timezone", "", "TIMEZONE_INVALID"),
        ("timezone", "\0", "TIMEZONE_INVALID"),
        ("locale", "german", "LOCALE_INVALID"),
        ("locale", "", "LOCALE_INVALID"),
        ("locale", "de-de", "LOCALE_INVALID"),
    ] {
        world.member.mutate("profileUpdate", json!({ field: value })).await.refused(code, field);
    }
    assert_eq!(world.anonymous.mutate("profileUpdate", json!({ "name": "Mia" })).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn settings_begin_with_their_defaults() {
    let world = World::new().await;
    let query = "{ viewer { settings { theme language editor { fontSize tabSize wordWrap } render { defaultFormat autoSave } \
                 notifications { email } } } }";
    let answer = world.member.query(query, Value::Null).await.well();
    assert_eq!(
        answer.at("viewer.settings"),
        &json!({ "theme": "LIGHT", "language": "en", "editor": { "fontSize": 14, "tabSize": 4, "wordWrap": true },
            "render": { "defaultFormat": "HTML", "autoSave": true }, "notifications": { "email": true } })
    );
}
