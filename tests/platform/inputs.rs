//! What inputs may hold: names that can be seen in one line, and optional fields that null clears.

use serde_json::{Value, json};

use crate::support::{PASSWORD, World, base, graph};

#[tokio::test]
async fn a_name_can_be_seen_and_takes_one_line() {
    let world = World::new().await;
    let tag = world.editor.tag(&world.lab, "seen").await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let team = world.owner.team(&world.acme, "Builders").await;
    let named = [
        ("organizationUpdate", &world.owner, "name", "NAME_REQUIRED", json!({ "id": world.acme })),
        ("spaceUpdate", &world.manager, "name", "NAME_REQUIRED", json!({ "id": world.lab })),
        ("projectUpdate", &world.owner, "name", "NAME_REQUIRED", json!({ "id": world.rocket })),
        ("teamUpdate", &world.owner, "name", "NAME_REQUIRED", json!({ "id": team })),
        ("tagUpdate", &world.editor, "name", "TITLE_REQUIRED", json!({ "id": tag })),
        ("documentUpdate", &world.editor, "title", "TITLE_REQUIRED", json!({ "id": document })),
        ("profileUpdate", &world.member, "name", "NAME_REQUIRED", json!({})),
    ];
    let before = world.database.digest().await;
    for (mutation, client, field, missing, input) in &named {
        for (text, code) in [
            ("\u{200b}", *missing),
            ("\u{feff}", missing),
            ("\u{e0041}", missing),
            (" \u{2060}\u{200d} ", missing),
            ("\u{3164}\u{2800}", missing),
            ("a\nb", "TEXT_INVALID"),
            ("a\tb", "TEXT_INVALID"),
            ("a\u{2028}b", "TEXT_INVALID"),
            ("\u{202e}evil", "TEXT_INVALID"),
            ("a\u{2066}b", "TEXT_INVALID"),
        ] {
            let mut input = input.clone();
            input[field] = json!(text);
            client.mutate(mutation, input).await.refused(code, field);
        }
    }
    assert_eq!(world.database.digest().await, before);
    // Joiners within a sign, a mark within Hebrew, an accent of its own: as they were typed.
    for text in [
        "👩\u{200d}🚀",
        "שלום\u{200f}!",
        "e\u{301}",
        "می\u{200c}خواهم",
        "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}",
    ] {
        for (mutation, client, field, _, input) in &named {
            let mut input = input.clone();
            input[field] = json!(text);
            client.mutate(mutation, input).await.well();
        }
    }
    let kept = world.database.row("SELECT name FROM tenancy.teams WHERE name LIKE '🏴%'").await;
    assert_eq!(kept["name"], "🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f}");
}

#[tokio::test]
async fn signs_of_one_line_are_empty_or_seen() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({})).await;
    for (mutation, client, field, input) in [
        ("spaceUpdate", &world.manager, "icon", json!({ "id": world.lab })),
        ("documentUpdate", &world.editor, "source", json!({ "id": document })),
        ("documentUpdate", &world.editor, "externalId", json!({ "id": document })),
        ("profileUpdate", &world.member, "company", json!({})),
    ] {
        for text in ["\u{200b}", "a\nb", "\u{202e}a"] {
            let mut input = input.clone();
            input[field] = json!(text);
            client.mutate(mutation, input).await.refused("TEXT_INVALID", field);
        }
    }
    // A description may take many lines.
    world.manager.mutate("spaceUpdate", json!({ "id": world.lab, "description": "One.\n\nTwo." })).await.well();
    let turned = json!({ "id": world.lab, "description": "One.\n\u{202e}Two." });
    world.manager.mutate("spaceUpdate", turned).await.refused("TEXT_INVALID", "description");
}

#[tokio::test]
async fn an_address_has_the_form_of_one() {
    let world = World::new().await;
    for address in [
        ".a@x.example",
        "a.@x.example",
        "a..b@x.example",
        "a@-x.example",
        "a@x-.example",
        "a@x..example",
        "a@\u{200b}x.example",
        &format!("a@{}.example", "x".repeat(64)),
    ] {
        let input = json!({ "email": address, "password": PASSWORD, "name": "Ann" });
        world.anonymous.mutate("signUp", input).await.refused("EMAIL_INVALID", "email");
    }
    let input = json!({ "email": "a.b-c@x-y.example", "password": PASSWORD, "name": "Ann" });
    world.anonymous.mutate("signUp", input).await.well();
}

/// Fields of updates that may be missing, each with a value that it takes.
const CLEARED: [(&str, &str, &str); 25] = [
    ("organizationUpdate", "description", "\"Rockets.\""),
    ("organizationUpdate", "billingEmail", "\"bills@acme.test\""),
    ("organizationUpdate", "supportEmail", "\"help@acme.test\""),
    ("spaceUpdate", "description", "\"A room.\""),
    ("spaceUpdate", "icon", "\"🚀\""),
    ("spaceUpdate", "color", "\"#aabbcc\""),
    ("projectUpdate", "description", "\"Up.\""),
    ("projectUpdate", "maxRequestsPerMinute", "7"),
    ("projectUpdate", "maxCostPerDayUsd", "7.5"),
    ("projectUpdate", "maxMembers", "7"),
    ("projectUpdate", "maxDocuments", "7"),
    ("projectUpdate", "maxContentBytes", "7000000000.0"),
    ("teamUpdate", "description", "\"They build.\""),
    ("tagUpdate", "description", "\"Seen.\""),
    ("documentUpdate", "description", "\"About.\""),
    ("documentUpdate", "slug", "\"about\""),
    ("documentUpdate", "languageCode", "\"en\""),
    ("documentUpdate", "source", "\"wiki\""),
    ("documentUpdate", "externalId", "\"wiki-1\""),
    ("mcpServerUpdate", "description", "\"Tells the weather.\""),
    ("apiKeyUpdate", "description", "\"For builds.\""),
    ("profileUpdate", "firstName", "\"Mia\""),
    ("profileUpdate", "company", "\"Acme\""),
    ("profileUpdate", "bio", "\"Writes.\""),
    ("profileUpdate", "avatarUrl", "\"https://acme.test/mia.png\""),
];

#[tokio::test]
async fn null_clears_what_may_be_missing_and_silence_leaves_it() {
    let world = World::new().await;
    let team = world.owner.team(&world.acme, "Builders").await;
    let tag = world.editor.tag(&world.lab, "seen").await;
    let document = world.editor.document(&world.lab, json!({})).await;
    let (key, _) = world.member.api_key(None, &["PROFILE_READ"]).await;
    let transport = json!({ "http": { "url": "https://tools.example.com/mcp" } });
    let server = json!({ "projectId": world.rocket, "name": "weather", "transport": transport });
    let server = world.project_admin.mutate_for("mcpServerRegister", "mcpServer { id }", server).await.well();
    let server = server.text("mcpServerRegister.mcpServer.id").to_owned();
    for (mutation, field, value) in CLEARED {
        let value: Value = serde_json::from_str(value).expect("JSON");
        let (client, id, object) = match mutation {
            "organizationUpdate" => (&world.owner, Some(&world.acme), "organization"),
            "spaceUpdate" => (&world.manager, Some(&world.lab), "space"),
            "projectUpdate" => (&world.owner, Some(&world.rocket), "project"),
            "teamUpdate" => (&world.owner, Some(&team), "team"),
            "tagUpdate" => (&world.editor, Some(&tag), "tag"),
            "documentUpdate" => (&world.editor, Some(&document), "document"),
            "apiKeyUpdate" => (&world.member, Some(&key), "apiKey"),
            "mcpServerUpdate" => (&world.project_admin, Some(&server), "mcpServer"),
            _ => (&world.member, None, "viewer { user"),
        };
        let selection = match field {
            quota if quota.starts_with("max") => format!("quotas {{ {field} }}"),
            _ => field.to_owned(),
        };
        let fields = format!("{object} {{ {selection} }}{}", if id.is_none() { " }" } else { "" });
        let set = async |change: Value| {
            let mut input = change;
            if let Some(id) = id {
                input["id"] = json!(id);
            }
            let answer = client.mutate_for(mutation, &fields, input).await.well();
            let payload = answer.payload();
            let found = if id.is_none() { &payload["viewer"]["user"] } else { &payload[object] };
            let found = if selection == field { found } else { &found["quotas"] };
            found[field].clone()
        };
        let other = match mutation {
            "documentUpdate" => json!({ "title": format!("Beside {field}") }),
            "mcpServerUpdate" => json!({ "isEnabled": true }),
            _ => json!({ "name": format!("Beside {field}") }),
        };
        assert_eq!(set(json!({ field: value })).await, value, "{mutation}.{field}");
        assert_eq!(set(other).await, value, "{mutation}.{field} is left");
        assert_eq!(set(json!({ field: null })).await, Value::Null, "{mutation}.{field} is cleared");
        if value.is_string() {
            set(json!({ field: value })).await;
            assert_eq!(set(json!({ field: "" })).await, Value::Null, "{mutation}.{field} is emptied");
        }
    }
}

#[test]
fn every_update_says_what_null_does() {
    let updates: Vec<_> = graph().types.iter().filter(|(name, _)| name.ends_with("UpdateInput")).collect();
    assert!(updates.len() >= 10, "{}", updates.len());
    for (name, found) in updates {
        let clears = graph().input_fields(name).any(|field| {
            let cleared = CLEARED.iter().any(|(mutation, cleared, _)| {
                graph().input_of(mutation).as_deref() == Some(name) && field.name.node == *cleared
            });
            cleared && base(&field.ty.node) != "Boolean"
        });
        let says =
            found.description.as_ref().is_some_and(|text| text.node.contains("null removes what may be missing"));
        assert_eq!(clears, says, "{name}");
    }
}
