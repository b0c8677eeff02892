//! Demo data.

/// The demo user's address.
pub const EMAIL: &str = "demo@trellis.example";
