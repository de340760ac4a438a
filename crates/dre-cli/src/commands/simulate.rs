//! `dre simulate`: a simulated reading study as a BIDS data set.

use dre::simulate::{Effects, SimulationConfig, Simulator};

use super::{Context, simulated};
use crate::args::SimulateArgs;
use crate::error::{CliError, Result};

pub(super) fn execute(args: &SimulateArgs, context: &Context<'_>) -> Result<()> {
    let simulator = Simulator::new(&config(args))?;
    if args.out.exists() {
        if !args.force {
            return Err(CliError::Exists { path: args.out.clone() });
        }
        if !simulated::is_simulated(&args.out) {
            return Err(CliError::NotSimulated { path: args.out.clone() });
        }
    }
    simulated::write_bids(&simulator, &args.out, args.threads.count(), context)?;
    context.console.result(args.out.display());
    Ok(())
}

fn config(args: &SimulateArgs) -> SimulationConfig {
    let study = SimulationConfig::study();
    let mut effects = if args.linear { Effects::LINEAR } else { study.effects };
    for (names, on) in [(&args.with, true), (&args.without, false)] {
        for name in names {
            // Names that are none were refused as wrong usage.
            if let Some(switch) = effects.switch(name) {
                *switch = on;
            }
        }
    }
    SimulationConfig {
        array: args.array,
        n_subjects: args.subjects,
        n_sessions: args.sessions,
        sfreq: args.sfreq,
        duration: args.minutes * 60.0,
        timing: args.timing,
        words_per_sentence: args.words_per_sentence.unwrap_or(study.words_per_sentence),
        snr: args.snr,
        effects,
        missing_channels: args.missing_channels,
        bad_segments: args.bad_segments,
        seed: args.seed,
    }
}
