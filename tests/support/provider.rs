//! An identity provider of its own process, the settings that name it, and a browser that goes there.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use api::platform::config::Config;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};
use tempfile::NamedTempFile;

use super::answer::Answer;
use super::client::Client;
use super::database::environment;
use super::process::{Program, free_port};
use super::waiting::eventually;
use super::world::World;

/// The audience of access tokens that are taken.
pub const AUDIENCE: &str = "https://trellis.test/graphql";

/// A provider. The settings know it by four ids, as four clients of it: `one`, `two` (whose secret travels in the form),
/// `curve` (whose tokens are signed by elliptic curve) and `own`, of one organization.
pub struct IdentityProvider {
    port: u16,
    program: Program,
    http: reqwest::Client,
}

fn program(port: u16) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("openid/provider.mjs");
    Program::start(
        Command::new(environment("TRELLIS_NODE")).arg(script).arg(port.to_string()).stderr(std::process::Stdio::null()),
    )
}

impl IdentityProvider {
    pub async fn start() -> Self {
        let port = free_port();
        let http = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build();
        let provider = Self { port, program: program(port), http: http.expect("an HTTP client") };
        provider.is_ready().await;
        provider
    }

    /// The same provider with other keys.
    pub async fn restart(&mut self) {
        self.stop();
        self.program = program(self.port);
        self.is_ready().await;
    }

    pub fn stop(&mut self) {
        self.program.kill();
    }

    async fn is_ready(&self) {
        let discovery = format!("{}/.well-known/openid-configuration", self.issuer());
        eventually("the provider is ready", async || self.http.get(&discovery).send().await.ok()).await;
    }

    pub fn issuer(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A world whose server knows it.
    pub async fn world(&self) -> World {
        let settings = self.settings(None);
        World::with(|config| settings.apply(config)).await
    }

    /// A file of settings that names it.
    pub fn settings(&self, own_of: Option<&str>) -> Settings {
        let mut text = String::new();
        for id in ["one", "two", "curve", "own"] {
            text += &format!(
                "[[provider]]\nid = \"{id}\"\nname = \"Provider {id}\"\nissuer = \"{}\"\nclient_id = \"{id}\"\n\
                 client_secret = \"secret of {id}\"\n",
                self.issuer()
            );
            match (id, own_of) {
                ("one", _) => text += &format!("audiences = [\"{AUDIENCE}\"]\n"),
                ("own", Some(organization)) => {
                    text += &format!(
                        "organization = \"{organization}\"\ndomains = [\"acme.test\", \"below.acme.test\", \"evil.example\", \"example.com\"]\n"
                    );
                }
                _ => {}
            }
        }
        Settings::new(&text)
    }

    /// Makes the provider say this of somebody.
    pub async fn says(&self, sub: &str, claims: Value) {
        let mut all = json!({ "sub": sub });
        all.as_object_mut().expect("an object").extend(claims.as_object().expect("an object").clone());
        let address = format!("{}/tests/people", self.issuer());
        self.http.post(address).json(&all).send().await.expect("the provider answers");
    }

    /// What the provider signs: with the key of this name, after its header was changed so.
    pub async fn signed(&self, key: &str, header: Value, claims: Value) -> String {
        let address = format!("{}/tests/sign", self.issuer());
        let asked = json!({ "key": key, "header": header, "claims": claims });
        let answer = self.http.post(address).json(&asked).send().await.expect("the provider answers");
        let answer: Value = answer.json().await.expect("JSON");
        answer["token"].as_str().expect("a token").to_owned()
    }

    /// How often its keys were asked for.
    pub async fn asked_for_keys(&self) -> u64 {
        let answer =
            self.http.get(format!("{}/tests/asked", self.issuer())).send().await.expect("the provider answers");
        let answer: Value = answer.json().await.expect("JSON");
        answer["asked"].as_u64().expect("a number")
    }

    /// A browser goes to the address as somebody, and comes back: gives the parameters of the page it is sent back to.
    pub async fn visit(&self, address: &str, person: &str) -> BTreeMap<String, String> {
        let mut cookies = BTreeMap::new();
        let mut next = format!("{address}&login_hint={person}");
        for _ in 0..10 {
            let cookie = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
            let answer = self.http.get(&next).header(COOKIE, cookie).send().await.expect("the provider answers");
            for cookie in answer.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().expect("text").split(';').next().unwrap_or_default();
                let (name, value) = pair.split_once('=').expect("a pair");
                cookies.insert(name.to_owned(), value.to_owned());
            }
            let Some(location) = answer.headers().get(LOCATION).map(|value| value.to_str().expect("text").to_owned())
            else {
                panic!("the provider sends nobody on: {} {}", answer.status(), answer.text().await.unwrap_or_default());
            };
            next = if location.starts_with('/') { format!("{}{location}", self.issuer()) } else { location };
            if !next.starts_with(&self.issuer()) {
                return parameters(&next);
            }
        }
        panic!("the provider sends people in circles");
    }

    /// A browser that sets out with the client's token, goes to the provider as somebody and comes back.
    pub async fn journey(&self, client: &Client, provider: &str, purpose: &str, person: &str) -> Value {
        let departure = set_out(client, json!({ "provider": provider, "purpose": purpose })).await;
        let back = self.visit(departure["authorizationUrl"].as_str().expect("an address"), person).await;
        answer(provider, &departure, &back)
    }

    /// Signs in as somebody.
    pub async fn sign_in(&self, client: &Client, provider: &str, person: &str) -> Answer {
        let answer = self.journey(client, provider, "SIGN_IN", person).await;
        client.mutate_for("openIdSignIn", SESSION, answer).await
    }

    /// Signs in as somebody, and gives them as a client.
    pub async fn session(&self, client: &Client, provider: &str, person: &str) -> Client {
        let answer = self.sign_in(client, provider, person).await.well();
        let mut client = client.with_token(Some(answer.text("openIdSignIn.accessToken")));
        client.id = answer.text("openIdSignIn.viewer.user.id").to_owned();
        client
    }
}

/// What is asked of a new session.
pub const SESSION: &str = "accessToken refreshToken mfaToken viewer { user { id name email } emailVerified }";

/// What openIdBegin gives.
pub async fn set_out(client: &Client, input: Value) -> Value {
    let fields = "departure { authorizationUrl browserSecret expiresAt }";
    let answer = client.mutate_for("openIdBegin", fields, input).await.well();
    answer.at("openIdBegin.departure").clone()
}

/// What the page sends that somebody came back to.
pub fn answer(provider: &str, departure: &Value, back: &BTreeMap<String, String>) -> Value {
    let part = |name: &str| back.get(name).unwrap_or_else(|| panic!("no {name}: {back:?}"));
    json!({
        "provider": provider,
        "state": part("state"),
        "code": part("code"),
        "issuer": back.get("iss"),
        "browserSecret": departure["browserSecret"],
    })
}

/// The parameters of an address.
pub fn parameters(address: &str) -> BTreeMap<String, String> {
    let query = reqwest::Url::parse(address).expect("an address");
    query.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// A file of settings, which goes with the test.
pub struct Settings(NamedTempFile);

impl Settings {
    pub fn new(text: &str) -> Self {
        let file = NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), text).expect("settings are written");
        Self(file)
    }

    /// Makes a server use it.
    pub fn apply(&self, config: &mut Config) {
        config.openid.openid_providers = Some(self.0.path().to_owned());
    }
}
