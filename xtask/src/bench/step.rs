//! `cargo xtask bench step`: one training step at paper size, beside PyTorch.

use std::path::Path;

use super::{build_release, interleave, python_with, run, spread};

/// Size of the training step that is timed; the defaults are the paper's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StepOptions {
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) channels: usize,
    pub(crate) times: usize,
    pub(crate) filters: usize,
    pub(crate) hidden: usize,
    /// Whether our products are `bf16`; PyTorch's time is that of `f32` either way.
    pub(crate) bf16: bool,
}

impl StepOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options =
            Self { batch: 32, threads, channels: 273, times: 301, filters: 512, hidden: 512, bf16: false };
        for pair in args.chunks(2) {
            if let ["--precision", value] = pair {
                options.bf16 = match *value {
                    "f32" => false,
                    "bf16" => true,
                    other => return Err(format!("--precision is `{other}`, expected f32 or bf16")),
                };
                continue;
            }
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

/// Seconds of one step and of one prediction, as lists; and what else a run says.
#[derive(Default)]
struct Times {
    step: Vec<f64>,
    predict: Vec<f64>,
    /// Operations (10⁹) of one step and of one prediction, where the run counts them.
    operations: Vec<f64>,
    /// Peaks of resident memory in MiB.
    memory: Vec<f64>,
}

/// The numbers of `"key": [0.5, 0.6]` in a line of JSON.
pub(super) fn numbers(line: &str, key: &str) -> Result<Vec<f64>, String> {
    let found = line.split_once(&format!("\"{key}\": [")).and_then(|(_, rest)| rest.split_once(']'));
    let (found, _) = found.ok_or_else(|| format!("no \"{key}\": [ in `{line}`"))?;
    found.split(", ").map(|number| number.parse().map_err(|_| format!("`{number}` is not a number"))).collect()
}

impl Times {
    /// Adds a line such as `{"step": [0.5, 0.6], "predict": [0.2], "memory": [300]}`.
    fn add(&mut self, line: &str) -> Result<(), String> {
        self.step.extend(numbers(line, "step")?);
        self.predict.extend(numbers(line, "predict")?);
        self.memory.extend(numbers(line, "memory")?);
        if let Ok(found) = numbers(line, "operations") {
            self.operations = found;
        }
        Ok(())
    }
}

/// Times a training step and a prediction, ours and PyTorch's in turns where a Python with torch is found (`PYTHON`, else
/// `python3`).
pub(crate) fn step(options: StepOptions, root: &Path) -> bool {
    if !build_release(root, &["--package", "dre", "--example", "step", "--example", "ceiling"]) {
        return false;
    }
    let torch = python_with("torch");
    let (mut ours, mut peer) = (Times::default(), Times::default());
    let example = root.join("target/release/examples/step");
    let mut our_turn = || {
        let mut args = options.arguments();
        args.push(if options.bf16 { "bf16" } else { "f32" }.to_owned());
        run(root, &example, &args).and_then(|line| ours.add(&line))
    };
    let mut peer_turn = || {
        let Some(python) = &torch else { return Ok(()) };
        let mut args = vec!["bench/peers/pytorch_step.py".to_owned()];
        args.extend(options.arguments());
        run(root, python, &args).and_then(|line| peer.add(&line))
    };
    let mut ceilings = Vec::new();
    let mut ceiling_turn = || {
        let program = root.join("target/release/examples/ceiling");
        let line = run(root, &program, &[options.threads.to_string()])?;
        ceilings.extend(numbers(&line, if options.bf16 { "bf16" } else { "f32" })?);
        Ok(())
    };
    if let Err(message) = interleave(&mut [&mut our_turn, &mut peer_turn, &mut ceiling_turn]) {
        crate::say(&format!("error: {message}"));
        return false;
    }
    crate::say(&format!("{options:?}; seconds: min / median / max of {} each", ours.step.len()));
    let ceiling = spread(&mut ceilings).2;
    let needed = ours.operations.clone();
    let cases = [("step", &mut ours.step, &mut peer.step), ("predict", &mut ours.predict, &mut peer.predict)];
    for (i, (case, ours, peer)) in cases.into_iter().enumerate() {
        let (a, b) = (spread(ours), spread(peer));
        let ours = format!("{case:8} dre {:.4} / {:.4} / {:.4}", a.0, a.1, a.2);
        let peer = format!("   PyTorch {:.4} / {:.4} / {:.4}   dre / PyTorch {:.2}", b.0, b.1, b.2, a.1 / b.1);
        crate::say(&if torch.is_some() { ours + &peer } else { ours });
        if let Some(needed) = needed.get(i) {
            let (rate, share) = (needed / a.1, 100.0 * needed / a.1 / ceiling);
            crate::say(&format!("{:8} {needed:.1} GFLOP needed, {rate:.0} GFLOP/s, {share:.0} % of {ceiling:.0}", ""));
        }
    }
    let (ours, peer) = (spread(&mut ours.memory).1, spread(&mut peer.memory).1);
    let peer = if torch.is_some() {
        format!("   PyTorch {peer:.0} MiB   dre / PyTorch {:.2}", ours / peer)
    } else {
        String::new()
    };
    crate::say(&format!("memory   dre {ours:.0} MiB{peer}"));
    if torch.is_none() {
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
            (&["--precision", "f16"], "--precision is `f16`, expected f32 or bf16"),
            (&["--batch"], "--batch needs a number"),
            (&["--batch", "0"], "--batch is `0`, expected a whole number above 0"),
        ] {
            assert_eq!(StepOptions::parse(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn times_are_read_and_spread() {
        let mut times = Times::default();
        times.add("{\"step\": [0.5, 0.25, 1.0], \"predict\": [0.125], \"memory\": [7]}\n").expect("well formed");
        assert_eq!((spread(&mut times.step), times.predict.len()), ((0.25, 0.5, 1.0), 1));
        assert!(times.add("{}").is_err());
    }
}
