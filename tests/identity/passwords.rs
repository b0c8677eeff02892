//! Passwords: changed by who knows the present one, reset by who reads the mail.

use serde_json::{Value, json};

use crate::support::{PASSWORD, World};

const NEW: &str = "another good password";

fn change(current: &str, new: &str) -> Value {
    json!({ "currentPassword": current, "newPassword": new })
}

/// Asks for a link and gives its token. `count` is the number of letters to the address by then.
async fn reset_token(world: &World, email: &str, count: usize) -> String {
    world.anonymous.mutate("passwordResetRequest", json!({ "email": email })).await.well();
    world.server.letters().last_of(count, email).await.token()
}

#[tokio::test]
async fn a_changed_password_is_the_only_one_and_ends_the_other_sessions() {
    let world = World::new().await;
    let here = world.session_of("member").await;
    let there = world.session_of("member").await;
    here.mutate("passwordChange", change(PASSWORD, NEW)).await.well();
    assert!(here.is_signed_in().await);
    assert!(!there.is_signed_in().await && !world.member.is_signed_in().await);
    world.sign_in("member@acme.test", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    world.sign_in("member@acme.test", NEW).await.well();
    let letter = world.server.letters().last_of(1, "member@acme.test").await;
    assert_eq!(letter.subject, "Your password was changed");
    assert!(!letter.text.contains(NEW));
}

#[tokio::test]
async fn who_does_not_know_the_present_password_cannot_change_it() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for wrong in ["", "not the password", &"x".repeat(5_000), "\0"] {
        world.member.mutate("passwordChange", change(wrong, NEW)).await.refused("WRONG_CREDENTIALS", "currentPassword");
    }
    world
        .member
        .mutate("passwordChange", json!({ "newPassword": NEW }))
        .await
        .refused("WRONG_CREDENTIALS", "currentPassword");
    for (new, code) in [("1234567", "PASSWORD_TOO_SHORT"), (&"x".repeat(1_025), "PASSWORD_TOO_LONG")] {
        world.member.mutate("passwordChange", change(PASSWORD, new)).await.refused(code, "newPassword");
    }
    assert_eq!(world.anonymous.mutate("passwordChange", change(PASSWORD, NEW)).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn a_link_resets_the_password_once_and_ends_every_session() {
    let world = World::new().await;
    let token = reset_token(&world, "member@acme.test", 1).await;
    let input = json!({ "token": token, "newPassword": NEW });
    let short = json!({ "token": token, "newPassword": "short" });
    world.anonymous.mutate("passwordReset", short).await.refused("PASSWORD_TOO_SHORT", "newPassword");
    let answer = world.anonymous.mutate("passwordReset", input.clone()).await.well();
    assert_eq!(answer.text("passwordReset.email"), "member@acme.test");
    assert!(!world.member.is_signed_in().await);
    world.sign_in("member@acme.test", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    world.sign_in("member@acme.test", NEW).await.well();
    world.anonymous.mutate("passwordReset", input).await.refused("TOKEN_INVALID", "token");
}

#[tokio::test]
async fn of_resets_at_once_with_one_link_one_succeeds() {
    let world = World::new().await;
    let token = reset_token(&world, "member@acme.test", 1).await;
    let resets = (0..5).map(|number| {
        let input = json!({ "token": token, "newPassword": format!("{NEW} {number}") });
        world.anonymous.mutate("passwordReset", input)
    });
    let answers = futures_util::future::join_all(resets).await;
    assert_eq!(answers.iter().filter(|answer| answer.refusals().is_empty()).count(), 1);
}

#[tokio::test]
async fn a_link_is_good_for_its_own_purpose_and_for_a_while() {
    let world = World::new().await;
    let token = reset_token(&world, "member@acme.test", 1).await;
    world.anonymous.mutate("emailVerify", json!({ "token": token })).await.refused("TOKEN_INVALID", "token");
    world.anonymous.mutate("emailChangeConfirm", json!({ "token": token })).await.refused("TOKEN_INVALID", "token");
    let second = reset_token(&world, "member@acme.test", 2).await;
    let input = |token: &str| json!({ "token": token, "newPassword": NEW });
    let stale = if second == token { panic!("a new token") } else { token };
    world.anonymous.mutate("passwordReset", input(&stale)).await.refused("TOKEN_INVALID", "token");
    let age = "UPDATE identity.verification_tokens SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 hour'";
    world.database.run(age).await;
    world.anonymous.mutate("passwordReset", input(&second)).await.refused("TOKEN_INVALID", "token");
    world.sign_in("member@acme.test", PASSWORD).await.well();
}

#[tokio::test]
async fn changing_the_password_or_the_address_ends_links_that_were_sent_before() {
    let world = World::new().await;
    let token = reset_token(&world, "member@acme.test", 1).await;
    world.member.mutate("passwordChange", change(PASSWORD, NEW)).await.well();
    let input = json!({ "token": token, "newPassword": PASSWORD });
    world.anonymous.mutate("passwordReset", input).await.refused("TOKEN_INVALID", "token");

    let token = reset_token(&world, "editor@acme.test", 1).await;
    world.editor.mutate("emailChange", json!({ "email": "eve@example.org" })).await.well();
    let moved = world.server.letters().last_of(1, "eve@example.org").await.token();
    world.anonymous.mutate("emailChangeConfirm", json!({ "token": moved })).await.well();
    let input = json!({ "token": token, "newPassword": NEW });
    world.anonymous.mutate("passwordReset", input).await.refused("TOKEN_INVALID", "token");
}

#[tokio::test]
async fn only_an_account_that_may_be_used_gets_a_link() {
    let world = World::new().await;
    world.database.run("UPDATE identity.users SET status = 'suspended' WHERE email = 'reader@acme.test'").await;
    world.database.run("UPDATE identity.users SET deleted_at = now() WHERE email = 'viewer@acme.test'").await;
    for email in ["nobody@acme.test", "reader@acme.test", "viewer@acme.test"] {
        world.anonymous.mutate("passwordResetRequest", json!({ "email": email })).await.well();
    }
    // Requests are answered in their order, so the letter to the member comes after those that must not be.
    reset_token(&world, "member@acme.test", 1).await;
    let letters = world.server.letters();
    for email in ["nobody@acme.test", "reader@acme.test", "viewer@acme.test"] {
        assert!(letters.to(email).is_empty(), "{email}");
    }
    let left = "SELECT count(*) FROM identity.password_reset_requests WHERE email_secret IS NOT NULL";
    assert_eq!(world.database.number(left).await, 0, "addresses are forgotten");
}

#[tokio::test]
async fn an_address_moves_once_its_new_mailbox_is_proved() {
    let world = World::new().await;
    let answer = world.member.mutate("emailChange", json!({ "email": "mia@example.org" })).await.well();
    assert_eq!(answer.text("emailChange.email"), "mia@example.org");
    world.sign_in("mia@example.org", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    let token = world.server.letters().last_of(1, "mia@example.org").await.token();
    world.anonymous.mutate("emailChangeConfirm", json!({ "token": token })).await.well();
    world.sign_in("member@acme.test", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    world.sign_in("mia@example.org", PASSWORD).await.well();
    let notice = world.server.letters().last_of(1, "member@acme.test").await;
    assert_eq!(notice.subject, "Your e-mail address was changed");
    world.anonymous.mutate("emailChangeConfirm", json!({ "token": token })).await.refused("TOKEN_INVALID", "token");
}

#[tokio::test]
async fn an_address_that_is_taken_is_asked_for_like_any_other_and_never_given_away() {
    let world = World::new().await;
    let free = world.member.mutate("emailChange", json!({ "email": "nobody@acme.test" })).await.well();
    let taken = world.member.mutate("emailChange", json!({ "email": "admin@acme.test" })).await.well();
    assert_eq!(free.body.replace("nobody@", ""), taken.body.replace("admin@", ""));
    let letter = world.server.letters().last_of(1, "admin@acme.test").await;
    assert!(!letter.text.contains('#'), "there is no link: {}", letter.text);
    // Somebody else takes the address between the letter and the link.
    let token = world.server.letters().last_of(1, "nobody@acme.test").await.token();
    let input = json!({ "email": "nobody@acme.test", "password": PASSWORD, "name": "Nobody" });
    world.anonymous.mutate("signUp", input).await.well();
    world.member.mutate("emailChange", json!({ "email": "other@acme.test" })).await.well();
    let stale = world.anonymous.mutate("emailChangeConfirm", json!({ "token": token })).await;
    stale.refused("TOKEN_INVALID", "token");
}

#[tokio::test]
async fn dangerous_changes_need_a_recent_proof() {
    let world = World::new().await;
    world.forget_proofs().await;
    let input = json!({ "email": "mia@example.org" });
    let refused = world.member.mutate("emailChange", input.clone()).await;
    refused.refused("REAUTHENTICATION_REQUIRED", "");
    world
        .member
        .mutate("reauthenticate", json!({ "password": "wrong" }))
        .await
        .refused("WRONG_CREDENTIALS", "password");
    world.member.mutate("emailChange", input.clone()).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.admin.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
    world.member.mutate("emailChange", input.clone()).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.member.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
    world.member.mutate("emailChange", input).await.well();
}
