//! Builds every shared handle from the configuration. The binary and the tests both start here.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::parser::types::ExecutableDocument;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use crate::platform::cache::Cache;
use crate::platform::clock::SystemClock;
use crate::platform::config::{Config, Stores};
use crate::platform::database::Database;
use crate::platform::errors::{Error, Result};
use crate::platform::events::Feed;
use crate::platform::http::engine::Engine;
use crate::platform::http::graphiql::Welcome;
use crate::platform::http::guard::{Guard, Limits, SchemaShape};
use crate::platform::http::router::{Door, router};
use crate::platform::loaders::Mergers;
use crate::platform::request::Platform;
use crate::platform::viewer::{Tokens, Viewers};
use crate::schema::{self, Graph};

/// A server that is ready to listen.
pub struct App {
    pub door: Arc<Door<Graph>>,
}

/// Connects to PostgreSQL and Redis and starts the background work. Redis may be away.
pub async fn platform(config: Config) -> Result<Platform> {
    let database = Database::connect(&config.stores).await?;
    let redis = redis_client(&config.stores)?;
    let cache = Cache::new(redis_connection(redis.clone())?, config.stores.redis_prefix.clone());
    let feed = Feed::start(database.clone(), redis, config.stores.redis_prefix.clone()).await;
    let mergers = Arc::new(Mergers::default());
    Ok(Platform {
        viewers: Arc::new(Viewers::new(database.clone(), cache.clone(), Arc::clone(&mergers))),
        tokens: Arc::new(Tokens::new(&config)),
        config: Arc::new(config),
        clock: Arc::new(SystemClock),
        database,
        cache,
        mergers,
        feed,
    })
}
