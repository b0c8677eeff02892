//! Connections that are opened and then left alone, to learn what they hold.

use std::net::SocketAddr;

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::Result;

/// What is opened.
pub enum Held<'a> {
    /// A connection on which one query was answered.
    Http,
    /// A WebSocket that was acknowledged.
    Socket,
    /// The same with a subscription on it.
    Subscribed(&'a str),
    /// An event stream of a subscription.
    Events(&'a str),
}

/// Opens so many, and gives them to be held.
pub async fn hold(address: SocketAddr, token: &str, kind: &Held<'_>, count: usize) -> Result<Vec<TcpStream>> {
    let mut held = Vec::with_capacity(count);
    for _ in 0..count {
        held.push(match kind {
            Held::Http => http(address, token, "{ __typename }", "*/*").await?,
            Held::Socket => socket(address, token, None).await?,
            Held::Subscribed(subscription) => socket(address, token, Some(subscription)).await?,
            Held::Events(subscription) => http(address, token, subscription, "text/event-stream").await?,
        });
    }
    Ok(held)
}

/// Asks by POST and reads the beginning of the answer.
async fn http(address: SocketAddr, token: &str, query: &str, accept: &str) -> Result<TcpStream> {
    let content = json!({ "query": query }).to_string();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\naccept: {accept}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        content.len()
    );
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(format!("{head}{content}").as_bytes()).await?;
    expect(&mut stream, "HTTP/1.1 200").await?;
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
    expect(&mut stream, "HTTP/1.1 101").await?;
    let introduction = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    stream.write_all(&frame(&introduction.to_string())?).await?;
    expect(&mut stream, "connection_ack").await?;
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

async fn expect(stream: &mut TcpStream, words: &str) -> Result<()> {
    let mut heard = [0; 2048];
    let length = stream.read(&mut heard).await?;
    let heard = String::from_utf8_lossy(&heard[..length]);
    if heard.contains(words) { Ok(()) } else { Err(format!("not {words} but {heard}").into()) }
}
