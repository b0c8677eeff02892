//! API keys: how they are made and ended, what they reach, from where, and what is counted of them.

mod counting;
mod ending;
mod making;
mod networks;
mod reaching;

use serde_json::Value;

use crate::support::Client;

/// Whether the key is good, by a request that needs no scope.
async fn works(client: &Client) -> bool {
    let answer = client.query("{ viewer { apiKey { isCurrent } } }", Value::Null).await;
    if answer.codes().is_empty() {
        assert_eq!(answer.at("viewer.apiKey.isCurrent"), true, "{}", answer.body);
        return true;
    }
    assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED"));
    false
}

/// The row of a key.
fn row_of(key: &str) -> String {
    format!("id = '{}'", crate::support::uuid(key))
}
