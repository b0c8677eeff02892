//! Pages that may ask. A page elsewhere could otherwise have its own name resolve to this machine and ask in its visitor's
//! place (DNS rebinding): a browser says where the page is from, and everybody else says nothing.

use axum::http::{HeaderMap, header};
use url::Url;

/// Whether who asks is no page, a page of these origins (`*` is any), one of our own pages, or one of the very address that
/// it asks.
pub fn is_allowed<'a>(headers: &HeaderMap, origins: &[String], own: impl Iterator<Item = &'a String>) -> bool {
    let mut named = headers.get_all(header::ORIGIN).iter();
    let Some(origin) = named.next() else { return true };
    let Some(origin) = origin.to_str().ok().filter(|_| named.next().is_none()) else { return false };
    if origins.iter().any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(origin)) {
        return true;
    }
    let Ok(address) = Url::parse(origin) else { return false };
    if own.filter_map(|page| Url::parse(page).ok()).any(|page| page.origin() == address.origin()) {
        return true;
    }
    let Some(host) = address.host_str() else { return false };
    let authority = match address.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    };
    // The name itself must be one that cannot be made to resolve to here by others.
    let is_asked = headers.get(header::HOST).and_then(|asked| asked.to_str().ok()) == Some(authority.as_str());
    let is_literal = match address.host() {
        Some(url::Host::Ipv4(_) | url::Host::Ipv6(_)) => true,
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    is_asked && is_literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_of_elsewhere_may_not_ask() {
        let asks = |origin: Option<&str>, host: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().expect("a header"));
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().expect("a header"));
            }
            let own = ["https://trellis.example.com/".to_owned()];
            is_allowed(&headers, &["https://app.example.com".to_owned()], own.iter())
        };
        assert!(asks(None, "127.0.0.1:8080"));
        assert!(asks(Some("https://app.example.com"), "trellis.example.com"));
        assert!(asks(Some("https://trellis.example.com"), "trellis.example.com"));
        assert!(asks(Some("http://127.0.0.1:8080"), "127.0.0.1:8080"));
        assert!(asks(Some("http://localhost:8080"), "localhost:8080"));
        for origin in ["https://evil.example", "null", "", "http://127.0.0.1:9", "https://app.example.com.evil.example"]
        {
            assert!(!asks(Some(origin), "127.0.0.1:8080"), "{origin}");
        }
        // The host that is asked is the page's own name, which the page's owner resolves as they like.
        assert!(!asks(Some("http://evil.example:8080"), "evil.example:8080"));
    }
}
