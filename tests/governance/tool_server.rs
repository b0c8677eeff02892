//! A small MCP server at an address of its own, whose words a test chooses and changes.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinHandle;

use crate::support::eventually;

/// What the server says, and how it behaves.
#[derive(Clone, Debug)]
pub struct Words {
    pub tools: Value,
    pub instructions: Option<String>,
    /// The list of tools never comes.
    pub hangs: bool,
    /// The list of tools has another page without end.
    pub is_endless: bool,
    /// Whoever does not bring this header is refused.
    pub authorization: Option<String>,
    /// What each call ends with.
    pub result: Value,
    /// Calls are heard and never answered.
    pub hangs_in_calls: bool,
}

struct Shared {
    words: Mutex<Words>,
    lists: AtomicUsize,
    calls: Mutex<Vec<Value>>,
    /// Calls that somebody still waits for.
    waiting: AtomicUsize,
}

/// A server that answers until it is dropped.
pub struct ToolServer {
    pub url: String,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

impl ToolServer {
    /// A server that has these tools.
    pub async fn with(tools: Value) -> Self {
        let words = Words {
            tools,
            instructions: None,
            hangs: false,
            is_endless: false,
            authorization: None,
            result: json!({ "content": [{ "type": "text", "text": "Done." }] }),
            hangs_in_calls: false,
        };
        let shared = Arc::new(Shared {
            words: Mutex::new(words),
            lists: AtomicUsize::new(0),
            calls: Mutex::default(),
            waiting: AtomicUsize::new(0),
        });
        let router = Router::new().route("/mcp", post(answer)).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/mcp", listener.local_addr().expect("an address"));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.expect("it serves") });
        Self { url, shared, serving }
    }

    /// From now on it says something else.
    pub fn say(&self, change: impl FnOnce(&mut Words)) {
        change(&mut self.shared.words.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// How often its tools were asked for.
    pub fn lists(&self) -> usize {
        self.shared.lists.load(Ordering::SeqCst)
    }

    /// The arguments of each call.
    pub fn calls(&self) -> Vec<Value> {
        self.shared.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether nobody waits for a call any more.
    pub fn is_left_alone(&self) -> bool {
        self.shared.waiting.load(Ordering::SeqCst) == 0
    }

    /// Goes away. Its port is held and nobody listens there, so that no other server is found in its place.
    pub async fn leave(self) -> TcpSocket {
        let address = url::Url::parse(&self.url).expect("an address").socket_addrs(|| None).expect("an address")[0];
        drop(self);
        eventually("the port is free", async || {
            let socket = TcpSocket::new_v4().ok()?;
            socket.set_reuseaddr(true).ok()?;
            socket.bind(address).ok()?;
            Some(socket)
        })
        .await
    }

    /// As it is registered.
    pub fn transport(&self) -> Value {
        json!({ "http": { "url": self.url } })
    }
}

impl Drop for ToolServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Somebody waits for a call, until this is dropped.
struct Waiting(Arc<Shared>);

impl Waiting {
    fn of(shared: &Arc<Shared>) -> Self {
        shared.waiting.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(shared))
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let words = shared.words.lock().unwrap_or_else(PoisonError::into_inner).clone();
    let message: Value = serde_json::from_slice(&body).expect("a message is JSON");
    let brought = headers.get("authorization").and_then(|value| value.to_str().ok());
    if words.authorization.is_some() && words.authorization.as_deref() != brought {
        return StatusCode::UNAUTHORIZED.into_response();
    }
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({
            "protocolVersion": message["params"]["protocolVersion"],
            "capabilities": { "tools": {} },
            "serverInfo": { "name": "small", "title": "A small server", "version": "1.0.0" },
            "instructions": words.instructions,
        }),
        Some("tools/list") => {
            let number = shared.lists.fetch_add(1, Ordering::SeqCst);
            if words.hangs {
                std::future::pending::<()>().await;
            }
            match words.is_endless {
                true => json!({ "tools": [], "nextCursor": number.to_string() }),
                false => json!({ "tools": words.tools }),
            }
        }
        Some("tools/call") => {
            let arguments = message["params"]["arguments"].clone();
            shared.calls.lock().unwrap_or_else(PoisonError::into_inner).push(arguments);
            let _waiting = Waiting::of(&shared);
            if words.hangs_in_calls {
                std::future::pending::<()>().await;
            }
            if words.result.get("error").is_some() {
                let error = &words.result["error"];
                return axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
            }
            words.result
        }
        _ => {
            let error = json!({ "code": -32601, "message": "Unknown method" });
            return axum::Json(json!({ "jsonrpc": "2.0", "id": id, "error": error })).into_response();
        }
    };
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}
