//! The program `trellis`: its commands are in the library, so that they are compiled once.

// The roots of the graph are merged one into the other, and their futures nest as deep.
#![recursion_limit = "256"]

use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    api::commands::main()
}
