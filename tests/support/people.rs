//! People as they come in: with a session of their own, from a device of their own.

use serde_json::{Value, json};

use super::answer::Answer;
use super::client::Client;
use super::world::{PASSWORD, World};

impl World {
    /// Tries to sign in.
    pub async fn sign_in(&self, email: &str, password: &str) -> Answer {
        let fields = "accessToken refreshToken viewer { user { id } }";
        self.anonymous.mutate_for("signIn", fields, json!({ "email": email, "password": password })).await
    }

    /// A new session of somebody of the cast.
    pub async fn session_of(&self, name: &str) -> Client {
        let answer = self.sign_in(&format!("{name}@acme.test"), PASSWORD).await.well();
        let mut client = self.anonymous.with_token(Some(answer.text("signIn.accessToken")));
        client.id = answer.text("signIn.viewer.user.id").to_owned();
        client
    }

    /// Lets the proof of everybody who is signed in be an old one.
    pub async fn forget_proofs(&self) {
        self.database.run("UPDATE identity.sessions SET authenticated_at = now() - interval '1 hour'").await;
    }
}

impl Client {
    /// Whether the token still is somebody's.
    pub async fn is_signed_in(&self) -> bool {
        let answer = self.query("{ viewer { user { id } } }", Value::Null).await;
        match answer.codes().as_slice() {
            [] => answer.text("viewer.user.id").starts_with("user_"),
            codes => {
                assert_eq!((answer.status.as_u16(), codes), (401, &["UNAUTHENTICATED"][..]), "{}", answer.body);
                false
            }
        }
    }
}
