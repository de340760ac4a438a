//! `dre verify`: whether what dre wrote is still as it was written.

use dre_io::store::{Manifest, RUN_FILE, manifests};

use super::Context;
use crate::args::VerifyArgs;
use crate::error::{CliError, Result};

pub(super) fn execute(args: &VerifyArgs, context: &Context<'_>) -> Result<()> {
    if !args.path.is_dir() {
        return Err(CliError::NoFolder { path: args.path.clone() });
    }
    let folders = manifests(&args.path)?;
    if folders.is_empty() && !args.path.join(RUN_FILE).is_file() {
        return Err(CliError::NothingToVerify { path: args.path.clone() });
    }
    let (mut n_files, mut n_bytes, mut n_faults) = (0, 0, 0);
    for place in &folders {
        if context.interrupt.requested() {
            return Err(CliError::Stopped);
        }
        let Some(manifest) = Manifest::read(place, "") else {
            n_faults += 1;
            context.console.result(format_args!("{}: its manifest cannot be read", place.display()));
            continue;
        };
        // A data set's manifest lies below it, and names files from its root.
        let folder = manifest.folder(place);
        let (files, bytes) = manifest.size();
        context.console.step("Verifying", format_args!("{}, {files} files", folder.display()));
        (n_files, n_bytes) = (n_files + files, n_bytes + bytes);
        for fault in manifest.verify(&folder)? {
            n_faults += 1;
            context.console.result(fault);
        }
        if manifest.is_unfinished() {
            n_faults += 1;
            context.console.result(format_args!("{}: writing it was interrupted", folder.display()));
        }
    }
    if n_faults > 0 {
        return Err(CliError::Damaged { n_faults, n_files });
    }
    let megabytes = n_bytes as f64 / 1e6;
    context.console.result(format_args!("{n_files} files, {megabytes:.1} MB, are as they were written"));
    Ok(())
}
