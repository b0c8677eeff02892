//! How often secrets may be guessed and mail be asked for.

use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, World};

fn retry_after(answer: &Answer) -> Option<u64> {
    answer.payload()["userErrors"][0]["retryAfterSeconds"].as_u64()
}

async fn guess(world: &World, email: &str, password: &str) -> Answer {
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken userErrors { code field retryAfterSeconds } } }";
    world.anonymous.query(query, json!({ "input": { "email": email, "password": password } })).await
}

/// Guesses until it is refused, and gives how many were looked at.
async fn guesses(world: &World, email: &str) -> usize {
    for number in 0..200 {
        let answer = guess(world, email, "wrong").await;
        if answer.refusals() == ["RATE_LIMITED"] {
            assert!(retry_after(&answer).is_some_and(|seconds| (1..=120).contains(&seconds)), "{}", answer.body);
            return number;
        }
        answer.refused("WRONG_CREDENTIALS", "");
    }
    panic!("nobody stops the guessing");
}

#[tokio::test]
async fn guessing_a_password_is_stopped_alike_for_every_address() {
    let world = World::new().await;
    let known = guesses(&world, "member@acme.test").await;
    let unknown = guesses(&world, "nobody@acme.test").await;
    assert_eq!((known, unknown), (10, 10));
    let right = guess(&world, " MEMBER@acme.test", PASSWORD).await;
    assert_eq!(right.refusals(), ["RATE_LIMITED"], "the right password does not help, and spelling does not either");
    guess(&world, "admin@acme.test", PASSWORD).await.well();
}

#[tokio::test]
async fn guesses_in_one_request_count_one_by_one() {
    let world = World::new().await;
    let guesses: String = (0..15)
        .map(|number| format!("g{number}: signIn(input: {{ email: \"member@acme.test\", password: \"wrong{number}\" }}) {{ userErrors {{ code }} }} "))
        .collect();
    let operation = json!({ "query": format!("mutation {{ {guesses} }}") });
    let request = world.anonymous.post().json(&json!([operation, operation]));
    let body = request.send().await.expect("an answer").text().await.expect("text");
    assert_eq!((body.matches("WRONG_CREDENTIALS").count(), body.matches("RATE_LIMITED").count()), (10, 20), "{body}");
}

#[tokio::test]
async fn a_right_password_forgives_the_wrong_ones_before_it() {
    let world = World::new().await;
    for _ in 0..3 {
        for _ in 0..8 {
            guess(&world, "member@acme.test", "wrong").await.refused("WRONG_CREDENTIALS", "");
        }
        guess(&world, "member@acme.test", PASSWORD).await.well();
    }
}

#[tokio::test]
async fn a_network_that_guesses_at_many_addresses_is_stopped() {
    let world = World::with(|config| config.attempts_per_network = 20).await;
    let mut looked_at = 0;
    for number in 0..40 {
        let answer = guess(&world, &format!("nobody{number}@acme.test"), "wrong").await;
        looked_at += usize::from(answer.refusals() == ["WRONG_CREDENTIALS"]);
    }
    assert_eq!(looked_at, 20);
}

#[tokio::test]
async fn attempts_are_counted_while_redis_is_away() {
    let world = World::with(|config| config.stores.redis_url = "redis://127.0.0.1:1".into()).await;
    assert_eq!(guesses(&world, "member@acme.test").await, 10);
    guess(&world, "admin@acme.test", PASSWORD).await.well();
}

#[tokio::test]
async fn a_mailbox_is_not_flooded() {
    let world = World::new().await;
    let ask = async |email: &str| {
        let query = "mutation($input: PasswordResetRequestInput!) { passwordResetRequest(input: $input) \
                     { accepted userErrors { code field retryAfterSeconds } } }";
        world.anonymous.query(query, json!({ "input": { "email": email } })).await
    };
    for email in ["member@acme.test", "nobody@acme.test"] {
        for _ in 0..5 {
            assert_eq!(ask(email).await.well().at("passwordResetRequest.accepted"), true);
        }
        let answer = ask(email).await;
        answer.refused("RATE_LIMITED", "");
        assert!(retry_after(&answer).is_some_and(|seconds| seconds > 10), "{}", answer.body);
    }
}

#[tokio::test]
async fn who_is_behind_a_trusted_proxy_counts_by_their_own_address() {
    let world = World::with(|config| {
        config.attempts_per_network = 5;
        config.http.trusted_proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    })
    .await;
    let ask = async |from: &str| {
        let query = "mutation { emailVerify(input: { token: \"x\" }) { email userErrors { code } } }";
        let request = world.anonymous.post().header("x-forwarded-for", from).json(&json!({ "query": query }));
        Answer::read(request.send().await.expect("an answer")).await.refusals()[0].to_owned()
    };
    for _ in 0..5 {
        assert_eq!(ask("198.51.100.7").await, "TOKEN_INVALID");
    }
    assert_eq!(ask("198.51.100.7").await, "RATE_LIMITED");
    assert_eq!(ask("203.0.113.1, 198.51.100.7").await, "RATE_LIMITED", "what a client claims does not help it");
    assert_eq!(ask("198.51.100.8").await, "TOKEN_INVALID");
    // Of IPv6 a whole /64 is one.
    for number in 0..5 {
        assert_eq!(ask(&format!("2001:db8::{number:x}")).await, "TOKEN_INVALID");
    }
    assert_eq!(ask("2001:db8::ffff").await, "RATE_LIMITED");
    assert_eq!(ask("2001:db8:0:1::1").await, "TOKEN_INVALID");
}

#[tokio::test]
async fn a_thief_of_a_session_cannot_guess_the_password() {
    let world = World::new().await;
    let mut looked_at = 0;
    for _ in 0..20 {
        let answer = world.member.mutate("reauthenticate", json!({ "password": "wrong" })).await;
        looked_at += usize::from(answer.refusals() == ["WRONG_CREDENTIALS"]);
        let change = json!({ "currentPassword": "wrong", "newPassword": "another good password" });
        let answer = world.member.mutate("passwordChange", change).await;
        looked_at += usize::from(answer.refusals() == ["WRONG_CREDENTIALS"]);
    }
    assert_eq!(looked_at, 10, "both count as one");
    assert!(world.admin.query("{ viewer { user { id } } }", Value::Null).await.codes().is_empty());
}
