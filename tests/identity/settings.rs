//! Preferences: typed, versioned, and their owner's alone.

use serde_json::{Value, json};

use crate::support::World;

const SETTINGS: &str = "settings { version theme language editor { fontSize vimMode keyBindings } \
     render { autoSaveInterval theme } notifications { email browser } }";

#[tokio::test]
async fn a_setting_changes_and_its_neighbours_stay() {
    let world = World::new().await;
    let input = json!({ "theme": "DARK", "language": "de-DE", "editor": { "fontSize": 18, "vimMode": true },
        "render": { "autoSaveInterval": 60 }, "notifications": { "email": false }, "expectedVersion": 1 });
    let answer = world.member.mutate_for("settingsUpdate", SETTINGS, input).await.well();
    assert_eq!(
        answer.at("settingsUpdate.settings"),
        &json!({ "version": 2, "theme": "DARK", "language": "de-DE",
            "editor": { "fontSize": 18, "vimMode": true, "keyBindings": "default" },
            "render": { "autoSaveInterval": 60, "theme": "github" },
            "notifications": { "email": false, "browser": true } })
    );
    let query = format!("{{ viewer {{ {SETTINGS} }} }}");
    let read = world.member.query(&query, Value::Null).await.well();
    assert_eq!(read.at("viewer.settings"), answer.at("settingsUpdate.settings"));
    let other = world.admin.query(&query, Value::Null).await.well();
    assert_eq!(other.at("viewer.settings.theme"), "LIGHT");
}

#[tokio::test]
async fn stale_settings_are_a_conflict_that_shows_the_present_ones() {
    let world = World::new().await;
    world.member.mutate("settingsUpdate", json!({ "theme": "DARK" })).await.well();
    let input = json!({ "theme": "AUTO", "expectedVersion": 1 });
    let answer = world.member.mutate_for("settingsUpdate", SETTINGS, input).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.text("settingsUpdate.settings.theme"), "DARK");
}

#[tokio::test]
async fn what_is_no_setting_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (input, code, field) in [
        (json!({ "editor": { "fontSize": 5 } }), "SETTING_INVALID", "editor"),
        (json!({ "editor": { "tabSize": 17 } }), "SETTING_INVALID", "editor"),
        (json!({ "editor": { "keyBindings": "" } }), "SETTING_INVALID", "editor"),
        (json!({ "render": { "autoSaveInterval": 0 } }), "SETTING_INVALID", "render"),
        (json!({ "render": { "theme": "x".repeat(51) } }), "SETTING_INVALID", "render"),
        (json!({ "language": "german" }), "LOCALE_INVALID", "language"),
        (json!({ "theme": "DARK", "language": "" }), "LOCALE_INVALID", "language"),
    ] {
        world.member.mutate("settingsUpdate", input).await.refused(code, field);
    }
    assert_eq!(world.anonymous.mutate("settingsUpdate", json!({})).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.database.digest().await, before);
}
