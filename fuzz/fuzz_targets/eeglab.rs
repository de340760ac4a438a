//! EEGLAB sets, with a data file beside them where the input has two parts.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dre_fuzz::read(input, "x.set", &["x.set", "x.fdt"]));
