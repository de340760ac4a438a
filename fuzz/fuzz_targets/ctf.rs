//! CTF folders: resources, samples, markers, bad channels, bad segments, head coils.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| dre_fuzz::read(input, "x.ds", &["x.ds/x.res4", "x.ds/x.meg4", "x.ds/MarkerFile.mrk", "x.ds/BadChannels", "x.ds/bad.segments", "x.ds/x.hc"]));
