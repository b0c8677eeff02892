//! Which version of the protocol a message is of, by what stands in its headers and in its `_meta`, and that both say the
//! same: what stands between a client and us may look at the headers alone.
//! Source: <https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http>.

use axum::http::{HeaderMap, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};

use super::messages::{Fault, codes};
use crate::platform::mcp::{Era, Tool};

const VERSION: &str = "mcp-protocol-version";
const VERSION_META: &str = "io.modelcontextprotocol/protocolVersion";
const CAPABILITIES_META: &str = "io.modelcontextprotocol/clientCapabilities";

/// The oldest version that has this transport.
const OLDEST: ProtocolVersion = ProtocolVersion::V_2025_03_26;

/// The version that a message is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Spoken {
    pub era: Era,
    pub version: ProtocolVersion,
}

/// The versions that are spoken here, the newest first.
fn versions() -> impl Iterator<Item = &'static ProtocolVersion> {
    ProtocolVersion::KNOWN_VERSIONS.iter().rev().filter(|version| version.as_str() >= OLDEST.as_str())
}

fn known(text: &str) -> Option<Spoken> {
    let version = versions().find(|version| version.as_str() == text)?;
    let era = if version.has_initialize() { Era::Session } else { Era::Stateless };
    Some(Spoken { era, version: version.clone() })
}

fn unsupported(requested: &str) -> Fault {
    let supported: Vec<&str> = versions().map(ProtocolVersion::as_str).collect();
    Fault {
        data: Some(json!({ "supported": supported, "requested": requested })),
        ..Fault::malformed(codes::UNSUPPORTED_PROTOCOL_VERSION, "Unsupported protocol version")
    }
}

fn mismatch(message: impl Into<String>) -> Fault {
    Fault::malformed(codes::HEADER_MISMATCH, message)
}

/// The one value of a header; none where there is none.
fn header<'a>(headers: &'a HeaderMap, name: &str) -> Result<Option<&'a str>, Fault> {
    let mut values = headers.get_all(name).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let value = value.to_str().ok().filter(|_| values.next().is_none());
    value.map(|value| Some(value.trim())).ok_or_else(|| mismatch(format!("Send one {name} header, in plain text.")))
}

impl Spoken {
    /// The version of a message.
    ///
    /// # Errors
    /// Where it is not spoken here, or header and body disagree.
    pub fn of(headers: &HeaderMap, method: &str, params: &Map<String, Value>) -> Result<Self, Fault> {
        let named = header(headers, VERSION)?;
        if method == "initialize" {
            return Self::initializing(named, params);
        }
        let meta = params.get("_meta").and_then(Value::as_object);
        let claimed = match meta.and_then(|meta| meta.get(VERSION_META)) {
            None => None,
            Some(Value::String(claimed)) => Some(claimed.as_str()),
            Some(_) => return Err(Fault::malformed(codes::INVALID_PARAMS, format!("{VERSION_META} is a text."))),
        };
        let spoken = match (named, claimed) {
            (None, None) if method == "server/discover" => None,
            (None, None) => Some(Self { era: Era::Session, version: OLDEST }),
            (None, Some(claimed)) => {
                return Err(mismatch(format!("The body says version {claimed} and MCP-Protocol-Version is missing.")));
            }
            (Some(named), Some(claimed)) if named != claimed => {
                return Err(mismatch(format!("The body says version {claimed} and MCP-Protocol-Version {named}.")));
            }
            (Some(named), _) => Some(known(named).ok_or_else(|| unsupported(named))?),
        };
        let is_notification = method.starts_with("notifications/");
        let has_context =
            claimed.is_some() && meta.is_some_and(|meta| meta.get(CAPABILITIES_META).is_some_and(Value::is_object));
        match spoken {
            Some(spoken) if spoken.era == Era::Session => Ok(spoken),
            Some(spoken) if is_notification || has_context => {
                Self::check_method(headers, method, is_notification)?;
                Ok(spoken)
            }
            _ => {
                let message = format!("Each request says {VERSION_META} and {CAPABILITIES_META} in its _meta.");
                Err(Fault::malformed(codes::INVALID_PARAMS, message))
            }
        }
    }

    /// The older era agrees on a version first: the one asked for, or else the newest of that era.
    fn initializing(named: Option<&str>, params: &Map<String, Value>) -> Result<Self, Fault> {
        let asked = params.get("protocolVersion").and_then(Value::as_str);
        let asked = asked.ok_or_else(|| Fault::new(codes::INVALID_PARAMS, "initialize says its protocolVersion."))?;
        if named.is_some_and(|named| named != asked) {
            return Err(mismatch(format!("initialize says version {asked} and MCP-Protocol-Version another.")));
        }
        let agreed = known(asked).filter(|spoken| spoken.era == Era::Session);
        let newest = Self { era: Era::Session, version: ProtocolVersion::LATEST_WITH_INITIALIZE };
        Ok(agreed.unwrap_or(newest))
    }

    fn check_method(headers: &HeaderMap, method: &str, may_lack: bool) -> Result<(), Fault> {
        match header(headers, "mcp-method")? {
            None if may_lack => Ok(()),
            None => Err(mismatch("The header Mcp-Method is missing.")),
            Some(named) if named == method => Ok(()),
            Some(named) => Err(mismatch(format!("The body says method {method} and Mcp-Method {named}."))),
        }
    }
}

/// That `Mcp-Name` names what the body names, in the newer era.
pub fn check_name(spoken: &Spoken, headers: &HeaderMap, name: &str) -> Result<(), Fault> {
    if spoken.era == Era::Session {
        return Ok(());
    }
    let named = header(headers, "mcp-name")?.ok_or_else(|| mismatch("The header Mcp-Name is missing."))?;
    match decoded(named) {
        Some(named) if named == name => Ok(()),
        _ => Err(mismatch(format!("The body says name {name} and Mcp-Name another."))),
    }
}

/// That the arguments which a tool's schema wants as headers stand there as they stand in the body, in the newer era.
pub fn check_parameters(
    spoken: &Spoken,
    headers: &HeaderMap,
    schema: &Value,
    arguments: &Map<String, Value>,
) -> Result<(), Fault> {
    if spoken.era == Era::Session {
        return Ok(());
    }
    let tool = Tool { name: "", input_schema: Some(schema) };
    for (name, wanted) in crate::platform::mcp::calling::headers(tool, arguments).iter() {
        if name == "mcp-name" {
            continue;
        }
        let text = |value: &str| decoded(value);
        let wanted = wanted.to_str().ok().and_then(text);
        if header(headers, name.as_str())?.and_then(text) != wanted {
            return Err(mismatch(format!("The header {name} is not what the body says.")));
        }
    }
    Ok(())
}

/// The text of a header, which stands in Base64 between marks where it cannot stand as it is.
fn decoded(value: &str) -> Option<String> {
    match value.strip_prefix("=?base64?").and_then(|rest| rest.strip_suffix("?=")) {
        Some(encoded) => String::from_utf8(STANDARD.decode(encoded).ok()?).ok(),
        None => Some(value.to_owned()),
    }
}

/// What a fault shows in the status: the newer era tells faults of the protocol there too.
pub(super) fn status(era: Era, fault: &Fault) -> StatusCode {
    match (fault.status, era, fault.code) {
        (Some(status), _, _) => status,
        (None, Era::Stateless, codes::METHOD_NOT_FOUND) => StatusCode::NOT_FOUND,
        (None, _, _) => StatusCode::OK,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spoken(headers: &[(&'static str, &str)], method: &str, params: Value) -> Result<Spoken, i64> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().expect("a header"));
        }
        Spoken::of(&map, method, params.as_object().expect("params")).map_err(|fault| fault.code)
    }

    fn newer() -> Value {
        json!({ "_meta": { VERSION_META: "2026-07-28", CAPABILITIES_META: {} } })
    }

    #[test]
    fn the_older_era_agrees_on_a_version() {
        let version = |asked: &str| spoken(&[], "initialize", json!({ "protocolVersion": asked })).map(|s| s.version);
        assert_eq!(version("2025-06-18"), Ok(ProtocolVersion::V_2025_06_18));
        for unknown in ["2024-11-05", "2026-07-28", "1.0"] {
            assert_eq!(version(unknown), Ok(ProtocolVersion::V_2025_11_25), "{unknown}");
        }
        assert_eq!(spoken(&[], "tools/list", json!({})).map(|spoken| spoken.era), Ok(Era::Session));
    }

    #[test]
    fn in_the_newer_era_header_and_body_say_the_same() {
        let both: &[(&str, &str)] = &[(VERSION, "2026-07-28"), ("mcp-method", "tools/list")];
        assert_eq!(spoken(both, "tools/list", newer()).map(|spoken| spoken.era), Ok(Era::Stateless));
        assert_eq!(spoken(&both[..1], "tools/list", newer()), Err(codes::HEADER_MISMATCH));
        assert_eq!(spoken(both, "tools/call", newer()), Err(codes::HEADER_MISMATCH));
        assert_eq!(spoken(&[], "tools/list", newer()), Err(codes::HEADER_MISMATCH));
        assert_eq!(spoken(both, "tools/list", json!({})), Err(codes::INVALID_PARAMS));
        let older = [(VERSION, "2025-11-25"), ("mcp-method", "tools/list")];
        assert_eq!(spoken(&older, "tools/list", newer()), Err(codes::HEADER_MISMATCH));
        let unknown = [(VERSION, "2031-01-01")];
        assert_eq!(spoken(&unknown, "tools/list", json!({})), Err(codes::UNSUPPORTED_PROTOCOL_VERSION));
        let twice = [both[0], both[0], both[1]];
        assert_eq!(spoken(&twice, "tools/list", newer()), Err(codes::HEADER_MISMATCH));
    }

    #[test]
    fn a_name_and_marked_arguments_are_the_same_in_header_and_body() {
        let newer = Spoken { era: Era::Stateless, version: ProtocolVersion::V_2026_07_28 };
        let mut headers = HeaderMap::new();
        headers.insert("mcp-name", "=?base64?RMO8c3NlbGRvcmY=?=".parse().expect("a header"));
        assert_eq!(check_name(&newer, &headers, "Düsseldorf"), Ok(()));
        assert!(check_name(&newer, &headers, "Köln").is_err());
        let schema = json!({ "properties": { "region": { "type": "string", "x-mcp-header": "Region" } } });
        let arguments = json!({ "region": "eu" });
        let arguments = arguments.as_object().expect("an object");
        assert!(check_parameters(&newer, &headers, &schema, arguments).is_err());
        headers.insert("mcp-param-region", "eu".parse().expect("a header"));
        assert_eq!(check_parameters(&newer, &headers, &schema, arguments), Ok(()));
    }
}
