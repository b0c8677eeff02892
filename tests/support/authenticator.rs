//! An authenticator app, and people who use one.

use serde_json::{Value, json};
use totp_rs::{Builder, Secret, Totp};

use super::client::Client;

/// Begins to set an app up.
pub const ENROLL: &str = "mutation { mfaEnroll { enrollment { secret uri } userErrors { code field } } }";

/// What the app of somebody shows.
pub struct App(Totp);

impl App {
    pub fn new(secret: &str) -> Self {
        let secret = Secret::try_from_base32(secret).expect("base 32");
        Self(Builder::new().with_secret(secret).build().expect("an authenticator"))
    }

    /// What the app was set up with.
    pub fn secret(&self) -> &[u8] {
        self.0.secret().as_bytes()
    }

    /// The code of now.
    pub fn code(&self) -> String {
        self.0.generate_current().to_string()
    }
}

async fn enroll(client: &Client) -> App {
    App::new(client.query(ENROLL, Value::Null).await.well().text("mfaEnroll.enrollment.secret"))
}

/// Sets the second factor up and gives the app and the recovery codes.
pub async fn guarded(client: &Client) -> (App, Vec<String>) {
    let app = enroll(client).await;
    let answer = client.mutate("mfaConfirm", json!({ "code": app.code() })).await.well();
    let codes = answer.list("mfaConfirm.recoveryCodes").iter().filter_map(Value::as_str).map(str::to_owned).collect();
    (app, codes)
}
