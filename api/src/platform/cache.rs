//! Redis as a cache that may be away: a read that fails is a miss, a write that fails is logged and forgotten.

use redis::AsyncCommands;
use redis::aio::ConnectionManager;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The cache, shared by the whole process over one connection that reconnects by itself.
#[derive(Clone)]
pub struct Cache {
    connection: ConnectionManager,
    prefix: String,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Cache").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl Cache {
    pub fn new(connection: ConnectionManager, prefix: String) -> Self {
        Self { connection, prefix }
    }

    /// The value under the key, if Redis has it and it still has this shape.
    pub async fn read<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        let mut connection = self.connection.clone();
        let bytes: redis::RedisResult<Option<Vec<u8>>> = connection.get(self.key(key)).await;
        match bytes {
            Ok(bytes) => serde_json::from_slice(&bytes?).ok(),
            Err(error) => {
                tracing::debug!(%error, key, "cache read failed");
                None
            }
        }
    }

    /// Keeps the value for the given number of seconds.
    pub async fn write<T: Serialize>(&self, key: &str, value: &T, seconds: u64) {
        let mut connection = self.connection.clone();
        let Ok(bytes) = serde_json::to_vec(value) else {
            return;
        };
        let written: redis::RedisResult<()> = connection.set_ex(self.key(key), bytes, seconds).await;
        if let Err(error) = written {
            tracing::debug!(%error, key, "cache write failed");
        }
    }

    /// Whether Redis answers. A connection that broke shows only when it is used, so a failure is tried once more.
    pub async fn ping(&self) -> redis::RedisResult<()> {
        let mut connection = self.connection.clone();
        match redis::cmd("PING").query_async(&mut connection).await {
            Ok(()) => Ok(()),
            Err(_) => redis::cmd("PING").query_async(&mut connection).await,
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}
