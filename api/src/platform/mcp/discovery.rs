//! Asking a server what it is and which tools it has. The list comes in pages, whose number only the server knows: so
//! pages, tools and bytes are counted here.

use std::collections::HashSet;
use std::time::Instant;

use http::HeaderMap;
use serde_json::{Map, Value, json};

use super::connection::{Connection, within};
use super::handshake::{self, refused};
use super::messages;
use super::scrub::Scrub;
use super::{Bounds, Discovered, Failure, Transport};

/// Reaches a server, whatever it speaks, and lists its tools. Of a program, nothing is left when this returns.
pub async fn discover(transport: &Transport, bounds: &Bounds) -> Result<Discovered, Failure> {
    let discovered = within(bounds.run, "its discovery", run(transport, bounds)).await;
    let scrub = Scrub::of(transport);
    match discovered {
        Ok(discovered) => Ok(discovered.scrubbed(&scrub)),
        Err(failure) => Err(failure.scrubbed(&scrub)),
    }
}

impl Discovered {
    /// Without the secrets that the server was given, wherever it repeats them.
    fn scrubbed(mut self, scrub: &Scrub) -> Self {
        for said in [&mut self.server_info, &mut self.server_capabilities].into_iter().chain(&mut self.tools) {
            scrub.conceal(said);
        }
        let mut instructions = json!(self.instructions);
        scrub.conceal(&mut instructions);
        self.instructions = instructions.as_str().map(str::to_owned);
        self
    }
}

async fn run(transport: &Transport, bounds: &Bounds) -> Result<Discovered, Failure> {
    let started = Instant::now();
    let (connection, introduction) = handshake::find(transport, bounds).await?;
    let has_tools = introduction.capabilities.get("tools").is_some_and(|tools| !tools.is_null());
    let tools = if has_tools { list(&connection, bounds).await } else { Ok(Vec::new()) };
    let duration = started.elapsed();
    let (era, protocol_version) = (connection.era, connection.version.to_string());
    connection.close().await;
    Ok(Discovered {
        era,
        protocol_version,
        server_info: introduction.server_info,
        server_capabilities: introduction.capabilities,
        client_capabilities: json!(messages::capabilities()),
        instructions: introduction.instructions,
        tools: tools?,
        duration,
    })
}

/// The tools of a server that was reached, each as it wrote them.
pub async fn list(connection: &Connection, bounds: &Bounds) -> Result<Vec<Value>, Failure> {
    let (mut tools, mut cursors, mut bytes) = (Vec::new(), HashSet::new(), 0);
    let mut params = Map::new();
    for _ in 0..bounds.pages {
        let answer = connection.ask("tools/list", params, HeaderMap::new(), None).await?;
        bytes += answer.size_bytes;
        if bytes > bounds.list_bytes {
            return Err(Failure::TooLarge { what: "its list of tools", most_bytes: bounds.list_bytes });
        }
        let mut page = answer.result.map_err(refused)?;
        let Some(Value::Array(listed)) = page.get_mut("tools").map(Value::take) else {
            return Err(Failure::protocol("its list of tools is no list"));
        };
        for tool in &listed {
            check(tool)?;
        }
        tools.extend(listed);
        if tools.len() > bounds.tools {
            return Err(Failure::TooManyTools { most: bounds.tools });
        }
        let cursor = match page.get_mut("nextCursor").map(Value::take) {
            None | Some(Value::Null) => return unique(tools),
            Some(Value::String(cursor)) => cursor,
            Some(_) => return Err(Failure::protocol("the next page of its list of tools is no text")),
        };
        params = Map::from_iter([("cursor".to_owned(), json!(cursor))]);
        if !cursors.insert(cursor) {
            return Err(Failure::RepeatedCursor);
        }
    }
    Err(Failure::TooManyPages { most: bounds.pages })
}

/// What is no tool is not passed over: a server that is misunderstood is not approved.
fn check(tool: &Value) -> Result<(), Failure> {
    match tool.get("name").and_then(Value::as_str) {
        None | Some("") => Err(Failure::protocol("one of its tools has no name")),
        Some(name) if name.chars().count() > 255 => Err(Failure::protocol("the name of one of its tools is too long")),
        Some(name) if !tool.get("inputSchema").is_some_and(Value::is_object) => {
            Err(Failure::protocol(format!("its tool {name:?} does not say what it takes")))
        }
        Some(_) => Ok(()),
    }
}

/// Of two tools of one name, one would be approved and the other called.
fn unique(tools: Vec<Value>) -> Result<Vec<Value>, Failure> {
    let mut names = HashSet::new();
    let repeated = tools.iter().filter_map(|tool| tool["name"].as_str()).find(|name| !names.insert(*name));
    match repeated {
        Some(name) => Err(Failure::protocol(format!("it has two tools with the name {name:?}"))),
        None => Ok(tools),
    }
}
