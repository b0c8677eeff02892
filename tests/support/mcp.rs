//! MCP servers to speak with: those of others, and hostile ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use api::platform::config::SecretText;
use api::platform::mcp::{
    AllowedCommands, Bounds, Discovered, Failure, Progress, ToolResult, Transport, call, discover,
};
use serde_json::{Map, Value};

use super::database::environment;
use super::process::{Program, free_port};
use super::waiting::eventually;

/// A server over its input and output, made with Node.
pub fn node(arguments: &[&str]) -> Transport {
    program(&environment("TRELLIS_NODE"), arguments)
}

pub fn program(command: &str, arguments: &[&str]) -> Transport {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    Transport::Stdio { command: command.to_owned(), arguments, environment: BTreeMap::new() }
}

/// A file of the folder of MCP servers.
pub fn script(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("mcp").join(name);
    path.to_str().expect("a path of text").to_owned()
}

/// One of the official servers for Node.
pub fn official(name: &str) -> String {
    script(&format!("node_modules/@modelcontextprotocol/server-{name}/dist/index.js"))
}

/// One of the official servers for Python, with its arguments.
pub fn python(name: &str, arguments: &[&str]) -> Transport {
    let server = PathBuf::from(environment("TRELLIS_PYTHON")).with_file_name(format!("mcp-server-{name}"));
    program(server.to_str().expect("a path of text"), arguments)
}

/// The hostile one, in this mode.
pub fn hostile(mode: &str, argument: &Path) -> Transport {
    node(&[&script("hostile_program.mjs"), mode, argument.to_str().expect("a path of text")])
}

/// The same server, with a secret in its environment.
pub fn with_secret(transport: Transport, name: &str, value: &str) -> Transport {
    let secret = BTreeMap::from([(name.to_owned(), SecretText::from(value))]);
    match transport {
        Transport::Stdio { command, arguments, .. } => Transport::Stdio { command, arguments, environment: secret },
        Transport::Http { url, .. } => Transport::Http { url, headers: secret },
        Transport::Sse { url, .. } => Transport::Sse { url, headers: secret },
    }
}

/// All that a server of this machine needs to be allowed.
pub fn bounds() -> Bounds {
    Bounds { private_addresses: true, plain_http: true, commands: AllowedCommands::Any, ..Bounds::default() }
}

/// As above, for a server that is not going to answer.
pub fn impatient() -> Bounds {
    Bounds { connect: Duration::from_secs(2), run: Duration::from_secs(6), ..bounds() }
}

/// Discovers the server, then calls a tool of it as it was discovered.
pub async fn discover_and_call(
    transport: &Transport,
    tool: &str,
    arguments: Value,
    bounds: &Bounds,
) -> Result<ToolResult, Failure> {
    let found = discover(transport, bounds).await?;
    call_as(&found, transport, tool, arguments, |_| (), bounds).await
}

pub async fn call_as(
    found: &Discovered,
    transport: &Transport,
    tool: &str,
    arguments: Value,
    progress: impl FnMut(Progress) + Send,
    bounds: &Bounds,
) -> Result<ToolResult, Failure> {
    call(transport, found.era, &found.protocol_version, tool, object(arguments), progress, bounds).await
}

pub fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

/// The names of the tools that were found.
pub fn names(found: &Discovered) -> Vec<&str> {
    found.tools.iter().map(|tool| tool["name"].as_str().expect("a tool has a name")).collect()
}

/// The texts of a result, one after the other.
pub fn text(result: &ToolResult) -> String {
    result.content.iter().filter_map(|block| Some(block.as_text()?.text.as_str())).collect()
}

/// A server at an address of this machine, which ends with the test.
pub struct McpServer {
    pub port: u16,
    _program: Program,
}

impl McpServer {
    /// Runs a script with Node; its port comes last among the arguments and in the environment.
    pub async fn start(arguments: &[&str]) -> Self {
        let port = free_port();
        let mut command = Command::new(environment("TRELLIS_NODE"));
        command.args(arguments).arg(port.to_string()).env("PORT", port.to_string());
        let program = Program::start(command.stderr(std::process::Stdio::null()));
        eventually("the server listens", async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.ok()).await;
        Self { port, _program: program }
    }

    pub async fn hostile() -> Self {
        Self::start(&[&script("hostile_address.mjs")]).await
    }

    pub fn http(&self, path: &str) -> Transport {
        Transport::Http { url: self.url(path), headers: BTreeMap::new() }
    }

    pub fn sse(&self, path: &str) -> Transport {
        Transport::Sse { url: self.url(path), headers: BTreeMap::new() }
    }

    fn url(&self, path: &str) -> url::Url {
        format!("http://127.0.0.1:{}/{path}", self.port).parse().expect("an address")
    }

    /// Each request that the hostile server got in this mode.
    pub async fn heard(&self, mode: &str) -> Vec<Value> {
        let heard = reqwest::Client::builder().no_proxy().build().expect("an HTTP client").get(self.url("heard"));
        let heard: Vec<Value> = heard.send().await.expect("an answer").json().await.expect("a list");
        heard.into_iter().filter(|request| request["mode"] == mode).collect()
    }
}

/// Waits until no process of this number runs any more. One that nobody has waited for yet does not run.
pub async fn is_gone(pid: &str) {
    let status = format!("/proc/{pid}/status");
    let is_gone = async || match fs::read_to_string(&status) {
        Ok(status) => status.lines().any(|line| line.starts_with("State:\tZ")).then_some(()),
        Err(_) => Some(()),
    };
    eventually("the process is gone", is_gone).await;
}
