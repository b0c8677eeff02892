//! A mutation that is retried under the same `Idempotency-Key` is carried out once and answered the same.
//! The key is claimed and the outcome kept in the mutation's own transaction, so a crash cannot part them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};
use uuid::Uuid;

use super::errors::{Error, Result};

/// Larger answers are not kept: 256 KiB.
const KEPT_BYTES: usize = 256 * 1024;

/// The key of one request, and what it was sent for.
#[derive(Debug)]
pub struct Idempotency {
    /// Who sent it: a person and its keys are not the same, since they may not read the same.
    viewer_kind: &'static str,
    viewer_id: Uuid,
    key: String,
    /// SHA-256 of the operation and its variables.
    fingerprint: Vec<u8>,
    /// The place of the next write in the request; a document may hold several mutations.
    next: AtomicI32,
    /// The answer holds secrets, so it is not kept.
    secret: AtomicBool,
}

/// The answer that an earlier request with the same key was given.
#[derive(Debug)]
pub struct KeptAnswer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Idempotency {
    pub fn new(viewer_kind: &'static str, viewer_id: Uuid, key: String, fingerprint: Vec<u8>) -> Self {
        Self { viewer_kind, viewer_id, key, fingerprint, next: AtomicI32::new(0), secret: AtomicBool::new(false) }
    }

    /// The answer will hold secrets, which must not lie in a table: this request cannot be repeated.
    pub(super) fn keep_nothing(&self) {
        self.secret.store(true, Ordering::Relaxed);
    }

    /// The whole answer of an earlier request, if it was finished.
    pub async fn kept_answer(&self, connection: &impl ConnectionTrait) -> Result<Option<KeptAnswer>> {
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT fingerprint, status, body FROM platform.idempotency_answers WHERE viewer_id = $1 AND key = $2",
            [self.viewer_id.into(), self.key.clone().into()],
        );
        let Some(row) = connection.query_one_raw(statement).await? else {
            return Ok(None);
        };
        self.compare(&row.try_get::<Vec<u8>>("", "fingerprint")?)?;
        let status: i32 = row.try_get("", "status")?;
        Ok(Some(KeptAnswer { status: u16::try_from(status).unwrap_or(200), body: row.try_get("", "body")? }))
    }

    /// Keeps the whole answer, unless it is large. The outcome is safe without it: a retry is answered with the first
    /// outcome, whose fields are read anew. This only makes it the same to the letter.
    pub async fn keep_answer(&self, connection: &impl ConnectionTrait, answer: &KeptAnswer) -> Result<()> {
        if self.secret.load(Ordering::Relaxed) || answer.body.len() > KEPT_BYTES {
            return Ok(());
        }
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "INSERT INTO platform.idempotency_answers (viewer_id, key, fingerprint, status, body) \
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            [
                self.viewer_id.into(),
                self.key.clone().into(),
                self.fingerprint.clone().into(),
                i32::from(answer.status).into(),
                answer.body.clone().into(),
            ],
        );
        connection.execute_raw(statement).await?;
        Ok(())
    }

    /// Claims the key for the next write of the request. A concurrent retry waits here for the first to end.
    pub(super) async fn claim(&self, transaction: &impl ConnectionTrait, now: DateTime<Utc>) -> Result<()> {
        let ordinal = self.next.fetch_add(1, Ordering::Relaxed);
        let identity = [self.viewer_id.into(), self.key.clone().into(), ordinal.into()];
        let [viewer_id, key, place] = identity.clone();
        let claim = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "INSERT INTO platform.idempotency_keys (viewer_kind, viewer_id, key, ordinal, fingerprint, created_at) \
             VALUES ($6, $1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            [viewer_id, key, place, self.fingerprint.clone().into(), now.into(), self.viewer_kind.into()],
        );
        if transaction.execute_raw(claim).await?.rows_affected() == 1 {
            return Ok(());
        }
        let earlier = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "SELECT fingerprint, outcome FROM platform.idempotency_keys \
             WHERE viewer_id = $1 AND key = $2 AND ordinal = $3",
            identity,
        );
        let row = transaction.query_one_raw(earlier).await?.ok_or(Error::Conflict)?;
        self.compare(&row.try_get::<Vec<u8>>("", "fingerprint")?)?;
        let outcome: Option<Value> = row.try_get("", "outcome")?;
        Err(outcome.map_or(Error::Conflict, |outcome| Error::AlreadyDone(Arc::new(outcome))))
    }

    /// Keeps the outcome of the write that claimed last.
    pub(super) async fn record(
        &self,
        transaction: &impl ConnectionTrait,
        cursor: Option<&str>,
        outcome: Value,
    ) -> Result<()> {
        let ordinal = self.next.load(Ordering::Relaxed) - 1;
        let statement = Statement::from_sql_and_values(
            DbBackend::Postgres,
            "UPDATE platform.idempotency_keys SET outcome = $4 WHERE viewer_id = $1 AND key = $2 AND ordinal = $3",
            [
                self.viewer_id.into(),
                self.key.clone().into(),
                ordinal.into(),
                json!({ "outcome": outcome, "cursor": cursor }).into(),
            ],
        );
        transaction.execute_raw(statement).await?;
        Ok(())
    }

    fn compare(&self, fingerprint: &[u8]) -> Result<()> {
        if fingerprint == self.fingerprint { Ok(()) } else { Err(Error::IdempotencyKeyReused) }
    }
}
