//! BrainVision: header, markers, samples; the header must name the files x.vmrk and x.eeg.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dre_fuzz::read(input, "x.vhdr", &["x.vhdr", "x.vmrk", "x.eeg"]));
