//! Asks a server as fast as it answers, over connections that stay open. What comes back is measured but not read:
//! its status and its length tell enough, and the processors are left to the servers.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

use crate::Result;

/// Bytes by which two answers to one request may differ in length: each says what is left to whoever asks, and until when.
const MAY_DIFFER: usize = 16;

/// One open connection.
pub struct Connection {
    sender: http1::SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // What breaks the connection also fails the request that waits on it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(Self { sender })
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> Result<Response<Incoming>> {
        self.sender.ready().await?;
        Ok(self.sender.send_request(request).await?)
    }

    /// The answer, whole.
    pub async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes)> {
        let answer = self.send(request).await?;
        let status = answer.status();
        Ok((status, answer.into_body().collect().await?.to_bytes()))
    }

    /// The status and the length of the answer.
    async fn measure(&mut self, request: Request<Full<Bytes>>) -> Result<(StatusCode, usize)> {
        let answer = self.send(request).await?;
        let status = answer.status();
        let mut body = answer.into_body();
        let mut length = 0;
        while let Some(frame) = body.frame().await {
            length += frame?.data_ref().map_or(0, Bytes::len);
        }
        Ok((status, length))
    }
}

/// What is asked of one server: one request for each organization, and how long its answer is.
pub struct Target {
    pub name: &'static str,
    pub address: SocketAddr,
    pub requests: Vec<Request<Full<Bytes>>>,
    lengths: Vec<usize>,
}

/// What one server did in one slice of time.
#[derive(Clone, Debug, Default)]
pub struct Slice {
    pub per_second: f64,
    /// One for each answer, in no order.
    pub latencies: Vec<Duration>,
}

impl Target {
    /// Asks for each organization once, and so learns how long the answers are.
    pub async fn learn(name: &'static str, address: SocketAddr, requests: Vec<Request<Full<Bytes>>>) -> Result<Self> {
        let mut connection = Connection::open(address).await?;
        let mut lengths = Vec::with_capacity(requests.len());
        for request in &requests {
            let (status, length) = connection.measure(request.clone()).await?;
            if status != StatusCode::OK {
                return Err(format!("{name} answered with {status}").into());
            }
            lengths.push(length);
        }
        Ok(Self { name, address, requests, lengths })
    }

    /// Asks for organizations at random with as many clients, each as soon as it was answered.
    pub async fn load(self: &Rc<Self>, clients: usize, length: Duration, seed: u64) -> Result<Slice> {
        let mut connections = Vec::with_capacity(clients);
        for _ in 0..clients {
            connections.push(Connection::open(self.address).await?);
        }
        let end = Instant::now() + length;
        let local = LocalSet::new();
        let mut running = JoinSet::new();
        for (client, connection) in connections.into_iter().enumerate() {
            let seed = seed.wrapping_mul(1_000_003).wrapping_add(client as u64 + 1);
            running.spawn_local_on(Rc::clone(self).keep_asking(connection, end, seed), &local);
        }
        let mut latencies = Vec::new();
        local
            .run_until(async {
                while let Some(client) = running.join_next().await {
                    latencies.append(&mut client??);
                }
                Ok::<_, crate::Failure>(())
            })
            .await?;
        Ok(Slice { per_second: latencies.len() as f64 / length.as_secs_f64(), latencies })
    }

    /// Counts the answers that came before the end.
    async fn keep_asking(self: Rc<Self>, mut connection: Connection, end: Instant, seed: u64) -> Result<Vec<Duration>> {
        let mut random = Random(seed);
        let mut latencies = Vec::new();
        loop {
            let index = random.below(self.requests.len());
            let start = Instant::now();
            let (status, length) = connection.measure(self.requests[index].clone()).await?;
            let now = Instant::now();
            if status != StatusCode::OK || length.abs_diff(self.lengths[index]) > MAY_DIFFER {
                let expected = self.lengths[index];
                let name = self.name;
                return Err(format!("{name} answered with {status} and {length} bytes, not {expected}").into());
            }
            if now > end {
                return Ok(latencies);
            }
            latencies.push(now - start);
        }
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014): the same organizations in the same order at each run.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((mixed ^ (mixed >> 31)) % limit as u64) as usize
    }
}
