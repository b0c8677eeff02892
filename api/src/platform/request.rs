//! One request: who asks, and the handles its work may use. Nothing runs without one.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use async_graphql::ContextBase;
use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use sea_orm::{PaginatorTrait, Select};
use uuid::Uuid;

use super::authorization::{Action, ActionSet, Read, Resource, RowById, permitted};
use super::background::Places;
use super::cache::Cache;
use super::clock::SharedClock;
use super::config::Config;
use super::database::{Counted, Database};
use super::errors::{Error, Result};
use super::events::Feed;
use super::idempotency::Idempotency;
use super::kept::Kept;
use super::limits::RateLimits;
use super::limits::requests::Allowance;
use super::loaders::{Load, Loaders, Mergers};
use super::mail::Mail;
use super::mcp::Sessions;
use super::openid::Providers;
use super::sealing::Sealing;
use super::telemetry::metrics::Metrics;
use super::turns::Turns;
use super::viewer::{ForeignTokens, Hold, Tokens, Viewer, Viewers};
use super::write::Write;

/// The handles that every request shares.
#[derive(Clone, Debug)]
pub struct Platform {
    pub config: Arc<Config>,
    pub database: Database,
    pub cache: Cache,
    pub clock: SharedClock,
    pub mergers: Arc<Mergers>,
    pub metrics: Arc<Metrics>,
    pub viewers: Arc<Viewers>,
    pub tokens: Arc<Tokens>,
    /// Who the holders of other issuers' tokens are.
    pub foreign_tokens: Arc<dyn ForeignTokens>,
    pub providers: Arc<Providers>,
    pub feed: Feed,
    pub limits: RateLimits,
    pub turns: Turns,
    pub sealing: Sealing,
    pub mail: Mail,
    pub kept: Kept,
    /// Places for connecting to tool servers beside the requests.
    pub runs: Places,
    /// Connections to tool servers that are kept between calls.
    pub tool_sessions: Sessions,
}

/// Where a request came from.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    pub ip: Option<IpAddr>,
    pub user_agent: Option<String>,
    /// The trace that the request belongs to, as W3C's `traceparent` says it.
    pub trace_parent: Option<String>,
}

/// One request.
#[derive(Debug)]
pub struct Request {
    pub platform: Platform,
    pub id: Uuid,
    pub origin: Origin,
    pub idempotency: Option<Idempotency>,
    allowance: OnceLock<Option<Allowance>>,
    loaders: Loaders,
    statements: Arc<AtomicU32>,
    content_bytes: Arc<AtomicU64>,
    writes: AtomicU32,
    pauses: Mutex<Pauses>,
}

/// A write of the request is open.
#[derive(Debug)]
pub(super) struct OpenWrite<'a>(&'a AtomicU32);

impl Drop for OpenWrite<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The time that an operation waits for others.
#[derive(Debug, Default)]
struct Pauses {
    total: Duration,
    under_way: u32,
    /// Since when one is under way.
    since: Option<Instant>,
}

/// The operation waits for somebody else.
#[must_use = "the wait is over with it"]
#[derive(Debug)]
pub struct Pause<'a>(&'a Mutex<Pauses>);

impl Drop for Pause<'_> {
    fn drop(&mut self) {
        let mut pauses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.under_way -= 1;
        if pauses.under_way == 0
            && let Some(since) = pauses.since.take()
        {
            pauses.total += since.elapsed();
        }
    }
}

impl Request {
    pub fn new(platform: Platform, viewer: Viewer, origin: Origin) -> Self {
        let statements = Arc::new(AtomicU32::new(0));
        let (database, mergers) = (platform.database.clone(), Arc::clone(&platform.mergers));
        let loaders = Loaders::new(database, mergers, Arc::clone(&statements), viewer);
        let id = platform.clock.new_id();
        Self {
            platform,
            id,
            origin,
            idempotency: None,
            allowance: OnceLock::new(),
            loaders,
            statements,
            content_bytes: Arc::default(),
            writes: AtomicU32::new(0),
            pauses: Mutex::default(),
        }
    }

    /// Counts the content that is read together with what others read.
    pub fn counting_content_in(mut self, content_bytes: Arc<AtomicU64>) -> Self {
        self.content_bytes = content_bytes;
        self
    }

    /// It has been charged, and this is left to whoever asks.
    pub fn set_allowance(&self, allowance: Option<Allowance>) {
        self.allowance.set(allowance).expect("Invariant: a request is charged once");
    }

    /// What the operation cost and what is left; none where nothing limits it, and until it is charged.
    pub fn allowance(&self) -> Option<Allowance> {
        self.allowance.get().copied().flatten()
    }

    /// Work of the server itself. Says why, because nothing limits its reach.
    pub fn as_system(platform: &Platform, reason: &'static str) -> Self {
        Self::new(platform.clone(), Viewer::System(reason), Origin::default())
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.platform.clock.now()
    }

    pub fn new_id(&self) -> Uuid {
        self.platform.clock.new_id()
    }

    /// Who asks.
    pub fn viewer(&self) -> Viewer {
        self.loaders.viewer()
    }

    /// The signed-in user, or the creator of the key; `Unauthenticated` for nobody.
    pub fn user_id(&self) -> Result<UserId> {
        self.viewer().user_id().ok_or(Error::Unauthenticated)
    }

    /// Confirms the viewer's session or key and its grants again and forgets what was loaded: before each event of a subscription.
    pub async fn refresh(&self) -> Result<()> {
        let viewer = self.platform.viewers.confirmed(self.viewer()).await?;
        self.content_bytes.store(0, Ordering::Relaxed);
        self.go_on_as(viewer);
        Ok(())
    }

    /// From here on the request acts as who has just proved who they are.
    pub async fn sign_in_as(&self, user_id: UserId, session_id: SessionId) -> Result<()> {
        self.go_on_as(self.platform.viewers.signed_in(user_id, session_id).await?);
        Ok(())
    }

    /// From here on the request acts as nobody.
    pub fn sign_out(&self) {
        self.go_on_as(Viewer::Anonymous);
    }

    /// Goes on with the grants that a write found, unless they are those it has.
    pub(super) fn confirm_as(&self, viewer: &Viewer) {
        let is_known = match (self.viewer(), viewer) {
            (Viewer::User(held), Viewer::User(found)) => Arc::ptr_eq(&held, found),
            (Viewer::ApiKey(held), Viewer::ApiKey(found)) => Arc::ptr_eq(&held, found),
            _ => true,
        };
        if !is_known {
            self.go_on_as(viewer.clone());
        }
    }

    /// From here on this is the viewer, and what was loaded is forgotten.
    pub(super) fn go_on_as(&self, viewer: Viewer) {
        self.loaders.go_on_as(viewer);
    }

    pub fn read(&self) -> Read {
        Read::new(self.viewer())
    }

    pub(super) fn writing(&self) -> OpenWrite<'_> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        OpenWrite(&self.writes)
    }

    /// A write that waits for a second connection while it holds one could, with others like it, wait for ever.
    fn check_for_writes(&self) {
        let is_writing = self.writes.load(Ordering::Relaxed) > 0;
        debug_assert!(!is_writing, "Invariant: while a write is open, everything is read through its connection");
    }

    /// A connection for queries that the loaders do not serve.
    pub fn connection(&self) -> Counted {
        self.check_for_writes();
        self.platform.database.counted(Arc::clone(&self.statements))
    }

    /// How many rows the query finds.
    pub async fn count<E: Resource>(&self, query: Select<E>) -> Result<i64> {
        let count = query.count(&self.connection()).await?;
        Ok(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// The operation waits for somebody else, until what comes back is dropped. That time is not its own.
    pub fn pause(&self) -> Pause<'_> {
        let mut pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.under_way += 1;
        pauses.since.get_or_insert_with(Instant::now);
        Pause(&self.pauses)
    }

    /// For how long the operation waited for others, so far.
    pub(super) fn paused(&self) -> Duration {
        let pauses = self.pauses.lock().unwrap_or_else(PoisonError::into_inner);
        pauses.total + pauses.since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// The answer holds what is given once and not kept, so a retry does not get it again.
    pub fn keep_no_answer(&self) {
        if let Some(idempotency) = &self.idempotency {
            idempotency.keep_nothing();
        }
    }

    /// Opens the one transaction of a mutation.
    pub async fn begin_write(&self) -> Result<Write<'_>> {
        Write::begin(self, self.idempotency.as_ref(), Hold::Shared).await
    }

    /// Opens the transaction of a mutation that changes what somebody may do: nearly everything in tenancy. The viewer's
    /// grants are looked up again with the commit, for what follows in the operation.
    pub async fn begin_write_of_grants(&self) -> Result<Write<'_>> {
        Write::begin(self, self.idempotency.as_ref(), Hold::Alone).await
    }

    /// Opens the transaction of a mutation that changes the viewer's sessions and nobody's grants in an organization.
    pub async fn begin_write_of_sessions(&self) -> Result<Write<'_>> {
        Write::begin(self, self.idempotency.as_ref(), Hold::OwnAlone).await
    }

    /// Opens the transaction of a mutation whose answer holds secrets, so that no idempotency key can repeat it. It may
    /// change the viewer's sessions.
    pub async fn begin_unrepeatable_write(&self) -> Result<Write<'_>> {
        self.begin_unkept(Hold::OwnAlone).await
    }

    /// The same for one that ends the viewer's memberships too.
    pub async fn begin_unrepeatable_write_of_grants(&self) -> Result<Write<'_>> {
        self.begin_unkept(Hold::Alone).await
    }

    async fn begin_unkept(&self, hold: Hold) -> Result<Write<'_>> {
        self.keep_no_answer();
        Write::begin(self, None, hold).await
    }

    /// Loads one key, together with the others that are asked for now.
    pub async fn load<L: Load>(&self, key: L::Key) -> Result<L::Value> {
        self.check_for_writes();
        self.loaders.load::<L>(key).await
    }

    /// Loads many values at once, which are `known` then.
    pub fn load_ahead<L: Load>(&self, keys: Vec<L::Key>) -> impl Future<Output = ()> + Send + use<L> {
        self.check_for_writes();
        self.loaders.load_ahead::<L>(keys)
    }

    /// The value, if it was loaded already.
    pub fn known<L: Load>(&self, key: &L::Key) -> Option<L::Value> {
        self.check_for_writes();
        self.loaders.known::<L>(key)
    }

    /// The values, in the order of their keys, if all of them were loaded already.
    pub fn all_known<L: Load>(&self, keys: impl Iterator<Item = L::Key>) -> Option<Vec<L::Value>> {
        self.check_for_writes();
        self.loaders.all_known::<L>(keys)
    }

    /// The row, if the viewer may read it.
    pub async fn find<E: Resource>(&self, id: E::Id) -> Result<Option<Arc<E::Model>>> {
        let row = self.load::<RowById<E>>(id).await?;
        Ok(row.filter(|row| self.permitted::<E>(row).contains(Action::Read)))
    }

    /// The row, or `NotFound` when it does not exist for this viewer.
    pub async fn get<E: Resource>(&self, id: E::Id) -> Result<Arc<E::Model>> {
        self.find::<E>(id).await?.ok_or(Error::NotFound)
    }

    /// What the viewer may do with the row.
    pub fn permitted<E: Resource>(&self, row: &E::Model) -> ActionSet {
        permitted::<E>(&self.viewer(), row)
    }

    /// Takes what a document's content weighs from what the operations of one request may read.
    pub fn take_content_bytes(&self, bytes: u64) -> Result<()> {
        let most = self.platform.config.query.query_content_bytes;
        let taken = self.content_bytes.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if taken > most {
            let message =
                format!("One request reads at most {most} bytes of content. Ask for fewer documents at a time.");
            return Err(Error::TooMuch(message));
        }
        Ok(())
    }

    pub fn loaders(&self) -> &Loaders {
        &self.loaders
    }

    /// How many statements were sent for this request so far; a merged one counts for each request in it.
    pub fn statements(&self) -> u32 {
        self.statements.load(Ordering::Relaxed)
    }
}

/// The request behind a resolver's context.
pub trait RequestContext<'a> {
    fn request(&self) -> &'a Request;

    /// The request, for a stream that outlives the resolver.
    fn shared_request(&self) -> Arc<Request>;
}

impl<'a, T> RequestContext<'a> for ContextBase<'a, T> {
    fn request(&self) -> &'a Request {
        let request: &Arc<Request> = self.data_unchecked();
        request
    }

    fn shared_request(&self) -> Arc<Request> {
        Arc::clone(self.data_unchecked())
    }
}
