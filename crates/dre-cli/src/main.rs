//! The `dre` program.
fn main() {}
