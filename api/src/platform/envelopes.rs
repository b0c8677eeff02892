//! Envelopes: a value is sealed with a key of its own, and that key with the key of the environment (`sealing`). So a
//! new key of the environment means that small keys are wrapped anew, and values are never touched.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use uuid::Uuid;

use super::errors::{Error, Result};
use super::sealing::{SealedColumn, Sealing};

/// The format of sealed values: this byte, the nonce, the ciphertext with its tag.
const FORMAT: u8 = 1;
const NONCE_BYTES: usize = 24;
const KEY_BYTES: usize = 32;

/// Where an envelope is kept: two columns of one table.
#[derive(Clone, Copy, Debug)]
pub struct EnvelopeColumns {
    pub value: SealedColumn,
    /// To be named among the columns that `Sealing` wraps anew.
    pub key: SealedColumn,
}

/// A sealed value and its wrapped key, as they are stored.
pub struct Envelope {
    pub value: Vec<u8>,
    pub key: Vec<u8>,
}

impl Sealing {
    /// Seals a value for one row with a new key of its own.
    pub fn enclose(&self, columns: EnvelopeColumns, row: Uuid, plain: &[u8]) -> Result<Envelope> {
        let mut key = [0_u8; KEY_BYTES];
        self.clock().fill_random(&mut key);
        let mut nonce = [0_u8; NONCE_BYTES];
        self.clock().fill_random(&mut nonce);
        let payload = Payload { msg: plain, aad: &context(columns.value, row) };
        let ciphertext = XChaCha20Poly1305::new(&key.into()).encrypt(&XNonce::from(nonce), payload);
        let ciphertext = ciphertext.map_err(|_| Error::internal("the value is too long to be sealed"))?;
        let value = [&[FORMAT][..], &nonce, &ciphertext].concat();
        Ok(Envelope { value, key: self.seal(columns.key, row, &key)? })
    }

    /// The value of one row. Fails when either part was sealed for another place or changed, or its key is gone.
    pub fn disclose(&self, columns: EnvelopeColumns, row: Uuid, envelope: &Envelope) -> Result<Vec<u8>> {
        let unfit = || {
            let SealedColumn { table, column } = columns.value;
            Error::internal(format!("{table}.{column} of {row} was changed or belongs elsewhere"))
        };
        let key = self.open(columns.key, row, &envelope.key)?;
        let key = <[u8; KEY_BYTES]>::try_from(key).map_err(|_| unfit())?;
        let (format, rest) = envelope.value.split_first().ok_or_else(unfit)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_BYTES>().ok_or_else(unfit)?;
        if *format != FORMAT {
            return Err(unfit());
        }
        let payload = Payload { msg: ciphertext, aad: &context(columns.value, row) };
        XChaCha20Poly1305::new(&key.into()).decrypt(&XNonce::from(*nonce), payload).map_err(|_| unfit())
    }
}

/// What a sealed value is bound to besides its key.
fn context(column: SealedColumn, row: Uuid) -> Vec<u8> {
    [&[FORMAT][..], column.table.as_bytes(), b"\0", column.column.as_bytes(), b"\0", row.as_bytes()].concat()
}
