//! The tools an AI may use, and every decision explained. What stands here is pure: no database, no graph, no clock of its
//! own. `decision` says what may happen, `pins` what a tool was when it was approved, `risk` how much harm it can do,
//! `scan` what is suspicious about a server.

pub mod decision;
pub mod pins;
pub mod risk;
pub mod scan;
