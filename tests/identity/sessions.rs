//! Sessions: opened by signing in, renewed by trading the refresh token, over at once when they are over.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, PASSWORD, World};

const TOKENS: &str = "accessToken accessTokenExpiresAt refreshToken viewer { user { id } }";

async fn sign_in(world: &World, email: &str, password: &str) -> Answer {
    world.anonymous.mutate_for("signIn", TOKENS, json!({ "email": email, "password": password })).await
}

async fn refresh(world: &World, token: &str) -> Answer {
    world.anonymous.mutate_for("tokenRefresh", TOKENS, json!({ "refreshToken": token })).await
}

async fn works(client: &Client) -> bool {
    let answer = client.query("{ viewer { user { id } } }", Value::Null).await;
    if answer.codes().is_empty() {
        answer.text("viewer.user.id").starts_with("user_")
    } else {
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED"));
        false
    }
}

#[tokio::test]
async fn signing_in_opens_a_session_of_its_own() {
    let world = World::new().await;
    let first = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let second = sign_in(&world, " Member@ACME.test ", PASSWORD).await.well();
    assert_eq!(first.text("signIn.viewer.user.id"), world.member.id);
    assert_ne!(first.text("signIn.accessToken"), second.text("signIn.accessToken"));
    assert_ne!(first.text("signIn.refreshToken"), second.text("signIn.refreshToken"));
    for answer in [&first, &second] {
        assert!(works(&world.anonymous.with_token(Some(answer.text("signIn.accessToken")))).await);
    }
    assert!(works(&world.member).await, "the session from before lives on");
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_are_answered_alike() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let wrong = sign_in(&world, "member@acme.test", "not the password").await;
    wrong.refused("WRONG_CREDENTIALS", "");
    world.database.run("UPDATE identity.users SET status = 'suspended' WHERE email = 'admin@acme.test'").await;
    world.database.run("UPDATE identity.users SET deleted_at = now() WHERE email = 'developer@acme.test'").await;
    world.database.run("UPDATE identity.users SET password_hash = NULL WHERE email = 'reader@acme.test'").await;
    let long = "x".repeat(5_000);
    for (email, password) in [
        ("nobody@acme.test", PASSWORD),
        ("", PASSWORD),
        ("nonsense", ""),
        (&long, PASSWORD),
        ("member@acme.test", &long),
        ("member@acme.test", ""),
        ("member@acme.test\0", PASSWORD),
        ("member@acme.test' OR true --", PASSWORD),
        ("admin@acme.test", PASSWORD),
        ("developer@acme.test", PASSWORD),
        ("reader@acme.test", ""),
    ] {
        let answer = sign_in(&world, email, password).await;
        assert_eq!(answer.body, wrong.body, "{email:.40}");
    }
    let sessions = "SELECT count(*) FROM identity.sessions";
    assert_eq!(world.database.number(sessions).await, 13, "one for each of the cast");
    assert_ne!(world.database.digest().await, before, "the accounts were changed by this test");
}

#[tokio::test]
async fn a_refresh_token_is_traded_for_new_tokens() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let renewed = refresh(&world, opened.text("signIn.refreshToken")).await.well();
    assert_ne!(renewed.text("tokenRefresh.refreshToken"), opened.text("signIn.refreshToken"));
    assert_eq!(renewed.text("tokenRefresh.viewer.user.id"), world.member.id);
    let again = refresh(&world, renewed.text("tokenRefresh.refreshToken")).await.well();
    assert!(works(&world.anonymous.with_token(Some(again.text("tokenRefresh.accessToken")))).await);
    let sql = "SELECT count(*) FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id WHERE u.email = 'member@acme.test'";
    assert_eq!(world.database.number(sql).await, 2, "renewing opens no further session");
}

/// Lets the moments pass in which a token that was traded is taken for that of another window.
async fn later(world: &World) {
    world.database.run("UPDATE identity.sessions SET traded_at = traded_at - interval '10 seconds'").await;
}

#[tokio::test]
async fn a_refresh_token_that_is_used_twice_ends_its_session_and_no_other() {
    let world = World::new().await;
    let stolen = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let other = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let renewed = refresh(&world, stolen.text("signIn.refreshToken")).await.well();
    later(&world).await;
    refresh(&world, stolen.text("signIn.refreshToken")).await.refused("TOKEN_INVALID", "refreshToken");
    for token in [stolen.text("signIn.accessToken"), renewed.text("tokenRefresh.accessToken")] {
        assert!(!works(&world.anonymous.with_token(Some(token))).await);
    }
    refresh(&world, renewed.text("tokenRefresh.refreshToken")).await.refused("TOKEN_INVALID", "refreshToken");
    assert!(works(&world.anonymous.with_token(Some(other.text("signIn.accessToken")))).await);
    refresh(&world, other.text("signIn.refreshToken")).await.well();
}

#[tokio::test]
async fn a_refresh_token_of_any_earlier_trade_ends_the_session() {
    for generation in 0..3 {
        let world = World::new().await;
        let first = sign_in(&world, "member@acme.test", PASSWORD).await.well();
        let mut tokens = vec![first.text("signIn.refreshToken").to_owned()];
        for _ in 0..4 {
            let renewed = refresh(&world, &tokens[tokens.len() - 1]).await.well();
            tokens.push(renewed.text("tokenRefresh.refreshToken").to_owned());
        }
        // Even within the moments that the last trade is forgiven.
        refresh(&world, &tokens[generation]).await.refused("TOKEN_INVALID", "refreshToken");
        assert!(!works(&world.anonymous.with_token(Some(first.text("signIn.accessToken")))).await);
        refresh(&world, &tokens[4]).await.refused("TOKEN_INVALID", "refreshToken");
        let told = "SELECT count(*) FROM platform.outbox WHERE event_type = 'session.token_reused'";
        assert_eq!(world.database.number(told).await, 1);
    }
}

#[tokio::test]
async fn windows_that_refresh_at_once_stay_signed_in_and_one_of_them_is_given_the_next_token() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let answers = join_all((0..6).map(|_| refresh(&world, opened.text("signIn.refreshToken")))).await;
    let mut next = Vec::new();
    for answer in answers.into_iter().map(Answer::well) {
        assert!(works(&world.anonymous.with_token(Some(answer.text("tokenRefresh.accessToken")))).await);
        next.extend(answer.at("tokenRefresh.refreshToken").as_str().map(str::to_owned));
    }
    assert_eq!(next.len(), 1, "there is one line of tokens: {next:?}");
    later(&world).await;
    let renewed = refresh(&world, &next[0]).await.well();
    assert!(works(&world.anonymous.with_token(Some(renewed.text("tokenRefresh.accessToken")))).await);
}

#[tokio::test]
async fn windows_that_refresh_at_once_may_send_their_access_token_along() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let window = world.anonymous.with_token(Some(opened.text("signIn.accessToken")));
    let input = json!({ "refreshToken": opened.text("signIn.refreshToken") });
    for answer in join_all((0..6).map(|_| window.mutate_for("tokenRefresh", TOKENS, input.clone()))).await {
        answer.well();
    }
}

#[tokio::test]
async fn what_is_no_refresh_token_changes_nothing() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let other = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let expired = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    world
        .database
        .run(
            "UPDATE identity.sessions SET created_at = now() - interval '2 days', expires_at = now() - interval '1 second' \
             WHERE id = (SELECT max(id::text)::uuid FROM identity.sessions)",
        )
        .await;
    let before = world.database.digest().await;
    let access = opened.text("signIn.accessToken");
    let good = opened.text("signIn.refreshToken");
    // The same session, with other random bits below the old seal.
    let forged = format!("{}{}{}", &good[..24], &other.text("signIn.refreshToken")[24..60], &good[60..]);
    for token in ["", "nonsense", access, "\0", expired.text("signIn.refreshToken"), &good[..64], &forged] {
        refresh(&world, token).await.refused("TOKEN_INVALID", "refreshToken");
    }
    assert_eq!(world.database.digest().await, before);
    refresh(&world, good).await.well();
    assert!(!works(&world.anonymous.with_token(Some(expired.text("signIn.accessToken")))).await);
}

#[tokio::test]
async fn signing_out_ends_the_session_at_once_and_no_other() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let client = world.anonymous.with_token(Some(opened.text("signIn.accessToken")));
    assert!(works(&client).await);
    let answer = client.query("mutation { signOut { signedOut } }", Value::Null).await.well();
    assert_eq!(answer.at("signOut.signedOut"), true);
    assert!(!works(&client).await);
    refresh(&world, opened.text("signIn.refreshToken")).await.refused("TOKEN_INVALID", "refreshToken");
    assert!(works(&world.member).await);
    assert_eq!(
        world.anonymous.query("mutation { signOut { signedOut } }", Value::Null).await.code(),
        "UNAUTHENTICATED"
    );
}

#[tokio::test]
async fn a_suspended_or_deleted_account_is_out_at_once() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    for (change, back) in [("status = 'suspended'", "status = 'active'"), ("deleted_at = now()", "deleted_at = NULL")] {
        assert!(works(&world.member).await);
        let set = |change: &str| format!("UPDATE identity.users SET {change} WHERE email = 'member@acme.test'");
        world.database.run(&set(change)).await;
        assert!(!works(&world.member).await, "{change}");
        let answer = refresh(&world, opened.text("signIn.refreshToken")).await;
        assert!(!answer.codes().is_empty() || !answer.refusals().is_empty(), "{change}: {}", answer.body);
        assert!(!answer.body.contains("eyJ"), "no access token is given: {}", answer.body);
        world.database.run(&set(back)).await;
    }
}

#[tokio::test]
async fn only_digests_of_refresh_tokens_are_stored() {
    let world = World::new().await;
    let opened = sign_in(&world, "member@acme.test", PASSWORD).await.well();
    let token = opened.text("signIn.refreshToken");
    assert!(token.len() >= 43, "256 bits: {token}");
    let stored = format!(
        "SELECT count(*) FROM identity.sessions WHERE token_hash = sha256('{token}'::bytea) AND expires_at > now() + interval '29 days'"
    );
    assert_eq!(world.database.number(&stored).await, 1);
}

#[tokio::test]
async fn a_mutation_that_follows_signing_in_acts_as_who_signed_in() {
    let world = World::new().await;
    let text = format!(
        "mutation {{ signIn(input: {{ email: \"member@acme.test\", password: \"{PASSWORD}\" }}) {{ accessToken }} \
         organizationCreate(input: {{ name: \"New\", slug: \"new\" }}) {{ organization {{ viewerRole }} userErrors {{ code }} }} }}"
    );
    let answer = world.anonymous.query(&text, Value::Null).await.well();
    assert_eq!(answer.text("organizationCreate.organization.viewerRole"), "OWNER");
    let sql =
        "SELECT u.email FROM tenancy.organizations o JOIN identity.users u ON u.id = o.owner_id WHERE o.slug = 'new'";
    assert_eq!(world.database.row(sql).await["email"], "member@acme.test");
}
