//! `trellis import`.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::bar::Bar;
use super::{Failure, configuration};
use crate::app;
use crate::content::importing::{self, Destination, Found, Named, Skipped, Summary};
use crate::demo;
use crate::platform::config::Stores;
use crate::platform::errors::Error;
use crate::platform::progress::Progress;
use crate::platform::request::Platform;

/// Make documents of a folder of Markdown files. Run again, it changes only what changed.
///
/// A folder becomes a document: its README or index is the content. Front matter (YAML or TOML) gives title, tags,
/// date, description, language, slug, visibility, status or draft; its other keys become metadata. Files that cannot be
/// imported are named and skipped. The exit code is 0 unless something could not be written.
#[derive(Args, Debug)]
pub struct ImportArguments {
    /// The folder. Hidden files and folders in it are left out.
    folder: PathBuf,

    /// The space to import into: organization/space, or its slug alone if no other space has it. Default: the personal
    /// space of the user to import as.
    #[arg(long)]
    space: Option<String>,

    /// The slug of the space's organization, where the space is named by its slug alone.
    #[arg(long)]
    organization: Option<String>,

    /// The e-mail address of the user to import as. Default: the owner of a personal space; else the demo user, if there
    /// is one and it may write there; else the only manager of the space.
    #[arg(long = "as", value_name = "EMAIL")]
    email: Option<String>,

    #[command(flatten)]
    stores: Stores,
}

/// Imports a folder and tells what became of it.
pub async fn import(arguments: ImportArguments) -> Result<(), Failure> {
    let platform = app::platform(configuration(arguments.stores.clone())?).await?;
    let outcome = run(&platform, &arguments).await;
    platform.feed.shut_down().await;
    outcome
}

async fn run(platform: &Platform, arguments: &ImportArguments) -> Result<(), Failure> {
    let begun = Instant::now();
    let folder = arguments.folder.display();
    if !arguments.folder.is_dir() {
        return Err(format!("{folder} is not a folder").into());
    }
    let named = Named {
        space: arguments.space.clone(),
        organization: arguments.organization.clone(),
        email: arguments.email.clone(),
        preferred_email: Some(demo::EMAIL.to_owned()),
    };
    let destination = Destination::find(platform, &named).await.map_err(sentence)?;
    println!("{folder} -> {} as {} <{}>", destination.label, destination.user.name, destination.user.email);
    let bar = Bar::new();
    let found = scan(arguments, &bar)?;
    let summary = importing::import(&destination, found, &bar).await?;
    tell(&summary);
    println!("{summary} ({:.1} s)", begun.elapsed().as_secs_f64());
    match summary.failed.len() {
        0 => Ok(()),
        failed => Err(format!("{failed} documents could not be written").into()),
    }
}

fn scan(arguments: &ImportArguments, bar: &Bar) -> Result<Found, Failure> {
    bar.begin("reading", 0);
    let found = importing::scan(&arguments.folder, &|_| bar.advance(1));
    bar.end();
    found.map_err(|reason| format!("{} {reason}", arguments.folder.display()).into())
}

/// What is wrong with an option, without the colon that a field gets.
fn sentence(error: Error) -> Failure {
    match error {
        Error::BadInput { message, .. } => message.into(),
        other => other.into(),
    }
}

fn tell(summary: &Summary) {
    let list = |what: &str, list: &[Skipped]| {
        for Skipped { path, reason } in list {
            println!("{what} {path}: {reason}");
        }
    };
    list("skipped", &summary.skipped);
    list("remark ", &summary.remarks);
    list("FAILED ", &summary.failed);
    for path in &summary.gone {
        println!("left    {path}: no longer in the folder");
    }
}
