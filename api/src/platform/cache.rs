//! Redis as a cache that may be away: a read that fails is a miss, a write that fails is logged and forgotten.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use redis::aio::ConnectionManager;
use redis::{Cmd, FromRedisValue};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The cache, shared by the whole process over one connection that reconnects by itself.
#[derive(Clone)]
pub struct Cache {
    connection: ConnectionManager,
    prefix: String,
    reads: Arc<Reads>,
}

/// What came of reads so far.
#[derive(Debug, Default)]
pub struct Reads {
    pub hits: AtomicU64,
    pub misses: AtomicU64,
    pub failures: AtomicU64,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cache").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Cache {
    pub fn new(connection: ConnectionManager, prefix: String) -> Self {
        Self { connection, prefix, reads: Arc::default() }
    }

    pub fn reads(&self) -> &Reads {
        &self.reads
    }

    /// The value under the key, if Redis has it and it still has this shape.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        match self.ask::<Option<Vec<u8>>>(Cmd::get(self.key(key))).await {
            Ok(Some(bytes)) => {
                self.reads.hits.fetch_add(1, Ordering::Relaxed);
                serde_json::from_slice(&bytes).ok()
            }
            Ok(None) => {
                self.reads.misses.fetch_add(1, Ordering::Relaxed);
                None
            }
            Err(error) => {
                self.reads.failures.fetch_add(1, Ordering::Relaxed);
                tracing::debug!(%error, key, "cache read failed");
                None
            }
        }
    }

    /// Keeps the value for the given number of seconds.
    pub async fn write<T: Serialize + ?Sized>(&self, key: &str, value: &T, seconds: u64) {
        let Ok(bytes) = serde_json::to_vec(value) else {
            return;
        };
        if let Err(error) = self.ask::<()>(Cmd::set_ex(self.key(key), bytes, seconds)).await {
            tracing::debug!(%error, key, "cache write failed");
        }
    }

    pub async fn remove(&self, key: &str) {
        if let Err(error) = self.ask::<()>(Cmd::del(self.key(key))).await {
            tracing::debug!(%error, key, "cache removal failed");
        }
    }

    /// Runs a script on these keys.
    pub async fn run<T: FromRedisValue>(
        &self,
        script: &redis::Script,
        keys: &[&str],
        arguments: &[String],
    ) -> redis::RedisResult<T> {
        let mut connection = self.connection.clone();
        let mut invocation = script.prepare_invoke();
        for key in keys {
            invocation.key(self.key(key));
        }
        invocation.arg(arguments).invoke_async(&mut connection).await
    }

    /// Whether Redis answers.
    pub async fn ping(&self) -> redis::RedisResult<()> {
        self.ask(redis::cmd("PING")).await
    }

    /// Sends a command that may be sent twice. That a connection broke shows at its next use, and only once: by the
    /// second it was made anew, if Redis is there.
    async fn ask<T: FromRedisValue>(&self, command: Cmd) -> redis::RedisResult<T> {
        let mut connection = self.connection.clone();
        match command.query_async(&mut connection).await {
            Err(error) if error.is_connection_dropped() && !error.is_connection_refusal() => {
                command.query_async(&mut connection).await
            }
            answer => answer,
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}
