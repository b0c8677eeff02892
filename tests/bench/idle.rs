//! Connections that are opened and then left alone, to learn what they hold.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;
use crate::peers::METRICS_TOKEN;

/// What is followed: the reader is told nothing of it while nothing happens.
const SUBSCRIPTION: &str = "subscription { spaceActivity(spaceId: \"SPACE\") { __typename } }";

/// What is opened.
#[derive(Clone, Copy)]
pub enum Held {
    /// A connection on which one query was answered.
    Http,
    /// A WebSocket that was acknowledged.
    Socket,
    /// The same with a subscription on it.
    Subscribed,
    /// An event stream of a subscription.
    Events,
}

/// Opens so many, and gives them to be held.
pub async fn hold(address: SocketAddr, token: &str, kind: Held, count: usize) -> Result<Vec<TcpStream>> {
    let subscription = SUBSCRIPTION.replace("SPACE", &space(address, token).await?);
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(match kind {
            Held::Http => http(address, token, "{ __typename }", "*/*", "__typename").await?,
            Held::Socket => socket(address, token, None).await?,
            Held::Subscribed => socket(address, token, Some(&subscription)).await?,
            Held::Events => http(address, token, &subscription, "text/event-stream", ":\n\n").await?,
        });
    }
    Ok(held)
}

/// How many subscriptions the server has.
pub async fn followers(address: SocketAddr) -> Result<usize> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET /metrics HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nauthorization: Bearer {METRICS_TOKEN}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let number = answer.lines().find_map(|line| line.strip_prefix("trellis_feed_followers ")?.parse().ok());
    number.ok_or_else(|| format!("no number of followers: {answer}").into())
}

/// A space that the reader may follow.
async fn space(address: SocketAddr, token: &str) -> Result<String> {
    let query = "{ viewer { personalSpace { id } } }";
    let mut stream = ask(address, token, query, "*/*").await?;
    let answer = hear(&mut stream, "spc_").await?;
    let start = answer.find("spc_").unwrap_or_default();
    Ok(answer[start..].split('"').next().unwrap_or_default().to_owned())
}

/// Asks by POST and reads until the answer holds the words.
async fn http(address: SocketAddr, token: &str, query: &str, accept: &str, words: &str) -> Result<TcpStream> {
    let mut stream = ask(address, token, query, accept).await?;
    hear(&mut stream, words).await?;
    Ok(stream)
}

async fn ask(address: SocketAddr, token: &str, query: &str, accept: &str) -> Result<TcpStream> {
    let content = json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{head}{content}").as_bytes()).await?;
    Ok(stream)
}

/// Opens a WebSocket, introduces itself, and may subscribe.
pub async fn socket(address: SocketAddr, token: &str, subscription: Option<&str>) -> Result<TcpStream> {
    let mut stream = TcpStream::connect(address).await?;
    let head = format!(
        "GET /graphql HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
         sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         sec-websocket-protocol: graphql-transport-ws\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await?;
    hear(&mut stream, "HTTP/1.1 101").await?;
    let introduction = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    stream.write_all(&frame(&introduction.to_string())?).await?;
    hear(&mut stream, "connection_ack").await?;
    if let Some(subscription) = subscription {
        let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": subscription } });
        stream.write_all(&frame(&subscribe.to_string())?).await?;
    }
    Ok(stream)
}

/// A text as a client sends it: masked, here with zeros.
fn frame(text: &str) -> Result<Vec<u8>> {
    let length = u16::try_from(text.len())?;
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend(length.to_be_bytes());
    frame.extend([0; 4]);
    frame.extend(text.as_bytes());
    Ok(frame)
}

/// Reads until these words come, which must be the first thing that is said.
async fn hear(stream: &mut TcpStream, words: &str) -> Result<String> {
    let mut heard = Vec::new();
    loop {
        let length = stream.read_buf(&mut heard).await?;
        let text = String::from_utf8_lossy(&heard);
        if text.contains("\"errors\"") || text.contains("\"error\"") || length == 0 {
            return Err(format!("not {words} but {text}").into());
        }
        if text.contains(words) {
            return Ok(text.into_owned());
        }
    }
}
