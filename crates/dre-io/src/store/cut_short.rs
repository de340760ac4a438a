//! What happens where another program cuts a file short that this one has mapped into memory.

/// From now on, reading a mapped file beyond its new end (SIGBUS) ends the program with status 1 after `message`, which is written
/// to the standard error. Once per program, for programs only: a library leaves signals to the program that it is part of.
///
/// # Errors
/// What the system says where it takes no handler.
#[cfg(unix)]
pub fn exit_where_a_map_ends(message: &'static str) -> std::io::Result<()> {
    let ends = move || {
        let _ = rustix::io::write(rustix::stdio::stderr(), message.as_bytes());
        signal_hook::low_level::exit(1);
    };
    // SAFETY: a handler may do only what is async-signal-safe. This one calls write(2) and _exit(2), which are (signal-safety(7));
    // it allocates nothing, takes no lock, reads memory that never changes, and does not return, so that the read that failed is
    // not tried again. Rust's own handler for stack overflows is called before it, as it would have been without it.
    unsafe { signal_hook::low_level::register(signal_hook::consts::SIGBUS, ends) }?;
    Ok(())
}
