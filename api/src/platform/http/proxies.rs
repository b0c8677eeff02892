//! Who calls, when the connection is a proxy's: the address that the nearest trusted proxy saw. A header from anybody
//! else is only a claim, and is not looked at.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::Response;
use ipnetwork::IpNetwork;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The networks of the proxies before this server.
pub type Proxies = Arc<[IpNetwork]>;

/// Puts the caller's address where handlers look for the connection's.
pub async fn see_through(State(proxies): State<Proxies>, mut request: Request, next: Next) -> Response {
    if let Some(ConnectInfo(peer)) = request.extensions().get::<ConnectInfo<SocketAddr>>().copied() {
        let caller = caller(peer.ip(), request.headers(), &proxies);
        request.extensions_mut().insert(ConnectInfo(SocketAddr::new(caller, peer.port())));
    }
    next.run(request).await
}

/// Walks back from the connection over trusted proxies, to the first address that is none.
fn caller(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNetwork]) -> IpAddr {
    let is_trusted = |address: IpAddr| proxies.iter().any(|network| network.contains(address.to_canonical()));
    let lines = headers.get_all(FORWARDED_FOR);
    let named: Vec<&str> =
        lines.iter().filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(',')).map(str::trim).collect();
    let mut seen = peer;
    for name in named.iter().rev() {
        if !is_trusted(seen) {
            return seen;
        }
        let Some(before) = address(name) else { return seen };
        seen = before;
    }
    seen
}

/// An address, alone or with a port.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, lines: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().expect("a header"));
        }
        let proxies = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().expect("a network"));
        caller(peer.parse().expect("an address"), &headers, &proxies).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        for (peer, lines, expected) in [
            ("192.0.2.1", &["198.51.100.7"][..], "192.0.2.1"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9, 198.51.100.7, 10.0.0.2"], "198.51.100.7"),
            ("10.0.0.1", &["203.0.113.9", "198.51.100.7"], "198.51.100.7"),
            ("::ffff:10.0.0.1", &["198.51.100.7"], "198.51.100.7"),
            ("fd00::1", &["2001:db8::7"], "2001:db8::7"),
            ("10.0.0.1", &["[2001:db8::7]:443"], "2001:db8::7"),
            ("10.0.0.1", &["198.51.100.7:1234"], "198.51.100.7"),
            ("10.0.0.1", &["198.51.100.7, nonsense"], "10.0.0.1"),
            ("10.0.0.1", &["nonsense, 198.51.100.7"], "198.51.100.7"),
            ("10.0.0.1", &["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ] {
            assert_eq!(seen(peer, lines), expected, "{peer} {lines:?}");
        }
    }
}
