//! Agreeing on a protocol. Whether a server speaks the newer one shows when it is asked; the older one is then tried over
//! a connection of its own, since a program keeps to the era of the first request it hears.

use std::time::Duration;

use http::HeaderMap;
use rmcp::model::{ErrorCode, ProtocolVersion};
use serde_json::{Map, Value, json};

use super::connection::{Connection, within};
use super::messages::{self, Answer, Refusal};
use super::{Bounds, Era, Failure, Transport};

/// How long a server may be silent when it is asked in the newer protocol, which an older one may not answer at all.
const PROBE: Duration = Duration::from_secs(8);
const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// What a server says of itself.
#[derive(Debug, Default)]
pub struct Introduction {
    pub server_info: Value,
    pub capabilities: Value,
    pub instructions: Option<String>,
}

/// Finds out what the server speaks.
pub async fn find(transport: &Transport, bounds: &Bounds) -> Result<(Connection, Introduction), Failure> {
    if !matches!(transport, Transport::Sse { .. }) {
        let probe = within(PROBE.min(bounds.connect), "connecting", discover(transport, bounds)).await;
        match probe {
            Ok(Some(found)) => return Ok(found),
            Ok(None) => {}
            // There is no server to ask in another way.
            Err(failure @ (Failure::NotAllowed(_) | Failure::Unauthorized { .. } | Failure::Refused { .. })) => {
                return Err(failure);
            }
            Err(failure @ Failure::Unreachable(_)) if matches!(transport, Transport::Stdio { .. }) => {
                return Err(failure);
            }
            Err(_) => {}
        }
    }
    let latest = ProtocolVersion::LATEST_WITH_INITIALIZE;
    within(bounds.connect, "connecting", initialize(transport, latest, bounds)).await
}

/// Reaches a server whose era is known.
pub async fn open(transport: &Transport, era: Era, version: &str, bounds: &Bounds) -> Result<Connection, Failure> {
    let known = ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == version);
    let known = known.filter(|known| known.has_initialize() == (era == Era::Session));
    let version = known.cloned().ok_or_else(|| unknown_version(version))?;
    within(bounds.connect, "connecting", async {
        match era {
            Era::Stateless => Connection::open(transport, era, version, bounds).await,
            Era::Session => Ok(initialize(transport, version, bounds).await?.0),
        }
    })
    .await
}

/// Asks in the newer protocol. Nothing comes of a server that speaks the older alone.
async fn discover(transport: &Transport, bounds: &Bounds) -> Result<Option<(Connection, Introduction)>, Failure> {
    let version = ProtocolVersion::LATEST;
    let connection = Connection::open(transport, Era::Stateless, version.clone(), bounds).await?;
    let answer = connection.ask("server/discover", Map::new(), HeaderMap::new(), None).await;
    match answer {
        Ok(Answer { result: Ok(result), .. }) => {
            let versions = result.get("supportedVersions").and_then(Value::as_array);
            let versions = versions.ok_or_else(|| Failure::protocol("it does not say which versions it speaks"))?;
            if versions.iter().any(|named| named == version.as_str()) {
                return Ok(Some((connection, introduction(result))));
            }
            connection.close().await;
            Ok(None)
        }
        Ok(Answer { result: Err(refusal), .. }) => {
            connection.close().await;
            if is_of_newer_era(&refusal) { Err(refused(refusal)) } else { Ok(None) }
        }
        Err(failure) => {
            connection.close().await;
            Err(failure)
        }
    }
}

/// Whether only a server of the newer era gives this answer, so that the older need not be tried.
fn is_of_newer_era(refusal: &Refusal) -> bool {
    [ErrorCode::HEADER_MISMATCH, ErrorCode::MISSING_REQUIRED_CLIENT_CAPABILITY]
        .iter()
        .any(|code| i64::from(code.0) == refusal.code)
}

async fn initialize(
    transport: &Transport,
    version: ProtocolVersion,
    bounds: &Bounds,
) -> Result<(Connection, Introduction), Failure> {
    let mut connection = Connection::open(transport, Era::Session, version.clone(), bounds).await?;
    let params = json!({
        "protocolVersion": version,
        "capabilities": messages::capabilities(),
        "clientInfo": messages::client(),
    });
    let params = params.as_object().cloned().unwrap_or_default();
    let answer = connection.ask("initialize", params, HeaderMap::new(), None).await?;
    let result = answer.result.map_err(refused)?;
    let chosen = result.get("protocolVersion").and_then(Value::as_str).unwrap_or_default();
    let known = ProtocolVersion::KNOWN_VERSIONS.iter().find(|known| known.as_str() == chosen && known.has_initialize());
    let known = known.ok_or_else(|| unknown_version(chosen))?;
    connection.agree(known.clone());
    connection.tell("notifications/initialized").await?;
    Ok((connection, introduction(result)))
}

fn unknown_version(version: &str) -> Failure {
    Failure::protocol(format!("it speaks version {version:?}, which is not known here"))
}

pub fn refused(refusal: Refusal) -> Failure {
    Failure::Refused { code: refusal.code, message: refusal.message }
}

/// The newer era writes the server's name into what surrounds the result.
fn introduction(mut result: Value) -> Introduction {
    let mut take = |name: &str| result.get_mut(name).map(Value::take).unwrap_or_default();
    let (info, capabilities, instructions) = (take("serverInfo"), take("capabilities"), take("instructions"));
    let mut meta = take("_meta");
    let server_info = match info {
        Value::Null => meta.get_mut(SERVER_INFO).map(Value::take).unwrap_or_default(),
        info => info,
    };
    Introduction { server_info, capabilities, instructions: instructions.as_str().map(str::to_owned) }
}
