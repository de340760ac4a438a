//! `cargo xtask bench`.

use std::path::Path;
use std::process::Command;

/// Size of the training step that is timed; the defaults are the paper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepOptions {
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) channels: usize,
    pub(crate) times: usize,
    pub(crate) filters: usize,
    pub(crate) hidden: usize,
}

impl StepOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { batch: 32, threads, channels: 273, times: 301, filters: 512, hidden: 512 };
        for pair in args.chunks(2) {
            let field = match pair[0] {
                "--batch" => &mut options.batch,
                "--threads" => &mut options.threads,
                "--channels" => &mut options.channels,
                "--times" => &mut options.times,
                "--filters" => &mut options.filters,
                "--hidden" => &mut options.hidden,
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

    fn arguments(self) -> Vec<String> {
        [self.batch, self.channels, self.times, self.filters, self.hidden, 6, self.threads, 6]
            .map(|n| n.to_string())
            .to_vec()
    }
}

/// How often ours and the peer take turns, so that a machine whose speed drifts is fair to both.
const ROUNDS: usize = 3;

/// Seconds of one step and of one prediction, as lists.
#[derive(Default)]
struct Times {
    step: Vec<f64>,
    predict: Vec<f64>,
}

impl Times {
    /// Adds a line such as `{"step": [0.5, 0.6], "predict": [0.2]}`.
    fn add(&mut self, line: &str) -> Result<(), String> {
        for (key, list) in [("\"step\": [", &mut self.step), ("\"predict\": [", &mut self.predict)] {
            let numbers = line.split_once(key).and_then(|(_, rest)| rest.split_once(']'));
            let (numbers, _) = numbers.ok_or_else(|| format!("no {key} in `{line}`"))?;
            for number in numbers.split(", ") {
                list.push(number.parse().map_err(|_| format!("`{number}` is not a number of seconds"))?);
            }
        }
        Ok(())
    }
}

/// Minimum, median, maximum.
fn spread(times: &mut [f64]) -> (f64, f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |i: usize| times.get(i).copied().unwrap_or(f64::NAN);
    (at(0), at(times.len() / 2), at(times.len().saturating_sub(1)))
}

/// Times a training step and a prediction, ours and PyTorch's in turns where a Python with torch is found (`PYTHON`, else
/// `python3`).
pub(crate) fn step(options: StepOptions, root: &Path) -> bool {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let python = std::env::var("PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let build = Command::new(&cargo)
        .args(["build", "--release", "--locked", "--package", "dre", "--example", "step"])
        .current_dir(root)
        .status();
    if !build.is_ok_and(|status| status.success()) {
        return false;
    }
    let has_torch = Command::new(&python).args(["-c", "import torch"]).output().is_ok_and(|o| o.status.success());
    let run = |program: &Path, args: &[String]| -> Result<String, String> {
        let out = Command::new(program).args(args).current_dir(root).output().map_err(|e| e.to_string())?;
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if out.status.success() { Ok(text(&out.stdout)) } else { Err(text(&out.stderr)) }
    };
    let (mut ours, mut peer) = (Times::default(), Times::default());
    for _ in 0..ROUNDS {
        let example = root.join("target/release/examples/step");
        let mut turn = run(&example, &options.arguments()).and_then(|line| ours.add(&line));
        if has_torch && turn.is_ok() {
            let mut args = vec!["bench/peers/pytorch_step.py".to_owned()];
            args.extend(options.arguments());
            turn = run(Path::new(&python), &args).and_then(|line| peer.add(&line));
        }
        if let Err(message) = turn {
            crate::say(&format!("error: {message}"));
            return false;
        }
    }
    crate::say(&format!("{options:?}; seconds: min / median / max of {} each", ours.step.len()));
    for (case, ours, peer) in
        [("step", &mut ours.step, &mut peer.step), ("predict", &mut ours.predict, &mut peer.predict)]
    {
        let (a, b) = (spread(ours), spread(peer));
        let ours = format!("{case:8} dre {:.4} / {:.4} / {:.4}", a.0, a.1, a.2);
        let peer = format!("   PyTorch {:.4} / {:.4} / {:.4}   dre / PyTorch {:.2}", b.0, b.1, b.2, a.1 / b.1);
        crate::say(&if has_torch { ours + &peer } else { ours });
    }
    if !has_torch {
        crate::say("no Python with torch was found (PYTHON=…), so PyTorch was not timed");
    }
    true
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

    #[test]
    fn times_are_read_and_spread() {
        let mut times = Times::default();
        times.add("{\"step\": [0.5, 0.25, 1.0], \"predict\": [0.125]}\n").expect("well formed");
        assert_eq!((spread(&mut times.step), times.predict.len()), ((0.25, 0.5, 1.0), 1));
        assert!(times.add("{}").is_err());
    }
}
