//! Demo data: a maker of weather stations, its partner and a research group, with two years of what they wrote.
//! Made from a seed and the written material in `corpus/`, the same on every machine, and stored in one transaction.
//! In reading order: `story` tells who there is and what happens, `writing` writes one document, `library` keeps it,
//! `store` stores the whole. Not for production: everybody has the same password.

mod bench;
mod calendar;
mod cast;
mod corpus;
mod credentials;
mod library;
mod markdown;
mod notes;
mod particulars;
mod plan;
mod random;
mod society;
mod store;
mod story;
mod timeline;
mod voice;
mod world;
mod writing;

use clap::ValueEnum;

pub use bench::{ORGANIZATIONS as BENCH_ORGANIZATIONS, owner as bench_owner, slug as bench_slug};
pub use credentials::{Credentials, TOKEN_SECONDS, credentials};

use crate::identity::passwords;
use crate::platform::errors::{Error, Result};
use crate::platform::progress::Progress;
use crate::platform::request::Platform;
use corpus::Corpus;
use story::Story;
use world::World;

/// The demo user's address.
pub const EMAIL: &str = "demo@trellis.example";
/// Everybody's password.
pub const PASSWORD: &str = "weather-or-not";
/// What GraphiQL starts with: lines of less than 60 characters, so that it shows them whole.
pub const FIRST_QUERY: &str = "\
# Press Ctrl-Enter to run this, or the button above.
# You are signed in as the demo user: see Headers below.
{
  organization(slug: \"acme\") {
    name
    viewerRole
    spaces(first: 5) {
      nodes {
        name
        documents(first: 3, orderBy: UPDATED_AT_DESC) {
          nodes {
            id
            title
            status
            owner { name }
            tags(first: 5) { nodes { name color } }
          }
        }
      }
    }
  }
}

# Follow a document in another browser tab, and change it here:
#
# subscription {
#   documentChanged(id: \"doc_...\") {
#     kind
#     document { title version }
#   }
# }
";
/// The seed of the demo that everybody knows.
pub const SEED: u64 = 2026;

/// How much there is of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// Everybody and every space, with a few documents each: for tests.
    Small,
    /// Two years of about 2,700 documents.
    #[default]
    Medium,
    /// Small, and 200 organizations of the same shape beside it: for measuring.
    Bench,
}

impl Scale {
    /// Documents in a hundred of those at medium scale.
    fn percent(self) -> usize {
        match self {
            Self::Small | Self::Bench => 12,
            Self::Medium => 100,
        }
    }
}

/// What to load.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub seed: u64,
    pub scale: Scale,
}

impl Default for Options {
    fn default() -> Self {
        Self { seed: SEED, scale: Scale::default() }
    }
}

/// How much was loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loaded {
    pub users: usize,
    pub organizations: usize,
    pub spaces: usize,
    pub documents: usize,
    pub tags: usize,
    pub words: u64,
    pub rows: usize,
}

/// Loads the demo, whole or not at all. Refused in production, and when it is there already.
pub async fn load(platform: &Platform, options: Options, progress: &dyn Progress) -> Result<Loaded> {
    refuse_in_production(platform)?;
    if store::has_account(platform, EMAIL).await? {
        let message = format!("The demo data is loaded already: {EMAIL} has an account.");
        return Err(Error::bad_input("demo", message));
    }
    let password_hash = passwords::hash(PASSWORD.to_owned()).await?;
    let world = tokio::task::spawn_blocking(move || imagine(options, &password_hash)).await.map_err(Error::internal)?;
    let loaded = Loaded {
        users: world.users.len(),
        organizations: world.organizations.len(),
        spaces: world.spaces.len(),
        documents: world.documents.len(),
        tags: world.tags.len(),
        words: world.documents.iter().map(|document| u64::try_from(document.word_count).unwrap_or(0)).sum(),
        rows: world.rows(),
    };
    progress.begin("loading", loaded.rows);
    store::store(platform, world, progress).await?;
    progress.end();
    Ok(loaded)
}

/// Whether nobody has an account yet.
pub async fn is_empty(platform: &Platform) -> Result<bool> {
    store::is_empty(platform).await
}

fn imagine(options: Options, password_hash: &str) -> World {
    let corpus = Corpus::new();
    let mut world = World::default();
    Story::new(&corpus, options.seed, EMAIL, options.scale.percent()).tell(&mut world, password_hash);
    if options.scale == Scale::Bench {
        bench::fill(&mut world, &corpus, options.seed, password_hash);
    }
    world
}

fn refuse_in_production(platform: &Platform) -> Result<()> {
    if platform.config.is_development() {
        return Ok(());
    }
    Err(Error::bad_input("demo", "Demo data has a password that everybody knows, so production refuses it."))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use entity::enums::{DocumentStatus, DocumentVisibility};

    use super::*;

    fn world(seed: u64, scale: Scale) -> World {
        imagine(Options { seed, scale }, "hash")
    }

    #[test]
    fn the_same_seed_gives_the_same_rows_and_another_one_others() {
        let (one, same, other) = (world(3, Scale::Small), world(3, Scale::Small), world(4, Scale::Small));
        assert_eq!(one.documents, same.documents);
        assert_eq!(one.contents, same.contents);
        assert_eq!((&one.users, &one.spaces, &one.tags), (&same.users, &same.spaces, &same.tags));
        assert_ne!(one.contents, other.contents);
        assert!(one.documents.iter().all(|document| other.documents.iter().all(|another| another.id != document.id)));
    }

    #[test]
    fn every_phrase_is_filled() {
        for content in world(SEED, Scale::Medium).contents {
            assert!(!content.source.contains(['{', '}']), "{}", content.source);
            assert!(!content.source.contains("  |") && !content.source.contains("[]"), "{}", content.source);
        }
    }

    #[test]
    fn the_first_spaces_of_acme_hold_twenty_documents_with_tags_each() {
        for scale in [Scale::Small, Scale::Medium] {
            let world = world(SEED, scale);
            let acme = world.organizations.iter().find(|organization| organization.slug == "acme").map(|acme| acme.id);
            let mut spaces: Vec<_> = world.spaces.iter().filter(|space| space.organization_id == acme).collect();
            spaces.sort_by_key(|space| &space.name);
            for space in spaces.into_iter().take(5) {
                let listed = world.documents.iter().filter(|document| {
                    document.space_id == space.id
                        && document.deleted_at.is_none()
                        && document.status != DocumentStatus::Archived
                        && document.visibility != DocumentVisibility::Private
                        && world.document_tags.iter().any(|tag| tag.document_id == document.id)
                });
                assert!(listed.count() >= 20, "{} at {scale:?}", space.name);
            }
        }
    }

    #[test]
    fn documents_stand_in_trees_of_their_own_space_and_live_in_order() {
        let world = world(SEED, Scale::Medium);
        let places: HashMap<_, _> = world.documents.iter().map(|document| (document.id, document)).collect();
        for document in &world.documents {
            assert!(
                document.created_at <= document.updated_at && document.updated_at <= calendar::end(),
                "{document:?}"
            );
            let Some(parent) = document.parent_id.map(|id| places[&id]) else { continue };
            assert_eq!(parent.space_id, document.space_id);
            assert!(parent.deleted_at.is_none(), "{document:?}");
        }
    }
}
