//! Filters and decimation.
