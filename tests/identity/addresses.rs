//! E-mail addresses: proved by the link that was sent to them, once.

use serde_json::{Value, json};

use crate::support::{PASSWORD, World};

async fn verified(world: &World, email: &str) -> Value {
    let sql = format!("SELECT email_verified, status FROM identity.users WHERE email = '{email}'");
    let row = world.database.row(&sql).await;
    json!([row["email_verified"], row["status"]])
}

#[tokio::test]
async fn who_signs_up_gets_a_link_that_confirms_the_address_once() {
    let world = World::new().await;
    let input = json!({ "email": "nora@example.org", "password": PASSWORD, "name": "Nora" });
    let session = world.anonymous.mutate("signUp", input).await.well();
    assert_eq!(verified(&world, "nora@example.org").await, json!([false, "pending_verification"]));
    let letter = world.server.letters().last_of(1, "nora@example.org").await;
    assert_eq!(letter.subject, "Confirm your e-mail address");
    let input = json!({ "token": letter.token() });
    let answer = world.anonymous.mutate("emailVerify", input.clone()).await.well();
    assert_eq!(answer.text("emailVerify.email"), "nora@example.org");
    assert_eq!(verified(&world, "nora@example.org").await, json!([true, "active"]));
    world.anonymous.mutate("emailVerify", input).await.refused("TOKEN_INVALID", "token");
    let nora = world.anonymous.with_token(Some(session.text("signUp.accessToken")));
    let answer = nora.query("{ viewer { emailVerified } }", Value::Null).await.well();
    assert_eq!(answer.at("viewer.emailVerified"), true);
    let again = nora.query("mutation { emailVerificationSend { userErrors { code field } } }", Value::Null).await;
    again.refused("EMAIL_VERIFIED", "");
}

#[tokio::test]
async fn the_letter_holds_nothing_that_the_one_who_signed_up_wrote() {
    let world = World::new().await;
    let input = json!({ "email": "nora@example.org", "password": PASSWORD, "name": "Win at https://evil.example" });
    world.anonymous.mutate("signUp", input).await.well();
    let letter = world.server.letters().last_of(1, "nora@example.org").await;
    assert!(!letter.text.contains("evil") && !letter.subject.contains("evil"), "{}", letter.text);
}

#[tokio::test]
async fn a_new_link_ends_the_one_before() {
    let world = World::new().await;
    let send = "mutation { emailVerificationSend { email userErrors { code field } } }";
    for _ in 0..2 {
        let answer = world.member.query(send, Value::Null).await.well();
        assert_eq!(answer.text("emailVerificationSend.email"), "member@acme.test");
    }
    let letters = world.server.letters();
    let second = letters.last_of(2, "member@acme.test").await.token();
    let tokens: Vec<String> = letters.to("member@acme.test").iter().map(|letter| letter.token()).collect();
    let first = tokens.into_iter().find(|token| *token != second).expect("another token");
    // The letters may have been sent in either order; one of the tokens is good.
    let [one, other] = [&first, &second].map(|token| world.anonymous.mutate("emailVerify", json!({ "token": token })));
    let refusals = [one.await.refusals().len(), other.await.refusals().len()];
    assert_eq!(refusals.iter().sum::<usize>(), 1, "{refusals:?}");
    assert_eq!(world.anonymous.query(send, Value::Null).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_link_that_is_old_or_of_another_address_confirms_nothing() {
    let world = World::new().await;
    let send = "mutation { emailVerificationSend { userErrors { code } } }";
    world.member.query(send, Value::Null).await.well();
    let token = world.server.letters().last_of(1, "member@acme.test").await.token();
    let before = world.database.digest().await;
    for nonsense in ["", "nonsense", "\0", &"x".repeat(10_000), &token[1..]] {
        world.anonymous.mutate("emailVerify", json!({ "token": nonsense })).await.refused("TOKEN_INVALID", "token");
    }
    assert_eq!(world.database.digest().await, before);
    for (change, back) in [
        (
            "verification_tokens SET created_at = now() - interval '9 days', expires_at = now() - interval '1 second'",
            "verification_tokens SET expires_at = now() + interval '1 day'",
        ),
        (
            "users SET email = 'other@acme.test' WHERE email = 'member@acme.test'",
            "users SET email = 'member@acme.test' WHERE email = 'other@acme.test'",
        ),
        (
            "users SET deleted_at = now() WHERE email = 'member@acme.test'",
            "users SET deleted_at = NULL WHERE email = 'member@acme.test'",
        ),
        ("verification_tokens SET purpose = 'reset_password'", "verification_tokens SET purpose = 'verify_email'"),
    ] {
        world.database.run(&format!("UPDATE identity.{change}")).await;
        world.anonymous.mutate("emailVerify", json!({ "token": token })).await.refused("TOKEN_INVALID", "token");
        world.database.run(&format!("UPDATE identity.{back}")).await;
    }
    world.anonymous.mutate("emailVerify", json!({ "token": token })).await.well();
}

#[tokio::test]
async fn only_digests_of_mailed_tokens_are_stored() {
    let world = World::new().await;
    world.member.query("mutation { emailVerificationSend { userErrors { code } } }", Value::Null).await.well();
    let token = world.server.letters().last_of(1, "member@acme.test").await.token();
    for table in ["identity.verification_tokens", "audit.logs", "platform.outbox", "platform.mails"] {
        let sql = format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%{token}%'");
        assert_eq!(world.database.number(&sql).await, 0, "{table}");
    }
}
