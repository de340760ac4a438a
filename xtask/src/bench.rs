//! `cargo xtask bench`.

/// Size of the training step that is timed; the defaults are the paper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepOptions {
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) channels: usize,
    pub(crate) times: usize,
}

impl StepOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { batch: 32, threads, channels: 273, times: 301 };
        for pair in args.chunks(2) {
            let field = match pair[0] {
                "--batch" => &mut options.batch,
                "--threads" => &mut options.threads,
                "--channels" => &mut options.channels,
                "--times" => &mut options.times,
                other => return Err(format!("unknown option `{other}`")),
            };
            let value = pair.get(1).ok_or_else(|| format!("{} needs a number", pair[0]))?;
            *field = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{} is `{value}`, expected a whole number above 0", pair[0]))?;
        }
        Ok(options)
    }
}

/// Times one training step.
pub(crate) fn step(options: StepOptions) -> bool {
    crate::say(&format!("{options:?}: there is no network to time yet"));
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_the_defaults() {
        let options = StepOptions::parse(&["--batch", "8", "--times", "100"]).expect("valid");
        assert_eq!((options.batch, options.channels, options.times), (8, 273, 100));
    }

    #[test]
    fn wrong_options_are_named() {
        for (args, message) in [
            (&["--bach", "8"][..], "unknown option `--bach`"),
            (&["--batch"], "--batch needs a number"),
            (&["--batch", "0"], "--batch is `0`, expected a whole number above 0"),
        ] {
            assert_eq!(StepOptions::parse(args), Err(message.to_owned()));
        }
    }
}
