//! The tools an AI may use, and what is decided about them.

mod keys;
mod secrets;
