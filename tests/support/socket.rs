//! A WebSocket that speaks graphql-transport-ws.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::answer::reason;
use super::waiting::within;

/// The codes of the errors in a message, whether the operation was refused or ended with them.
pub fn codes(message: &Value) -> Vec<&str> {
    let payload = &message["payload"];
    let errors = payload.as_array().or_else(|| payload["errors"].as_array()).map_or(&[][..], Vec::as_slice);
    errors.iter().map(|error| reason(error).unwrap_or("none")).collect()
}

/// An open socket.
pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    next_id: u32,
}

impl Socket {
    /// Connects and introduces itself with the token.
    pub async fn open(address: &str, token: Option<&str>) -> Self {
        let mut socket = Self::connect(address).await;
        let payload = token.map_or(json!({}), |token| json!({ "authorization": format!("Bearer {token}") }));
        socket.send(json!({ "type": "connection_init", "payload": payload })).await;
        assert_eq!(socket.message().await["type"], "connection_ack");
        socket
    }

    /// Connects and says nothing yet.
    pub async fn connect(address: &str) -> Self {
        let mut request = address.into_client_request().expect("an address");
        let protocol = "graphql-transport-ws".parse().expect("a header");
        request.headers_mut().insert("sec-websocket-protocol", protocol);
        let (stream, _) = within("a WebSocket opens", connect_async(request)).await.expect("the socket opens");
        Self { stream, next_id: 0 }
    }

    pub async fn send(&mut self, message: Value) {
        self.stream.send(Message::text(message.to_string())).await.expect("the socket takes a message");
    }

    /// Starts an operation and gives its id.
    pub async fn subscribe(&mut self, query: &str, variables: Value) -> String {
        self.next_id += 1;
        let id = self.next_id.to_string();
        let payload = json!({ "query": query, "variables": variables });
        self.send(json!({ "id": id, "type": "subscribe", "payload": payload })).await;
        id
    }

    /// The next message that is no ping; the close code, as a number, when there is none any more.
    pub async fn message(&mut self) -> Value {
        loop {
            let message = within("a message arrives", self.stream.next()).await;
            match message.expect("the socket is open").expect("a well-formed frame") {
                Message::Text(text) => {
                    let message: Value = serde_json::from_str(&text).expect("a message is JSON");
                    if message["type"] != "ping" {
                        return message;
                    }
                }
                Message::Close(frame) => return frame.map_or(Value::Null, |frame| u16::from(frame.code).into()),
                _ => {}
            }
        }
    }

    /// The data of the next event.
    pub async fn event(&mut self) -> Value {
        let message = self.message().await;
        assert_eq!(message["type"], "next", "{message}");
        assert!(message["payload"]["errors"].is_null(), "{message}");
        message["payload"]["data"].clone()
    }

    /// Asks for an answer, and so knows that everything sent before was taken up.
    pub async fn settle(&mut self) {
        let id = self.subscribe("{ __typename }", Value::Null).await;
        assert_eq!(self.message().await["type"], "next");
        assert_eq!(self.message().await, json!({ "id": id, "type": "complete" }));
    }
}
