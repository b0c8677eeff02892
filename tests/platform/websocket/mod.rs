//! GraphQL over WebSocket (graphql-transport-ws): operations of every kind, the close codes, and the limits.

mod codes;
mod limits;
mod operations;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::support::{Client, World, eventually, within};

/// The other end of a socket, below what `support::Socket` knows of the protocol.
struct Peer(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Peer {
    async fn with_protocol(world: &World, protocol: Option<&str>) -> Result<Self, Error> {
        let mut request = world.server.websocket().into_client_request()?;
        if let Some(protocol) = protocol {
            request.headers_mut().insert("sec-websocket-protocol", protocol.parse().expect("a header"));
        }
        within("a handshake", connect_async(request)).await.map(|(stream, _)| Self(stream))
    }

    /// Connected, and a stranger still.
    async fn connect(world: &World) -> Self {
        Self::with_protocol(world, Some("graphql-transport-ws")).await.expect("the socket opens")
    }

    /// Connected and acknowledged.
    async fn introduced(world: &World, client: &Client) -> Self {
        let mut peer = Self::connect(world).await;
        peer.say(&introduction(client).to_string()).await;
        assert_eq!(peer.hear().await, json!({ "type": "connection_ack" }));
        peer
    }

    async fn say(&mut self, text: &str) {
        self.0.send(Message::text(text)).await.expect("the socket takes a message");
    }

    async fn subscribe(&mut self, id: &str, query: &str, variables: Value) {
        let payload = json!({ "query": query, "variables": variables });
        self.say(&json!({ "id": id, "type": "subscribe", "payload": payload }).to_string()).await;
    }

    /// Sends bytes as they are.
    async fn push(&mut self, bytes: &[u8]) {
        let MaybeTlsStream::Plain(connection) = self.0.get_mut() else { panic!("it is not encrypted") };
        connection.write_all(bytes).await.expect("the connection takes bytes");
    }

    async fn next(&mut self) -> Message {
        loop {
            let message = within("a message arrives", self.0.next()).await.expect("the socket is open");
            match message.expect("a well-formed frame") {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return message,
            }
        }
    }

    async fn hear(&mut self) -> Value {
        match self.next().await {
            Message::Text(text) => serde_json::from_str(&text).expect("a message is JSON"),
            other => panic!("{other:?}"),
        }
    }

    /// The code and the reason it is closed with, which come next.
    async fn closed(&mut self) -> (u16, String) {
        match self.next().await {
            Message::Close(Some(frame)) => (frame.code.into(), frame.reason.to_string()),
            other => panic!("{other:?}"),
        }
    }

    /// The same, after whatever was on its way.
    async fn closed_at_last(&mut self) -> (u16, String) {
        loop {
            if let Message::Close(Some(frame)) = self.next().await {
                return (frame.code.into(), frame.reason.to_string());
            }
        }
    }
}

fn introduction(client: &Client) -> Value {
    let payload = client.token.as_ref().map(|token| json!({ "authorization": format!("Bearer {token}") }));
    json!({ "type": "connection_init", "payload": payload })
}

fn closed(code: u16, reason: &str) -> (u16, String) {
    (code, reason.to_owned())
}

/// A frame as a client sends it, under a mask of zeros.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).ok().filter(|length| *length < 126).expect("a short frame");
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}

/// Waits until this many subscriptions follow the feed.
async fn followers(world: &World, number: usize) {
    let feed = &world.server.platform().feed;
    eventually("the subscriptions begin or end", async || (feed.status().followers == number).then_some(())).await;
}
