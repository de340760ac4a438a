//! `cargo xtask bench step`: one training step at paper size, beside PyTorch.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::{build_release, interleave, python_with, run, spread};
use crate::record::{self, load};

/// Size of the training step that is timed; the defaults are the paper's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StepOptions {
    pub(crate) batch: usize,
    pub(crate) threads: usize,
    pub(crate) channels: usize,
    pub(crate) times: usize,
    pub(crate) filters: usize,
    pub(crate) hidden: usize,
    /// Whether our products are `bf16`; PyTorch's time is that of `f32` either way.
    pub(crate) bf16: bool,
    json: Option<PathBuf>,
    record: bool,
}

impl StepOptions {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self {
            batch: 32,
            threads,
            channels: 273,
            times: 301,
            filters: 512,
            hidden: 512,
            bf16: false,
            json: None,
            record: false,
        };
        let mut args = args.iter().copied();
        while let Some(name) = args.next() {
            if name == "--record" {
                options.record = true;
                continue;
            }
            let value = args.next().ok_or_else(|| format!("{name} needs a value"))?;
            let field = match name {
                "--precision" => {
                    options.bf16 = match value {
                        "f32" => false,
                        "bf16" => true,
                        other => return Err(format!("--precision is `{other}`, expected f32 or bf16")),
                    };
                    continue;
                }
                "--json" => {
                    options.json = Some(value.into());
                    continue;
                }
                "--batch" => &mut options.batch,
                "--threads" => &mut options.threads,
                "--channels" => &mut options.channels,
                "--times" => &mut options.times,
                "--filters" => &mut options.filters,
                "--hidden" => &mut options.hidden,
                other => return Err(format!("unknown option `{other}`")),
            };
            *field = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{name} is `{value}`, expected a whole number above 0"))?;
        }
        Ok(options)
    }

    fn arguments(&self) -> Vec<String> {
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
pub(crate) fn step(options: &StepOptions, root: &Path) -> bool {
    if !build_release(root, &["--example", "step", "--example", "ceiling"]) {
        return false;
    }
    match measure(options, root) {
        Ok(()) => true,
        Err(message) => {
            crate::say(&format!("error: {message}"));
            false
        }
    }
}

fn measure(options: &StepOptions, root: &Path) -> Result<(), String> {
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
    let before = load();
    interleave(&mut [&mut our_turn, &mut peer_turn, &mut ceiling_turn])?;
    let (text, json) = tables(options, &mut ours, torch.is_some().then_some(&mut peer), spread(&mut ceilings).1);
    crate::say(&text);
    if let Some(path) = &options.json {
        std::fs::write(path, json).map_err(|e| format!("{}: {e}", path.display()))?;
    }
    if options.record {
        let mut page = record::heading(root, "a training step", "cargo xtask bench step")?;
        let _ = write!(page, "; the machine's load was {before} before.\n\n{}", record::verbatim(&text));
        let size = if options.filters == 512 { "step" } else { "step-small" };
        let path = record::write(root, size, &page)?;
        crate::say(&format!("Record: {}", path.display()));
    }
    Ok(())
}

/// What was measured, to read and as JSON.
fn tables(options: &StepOptions, ours: &mut Times, mut peer: Option<&mut Times>, ceiling: f64) -> (String, String) {
    let StepOptions { batch, threads, channels, times, filters, hidden, bf16, .. } = options;
    let mut text = format!(
        "{channels} channels, {times} samples, {filters} filters, LSTM 2 x {hidden}, batch {batch}, {} products, \
         {threads} threads; seconds: min / median / max of {} each; PyTorch in f32\n\
         multiply-adds in registers: {ceiling:.0} GFLOP/s (median)\n",
        if *bf16 { "bf16" } else { "f32" },
        ours.step.len()
    );
    let mut json = format!("{{\n  \"ceiling\": {ceiling:.1},\n  \"cases\": [");
    let needed = ours.operations.clone();
    for (i, case) in ["step", "predict", "memory"].into_iter().enumerate() {
        let of = |times: &mut Times| {
            spread(match i {
                0 => &mut times.step,
                1 => &mut times.predict,
                _ => &mut times.memory,
            })
        };
        let list = |(a, b, c): (f64, f64, f64)| format!("[{a:.4}, {b:.4}, {c:.4}]");
        let a = of(ours);
        let digits = if case == "memory" { 0 } else { 4 };
        let line = |(a, b, c): (f64, f64, f64)| format!("{a:.digits$} / {b:.digits$} / {c:.digits$}");
        let _ = write!(text, "{case:8} dre {}", line(a));
        let _ = write!(json, "{}\n    {{\"case\": \"{case}\", \"dre\": {}", if i > 0 { "," } else { "" }, list(a));
        if let Some(peer) = &mut peer {
            let b = of(peer);
            let _ = write!(text, "   PyTorch {}   dre / PyTorch {:.2}", line(b), a.1 / b.1);
            let _ = write!(json, ", \"pytorch\": {}, \"ratio\": {:.3}", list(b), a.1 / b.1);
        }
        let _ = writeln!(text, "{}", if case == "memory" { " (MiB)" } else { "" });
        if let (Some(needed), true) = (needed.get(i), case != "memory") {
            let (rate, share) = (needed / a.1, 100.0 * needed / a.1 / ceiling);
            let _ = writeln!(text, "{:8} {needed:.1} GFLOP needed, {rate:.0} GFLOP/s, {share:.0} % of that", "");
            let _ = write!(json, ", \"gflop\": {needed:.3}, \"share\": {:.3}", share / 100.0);
        }
        json.push('}');
    }
    if peer.is_none() {
        text.push_str("no Python with torch was found (PYTHON=…), so PyTorch was not timed\n");
    }
    json.push_str("\n  ]\n}\n");
    (text, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_the_defaults() {
        let options = StepOptions::parse(&["--batch", "8", "--times", "100"]).expect("valid");
        assert_eq!((options.batch, options.channels, options.times), (8, 273, 100));
        let options = StepOptions::parse(&["--record", "--json", "x.json"]).expect("valid");
        assert!(options.record && options.json == Some("x.json".into()));
    }

    #[test]
    fn wrong_options_are_named() {
        for (args, message) in [
            (&["--bach", "8"][..], "unknown option `--bach`"),
            (&["--precision", "f16"], "--precision is `f16`, expected f32 or bf16"),
            (&["--batch"], "--batch needs a value"),
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

    #[test]
    fn tables_say_ratios_and_shares() {
        let times = |step: f64, operations: Vec<f64>| Times {
            step: vec![step],
            predict: vec![step / 4.0],
            operations,
            memory: vec![100.0 * step],
        };
        let options = StepOptions::parse(&["--threads", "2"]).expect("valid");
        let (mut ours, mut peer) = (times(0.5, vec![100.0, 25.0]), times(1.0, Vec::new()));
        let (text, json) = tables(&options, &mut ours, Some(&mut peer), 400.0);
        assert!(text.contains("PyTorch 1.0000 / 1.0000 / 1.0000   dre / PyTorch 0.50"), "{text}");
        assert!(text.contains("100.0 GFLOP needed, 200 GFLOP/s, 50 % of that"), "{text}");
        assert!(text.contains("memory   dre 50 / 50 / 50   PyTorch 100 / 100 / 100"), "{text}");
        assert!(json.contains("\"ratio\": 0.500, \"gflop\": 25.000, \"share\": 0.500}"), "{json}");
        assert!(tables(&options, &mut ours, None, 400.0).0.contains("PyTorch was not timed"));
    }
}
