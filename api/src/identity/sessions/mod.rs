//! Sessions: one sign-in on one device. A refresh token is kept as its SHA-256 and is traded for a new one at each use; a
//! session that was ended is over at once, since each request asks PostgreSQL whether it lives.

mod device;
mod graphql;
pub mod refresh_tokens;
mod rules;
mod store;

pub use graphql::{Session, SessionMutation, of_viewer};
pub use rules::{
    OpenSession, Through, mark_authenticated, open, open_foreign, own_unless_foreign, require_recent_authentication,
    revoke_others,
};
pub use store::{end_of_connection, foreign, foreign_ended_at, lock, revoke, rotate, tell_domain};
