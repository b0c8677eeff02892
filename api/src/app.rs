//! Builds every shared handle from the configuration. The binary and the tests both start here.
//! Futures are boxed here: a caller in another crate would otherwise compile all that they hold once more.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use redis::IntoConnectionInfo;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::io::tcp::TcpSettings;
use tokio::net::TcpListener;

use crate::demo;
use crate::governance::{self, approvals, decisions, mcp_discoveries, mcp_endpoint, simulations};
use crate::identity::openid::Bearers;
use crate::identity::{self, passwords, sign_ups};
use crate::metering::{budgets, mcp_usage};
use crate::platform::background::{Background, Places};
use crate::platform::cache::Cache;
use crate::platform::clock::{SharedClock, SystemClock};
use crate::platform::config::{Config, Stores};
use crate::platform::database::Database;
use crate::platform::errors::{Error, Result};
use crate::platform::events::{CursorKey, Feed};
use crate::platform::http::connections::Connections;
use crate::platform::http::documents::Documents;
use crate::platform::http::engine::{Engine, Guard};
use crate::platform::http::graphiql::Welcome;
use crate::platform::http::health::Migrated;
use crate::platform::http::router::Door;
use crate::platform::http::serving;
use crate::platform::kept::Kept;
use crate::platform::limits::RateLimits;
use crate::platform::loaders::Mergers;
use crate::platform::mail::{self, Mail};
use crate::platform::mcp::Sessions;
use crate::platform::openid::Providers;
use crate::platform::recording::{flush, write_as_they_come};
use crate::platform::request::Platform;
use crate::platform::sealing::Sealing;
use crate::platform::telemetry::metrics::Metrics;
use crate::platform::turns::Turns;
use crate::platform::upkeep::Chore;
use crate::platform::viewer::{Tokens, Viewers};
use crate::schema::{self, Graph};
use crate::tenancy;

/// What the domains want done in each round of upkeep.
pub const CHORES: &[Chore] = &[
    Chore { what: "things deleted long ago", run: |platform| Box::pin(tenancy::deletion::purge(platform)) },
    Chore { what: "disagreements of budgets", run: |platform| Box::pin(budgets::check(platform)) },
];

/// Connects to PostgreSQL and Redis and starts the background work. Redis may be away.
pub fn platform(config: Config) -> BoxFuture<'static, Result<Platform>> {
    connect(config).boxed()
}

async fn connect(config: Config) -> Result<Platform> {
    let database = Database::connect(&config.stores, config.operation_timeout()).await?;
    let redis = redis_client(&config.stores)?;
    let cache = Cache::new(redis_connection(redis.clone())?, config.stores.redis_prefix.clone());
    let cursor_key = CursorKey::new(config.token_secret());
    let feed = Feed::start(database.clone(), redis, config.stores.redis_prefix.clone(), cursor_key).await;
    let mergers = Arc::new(Mergers::default());
    let clock: SharedClock = Arc::new(SystemClock);
    let sealed = [&[mail::LETTERS], identity::SEALED, governance::SEALED].concat();
    let sealing = Sealing::new(&config, &sealed, Arc::clone(&clock))?;
    let limits = RateLimits::new(cache.clone(), Arc::clone(&clock));
    let mail = Mail::start(&config, database.clone(), sealing.clone(), Arc::clone(&clock))?;
    Ok(Platform {
        viewers: Arc::new(Viewers::new(database.clone(), cache.clone(), Arc::clone(&mergers))),
        tokens: Arc::new(Tokens::new(&config)),
        foreign_tokens: Arc::new(Bearers::default()),
        providers: Arc::new(Providers::new(&config, &clock)?),
        runs: Places::new(config.mcp_runs),
        tool_sessions: Sessions::new(config.mcp.mcp_sessions, config.mcp.idle()),
        config: Arc::new(config),
        clock,
        limits,
        turns: Turns::of_writes(),
        sealing,
        mail,
        database,
        cache,
        mergers,
        metrics: Metrics::start(),
        feed,
        kept: Kept::default(),
    })
}

fn redis_client(stores: &Stores) -> Result<redis::Client> {
    let address = |_| Error::internal("REDIS_URL is not a Redis address");
    let address = stores.redis_url.reveal().into_connection_info().map_err(address)?;
    Ok(redis::Client::open(address.set_tcp_settings(TcpSettings::default().set_nodelay(true)))?)
}

/// A connection that opens when it is first used and again after it broke. It gives up quickly: Redis is a help, not a need.
fn redis_connection(client: redis::Client) -> Result<ConnectionManager> {
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_millis(250)))
        .set_response_timeout(Some(Duration::from_millis(250)))
        .set_number_of_retries(1)
        .set_max_delay(Duration::from_millis(250));
    Ok(ConnectionManager::new_lazy_with_config(client, settings)?)
}

/// The guard for this graph, with the limits of the configuration.
fn guard(config: &Config) -> Result<Guard> {
    Ok(Guard { shape: schema::shape()?, limits: config.query.limits() })
}

/// Everything the routes share.
pub fn door(platform: Platform, welcome: Welcome) -> Result<Arc<Door<Graph>>> {
    let config = &platform.config;
    let engine = Engine::new(
        schema::graph(),
        schema::trusting_graph(),
        guard(config)?,
        config.introspection_enabled(),
        config.operation_timeout(),
    );
    let documents = Documents::new(platform.cache.clone(), config.http.trusted_documents.as_deref())?;
    let http = Connections::new(config.http.http_connections, config.http.http_connections_per_address);
    let connections = Connections::new(config.connections, config.connections_per_address);
    let routes = tenancy::plans::billing::routes(&platform).merge(mcp_endpoint::routes(&platform));
    let migrated = Migrated::default();
    Ok(Arc::new(Door { engine, documents, platform, http, connections, welcome, migrated, routes }))
}

/// What GraphiQL starts with: in development, signed in as the demo user if there is one.
pub async fn welcome(platform: &Platform) -> Welcome {
    if !platform.config.is_development() || !platform.config.graphiql_enabled() {
        return Welcome::default();
    }
    let lasting = Config { access_token_seconds: demo::TOKEN_SECONDS, ..(*platform.config).clone() };
    let platform = Platform { tokens: Arc::new(Tokens::new(&lasting)), ..platform.clone() };
    match demo::credentials(&platform, None).await {
        Ok(credentials) => Welcome { token: Some(credentials.token), query: Some(demo::FIRST_QUERY.to_owned()) },
        Err(error) => {
            tracing::debug!(%error, "GraphiQL starts with nobody signed in: there is no demo user");
            Welcome::default()
        }
    }
}

/// Answers requests on the listener until `stop` completes, then lets those that are under way finish.
pub fn serve(listener: TcpListener, door: Arc<Door<Graph>>, stop: BoxFuture<'static, ()>) -> BoxFuture<'static, ()> {
    answer(listener, door, stop).boxed()
}

async fn answer(listener: TcpListener, door: Arc<Door<Graph>>, stop: BoxFuture<'static, ()>) {
    let feed = door.platform.feed.clone();
    let _requests = Background::spawn(passwords::answer_requests(door.platform.clone()));
    let _sessions = Background::spawn(look_after_sessions(door.platform.clone()));
    let _key_uses = Background::spawn(count_key_uses(door.platform.clone()));
    let _reservations = Background::spawn(budgets::look_after(door.platform.clone()));
    let _sign_ups = Background::spawn(sign_ups::answer_sign_ups(door.platform.clone()));
    let _approvals = Background::spawn(approvals::expire_in_time(door.platform.clone()));
    let _simulations = Background::spawn(simulations::look_after(door.platform.clone()));
    let deciding = Background::spawn(write_as_they_come::<decisions::Made>(door.platform.clone()));
    let calling = Background::spawn(write_as_they_come::<mcp_usage::Ended>(door.platform.clone()));
    let platform = door.platform.clone();
    let _recheck = Background::spawn(mcp_discoveries::recheck(door.platform.clone()));
    serving::serve(listener, door, stop).await;
    drop((deciding, calling));
    flush::<decisions::Made>(&platform).await;
    flush::<mcp_usage::Ended>(&platform).await;
    feed.shut_down().await;
    if let Err(error) = platform.viewers.key_usage().write_all(&platform.database).await {
        tracing::error!(%error, "the last uses of keys are lost");
    }
}

/// Writes how often keys are used.
async fn count_key_uses(platform: Platform) {
    let every = Duration::from_secs(platform.config.key_usage_seconds);
    platform.viewers.key_usage().keep_written(&platform.database, every).await;
}

/// Ends what stands on a session that is over.
async fn look_after_sessions(platform: Platform) {
    let every = Duration::from_secs(platform.config.session_look_seconds);
    platform.viewers.open_sessions().look_after(&platform.database, every).await;
}
