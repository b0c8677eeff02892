//! A wire to a server, which can be cut and mended: what a network or a restart does to the connections of many at once.

use std::net::SocketAddr;

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Carries connections to another address until it is cut.
pub struct Wire {
    address: SocketAddr,
    target: String,
    carrying: JoinHandle<()>,
}

impl Wire {
    pub async fn to(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        Self { address, target: target.to_owned(), carrying: tokio::spawn(carry(listener, target.to_owned())) }
    }

    /// Where it begins.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Ends every connection, and takes no other.
    pub async fn cut(&mut self) {
        self.carrying.abort();
        // It ends by being aborted, which counts as an error.
        let _ = (&mut self.carrying).await;
    }

    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.expect("the port is still free");
        self.carrying = tokio::spawn(carry(listener, self.target.clone()));
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.carrying.abort();
    }
}

async fn carry(listener: TcpListener, target: String) {
    let mut connections = JoinSet::new();
    while let Ok((mut near, _)) = listener.accept().await {
        let mut far = TcpStream::connect(&target).await.expect("the other end answers");
        // An error is an end as good as any.
        connections.spawn(async move { drop(copy_bidirectional(&mut near, &mut far).await) });
    }
}
