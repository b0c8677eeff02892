//! What a stranger cannot find out, take over or sneak in.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, World, alike, times};

fn unlimited(config: &mut api::platform::config::Config) {
    config.attempts_per_network = 100_000;
}

#[tokio::test]
async fn signing_in_takes_as_long_for_an_unknown_address() {
    let world = World::with(unlimited).await;
    let names = ["owner", "admin", "member", "viewer", "reader", "editor"];
    let guess = async |email: String| {
        let answer = world.anonymous.mutate("signIn", json!({ "email": email, "password": "wrong" })).await;
        answer.refused("WRONG_CREDENTIALS", "");
    };
    guess("warm@acme.test".to_owned()).await;
    let known = async |round: usize| guess(format!("{}@acme.test", names[round % names.len()])).await;
    let unknown = async |round: usize| guess(format!("nobody{round}@acme.test")).await;
    alike(times(41, known, unknown).await);
}

#[tokio::test]
async fn asking_for_a_link_takes_as_long_and_is_answered_alike_for_an_unknown_address() {
    let world = World::with(unlimited).await;
    let names =
        ["owner", "admin", "member", "viewer", "reader", "editor", "manager", "stranger", "developer", "commenter"];
    let shape = |answer: Answer| {
        assert_eq!(answer.payload(), &json!({ "userErrors": [], "accepted": true, "commitCursor": null }));
    };
    let ask = async |email: String| {
        shape(world.anonymous.mutate("passwordResetRequest", json!({ "email": email })).await.well());
    };
    ask("warm@acme.test".to_owned()).await;
    let known = async |round: usize| ask(format!("{}@acme.test", names[round % names.len()])).await;
    let unknown = async |round: usize| ask(format!("nobody{round}@acme.test")).await;
    alike(times(41, known, unknown).await);
}

#[tokio::test]
async fn a_session_cannot_be_brought_along_and_become_somebodys() {
    let world = World::new().await;
    let stranger = world.session_of("stranger").await;
    // Signing in while signed in as somebody else opens a new session, and leaves the old one whose it was.
    let fields = "accessToken viewer { user { id } }";
    let input = json!({ "email": "member@acme.test", "password": PASSWORD });
    let answer = stranger.mutate_for("signIn", fields, input).await.well();
    assert_eq!(answer.text("signIn.viewer.user.id"), world.member.id);
    let before = stranger.query("{ viewer { user { id } } }", Value::Null).await.well();
    assert_eq!(before.text("viewer.user.id"), world.stranger.id);
    let claims = |token: &str| token.split('.').nth(1).expect("a token").to_owned();
    let new = answer.text("signIn.accessToken");
    assert_ne!(claims(new), claims(stranger.token.as_deref().expect("a token")));
}

#[tokio::test]
async fn nobody_makes_themselves_more_than_they_are() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (mutation, input) in [
        ("profileUpdate", json!({ "name": "Mia", "role": "ADMIN" })),
        ("profileUpdate", json!({ "name": "Mia", "email": "owner@acme.test" })),
        ("profileUpdate", json!({ "name": "Mia", "emailVerified": true })),
        ("profileUpdate", json!({ "name": "Mia", "tier": "ENTERPRISE" })),
        ("profileUpdate", json!({ "name": "Mia", "id": world.owner.id })),
        ("settingsUpdate", json!({ "theme": "DARK", "userId": world.owner.id })),
        ("signUp", json!({ "email": "eve@example.org", "password": PASSWORD, "name": "Eve", "role": "ADMIN" })),
        (
            "passwordChange",
            json!({ "currentPassword": PASSWORD, "newPassword": "another good one", "userId": world.owner.id }),
        ),
    ] {
        let answer = world.member.mutate(mutation, input).await;
        assert!(!answer.codes().is_empty() && answer.json["data"].is_null(), "{mutation}: {}", answer.body);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn what_is_typed_never_becomes_a_header_of_a_letter() {
    let world = World::new().await;
    for hostile in [
        "eve@example.org\r\nBcc: victim@example.org",
        "eve@example.org\nBcc: victim@example.org",
        "eve@example.org\u{2028}Bcc: victim@example.org",
        "eve@example.org,victim@example.org",
        "\"eve\r\nBcc: victim@example.org\"@example.org",
        "eve@example.org%0aBcc:victim@example.org",
        "<eve@example.org>",
    ] {
        let input = json!({ "email": hostile, "password": PASSWORD, "name": "Eve" });
        world.anonymous.mutate("signUp", input).await.refused("EMAIL_INVALID", "email");
        let input = json!({ "email": hostile });
        world.anonymous.mutate("passwordResetRequest", input.clone()).await.refused("EMAIL_INVALID", "email");
        world.member.mutate("emailChange", input).await.refused("EMAIL_INVALID", "email");
    }
    assert_eq!(world.database.number("SELECT count(*) FROM platform.mails").await, 0);
}

#[tokio::test]
async fn an_access_token_that_was_changed_or_made_up_is_nobodys() {
    let world = World::new().await;
    let token = world.member.token.clone().expect("a token");
    let parts: Vec<&str> = token.split('.').collect();
    // {"alg":"none"} and {"alg":"HS256"} under the claims of a good token.
    let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", parts[1]);
    let resigned = format!("eyJhbGciOiJIUzI1NiJ9.{}.{}", parts[1], parts[2].chars().rev().collect::<String>());
    let swapped = {
        let other = world.admin.token.clone().expect("a token");
        format!("{}.{}.{}", parts[0], other.split('.').nth(1).expect("claims"), parts[2])
    };
    for forged in [unsigned, resigned, swapped, token[..token.len() - 2].to_owned(), "x".repeat(5_000)] {
        assert!(!world.anonymous.with_token(Some(&forged)).is_signed_in().await, "{forged:.80}");
    }
    assert!(world.member.is_signed_in().await);
}

#[tokio::test]
async fn signing_up_by_mail_takes_as_long_and_is_answered_alike_for_an_unknown_address() {
    let world = World::with(|config| {
        unlimited(config);
        config.sign_up = Some(api::platform::config::SignUp::ByMail);
    })
    .await;
    let names =
        ["owner", "admin", "member", "viewer", "reader", "editor", "manager", "stranger", "developer", "commenter"];
    let sign_up = async |email: String| {
        let input = json!({ "email": email, "password": PASSWORD, "name": "Nora" });
        let answer = world.anonymous.mutate("signUp", input).await.well();
        assert_eq!(answer.at("signUp.mailSent"), true);
    };
    sign_up("warm@acme.test".to_owned()).await;
    let known = async |round: usize| sign_up(format!("{}@acme.test", names[round % names.len()])).await;
    let unknown = async |round: usize| sign_up(format!("nobody{round}@acme.test")).await;
    alike(times(41, known, unknown).await);
}

#[tokio::test]
async fn asking_for_another_address_takes_as_long_and_is_answered_alike_whether_it_has_an_account() {
    let world = World::with(unlimited).await;
    let names = ["owner", "admin", "viewer", "reader", "editor", "manager", "stranger", "developer", "commenter"];
    let change = async |email: String| {
        let answer = world.member.mutate("emailChange", json!({ "email": email })).await.well();
        assert_eq!(answer.at("emailChange.email"), &json!(email));
    };
    change("warm@acme.test".to_owned()).await;
    let known = async |round: usize| change(format!("{}@acme.test", names[round % names.len()])).await;
    let unknown = async |round: usize| change(format!("nobody{round}@acme.test")).await;
    alike(times(41, known, unknown).await);
}
