//! What needs code to do: `cargo xtask test`.
fn main() {}
