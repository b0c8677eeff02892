//! Who people are: signing up, in and out, what a session is good for, and who knows whom.

mod addresses;
mod attempts;
mod deletion;
mod devices;
mod mfa;
mod openid;
mod passwords;
mod people;
mod profile;
mod sessions;
mod settings;
mod sign_up;
mod sign_up_by_mail;
mod strangers;
