//! EDF, EDF+ and BDF, BDF+: one file of records, each of which holds some samples of every signal.
//!
//! Facts from "A simple format for exchange of digitized polygraphic recordings" (Kemp et al. 1992), "European data format
//! 'plus' (EDF+)" (Kemp & Olivan 2003, <https://www.edfplus.info>) and `BioSemi`'s description of BDF. Channels, types,
//! scaling, filters and annotations are those that MNE-Python 1.13 reads with its default arguments, but for what follows:
//!
//! - Interrupted recordings (EDF+D): the records follow each other without gaps, as in MNE-Python, but annotations are moved
//!   with the samples that they belong to, where MNE-Python leaves them at the time of the clock. Each place where time is
//!   missing is annotated as `BAD boundary`.
//! - nV and pV are scaled to V; MNE-Python takes them for V.
//! - A trigger channel that is sampled faster than all others is left out; MNE-Python stretches the time axis.
//! - Text in annotations that is not UTF-8 is taken for Latin-1; MNE-Python refuses it.

mod header;
mod read;
mod tal;
mod upsample;

pub use read::Edf;
