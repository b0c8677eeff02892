//! Media types: what a request says that it sends and accepts.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

const RESPONSE_JSON: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
/// Answered by `sse`; what is refused before that is told in JSON.
pub const EVENTS: &str = "text/event-stream";

/// The media type to answer with, and whether request errors show in the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Media {
    /// `application/graphql-response+json`: a request error is a 400.
    Response,
    /// `application/json`: a well-formed request is always a 200.
    Json,
}

/// The media ranges that the request accepts, in lower case, each with its quality.
pub fn accepted(headers: &HeaderMap) -> impl Iterator<Item = (String, f32)> {
    let ranges = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    ranges.flat_map(|value| value.split(',')).map(|range| {
        let mut parts = range.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts.find_map(|parameter| parameter.strip_prefix("q="));
        (media, quality.map_or(1.0, |quality| quality.parse().unwrap_or(0.0)))
    })
}

/// Whether the request takes a stream of events for its answer.
pub fn accepts_events(headers: &HeaderMap) -> bool {
    accepted(headers).any(|(range, quality)| range == EVENTS && quality > 0.0)
}

impl Media {
    /// Chooses by `Accept`: the newer type unless only the older is accepted; none when neither is.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        if !headers.contains_key(header::ACCEPT) {
            return Some(Media::Response);
        }
        let mut best: Option<(Media, f32)> = None;
        for (range, quality) in accepted(headers) {
            let media = match range.as_str() {
                RESPONSE_JSON => Media::Response,
                JSON | EVENTS | "application/*" | "*/*" | "" => Media::Json,
                _ => continue,
            };
            let better = match best {
                None => quality > 0.0,
                Some((held, best_quality)) => {
                    quality > best_quality || (quality == best_quality && held == Media::Json)
                }
            };
            if better {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    pub fn content_type(self) -> HeaderValue {
        match self {
            Media::Response => HeaderValue::from_static("application/graphql-response+json; charset=utf-8"),
            Media::Json => HeaderValue::from_static("application/json; charset=utf-8"),
        }
    }

    /// The status of a response, by whether the operation ran.
    pub fn status(self, ran: bool) -> StatusCode {
        match self {
            Media::Response if !ran => StatusCode::BAD_REQUEST,
            Media::Response | Media::Json => StatusCode::OK,
        }
    }
}

/// Whether the body is JSON in UTF-8.
pub fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(content_type)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case(JSON));
    is_json
        && parts.all(|parameter| {
            parameter.split_once('=').is_none_or(|(name, value)| {
                !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
}
