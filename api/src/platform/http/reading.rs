//! Reads the body of a request: JSON as it is or as gzip, no larger than it may be, and no slower.

use std::io::Read as _;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode, header};
use flate2::read::GzDecoder;
use tokio::time::timeout;

use super::media::is_json;
use super::settings::HttpSettings;

/// How many times its size a compressed body may grow: JSON grows ten times, a bomb a thousand.
const GROWTH: usize = 100;
/// What any body may grow to.
const GROWN: usize = 1024 * 1024;

/// Why a body is not read: a status and a sentence.
pub type Refusal = (StatusCode, String);

/// The body as JSON.
pub async fn read(settings: &HttpSettings, headers: &HeaderMap, content: Body) -> Result<Bytes, Refusal> {
    let is_compressed = match headers.get(header::CONTENT_ENCODING).map(|encoding| encoding.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip") => true,
        Some(_) => {
            return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, "Send the body as it is, or as gzip.".to_owned()));
        }
    };
    if !is_json(headers) {
        let message = "Send the operation as application/json in UTF-8.".to_owned();
        return Err((StatusCode::UNSUPPORTED_MEDIA_TYPE, message));
    }
    let (limit, seconds) = (settings.body_bytes, settings.http_body_seconds);
    let content = match timeout(Duration::from_secs(seconds), axum::body::to_bytes(content, limit)).await {
        Ok(Ok(content)) => content,
        Ok(Err(_)) => return Err(too_large(limit)),
        Err(_) => return Err((StatusCode::REQUEST_TIMEOUT, format!("The body took longer than {seconds} seconds."))),
    };
    if !is_compressed {
        return Ok(content);
    }
    let grown = limit.min(GROWN.max(content.len().saturating_mul(GROWTH)));
    let unpacked = tokio::task::spawn_blocking(move || unpack(&content, grown)).await;
    unpacked.unwrap_or_else(|_| Err((StatusCode::BAD_REQUEST, "The body cannot be unpacked.".to_owned())))
}

fn unpack(content: &[u8], limit: usize) -> Result<Bytes, Refusal> {
    let mut unpacked = Vec::new();
    let one_more = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match GzDecoder::new(content).take(one_more).read_to_end(&mut unpacked) {
        Ok(length) if length > limit => Err(too_large(limit)),
        Ok(_) => Ok(unpacked.into()),
        Err(error) => Err((StatusCode::BAD_REQUEST, format!("The body is not whole gzip: {error}."))),
    }
}

fn too_large(limit: usize) -> Refusal {
    (StatusCode::PAYLOAD_TOO_LARGE, format!("The body is over {limit} bytes, or was not sent whole."))
}
