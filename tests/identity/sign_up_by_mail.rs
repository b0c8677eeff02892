//! Signing up where nobody may learn whether an address has an account.

use api::platform::config::{Config, SignUp};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, World, eventually};

fn by_mail(config: &mut Config) {
    config.sign_up = Some(SignUp::ByMail);
    config.attempts_per_network = 100_000;
}

async fn sign_up(client: &Client, email: &str, password: &str) -> Answer {
    let input = json!({ "email": email, "password": password, "name": "Nora" });
    let fields = "accessToken accessTokenExpiresAt refreshToken mfaToken mailSent viewer { user { id } }";
    client.mutate_for("signUp", fields, input).await.well()
}

async fn accounts(world: &World) -> i64 {
    world.database.number("SELECT count(*) FROM identity.users WHERE lower(email) = 'nora@example.org'").await
}

async fn confirm(world: &World, token: &str) -> Answer {
    confirm_with(world, token, PASSWORD).await
}

async fn confirm_with(world: &World, token: &str, password: &str) -> Answer {
    world.anonymous.mutate("emailVerify", json!({ "token": token, "password": password })).await
}

#[tokio::test]
async fn an_account_is_made_when_its_link_is_followed() {
    let world = World::with(by_mail).await;
    let answer = sign_up(&world.anonymous, "Nora@example.org", PASSWORD).await;
    assert_eq!(answer.at("signUp.mailSent"), true);
    let letter = world.server.letters().last_of(1, "Nora@example.org").await;
    assert_eq!(letter.subject, "Confirm your e-mail address");
    assert_eq!(accounts(&world).await, 0);
    world.sign_in("nora@example.org", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    let answer = confirm(&world, &letter.token()).await.well();
    assert_eq!(answer.text("emailVerify.email"), "Nora@example.org");
    let answer = world.sign_in("nora@example.org", PASSWORD).await.well();
    let nora = world.anonymous.with_token(Some(answer.text("signIn.accessToken")));
    let query = "{ viewer { emailVerified user { name } personalSpace { id } } }";
    let answer = nora.query(query, Value::Null).await.well();
    assert_eq!((answer.at("viewer.emailVerified"), answer.text("viewer.user.name")), (&json!(true), "Nora"));
    assert!(answer.at("viewer.personalSpace.id").is_string());
    confirm(&world, &letter.token()).await.refused("TOKEN_INVALID", "token");
}

#[tokio::test]
async fn the_answer_is_the_same_for_an_address_that_has_an_account() {
    let world = World::with(by_mail).await;
    let taken = sign_up(&world.anonymous, "Member@acme.test", "another password").await;
    let free = sign_up(&world.anonymous, "nora@example.org", "another password").await;
    assert_eq!((taken.status, &taken.body), (free.status, &free.body));
    let letter = world.server.letters().last_of(1, "member@acme.test").await;
    assert_eq!(letter.subject, "You have an account already");
    assert!(!letter.text.contains("http"), "{}", letter.text);
    world.sign_in("member@acme.test", PASSWORD).await.well();
    world.sign_in("member@acme.test", "another password").await.refused("WRONG_CREDENTIALS", "");
    // Who is suspended hears nothing, and who asks hears the same.
    world.database.run("UPDATE identity.users SET status = 'suspended' WHERE email = 'admin@acme.test'").await;
    assert_eq!(sign_up(&world.anonymous, "admin@acme.test", PASSWORD).await.body, free.body);
    let open = "SELECT count(*) FROM identity.sign_ups WHERE handled_at IS NULL";
    eventually("all are answered", async || (world.database.number(open).await == 0).then_some(())).await;
    assert!(world.server.letters().to("admin@acme.test").is_empty());
}

#[tokio::test]
async fn each_link_makes_the_account_of_its_own_sign_up() {
    let world = World::with(by_mail).await;
    // Mallory signs up with Nora's address first, and once more after her.
    for (count, password) in [(1, "mallory was here"), (2, PASSWORD), (3, "mallory was here")] {
        sign_up(&world.anonymous, "nora@example.org", password).await;
        world.server.letters().last_of(count, "nora@example.org").await;
    }
    let letters = world.server.letters().to("nora@example.org");
    // She cannot tell the letters apart, and none makes an account with a password that is not hers.
    for letter in [&letters[0], &letters[2]] {
        confirm(&world, &letter.token()).await.refused("WRONG_CREDENTIALS", "password");
    }
    let without = world.anonymous.mutate("emailVerify", json!({ "token": letters[1].token() })).await;
    without.refused("PASSWORD_REQUIRED", "password");
    assert_eq!(accounts(&world).await, 0);
    confirm(&world, &letters[1].token()).await.well();
    world.sign_in("nora@example.org", PASSWORD).await.well();
    world.sign_in("nora@example.org", "mallory was here").await.refused("WRONG_CREDENTIALS", "");
    for letter in [&letters[0], &letters[2]] {
        confirm_with(&world, &letter.token(), "mallory was here").await.refused("TOKEN_INVALID", "token");
    }
    assert_eq!(accounts(&world).await, 1);
    world.sign_in("nora@example.org", PASSWORD).await.well();
}

#[tokio::test]
async fn of_links_that_are_followed_at_once_one_makes_the_account() {
    let world = World::with(by_mail).await;
    for count in 1..=3 {
        sign_up(&world.anonymous, "nora@example.org", PASSWORD).await;
        world.server.letters().last_of(count, "nora@example.org").await;
    }
    let letters = world.server.letters().to("nora@example.org");
    let answers = join_all(letters.iter().map(|letter| async { confirm(&world, &letter.token()).await })).await;
    let mut refusals: Vec<Vec<&str>> = answers.iter().map(Answer::refusals).collect();
    refusals.sort();
    assert_eq!(refusals, [vec![], vec!["TOKEN_INVALID"], vec!["TOKEN_INVALID"]]);
    assert_eq!(accounts(&world).await, 1);
}

#[tokio::test]
async fn what_waits_is_sealed_and_does_not_wait_for_ever() {
    let world = World::with(by_mail).await;
    sign_up(&world.anonymous, "nora@example.org", PASSWORD).await;
    let letter = world.server.letters().last_of(1, "nora@example.org").await;
    let row = world
        .database
        .row("SELECT row_to_json(s)::text AS row, encode(account_secret, 'escape') AS plain FROM identity.sign_ups s")
        .await;
    for known in ["nora", "Nora", "argon2", &letter.token()] {
        assert!(!row.to_string().contains(known), "{known}: {row}");
    }
    let past = "UPDATE identity.sign_ups SET created_at = created_at - interval '4 days', \
                expires_at = expires_at - interval '4 days'";
    world.database.run(past).await;
    confirm(&world, &letter.token()).await.refused("TOKEN_INVALID", "token");
    assert_eq!(accounts(&world).await, 0);
}

#[tokio::test]
async fn mail_to_one_address_is_limited_whether_it_has_an_account_or_not() {
    let world = World::with(by_mail).await;
    for email in ["member@acme.test", "nora@example.org"] {
        for _ in 0..5 {
            sign_up(&world.anonymous, email, PASSWORD).await;
        }
        let input = json!({ "email": email, "password": PASSWORD, "name": "Nora" });
        world.anonymous.mutate("signUp", input).await.refused("RATE_LIMITED", "");
    }
}
