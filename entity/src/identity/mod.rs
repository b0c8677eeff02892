//! Who people are: accounts, their settings, and everything that proves who is calling.

pub mod mfa_factor;
pub mod oauth_connection;
pub mod openid_journey;
pub mod password_reset_request;
pub mod recovery_code;
pub mod session;
pub mod sign_in_challenge;
pub mod sign_up;
pub mod user;
pub mod user_settings;
pub mod verification_token;
