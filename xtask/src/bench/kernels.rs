//! `cargo xtask bench kernels`: the products and loops of a training step, one by one, beside the machine's ceiling.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{ThreadsOption, build_release, run};
use crate::record::{self, load};

/// Times them, and adds a record.
pub(crate) fn kernels(options: ThreadsOption, root: &Path) -> bool {
    build_release(root, &["--example", "kernels"]) && record::tell(measure(options, root))
}

fn measure(options: ThreadsOption, root: &Path) -> Result<PathBuf, String> {
    let before = load();
    let text = run(root, &root.join("target/release/examples/kernels"), &[options.threads.to_string()])?;
    crate::say(&text);
    let mut page = record::heading(root, "the kernels of a training step", "cargo xtask bench kernels")?;
    let _ = write!(page, "; the machine's load was {before} before.\n\n{}", record::verbatim(&text));
    record::write(root, "kernels", &page)
}
