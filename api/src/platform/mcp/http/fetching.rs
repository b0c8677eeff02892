//! A file at an address that anybody may have named, asked for by the same rules as a server.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::{HeaderMap, Method};
use url::Url;

use super::{Http, read_body};
use crate::platform::mcp::connection::within;
use crate::platform::mcp::{Bounds, Failure};

/// The file, of so many bytes at most.
pub async fn fetch(url: &Url, most_bytes: usize, bounds: &Bounds) -> Result<Bytes, Failure> {
    within(bounds.run, "sending the file", async {
        let http = Http::new(url, &BTreeMap::new(), bounds)?;
        let response = http.send(Method::GET, url, &HeaderMap::new(), Bytes::new()).await?;
        let status = response.status();
        if !status.is_success() {
            return Err(Failure::Unreachable(format!("it answers with HTTP {}", status.as_u16())));
        }
        read_body(response.into_body(), "the file", most_bytes).await
    })
    .await
}
