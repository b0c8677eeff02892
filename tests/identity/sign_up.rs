//! Signing up.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{PASSWORD, World};

fn account(email: &str) -> Value {
    json!({ "email": email, "password": PASSWORD, "name": "Nora" })
}

#[tokio::test]
async fn signing_up_makes_a_personal_space_that_its_owner_manages() {
    let world = World::new().await;
    let fields =
        "accessToken viewer { user { name email } personalSpace { id isPersonal viewerRole organization { id } } }";
    let answer = world.anonymous.mutate_for("signUp", fields, account("Nora@Example.org")).await.well();
    assert_eq!(answer.text("signUp.viewer.user.name"), "Nora");
    assert_eq!(answer.text("signUp.viewer.user.email"), "Nora@Example.org");
    assert_eq!(answer.text("signUp.viewer.personalSpace.viewerRole"), "MANAGER");
    assert_eq!(answer.at("signUp.viewer.personalSpace.isPersonal"), true);
    assert!(answer.at("signUp.viewer.personalSpace.organization").is_null());

    let nora = world.anonymous.with_token(Some(answer.text("signUp.accessToken")));
    let space = answer.text("signUp.viewer.personalSpace.id");
    let note = nora.document(space, json!({ "kind": "NOTE" })).await;
    assert_eq!(nora.node(&note).await["id"], note);
    assert!(world.owner.node(space).await.is_null(), "nobody else sees it");
}

#[tokio::test]
async fn account_settings_and_space_are_made_together_or_not_at_all() {
    let world = World::new().await;
    world
        .database
        .run(
            "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT ON tenancy.spaces FOR EACH ROW EXECUTE FUNCTION public.fail()",
        )
        .await;
    let before = world.database.digest().await;
    assert_eq!(world.anonymous.mutate("signUp", account("nora@example.org")).await.code(), "INTERNAL");
    assert_eq!(world.database.digest().await, before);
    world.database.run("DROP TRIGGER fail ON tenancy.spaces").await;
    world.anonymous.mutate("signUp", account("nora@example.org")).await.well();
}

#[tokio::test]
async fn an_address_has_one_account_whatever_its_case() {
    let world = World::new().await;
    world.anonymous.mutate("signUp", account("Nora@Example.org")).await.well();
    let before = world.database.digest().await;
    for email in ["Nora@Example.org", "nora@example.org", "NORA@EXAMPLE.ORG", " nora@example.org "] {
        let answer = world.anonymous.mutate("signUp", account(email)).await;
        answer.refused("EMAIL_TAKEN", "email");
        assert!(answer.at("signUp.accessToken").is_null() && answer.at("signUp.refreshToken").is_null());
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn of_sign_ups_at_once_with_one_address_one_succeeds() {
    let world = World::new().await;
    let attempts = ["nora@example.org", "Nora@example.org", "NORA@example.org", "nora@Example.org"];
    let answers = join_all(attempts.map(|email| world.anonymous.mutate("signUp", account(email)))).await;
    let (made, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.refusals().is_empty());
    assert_eq!((made.len(), refused.len()), (1, 3));
    made[0].clone().well();
    refused.iter().for_each(|answer| answer.refused("EMAIL_TAKEN", "email"));
    let sql = "SELECT count(*) FROM identity.users WHERE lower(email) = 'nora@example.org'";
    assert_eq!(world.database.number(sql).await, 1);
}

#[tokio::test]
async fn what_is_no_account_is_refused_with_the_field_and_the_reason() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let long = "x".repeat(1_025);
    let name = "n".repeat(256);
    for (email, password, shown, code, field) in [
        ("", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora@", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("@example.org", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora@example", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("no ra@example.org", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora@exa\0mple.org", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora@example.org\nbcc: x@example.org", PASSWORD, "Nora", "EMAIL_INVALID", "email"),
        ("nora@example.org", "", "Nora", "PASSWORD_TOO_SHORT", "password"),
        ("nora@example.org", "1234567", "Nora", "PASSWORD_TOO_SHORT", "password"),
        ("nora@example.org", &long, "Nora", "PASSWORD_TOO_LONG", "password"),
        ("nora@example.org", PASSWORD, "", "NAME_REQUIRED", "name"),
        ("nora@example.org", PASSWORD, " \t ", "NAME_REQUIRED", "name"),
        ("nora@example.org", PASSWORD, &name, "TEXT_INVALID", "name"),
        ("nora@example.org", PASSWORD, "No\0ra", "TEXT_INVALID", "name"),
        ("nora@example.org", PASSWORD, "No\u{1b}[31mra", "TEXT_INVALID", "name"),
    ] {
        let input = json!({ "email": email, "password": password, "name": shown });
        world.anonymous.mutate("signUp", input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn names_and_passwords_may_be_in_any_script() {
    let world = World::new().await;
    let password = "пароль 密码 🗝";
    let input = json!({ "email": "nora@example.org", "password": password, "name": "  नोरा 🧕 Ångström  " });
    let answer = world.anonymous.mutate_for("signUp", "viewer { user { name } }", input).await.well();
    assert_eq!(answer.text("signUp.viewer.user.name"), "नोरा 🧕 Ångström");
    let input = json!({ "email": "nora@example.org", "password": password });
    world.anonymous.mutate("signIn", input).await.well();
}

#[tokio::test]
async fn a_password_is_kept_as_an_argon2id_hash_alone() {
    let world = World::new().await;
    let answer = world.anonymous.mutate_for("signUp", "refreshToken", account("nora@example.org")).await.well();
    let row = world.database.row("SELECT password_hash FROM identity.users WHERE email = 'nora@example.org'").await;
    assert!(row["password_hash"].as_str().is_some_and(|hash| hash.starts_with("$argon2id$")), "{row}");
    let refresh = answer.text("signUp.refreshToken");
    for table in ["identity.users", "identity.sessions", "audit.logs", "platform.outbox"] {
        for secret in [PASSWORD, refresh] {
            let sql = format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%{secret}%'");
            assert_eq!(world.database.number(&sql).await, 0, "{table}");
        }
    }
}
