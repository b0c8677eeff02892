//! The second factor: set up with a proof, asked for at every sign-in, and each of its codes good once.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::authenticator::{App, ENROLL, guarded};
use crate::support::{Answer, PASSWORD, World};

/// As if the last code had been used long ago: a test does not wait for half a minute.
async fn let_time_pass(world: &World) {
    world.database.run("UPDATE identity.mfa_factors SET last_used_step = last_used_step - 10").await;
}

/// Gives the password and gets the token that awaits a code.
async fn challenge(world: &World, email: &str) -> String {
    let input = json!({ "email": email, "password": PASSWORD });
    let answer = world.anonymous.mutate("signIn", input).await.well();
    assert!(answer.at("signIn.accessToken").is_null() && answer.at("signIn.refreshToken").is_null(), "{}", answer.body);
    answer.text("signIn.mfaToken").to_owned()
}

async fn confirm(world: &World, token: &str, code: &str) -> Answer {
    world.anonymous.mutate("signInConfirm", json!({ "mfaToken": token, "code": code })).await
}

#[tokio::test]
async fn an_authenticator_guards_nothing_before_its_first_code() {
    let world = World::new().await;
    let answer = world.member.query(ENROLL, Value::Null).await.well();
    let uri = answer.text("mfaEnroll.enrollment.uri");
    assert!(uri.starts_with("otpauth://totp/Trellis:") && uri.contains("issuer=Trellis"), "{uri}");
    world.sign_in("member@acme.test", PASSWORD).await.well();
    for wrong in ["", "12345", "1234567", "abcdef", "\0"] {
        world.member.mutate("mfaConfirm", json!({ "code": wrong })).await.refused("CODE_INVALID", "code");
    }
    let other = world.session_of("member").await;
    let app = App::new(answer.text("mfaEnroll.enrollment.secret"));
    let confirmed = world.member.mutate("mfaConfirm", json!({ "code": app.code() })).await.well();
    assert_eq!(confirmed.list("mfaConfirm.recoveryCodes").len(), 10);
    assert!(world.member.is_signed_in().await && !other.is_signed_in().await, "who came in without it is out");
    let status = world.member.query("{ viewer { mfa { enabled recoveryCodesLeft } } }", Value::Null).await.well();
    assert_eq!(status.at("viewer.mfa"), &json!({ "enabled": true, "recoveryCodesLeft": 10 }));
    assert_eq!(
        world.server.letters().last_of(1, "member@acme.test").await.subject,
        "A second factor guards your account"
    );
    world.member.query(ENROLL, Value::Null).await.refused("MFA_ENABLED", "");
}

#[tokio::test]
async fn a_password_alone_does_not_sign_in_any_more() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, "000000").await.refused("CODE_INVALID", "code");
    assert!(!world.anonymous.with_token(Some(&token)).is_signed_in().await, "the token is no access token");
    let answer = confirm(&world, &token, &app.code()).await.well();
    assert!(world.anonymous.with_token(Some(answer.text("signInConfirm.accessToken"))).is_signed_in().await);
    confirm(&world, &token, &app.code()).await.refused("TOKEN_INVALID", "mfaToken");
}

#[tokio::test]
async fn a_code_works_once_however_many_bring_it_at_once() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    let code = app.code();
    let tokens = join_all((0..4).map(|_| challenge(&world, "member@acme.test"))).await;
    let answers = join_all(tokens.iter().map(|token| confirm(&world, token, &code))).await;
    let entered = answers.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!(entered, 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_code_that_was_overheard_is_no_good_afterwards() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    let code = app.code();
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, &code).await.well();
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, &code).await.refused("CODE_INVALID", "code");
    world.member.mutate("reauthenticate", json!({ "code": code })).await.refused("CODE_INVALID", "code");
}

#[tokio::test]
async fn a_recovery_code_replaces_the_app_once() {
    let world = World::new().await;
    let (_, codes) = guarded(&world.member).await;
    let token = challenge(&world, "member@acme.test").await;
    let shouted = codes[0].to_uppercase().replace('-', " ");
    confirm(&world, &token, &shouted).await.well();
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, &codes[0]).await.refused("CODE_INVALID", "code");
    let status = world.member.query("{ viewer { mfa { recoveryCodesLeft } } }", Value::Null).await.well();
    assert_eq!(status.number("viewer.mfa.recoveryCodesLeft"), 9);
    let again = "mutation { recoveryCodesRegenerate { recoveryCodes userErrors { code field } } }";
    let fresh = world.member.query(again, Value::Null).await.well();
    confirm(&world, &token, &codes[1]).await.refused("CODE_INVALID", "code");
    let code = fresh.list("recoveryCodesRegenerate.recoveryCodes")[0].as_str().expect("a code").to_owned();
    confirm(&world, &token, &code).await.well();
    // Codes of one account are nothing to another.
    let (_, others) = guarded(&world.admin).await;
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, &others[0]).await.refused("CODE_INVALID", "code");
}

#[tokio::test]
async fn guessing_codes_is_stopped() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    let token = challenge(&world, "member@acme.test").await;
    for number in 0..5 {
        confirm(&world, &token, &format!("00000{number}")).await.refused("CODE_INVALID", "code");
    }
    confirm(&world, &token, &app.code()).await.refused("TOKEN_INVALID", "mfaToken");
    let mut looked_at = 5;
    for _ in 0..4 {
        let token = challenge(&world, "member@acme.test").await;
        for number in 0..4 {
            let answer = confirm(&world, &token, &format!("11111{number}")).await;
            looked_at += usize::from(answer.refusals() == ["CODE_INVALID"]);
        }
    }
    assert!(looked_at <= 10, "{looked_at} codes were looked at");
}

#[tokio::test]
async fn an_unfinished_sign_in_ends_with_time_and_with_the_password() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    let token = challenge(&world, "member@acme.test").await;
    world
        .database
        .run("UPDATE identity.sign_in_challenges SET created_at = now() - interval '1 hour', expires_at = now() - interval '1 minute'")
        .await;
    confirm(&world, &token, &app.code()).await.refused("TOKEN_INVALID", "mfaToken");
    let token = challenge(&world, "member@acme.test").await;
    let input = json!({ "currentPassword": PASSWORD, "newPassword": "another good password" });
    world.member.mutate("passwordChange", input).await.well();
    confirm(&world, &token, &app.code()).await.refused("TOKEN_INVALID", "mfaToken");
    for nonsense in ["", "x", "\0"] {
        confirm(&world, nonsense, &app.code()).await.refused("TOKEN_INVALID", "mfaToken");
    }
}

#[tokio::test]
async fn the_second_factor_goes_with_a_recent_code_alone() {
    let world = World::new().await;
    world.forget_proofs().await;
    world.member.query(ENROLL, Value::Null).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.member.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
    let (app, _) = guarded(&world.member).await;
    world.forget_proofs().await;
    let disable = "mutation { mfaDisable { userErrors { code field } } }";
    world.member.query(disable, Value::Null).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.member.mutate("reauthenticate", json!({ "password": PASSWORD })).await.refused("CODE_INVALID", "code");
    world.member.query(disable, Value::Null).await.refused("REAUTHENTICATION_REQUIRED", "");
    let_time_pass(&world).await;
    world.member.mutate("reauthenticate", json!({ "code": app.code() })).await.well();
    world.member.query(disable, Value::Null).await.well();
    world.sign_in("member@acme.test", PASSWORD).await.well();
    let left = "SELECT (SELECT count(*) FROM identity.mfa_factors) + (SELECT count(*) FROM identity.recovery_codes)";
    assert_eq!(world.database.number(left).await, 0);
}

#[tokio::test]
async fn resetting_the_password_does_not_take_the_second_factor_away() {
    let world = World::new().await;
    let (app, _) = guarded(&world.member).await;
    let_time_pass(&world).await;
    world.anonymous.mutate("passwordResetRequest", json!({ "email": "member@acme.test" })).await.well();
    let token = world.server.letters().last_of(2, "member@acme.test").await.token();
    let input = json!({ "token": token, "newPassword": PASSWORD });
    world.anonymous.mutate("passwordReset", input).await.well();
    let token = challenge(&world, "member@acme.test").await;
    confirm(&world, &token, &app.code()).await.well();
}

#[tokio::test]
async fn secrets_and_recovery_codes_lie_nowhere_in_the_clear() {
    let world = World::new().await;
    let answer = world.member.query(ENROLL, Value::Null).await.well();
    let secret = answer.text("mfaEnroll.enrollment.secret").to_owned();
    let app = App::new(&secret);
    let raw: String = app.secret().iter().map(|byte| format!("{byte:02x}")).collect();
    let confirmed = world.member.mutate("mfaConfirm", json!({ "code": app.code() })).await.well();
    let code = confirmed.list("mfaConfirm.recoveryCodes")[0].as_str().expect("a code").to_owned();
    for table in ["identity.mfa_factors", "identity.recovery_codes", "audit.logs", "platform.outbox", "platform.mails"]
    {
        for clear in [&secret, &raw, &code, &code.replace('-', "")] {
            let sql = format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%{clear}%'");
            assert_eq!(world.database.number(&sql).await, 0, "{table}");
        }
    }
}
