//! Connections that stay open between calls, since most of a call's time is getting there. They are shared by the calls
//! of one scope alone: what a server remembers of one project must not reach another.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as Turn, OnceCell};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use super::calling::{self, Tool, ToolResult};
use super::connection::{Connection, within};
use super::scrub::Scrub;
use super::{Bounds, Era, Failure, Progress, Transport, discovery, handshake};

/// Whose calls may share a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scope {
    pub project: Uuid,
    pub server_version: Uuid,
}

type Key = [u8; 32];

/// The connections that are kept.
#[derive(Clone)]
pub struct Sessions(Arc<Kept>);

struct Kept {
    held: Mutex<HashMap<Key, Arc<Held>>>,
    most: usize,
    idle: Duration,
}

struct Held {
    connection: OnceCell<Connection>,
    used_at: Mutex<Instant>,
    /// The tools as the server listed them last.
    listed: Turn<Option<Listed>>,
}

struct Listed {
    at: Instant,
    pins: HashMap<String, [u8; 32]>,
}

/// What the tool that is called is known by. A server that says something else of it is not called.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    pub pin: [u8; 32],
    /// What a tool is known by, as its server describes it.
    pub pin_of: fn(&Value) -> Option<[u8; 32]>,
}

/// How long a list of tools is believed.
const BELIEVED: Duration = Duration::from_secs(300);

impl Held {
    fn new() -> Arc<Self> {
        let (connection, used_at) = (OnceCell::new(), Mutex::new(Instant::now()));
        Arc::new(Self { connection, used_at, listed: Turn::default() })
    }

    /// Asks which tools there are, where that is not known or not so any more, and compares the one that is called.
    async fn check(
        &self,
        connection: &Connection,
        tool: &str,
        expected: &Expected,
        bounds: &Bounds,
    ) -> Result<(), Failure> {
        let mut listed = self.listed.lock().await;
        let is_known = listed.as_ref().is_some_and(|listed| listed.at.elapsed() < BELIEVED);
        if connection.take_change() || !is_known {
            // Forgotten first, in case nobody waits for the new list.
            *listed = None;
            let tools = discovery::list(connection, bounds).await?;
            let named =
                tools.iter().filter_map(|tool| Some((tool["name"].as_str()?.to_owned(), (expected.pin_of)(tool)?)));
            *listed = Some(Listed { at: Instant::now(), pins: named.collect() });
        }
        match listed.as_ref().and_then(|listed| listed.pins.get(tool)) {
            Some(pin) if *pin == expected.pin => Ok(()),
            _ => Err(Failure::ToolChanged),
        }
    }

    fn used_at(&self) -> Instant {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_used_now(&self) {
        *self.used_at.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }
}

impl Kept {
    fn held(&self) -> MutexGuard<'_, HashMap<Key, Arc<Held>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn drop_idle(&self) {
        // Only the map holds what no call is using.
        self.held().retain(|_, held| Arc::strong_count(held) > 1 || held.used_at().elapsed() < self.idle);
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Keys are made of secrets.
        formatter.debug_struct("Sessions").field("kept", &self.len()).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Keeps at most so many connections, each for so long after its last call. To be called within a runtime.
    pub fn new(most: usize, idle: Duration) -> Self {
        let kept = Arc::new(Kept { held: Mutex::default(), most, idle });
        tokio::spawn(expire(Arc::downgrade(&kept), idle));
        Self(kept)
    }

    /// Calls a tool over a connection that is kept. Dropped, it cancels the call.
    #[expect(clippy::too_many_arguments, reason = "those of a call, and whose it is")]
    pub async fn call<'a>(
        &self,
        scope: Scope,
        transport: &Transport,
        era: Era,
        protocol_version: &str,
        tool: impl Into<Tool<'a>>,
        expected: Option<&Expected>,
        arguments: Map<String, Value>,
        mut progress: impl FnMut(Progress) + Send,
        bounds: &Bounds,
    ) -> Result<ToolResult, Failure> {
        let tool = tool.into();
        let scrub = Scrub::of(transport);
        let mut progress = |told| progress(scrub.progress(told));
        let key = key(scope, transport, era, protocol_version, bounds);
        let called = within(bounds.run, "the call", async {
            // What was kept may have ended since; what is new has not. A call that may have been heard is not repeated.
            let mut may_be_old = true;
            loop {
                let (held, is_new) = self.held(key, may_be_old);
                let open = || handshake::open(transport, era, protocol_version, bounds);
                let connection = held.connection.get_or_try_init(open).await?;
                if !is_new && connection.has_ended() {
                    self.forget(key, &held);
                    continue;
                }
                let called = async {
                    if let Some(expected) = expected {
                        held.check(connection, tool.name, expected, bounds).await?;
                    }
                    calling::over(connection, tool, arguments.clone(), &mut progress, bounds).await
                };
                let called = called.await;
                held.is_used_now();
                match called {
                    Err(Failure::SessionEnded) if may_be_old => {
                        self.forget(key, &held);
                        may_be_old = false;
                    }
                    Err(failure) if failure.ends_session() => {
                        self.forget(key, &held);
                        return Err(failure);
                    }
                    called => return called,
                }
            }
        });
        called.await.map_err(|failure| failure.scrubbed(&scrub))
    }

    /// The connection of this key, and whether it was made just now. Where there is no room for one more, it is not kept.
    fn held(&self, key: Key, may_be_old: bool) -> (Arc<Held>, bool) {
        let mut all = self.0.held();
        if let Some(held) = all.get(&key).filter(|_| may_be_old) {
            held.is_used_now();
            return (Arc::clone(held), false);
        }
        let held = Held::new();
        if all.len() >= self.0.most {
            let idle = all.iter().filter(|(_, held)| Arc::strong_count(held) == 1);
            let longest = idle.min_by_key(|(_, held)| held.used_at()).map(|(key, _)| *key);
            match longest {
                Some(longest) => drop(all.remove(&longest)),
                None => return (held, true),
            }
        }
        all.insert(key, Arc::clone(&held));
        (held, true)
    }

    fn forget(&self, key: Key, ended: &Arc<Held>) {
        let mut all = self.0.held();
        if all.get(&key).is_some_and(|held| Arc::ptr_eq(held, ended)) {
            all.remove(&key);
        }
    }

    /// How many connections are kept.
    pub fn len(&self) -> usize {
        self.0.held().len()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

async fn expire(kept: Weak<Kept>, idle: Duration) {
    loop {
        sleep((idle / 4).max(Duration::from_millis(10))).await;
        match kept.upgrade() {
            Some(kept) => kept.drop_idle(),
            None => return,
        }
    }
}

/// Everything that makes one connection another. Texts go in with their length, so that none can run into the next.
fn key(scope: Scope, transport: &Transport, era: Era, protocol_version: &str, bounds: &Bounds) -> Key {
    let mut hash = Sha256::new();
    let mut add = |text: &str| {
        hash.update(text.len().to_le_bytes());
        hash.update(text);
    };
    add(&scope.project.to_string());
    add(&scope.server_version.to_string());
    add(protocol_version);
    add(if era == Era::Session { "session" } else { "stateless" });
    add(if bounds.private_addresses { "private" } else { "public" });
    add(if bounds.plain_http { "http" } else { "https" });
    let secrets = match transport {
        Transport::Stdio { command, arguments, environment } => {
            add("stdio");
            add(command);
            add(&arguments.len().to_string());
            arguments.iter().for_each(|argument| add(argument));
            environment
        }
        Transport::Http { url, headers } => {
            add("http");
            add(url.as_str());
            headers
        }
        Transport::Sse { url, headers } => {
            add("sse");
            add(url.as_str());
            headers
        }
    };
    for (name, value) in secrets {
        add(name);
        add(value.reveal());
    }
    hash.finalize().into()
}
