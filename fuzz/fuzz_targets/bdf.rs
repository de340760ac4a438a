//! BDF files.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dre_fuzz::read(input, "x.bdf", &["x.bdf"]));
