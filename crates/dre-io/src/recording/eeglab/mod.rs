//! EEGLAB: a `.set`, which is a MATLAB file of version 5 or 7.3, and often a `.fdt` with the samples beside it.
//!
//! Channels, types, positions, scaling and events are those that MNE-Python 1.13 reads with its default arguments, but for what
//! follows: trigger channels (type `stim` in `chanlocs`) are not scaled by 1e-6; old `.dat` files of samples, one channel after
//! the other, are read; samples that are stored as f64 are read as such.
//!
//! Facts from "MAT-File Format" (`MathWorks`), the HDF5 specification and what MATLAB adds to it (`MATLAB_class`,
//! `MATLAB_empty`, structures as groups), and the EEGLAB wiki's description of its data structures.

mod channels;
mod dataset;
mod events;
mod hdf5;
mod mat5;
mod mat5_source;
mod read;
mod value;

pub use read::Eeglab;
