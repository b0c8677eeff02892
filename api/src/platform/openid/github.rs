//! GitHub's OAuth, on github.com or an own server. There is no token that says who somebody is: they are asked for with
//! the access token, which came straight from GitHub for the code and the secret of PKCE.

use serde::Deserialize;

use super::claims::check_subject;
use super::provider::{Answer, Provider, Sending};
use super::{Identity, ProviderError};

const PUBLIC: &str = "https://github.com";

pub fn authorization_endpoint(issuer: &str) -> String {
    format!("{}/login/oauth/authorize", issuer.trim_end_matches('/'))
}

/// Where the API of a server is: of github.com apart, of an own one below it.
fn api(issuer: &str) -> String {
    match issuer.trim_end_matches('/') {
        PUBLIC => "https://api.github.com".to_owned(),
        own => format!("{own}/api/v3"),
    }
}

/// Refusals come as a success without a token.
#[derive(Deserialize)]
struct Token {
    access_token: Option<String>,
}

#[derive(Deserialize)]
struct Account {
    id: u64,
    login: String,
    name: Option<String>,
}

#[derive(Deserialize)]
struct Address {
    email: String,
    primary: bool,
    verified: bool,
}

pub async fn identify(provider: &Provider, answer: Answer<'_>, sent: Sending<'_>) -> Result<Identity, ProviderError> {
    let settings = &provider.settings;
    if answer.issuer.is_some_and(|issuer| issuer != settings.issuer && issuer != authorization_issuer(&settings.issuer))
    {
        return Err(ProviderError::refused("the answer is another provider's"));
    }
    let form = [
        ("client_id", settings.client_id.as_str()),
        ("client_secret", provider.secret().unwrap_or_default()),
        ("code", answer.code),
        ("redirect_uri", sent.callback),
        ("code_verifier", sent.verifier),
    ];
    let endpoint = format!("{}/login/oauth/access_token", settings.issuer.trim_end_matches('/'));
    let token: Token = provider.http.post(&endpoint, &form, None).await?;
    let token = token.access_token.ok_or_else(|| ProviderError::refused("the code is not good"))?;
    let api = api(&settings.issuer);
    let account: Account = provider.http.get(&format!("{api}/user"), Some(&token)).await?;
    let addresses: Vec<Address> = provider.http.get(&format!("{api}/user/emails"), Some(&token)).await?;
    let subject = account.id.to_string();
    check_subject(&subject)?;
    let primary = addresses.into_iter().find(|address| address.primary && address.verified);
    Ok(Identity {
        issuer: settings.issuer.clone(),
        subject,
        email: primary.map(|address| address.email),
        name: account.name.or(Some(account.login)),
        authenticated_at: None,
        issued_at: None,
    })
}

/// What GitHub calls itself when it sends somebody back.
fn authorization_issuer(issuer: &str) -> String {
    format!("{}/login/oauth", issuer.trim_end_matches('/'))
}
