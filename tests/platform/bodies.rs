//! Bodies that are compressed, slow or cut, heads that never end, answers that nobody takes, and connections by the
//! hundred.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use reqwest::StatusCode;
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::support::{Answer, Client, Process, World, eventually, within};

fn gzip(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(content).expect("memory takes it");
    encoder.finish().expect("memory takes it")
}

async fn post(client: &Client, encoding: &str, body: Vec<u8>) -> Answer {
    let request = client.post().header(CONTENT_TYPE, "application/json").header(CONTENT_ENCODING, encoding);
    Answer::read(request.body(body).send().await.expect("the server answers")).await
}

#[tokio::test]
async fn a_compressed_body_is_read_and_one_in_another_encoding_is_refused() {
    let world = World::new().await;
    let content = json!({ "query": "{ viewer { user { id } } }" }).to_string().into_bytes();
    let answer = post(&world.owner, "gzip", gzip(&content)).await.well();
    assert_eq!(answer.text("viewer.user.id"), world.owner.id);
    for encoding in ["br", "deflate", "zstd", "gzip, gzip", "nonsense"] {
        let answer = post(&world.owner, encoding, gzip(&content)).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "BAD_REQUEST"), "{encoding}");
        assert_eq!(answer.headers[ACCEPT_ENCODING], "gzip");
    }
    for broken in [content.clone(), gzip(&content)[..20].to_vec(), Vec::new()] {
        let answer = post(&world.owner, "gzip", broken).await;
        assert!(
            answer.status.is_client_error() && answer.json["errors"].is_array(),
            "{} {}",
            answer.status,
            answer.body
        );
    }
    post(&world.owner, "identity", content).await;
}

#[tokio::test]
async fn a_long_answer_is_compressed_for_whoever_takes_it_so() {
    let world = World::new().await;
    let content = "All work and no play. ".repeat(1_000);
    let id = world.editor.document(&world.lab, json!({ "content": content })).await;
    let query = json!({ "query": "query($id: ID!) { node(id: $id) { ... on Document { content { text } } } }",
        "variables": { "id": id } });
    let ask = async |encoding: &str| {
        let request = world.editor.post().header(ACCEPT_ENCODING, encoding).json(&query);
        request.send().await.expect("the server answers")
    };
    let plain = ask("identity").await;
    assert!(!plain.headers().contains_key(CONTENT_ENCODING), "{:?}", plain.headers());
    let plain = plain.bytes().await.expect("a body");
    let packed = ask("gzip").await;
    assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
    let packed = packed.bytes().await.expect("a body");
    assert!(packed.len() * 10 < plain.len(), "{} of {}", packed.len(), plain.len());
    let mut unpacked = Vec::new();
    GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).expect("gzip");
    assert_eq!(unpacked, plain);
}

#[tokio::test]
async fn a_bomb_is_refused_once_it_is_over_the_cap_and_costs_no_more_memory_than_that() {
    let world = World::new().await;
    let mut process = Process::start(&world.database, &[]).await;
    let client = process.client(&world.anonymous);
    let bomb = gzip(&vec![b' '; 500_000_000]);
    assert!(bomb.len() < 1_000_000, "{}", bomb.len());
    let before = process.peak_bytes();
    for _ in 0..5 {
        let answer = post(&client, "gzip", bomb.clone()).await;
        assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    }
    let grown = process.peak_bytes() - before;
    assert!(grown < 250_000_000, "{grown} bytes");
    let large = client.post().header(CONTENT_TYPE, "application/json").body(vec![b' '; 50_000_000]);
    // The server may hang up before all of it was sent.
    if let Ok(answer) = large.send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    client.query("{ __typename }", Value::Null).await.well();
    assert!(process.program.runs());
}

/// A connection on which something was said.
async fn said(world: &World, words: &str) -> TcpStream {
    let address = world.server.at("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    stream.write_all(words.as_bytes()).await.expect("it takes the words");
    stream
}

/// What the server says until it hangs up, and when it does.
async fn heard(stream: &mut TcpStream) -> (String, Duration) {
    let start = Instant::now();
    let mut words = Vec::new();
    // An error is an end as well.
    let _ = within("the server hangs up", stream.read_to_end(&mut words)).await;
    (String::from_utf8_lossy(&words).into_owned(), start.elapsed())
}

#[tokio::test]
async fn a_head_that_is_never_finished_is_given_up() {
    let world = World::with(|config| config.http.http_head_seconds = 1).await;
    for words in ["", "POST /graphql HTTP/1.1\r\nhost: x\r\nx-slow: "] {
        let mut stream = said(&world, words).await;
        let (_, after) = heard(&mut stream).await;
        assert!(after < Duration::from_secs(10), "{after:?}");
    }
    world.anonymous.query("{ __typename }", Value::Null).await.well();
}

#[tokio::test]
async fn a_body_that_is_never_finished_is_given_up_with_an_answer() {
    let world = World::with(|config| config.http.http_body_seconds = 1).await;
    let head = "POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n";
    for words in [
        format!("{head}content-length: 1000\r\n\r\n{{\"query\":"),
        format!("{head}transfer-encoding: chunked\r\n\r\n5\r\n{{\"que\r\n"),
    ] {
        let mut stream = said(&world, &words).await;
        let (answer, after) = heard(&mut stream).await;
        assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
        assert!(after < Duration::from_secs(10), "{after:?}");
    }
    world.anonymous.query("{ __typename }", Value::Null).await.well();
}

/// How many HTTP connections are open, beside the one that asks.
async fn others(world: &World) -> Option<u64> {
    let numbers = reqwest::Client::new().get(world.server.at("/metrics")).send().await.ok()?.text().await.ok()?;
    let line = numbers.lines().find_map(|line| line.strip_prefix("trellis_connections{kind=\"http\"} "))?;
    line.parse::<u64>().ok()?.checked_sub(1)
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up_and_its_connection_too() {
    let world = World::with(|config| {
        config.socket_send_seconds = 1;
        config.http.http_head_seconds = 600;
    })
    .await;
    let id = world.editor.document(&world.lab, json!({ "content": "All work and no play. ".repeat(450_000) })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { content { text } } } }";
    let body = json!({ "query": query, "variables": { "id": id } }).to_string();
    let token = world.editor.token.as_deref().expect("the editor is signed in");
    let before = eventually("numbers", async || others(&world).await).await;
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(4_096).expect("a small buffer");
    let address = world.server.at("").trim_start_matches("http://").parse().expect("an address");
    let mut stream = socket.connect(address).await.expect("the server listens");
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\nauthorization: Bearer {token}\r\n\
         content-length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.expect("it takes the request");
    stream.readable().await.expect("the answer begins");
    // It reads nothing meanwhile.
    eventually("the server hangs up", async || (others(&world).await? <= before).then_some(())).await;
    let mut taken = Vec::new();
    // Cut, in the middle.
    let _ = within("what was on its way", stream.read_to_end(&mut taken)).await;
    assert!(taken.starts_with(b"HTTP/1.1 200") && taken.len() < 9_000_000, "{}", taken.len());
    // Whoever takes it gets all of it.
    let whole = world.editor.query(query, json!({ "id": id })).await.well();
    assert_eq!(whole.text("node.content.text").len(), 9_900_000);
}

#[tokio::test]
async fn connections_have_a_cap_and_those_that_are_let_in_are_served() {
    let world = World::with(|config| config.http.http_connections_per_address = 5).await;
    let mut idle = Vec::new();
    for _ in 0..4 {
        idle.push(said(&world, "GET ").await);
    }
    world.anonymous.query("{ __typename }", Value::Null).await.well();
    let mut one_too_many = said(&world, "").await;
    let (answer, _) = heard(&mut one_too_many).await;
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    world.anonymous.query("{ __typename }", Value::Null).await.well();
}

#[tokio::test]
async fn garbage_is_hung_up_on() {
    let world = World::new().await;
    for words in [
        "\0\0\0\0\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "\u{16}\u{3}\u{1}\u{2}\0\u{1}",
    ] {
        let mut stream = said(&world, words).await;
        stream.shutdown().await.expect("its half is closed");
        heard(&mut stream).await;
    }
    let long = format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "x".repeat(200_000));
    let address = world.server.at("").trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(address).await.expect("the server listens");
    // It may hang up before all of it was sent.
    let _ = stream.write_all(long.as_bytes()).await;
    heard(&mut stream).await;
    world.anonymous.query("{ __typename }", Value::Null).await.well();
}
