//! Sealing: secrets that the server must be able to read back (tokens of other services, second factors, letters that
//! wait to be sent) are encrypted and authenticated with XChaCha20-Poly1305 before they are stored.
//! A sealed value is bound to its table, column and row, and names the key it was sealed with, so that keys can change.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use sha2::{Digest, Sha256};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::clock::SharedClock;
use super::config::{Config, SecretText};
use super::database::Database;
use super::errors::{Error, Result};

/// The format of sealed values: this byte, the key's number, the nonce, the ciphertext with its tag.
const FORMAT: u8 = 1;
const PREFIX_BYTES: usize = 5;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;
/// Rows sealed anew in one transaction.
const BATCH: usize = 200;

/// A column whose values are sealed. Its table has an `id` of type uuid.
#[derive(Clone, Copy, Debug)]
pub struct SealedColumn {
    /// With its schema, such as `identity.mfa_factors`.
    pub table: &'static str,
    pub column: &'static str,
}

/// Why the list of keys cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("each key is written as NUMBER:BASE64, separated by commas")]
    Form,
    #[error("a key has {0} bytes and must have exactly 32")]
    Length(usize),
    #[error("the key number {0} stands there twice")]
    Repeated(u32),
}

struct Key {
    number: u32,
    cipher: XChaCha20Poly1305,
}

/// The keys. The first seals, all of them open.
#[derive(Clone)]
pub struct Sealing {
    keys: Arc<[Key]>,
    columns: Arc<[SealedColumn]>,
    clock: SharedClock,
}

impl fmt::Debug for Sealing {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let numbers: Vec<u32> = self.keys.iter().map(|key| key.number).collect();
        formatter.debug_struct("Sealing").field("keys", &numbers).finish_non_exhaustive()
    }
}

impl Sealing {
    /// `columns` are those that `reseal` goes through.
    pub fn new(config: &Config, columns: &[SealedColumn], clock: SharedClock) -> Result<Self> {
        let keys = match &config.sealing_keys {
            Some(text) => parse(text).map_err(|error| Error::internal(format!("TRELLIS_SEALING_KEYS: {error}")))?,
            // A fixed one, so that a restart in development can still read what was stored.
            None => vec![(0, Sha256::digest("development only: set TRELLIS_SEALING_KEYS").into())],
        };
        let keys = keys.into_iter().map(|(number, key)| Key { number, cipher: XChaCha20Poly1305::new(&key.into()) });
        Ok(Self { keys: keys.collect(), columns: columns.into(), clock })
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Seals a value for one row's column.
    pub fn seal(&self, column: SealedColumn, row: Uuid, plain: &[u8]) -> Result<Vec<u8>> {
        let key = self.keys.first().ok_or_else(|| Error::internal("there is no key to seal with"))?;
        let mut nonce = [0_u8; NONCE_BYTES];
        self.clock.fill_random(&mut nonce);
        let prefix = prefix(key.number);
        let payload = Payload { msg: plain, aad: &context(&prefix, column, row) };
        let ciphertext = key.cipher.encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.map_err(|_| Error::internal("the value is too long to be sealed"))?;
        Ok([&prefix[..], &nonce, &ciphertext].concat())
    }

    /// The value of one row's column. Fails when it was sealed for another place, changed, or its key is gone.
    pub fn open(&self, column: SealedColumn, row: Uuid, sealed: &[u8]) -> Result<Vec<u8>> {
        let place = || format!("{}.{} of {row}", column.table, column.column);
        let unfit = || Error::internal(format!("{} is not a sealed value", place()));
        let (prefix, rest) = sealed.split_first_chunk::<PREFIX_BYTES>().ok_or_else(unfit)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(unfit)?;
        let [FORMAT, number @ ..] = *prefix else { return Err(unfit()) };
        let number = u32::from_be_bytes(number);
        let key = self.keys.iter().find(|key| key.number == number).ok_or_else(|| {
            Error::internal(format!("{} was sealed with key {number}: add it to TRELLIS_SEALING_KEYS", place()))
        })?;
        let payload = Payload { msg: ciphertext, aad: &context(prefix, column, row) };
        let plain = key.cipher.decrypt(&XNonce::from(*nonce), payload);
        plain.map_err(|_| Error::internal(format!("{} was changed or belongs elsewhere", place())))
    }

    /// Seals everything that was sealed with an older key anew, in batches; gives the number of values. What cannot be
    /// opened stays as it is and is named in the log.
    pub async fn reseal(&self, database: &Database) -> Result<u64> {
        let mut resealed = 0;
        for column in self.columns.iter() {
            resealed += self.reseal_column(database, *column).await?;
        }
        Ok(resealed)
    }

    async fn reseal_column(&self, database: &Database, place: SealedColumn) -> Result<u64> {
        let SealedColumn { table, column } = place;
        let current = self.keys.first().map(|key| prefix(key.number)).unwrap_or_default();
        let stale = format!(
            "SELECT id, {column} FROM {table} WHERE id > $1 AND {column} IS NOT NULL \
             AND substr({column}, 1, {PREFIX_BYTES}) <> $2 ORDER BY id LIMIT {BATCH} FOR UPDATE"
        );
        let change = format!(
            "UPDATE {table} SET {column} = fresh.value \
             FROM unnest($1::uuid[], $2::bytea[]) AS fresh (id, value) WHERE {table}.id = fresh.id"
        );
        let (mut after, mut resealed) = (Uuid::nil(), 0);
        loop {
            let mut transaction = database.pool().begin().await.map_err(Error::internal)?;
            let rows: Vec<(Uuid, Vec<u8>)> = sqlx::query_as(AssertSqlSafe(stale.as_str()))
                .bind(after)
                .bind(&current[..])
                .fetch_all(&mut *transaction)
                .await
                .map_err(Error::internal)?;
            let Some((last, _)) = rows.last() else { return Ok(resealed) };
            after = *last;
            let (mut ids, mut values) = (Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len()));
            for (id, sealed) in rows {
                match self.open(place, id, &sealed).and_then(|plain| self.seal(place, id, &plain)) {
                    Ok(fresh) => {
                        ids.push(id);
                        values.push(fresh);
                    }
                    Err(error) => tracing::error!(%error, "a sealed value cannot be opened and stays as it is"),
                }
            }
            let changed = sqlx::query(AssertSqlSafe(change.as_str())).bind(ids).bind(values);
            resealed += changed.execute(&mut *transaction).await.map_err(Error::internal)?.rows_affected();
            transaction.commit().await.map_err(Error::internal)?;
        }
    }
}

fn prefix(number: u32) -> [u8; PREFIX_BYTES] {
    let [first, second, third, fourth] = number.to_be_bytes();
    [FORMAT, first, second, third, fourth]
}

/// What a sealed value is bound to besides its key.
fn context(prefix: &[u8; PREFIX_BYTES], column: SealedColumn, row: Uuid) -> Vec<u8> {
    [&prefix[..], column.table.as_bytes(), b"\0", column.column.as_bytes(), b"\0", row.as_bytes()].concat()
}

/// Reads keys written as `2:base64,1:base64`.
pub(super) fn parse(text: &SecretText) -> Result<Vec<(u32, [u8; KEY_BYTES])>, KeyError> {
    let mut keys: Vec<(u32, [u8; KEY_BYTES])> = Vec::new();
    for part in text.reveal().split(',') {
        let (number, key) = part.trim().split_once(':').ok_or(KeyError::Form)?;
        let number: u32 = number.parse().map_err(|_| KeyError::Form)?;
        let key = STANDARD.decode(key).map_err(|_| KeyError::Form)?;
        let key = <[u8; KEY_BYTES]>::try_from(key).map_err(|key| KeyError::Length(key.len()))?;
        if keys.iter().any(|(other, _)| *other == number) {
            return Err(KeyError::Repeated(number));
        }
        keys.push((number, key));
    }
    Ok(keys)
}
