//! What is set about identity providers: where their list is, and what stands in it.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, value_parser};
use entity::ids::OrganizationId;
use serde::Deserialize;
use url::{Host, Url};

use crate::platform::checks;
use crate::platform::config::{Environment, SecretText};

/// Settings of signing in through other providers.
#[derive(Args, Clone, Debug)]
pub struct OpenIdSettings {
    /// A TOML file of identity providers, each under `[[provider]]` with id, name, issuer, client_id and client_secret; the
    /// README shows one. It holds secrets: keep it readable by the server alone.
    #[arg(long, env = "TRELLIS_OPENID_PROVIDERS")]
    pub openid_providers: Option<PathBuf>,

    /// Pages that providers may send people back to, separated by commas; each provider's id is added as the last part
    /// of the path. Default: the page sign-in below TRELLIS_PUBLIC_URL.
    #[arg(long, env = "TRELLIS_OPENID_CALLBACKS", value_delimiter = ',')]
    pub openid_callbacks: Vec<String>,

    /// Seconds to wait at least before a provider is asked for its keys again.
    #[arg(long, env = "TRELLIS_OPENID_KEYS_SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=86_400))]
    pub openid_keys_seconds: u64,

    /// Hours after which a session that was opened through a provider ends, however often its tokens are renewed: so long
    /// can somebody stay whom the provider no longer knows.
    #[arg(long, env = "TRELLIS_OPENID_SESSION_HOURS", default_value_t = 7 * 24, value_parser = value_parser!(i64).range(1..=8_760))]
    pub openid_session_hours: i64,
}

impl OpenIdSettings {
    pub fn keys_pause(&self) -> Duration {
        Duration::from_secs(self.openid_keys_seconds)
    }
}

/// How a provider is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// OpenID Connect, by discovery.
    #[default]
    Openid,
    /// GitHub's OAuth, which tells no more than a token.
    Github,
}

/// One provider.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// What it is called in addresses and in the database. To change it is to make it another provider.
    pub id: String,
    /// What people see.
    pub name: String,
    #[serde(default)]
    pub kind: Kind,
    #[serde(default)]
    pub issuer: String,
    pub client_id: String,
    /// None for a public client, which PKCE alone protects.
    pub client_secret: Option<SecretText>,
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Access tokens for any of these audiences are taken as those of the person they were made for.
    #[serde(default)]
    pub audiences: Vec<String>,
    /// The one organization whose provider it is. Nobody else may name it, and it is not listed.
    pub organization: Option<OrganizationId>,
    /// The domains of addresses that it vouches for: others prove nothing. Left out, it vouches for any, and the provider
    /// of one organization, whose administrators could have it say anything, for none.
    #[serde(default)]
    pub domains: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProvidersFile {
    #[serde(default)]
    provider: Vec<ProviderSettings>,
}

/// Why the file of providers cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FileError {
    #[error("TRELLIS_OPENID_PROVIDERS: {path} cannot be read: {cause}")]
    Unreadable { path: String, cause: String },
    #[error("TRELLIS_OPENID_PROVIDERS: provider \"{id}\": {why}")]
    Unfit { id: String, why: &'static str },
}

const GITHUB: &str = "https://github.com";

/// Reads the file. Errors name the provider and what is wrong, and repeat no secret.
pub fn read(path: &Path, environment: Environment) -> Result<Vec<ProviderSettings>, FileError> {
    let unreadable = |cause: String| FileError::Unreadable { path: path.display().to_string(), cause };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(error.to_string()))?;
    // The message alone: with its place, the error would show the line.
    let file: ProvidersFile = toml::from_str(&text).map_err(|error| unreadable(error.message().to_owned()))?;
    let mut read: Vec<ProviderSettings> = Vec::with_capacity(file.provider.len());
    for settings in file.provider {
        let settings = settings.completed();
        let repeated = read.iter().any(|other| other.id == settings.id);
        let why = if repeated { Some("this id stands there twice") } else { settings.unfit(environment) };
        if let Some(why) = why {
            return Err(FileError::Unfit { id: settings.id, why });
        }
        read.push(settings);
    }
    Ok(read)
}

impl ProviderSettings {
    fn completed(mut self) -> Self {
        if self.kind == Kind::Github && self.issuer.is_empty() {
            GITHUB.clone_into(&mut self.issuer);
        }
        if self.scopes.is_empty() {
            let usual: &[&str] = match self.kind {
                Kind::Openid => &["openid", "email", "profile"],
                Kind::Github => &["read:user", "user:email"],
            };
            self.scopes = usual.iter().map(|scope| (*scope).to_owned()).collect();
        }
        self
    }

    /// Whether its word is enough for an address to count as somebody's own.
    #[must_use]
    pub fn vouches_for(&self, email: &str) -> bool {
        let domain = email.rsplit('@').next().unwrap_or_default();
        match self.domains.as_slice() {
            [] => self.organization.is_none(),
            domains => domains.iter().any(|listed| listed.eq_ignore_ascii_case(domain)),
        }
    }

    fn unfit(&self, environment: Environment) -> Option<&'static str> {
        let is_open = self.kind == Kind::Openid;
        let wrong = [
            (
                !checks::is_slug(&self.id) || self.id.len() > 50,
                "the id must be 1 to 50 lower-case letters, digits and hyphens",
            ),
            (self.name.trim().is_empty(), "it needs a name"),
            (self.client_id.is_empty(), "it needs a client_id"),
            (
                !is_fit_address(&self.issuer, environment),
                "its issuer must be an https address (in development also http on this machine)",
            ),
            (is_open && !self.scopes.iter().any(|scope| scope == "openid"), "its scopes must include openid"),
            (!is_open && !self.audiences.is_empty(), "only tokens of an OpenID provider can be taken"),
            (
                self.audiences.iter().any(|audience| audience.is_empty() || *audience == self.client_id),
                "an audience cannot be empty or the client_id: what is made for the client proves nothing to an API",
            ),
        ];
        wrong.into_iter().find(|(is_wrong, _)| *is_wrong).map(|(_, why)| why)
    }
}

/// Whether something of a provider may be asked for at this address: over https, or in development on this machine.
pub(super) fn is_fit_address(address: &str, environment: Environment) -> bool {
    let Ok(url) = Url::parse(address) else { return false };
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => IpAddr::V4(address).is_loopback(),
        Some(Host::Ipv6(address)) => IpAddr::V6(address).is_loopback(),
        None => return false,
    };
    let is_plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    is_plain
        && (url.scheme() == "https" || url.scheme() == "http" && is_here && environment == Environment::Development)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str, environment: Environment) -> Result<Vec<ProviderSettings>, String> {
        let folder = std::env::temp_dir().join(format!("trellis-providers-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join(format!("{:x}.toml", text.len() + text.bytes().map(usize::from).sum::<usize>() * 4096));
        std::fs::write(&path, text).expect("a file");
        read(&path, environment).map_err(|error| error.to_string())
    }

    fn provider(extra: &str) -> String {
        format!(
            "[[provider]]\nid = \"one\"\nname = \"One\"\nclient_id = \"trellis\"\nclient_secret = \"hush-hush\"\n{extra}\n"
        )
    }

    #[test]
    fn a_provider_needs_little() {
        let read =
            parsed(&provider("issuer = \"https://id.example.com/\""), Environment::Production).expect("it is fit");
        assert_eq!(read[0].scopes, ["openid", "email", "profile"]);
        assert!(!format!("{read:?}").contains("hush"));
        let github = parsed(&provider("kind = \"github\""), Environment::Production).expect("it is fit");
        assert_eq!(github[0].issuer, GITHUB);
    }

    #[test]
    fn what_is_unsafe_or_unclear_is_refused_without_a_secret_in_the_message() {
        let twice = provider("issuer = \"https://a.example\"").repeat(2);
        for (text, why) in [
            (provider(""), "issuer"),
            (provider("issuer = \"http://id.example.com\""), "https"),
            (provider("issuer = \"http://127.0.0.1:1\""), "https"),
            (provider("issuer = \"https://user:word@id.example.com\""), "https"),
            (provider("issuer = \"https://a.example\"\nscopes = [\"email\"]"), "openid"),
            (provider("issuer = \"https://a.example\"\naudiences = [\"trellis\"]"), "audience"),
            (provider("issuer = \"https://a.example\"\nunknown = 1"), "unknown"),
            (provider("issuer = \"https://a.example\"\nclient_secret = 1"), "duplicate"),
            (twice, "twice"),
        ] {
            let error = parsed(&text, Environment::Production).expect_err("it is unfit");
            assert!(error.contains(why) && !error.contains("hush"), "{why}: {error}");
        }
    }

    #[test]
    fn development_may_ask_this_machine_without_tls() {
        for (address, fits) in [
            ("http://127.0.0.1:4000", true),
            ("http://localhost/x", true),
            ("http://[::1]:1", true),
            ("http://127.0.0.1.example.com", false),
            ("http://10.0.0.1", false),
            ("ftp://127.0.0.1", false),
        ] {
            assert_eq!(is_fit_address(address, Environment::Development), fits, "{address}");
            assert!(!is_fit_address(address, Environment::Production), "{address}");
        }
    }
}
