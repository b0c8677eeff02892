//! What was done, by whom. Rows are written by triggers and never change.

pub mod log;
