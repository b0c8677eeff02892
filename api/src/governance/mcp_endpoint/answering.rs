//! What is answered to each method of the protocol.

use axum::http::HeaderMap;
use axum::response::Response;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::ids::ProjectId;
use serde_json::{Map, Value};

use super::entering::fault;
use super::{calling, listing};
use crate::platform::errors::{Error, Result as Done};
use crate::platform::loaders::Dispatched;
use crate::platform::mcp::Era;
use crate::platform::mcp::serving::{self, Fault, RequestId, ServerInfo, Spoken, codes};
use crate::platform::request::Request;

/// Who we are.
pub const INFO: ServerInfo = ServerInfo {
    name: "trellis",
    title: "Trellis",
    version: env!("CARGO_PKG_VERSION"),
    instructions: "The tools of a project, as its policies allow them: Trellis' own (trellis__…) search, read, create and \
        change documents, the others are of the servers that the project registered. A call that is refused says why; one \
        that needs an approval says how to repeat it.",
};

/// What a message costs of the allowance that operations of the graph cost too.
pub fn cost(method: &str) -> u64 {
    match method {
        "tools/list" | "tools/call" => 100,
        _ => 1,
    }
}

/// Runs work of a request with what it loads, for as long as an operation may take.
pub async fn within<T>(request: &Request, work: impl Future<Output = Done<T>>) -> Result<T, Fault> {
    let work = Dispatched::new(request.loaders().clone(), work);
    let done = tokio::time::timeout(request.platform.config.operation_timeout(), work).await;
    done.unwrap_or(Err(Error::Timeout)).map_err(|error| fault(&error))
}

/// Answers a request.
pub async fn answer(
    request: Request,
    project: ProjectId,
    headers: &HeaderMap,
    spoken: Spoken,
    id: RequestId,
    method: &str,
    params: Map<String, Value>,
) -> Response {
    let result = match (method, spoken.era) {
        ("tools/call", _) => return calling::answer(request, project, headers, spoken, id, params).await,
        ("tools/list", era) => list(&request, project, era, &params).await,
        ("initialize", Era::Session) => Ok(INFO.initialized(&spoken)),
        ("ping", Era::Session) => Ok(Map::new()),
        ("server/discover", Era::Stateless) => Ok(INFO.discovered()),
        _ => Err(Fault::new(codes::METHOD_NOT_FOUND, format!("There is no method {method} here."))),
    };
    match result {
        Ok(result) => serving::answer(INFO.result(&spoken, &id, result)),
        Err(fault) => serving::error_answer(&spoken, &id, &fault),
    }
}

async fn list(
    request: &Request,
    project: ProjectId,
    era: Era,
    params: &Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let unknown = || Fault::new(codes::INVALID_PARAMS, "This is not a cursor of this list.");
    let after = match params.get("cursor") {
        None | Some(Value::Null) => None,
        Some(Value::String(cursor)) => Some(name_of(cursor).ok_or_else(unknown)?),
        Some(_) => return Err(unknown()),
    };
    let mut listed = within(request, listing::list(request, project, era, after.as_deref())).await?;
    listed.next = listed.next.map(|name| URL_SAFE_NO_PAD.encode(name));
    Ok(listing::fields(listed, era))
}

fn name_of(cursor: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}
