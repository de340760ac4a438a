//! The `dre` program: from recordings to trained encoders, scores and a report.
//!
//! Results go to stdout, progress and messages to stderr. Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by
//! Ctrl-C.

mod args;
mod commands;
mod console;
mod error;
mod interrupt;
mod pipeline;
mod progress;
mod render;
mod results;
mod statistics;
mod stimulus;
mod table;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;
use crate::commands::Context;
use crate::console::Console;
use crate::interrupt::Interrupt;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let console = Console::new(cli.output.level(), cli.output.color.into());
    let interrupt = match Interrupt::install(&console) {
        Ok(interrupt) => interrupt,
        Err(error) => return console.failure(&error),
    };
    let done = commands::execute(cli.command, &Context { console: &console, interrupt: &interrupt });
    match done.and_then(|()| console.check_results()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => console.failure(&error),
    }
}
