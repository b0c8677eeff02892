//! Connecting to servers that anybody may have named: the address is looked up here, judged, and then connected to, so
//! that no name can mean another place the next time it is looked up.

use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tower_service::Service;

/// How long one of several addresses of a name is tried.
const PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("{host} is at {address}, which is not a public address")]
    NotPublic { host: String, address: IpAddr },
    #[error("it has no host")]
    NoHost,
    #[error("{host} has no address")]
    NoAddress { host: String },
    #[error("{0}")]
    Failed(#[from] io::Error),
}

#[derive(Clone, Debug)]
pub struct Connector {
    pub private_addresses: bool,
}

impl Connector {
    async fn connect(self, uri: Uri) -> Result<TokioIo<TcpStream>, ConnectError> {
        let host = uri.host().ok_or(ConnectError::NoHost)?.to_owned();
        let port = uri.port_u16().unwrap_or(if uri.scheme_str() == Some("https") { 443 } else { 80 });
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let found: Vec<SocketAddr> = lookup_host((bare, port)).await?.collect();
        let mut last = match found.first() {
            Some(first) => ConnectError::NotPublic { host: host.clone(), address: first.ip() },
            None => ConnectError::NoAddress { host: host.clone() },
        };
        for address in found.into_iter().filter(|address| self.allows(address.ip())) {
            match timeout(PATIENCE, TcpStream::connect(address)).await {
                Ok(Ok(stream)) => {
                    stream.set_nodelay(true)?;
                    return Ok(TokioIo::new(stream));
                }
                Ok(Err(error)) => last = error.into(),
                Err(_) => last = io::Error::from(io::ErrorKind::TimedOut).into(),
            }
        }
        Err(last)
    }

    fn allows(&self, address: IpAddr) -> bool {
        match place(address) {
            Place::Public => true,
            Place::Private => self.private_addresses,
            Place::Nowhere => false,
        }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = ConnectError;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().connect(uri))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Public,
    /// Of this machine, of its networks or of its provider.
    Private,
    /// Where no server can be.
    Nowhere,
}

/// By the registries of special addresses, RFC 6890 and those that follow it.
fn place(address: IpAddr) -> Place {
    match address {
        IpAddr::V4(address) => place_v4(address),
        IpAddr::V6(address) => place_v6(address),
    }
}

fn place_v4(address: Ipv4Addr) -> Place {
    match address.octets() {
        [0, ..] | [224..=255, ..] => Place::Nowhere,
        [10 | 127, ..] | [169, 254, ..] | [172, 16..=31, ..] | [192, 168, ..] => Place::Private,
        // Shared by a provider's customers, of protocols, of documentation, of measurements.
        [100, 64..=127, ..] | [192, 0, 0 | 2, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            Place::Private
        }
        [192, 88, 99, _] => Place::Private,
        _ => Place::Public,
    }
}

fn place_v6(address: Ipv6Addr) -> Place {
    let segments = address.segments();
    let last = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        place_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => Place::Nowhere,
        [0, 0, 0, 0, 0, 0, 0, 1] => Place::Private,
        // An address of the older kind: mapped, compatible, translated (also by a network's own prefix), tunnelled.
        [0, 0, 0, 0, 0, 0xffff | 0, high, low] | [0, 0, 0, 0, 0xffff, 0, high, low] => last(high, low),
        [0x64, 0xff9b, 0, 0, 0, 0, high, low] | [0x2002, high, low, ..] => last(high, low),
        [0x64, 0xff9b, 1, ..] => Place::Private,
        [0xff00..=0xffff, ..] => Place::Nowhere,
        // Only these are given out to the public; of them, some are of protocols and of documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => Place::Private,
        [0x2000..=0x3fff, ..] => Place::Public,
        _ => Place::Private,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn are(expected: Place, addresses: &[&str]) {
        for address in addresses {
            assert_eq!(place(address.parse().unwrap()), expected, "{address}");
        }
    }

    #[test]
    fn what_is_not_of_the_public_is_known_in_each_of_its_clothes() {
        are(
            Place::Public,
            &["1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"],
        );
        are(
            Place::Private,
            &[
                "127.0.0.1",
                "127.255.0.3",
                "10.1.2.3",
                "172.16.0.1",
                "172.31.255.255",
                "192.168.1.1",
                "169.254.169.254",
                "100.64.0.1",
                "192.0.2.1",
                "198.18.0.1",
                "::1",
                "fe80::1",
                "fd00::1",
                "fc00::1",
                "fec0::1",
                "::ffff:127.0.0.1",
                "::ffff:10.0.0.1",
                "::127.0.0.1",
                "::ffff:0:127.0.0.1",
                "64:ff9b::7f00:1",
                "64:ff9b:1::7f00:1",
                "2002:7f00:1::",
                "2001::1",
                "2001:db8::1",
                "4000::1",
            ],
        );
        are(
            Place::Nowhere,
            &["0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255", "240.0.0.1", "::", "ff02::1", "::ffff:0.0.0.0"],
        );
    }
}
