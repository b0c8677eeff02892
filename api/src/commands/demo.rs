//! `trellis demo`.

use std::time::Instant;

use clap::Args;

use super::bar::Bar;
use super::{Failure, configuration};
use crate::app;
use crate::demo::{self, Options, Scale};
use crate::platform::config::Stores;
use crate::platform::errors::Error;
use crate::platform::request::Platform;

/// Fill the database with a believable company to try things on, or sign in to it.
///
/// Everybody in it has the same password, so production refuses it.
#[derive(Args, Debug)]
pub struct DemoArguments {
    /// Do nothing when anybody has an account already.
    #[arg(long)]
    if_empty: bool,

    /// The same seed gives the same data, ids included.
    #[arg(long, default_value_t = demo::SEED)]
    seed: u64,

    /// How much of it.
    #[arg(long, value_enum, default_value_t = Scale::Medium)]
    scale: Scale,

    /// Load nothing: sign in and print e-mail, password and an access token of 24 hours, as one line of JSON.
    #[arg(long, conflicts_with_all = ["if_empty", "seed", "scale"])]
    credentials: bool,

    /// Whom to sign in, instead of the demo user. May be given several times, for a line each.
    #[arg(long = "as", value_name = "EMAIL", requires = "credentials")]
    emails: Vec<String>,

    #[command(flatten)]
    stores: Stores,
}

/// Loads the demo data or signs in to it.
pub async fn demo(arguments: DemoArguments) -> Result<(), Failure> {
    let mut configuration = configuration(arguments.stores.clone())?;
    configuration.access_token_seconds = demo::TOKEN_SECONDS;
    let platform = app::platform(configuration).await?;
    let outcome = if arguments.credentials {
        credentials(&platform, &arguments.emails).await
    } else {
        load(&platform, &arguments).await
    };
    platform.feed.shut_down().await;
    outcome
}

async fn credentials(platform: &Platform, emails: &[String]) -> Result<(), Failure> {
    if emails.is_empty() {
        let credentials = demo::credentials(platform, None).await.map_err(sentence)?;
        println!("{}", serde_json::to_string(&credentials)?);
    }
    for email in emails {
        let credentials = demo::credentials(platform, Some(email)).await.map_err(sentence)?;
        println!("{}", serde_json::to_string(&credentials)?);
    }
    Ok(())
}

async fn load(platform: &Platform, arguments: &DemoArguments) -> Result<(), Failure> {
    if arguments.if_empty && !demo::is_empty(platform).await? {
        println!("The database is not empty; no demo data was loaded.");
        return Ok(());
    }
    let begun = Instant::now();
    let options = Options { seed: arguments.seed, scale: arguments.scale };
    let loaded = demo::load(platform, options, &Bar::new()).await.map_err(sentence)?;
    println!(
        "{} people, {} organizations, {} spaces, {} documents with {} words, {} tags ({:.1} s)",
        loaded.users,
        loaded.organizations,
        loaded.spaces,
        loaded.documents,
        loaded.words,
        loaded.tags,
        begun.elapsed().as_secs_f64()
    );
    println!("Sign in as {} with the password {}", demo::EMAIL, demo::PASSWORD);
    Ok(())
}

/// What is wrong, without the name of a field in front.
fn sentence(error: Error) -> Failure {
    match error {
        Error::BadInput { message, .. } => message.into(),
        other => other.into(),
    }
}
