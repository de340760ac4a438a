//! What the program found, from `results.json`, and what went in, from `derivatives/truth`.

use std::fs;
use std::path::Path;

use ndarray::Array2;
use serde_json::Value;

/// The part of a study's results that claims are about.
#[derive(Clone, Debug, Default)]
pub(super) struct Scores {
    /// Mean r over subjects by model.
    pub(super) models: Vec<(String, f64)>,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) importance: Vec<Importance>,
    /// By how much the study's filter delays the data (s).
    pub(super) delay: f64,
    /// Times (s) of an epoch.
    pub(super) times: Vec<f64>,
    pub(super) channels: Vec<String>,
}

/// Two models on the same subjects.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    /// Mean over subjects of r of the first less r of the second.
    pub(super) difference: f64,
    /// Its 95 % interval.
    pub(super) interval: [f64; 2],
    /// Of the two-sided signed-rank test.
    pub(super) p: f64,
}

#[derive(Clone, Debug)]
pub(super) struct Comparison {
    first: String,
    second: String,
    pair: Pair,
}

/// How much r falls where a feature is permuted given the others.
#[derive(Clone, Debug)]
pub(super) struct Importance {
    pub(super) model: String,
    pub(super) feature: String,
    /// Time of its largest mean over channels (s).
    pub(super) peak: f64,
    /// Mean Δr over subjects, channels and times.
    pub(super) delta_r: f64,
    /// Per channel, per time.
    map: Vec<Vec<f64>>,
}

impl Scores {
    pub(super) fn read(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))?;
        let value: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        Self::new(&value).ok_or_else(|| format!("{} does not have the layout that is expected", path.display()))
    }

    fn new(value: &Value) -> Option<Self> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let models = value["models"].as_object()?.iter();
        let models = models.map(|(name, model)| Some((name.clone(), model["mean_r"].as_f64()?)));
        let comparisons = value["statistics"]["comparisons"].as_array()?.iter().map(|found| {
            // Groups that are too small have no interval and no test.
            let ends = numbers(&found["confidence"]).unwrap_or_else(|| vec![f64::NAN; 2]);
            let pair = Pair {
                difference: found["difference"].as_f64()?,
                interval: [*ends.first()?, *ends.get(1)?],
                p: found["test"]["p"].as_f64().unwrap_or(f64::NAN),
            };
            Some(Comparison { first: text(&found["first"])?, second: text(&found["second"])?, pair })
        });
        let importance = value["importance"].as_array().into_iter().flatten();
        let importance = importance.filter(|found| found["conditional"] == true).map(|found| {
            Some(Importance {
                model: text(&found["model"])?,
                feature: text(&found["name"])?,
                delta_r: found["delta_r"].as_f64().unwrap_or(f64::NAN),
                peak: found["peak"].as_f64().unwrap_or(f64::NAN),
                map: found["map"].as_array()?.iter().map(numbers).collect::<Option<_>>()?,
            })
        });
        let channels = value["cohort"]["channels"].as_array()?.iter().map(|channel| text(&channel["name"]));
        Some(Self {
            models: models.collect::<Option<_>>()?,
            comparisons: comparisons.collect::<Option<_>>()?,
            importance: importance.collect::<Option<_>>()?,
            delay: value["cohort"]["steps"].as_array()?.iter().filter_map(Value::as_str).map(delay).sum(),
            times: numbers(&value["times"])?,
            channels: channels.collect::<Option<_>>()?,
        })
    }

    /// Mean r of a model; NaN where there is none.
    pub(super) fn r(&self, model: &str) -> f64 {
        self.models.iter().find(|(name, _)| name == model).map_or(f64::NAN, |(_, r)| *r)
    }

    /// What is left where the second model's r is taken off the first's.
    pub(super) fn pair(&self, first: &str, second: &str) -> Option<Pair> {
        let find = |a: &str, b: &str| self.comparisons.iter().find(|c| c.first == a && c.second == b).map(|c| c.pair);
        let turned = |pair: Pair| Pair {
            difference: -pair.difference,
            interval: [-pair.interval[1], -pair.interval[0]],
            ..pair
        };
        find(first, second).or_else(|| find(second, first).map(turned))
    }

    /// Δr per channel at its peak.
    pub(super) fn at_peak(&self, importance: &Importance) -> Vec<f64> {
        let distance = |i: &usize| (self.times[*i] - importance.peak).abs();
        let nearest = (0..self.times.len()).min_by(|a, b| distance(a).total_cmp(&distance(b))).unwrap_or(0);
        importance.map.iter().map(|channel| channel.get(nearest).copied().unwrap_or(f64::NAN)).collect()
    }
}

/// The delay (s) that a step of the preparing says of itself, as `… (minimum-phase FIR, 845 taps, delay 16 ms at 10 Hz)`.
fn delay(step: &str) -> f64 {
    let text = step.split_once("delay ").and_then(|(_, rest)| rest.split_once(" ms"));
    text.and_then(|(number, _)| number.parse::<f64>().ok()).map_or(0.0, |ms| ms / 1e3)
}

/// Numbers; null stands for NaN.
fn numbers(value: &Value) -> Option<Vec<f64>> {
    value.as_array()?.iter().map(|v| if v.is_null() { Some(f64::NAN) } else { v.as_f64() }).collect()
}

/// What went into a simulated study.
#[derive(Clone, Debug, Default)]
pub(super) struct Truth {
    pub(super) responses: Vec<Response>,
}

/// A response to words.
#[derive(Clone, Debug)]
pub(super) struct Response {
    /// The feature that scales it.
    pub(super) feature: String,
    /// When it is strongest (s), early to late: the peaks of its course, of either sign, that reach half of the highest.
    pub(super) peaks: Vec<f64>,
    /// By channel: the mean over subjects of how strongly it is seen, without sign.
    topography: Vec<(String, f64)>,
}

impl Truth {
    pub(super) fn read(folder: &Path) -> Result<Self, String> {
        let path = folder.join("truth.json");
        let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let value: Value = serde_json::from_str(&text).map_err(|e| format!("{}: {e}", path.display()))?;
        let tables = topographies(folder)?;
        let path = folder.join("kernels.npy");
        let kernels: Array2<f64> = ndarray_npy::read_npy(&path).map_err(|e| format!("{}: {e}", path.display()))?;
        let sfreq = value["simulation"]["sfreq"].as_f64().unwrap_or(f64::NAN);
        let responses = value["responses"].as_array().into_iter().flatten();
        let responses = responses.zip(kernels.outer_iter()).map(|(response, kernel)| {
            let name = response["name"].as_str()?;
            Some(Response {
                feature: response["column"].as_str()?.to_owned(),
                peaks: peaks(&kernel.to_vec()).into_iter().map(|sample| sample as f64 / sfreq).collect(),
                topography: mean_size(&tables, name)?,
            })
        });
        let responses = responses.collect::<Option<_>>();
        Ok(Self { responses: responses.ok_or_else(|| format!("{} lacks what is expected", path.display()))? })
    }
}

impl Response {
    /// Pearson's correlation over channels between its size and `values`, which are in the order of `channels`.
    pub(super) fn likeness(&self, channels: &[String], values: &[f64]) -> f64 {
        let size = |name: &String| self.topography.iter().find(|(c, _)| c == name).map_or(f64::NAN, |(_, size)| *size);
        correlation(&channels.iter().map(size).collect::<Vec<_>>(), values)
    }
}

/// The text of each subject's table.
fn topographies(folder: &Path) -> Result<Vec<String>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<_> = entries
        .flatten()
        .filter_map(|entry| {
            let subject = entry.file_name().into_string().ok()?;
            subject.starts_with("sub-").then(|| entry.path().join(format!("{subject}_task-reading_topographies.tsv")))
        })
        .collect();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))).collect()
}

/// Mean over tables of a column's absolute values, by the name in the first column.
fn mean_size(tables: &[String], column: &str) -> Option<Vec<(String, f64)>> {
    let mut sum: Vec<(String, f64)> = Vec::new();
    for table in tables {
        let mut lines = table.lines();
        let index = lines.next()?.split('\t').position(|name| name == column)?;
        for (i, line) in lines.enumerate() {
            let cells: Vec<&str> = line.split('\t').collect();
            let size = cells.get(index)?.parse::<f64>().ok()?.abs() / tables.len() as f64;
            match sum.get_mut(i) {
                Some((name, sum)) if name == cells[0] => *sum += size,
                Some(_) => return None,
                None => sum.push((cells[0].to_owned(), size)),
            }
        }
    }
    Some(sum)
}

/// Samples at which a course has a peak, of either sign, that reaches half of the highest.
fn peaks(course: &[f64]) -> Vec<usize> {
    let highest = course.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let is_peak = |i: &usize| {
        let size = |i: usize| course[i].abs();
        size(*i) >= 0.5 * highest && size(*i) > size(i - 1) && size(*i) >= size(i + 1)
    };
    (1..course.len().saturating_sub(1)).filter(is_peak).collect()
}

fn correlation(a: &[f64], b: &[f64]) -> f64 {
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
    let (mean_a, mean_b) = (mean(a), mean(b));
    let sum = |f: &dyn Fn(f64, f64) -> f64| a.iter().zip(b).map(|(x, y)| f(x - mean_a, y - mean_b)).sum::<f64>();
    sum(&|x, y| x * y) / (sum(&|x, _| x * x) * sum(&|_, y| y * y)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESULTS: &str = r#"{
        "models": { "trf": { "mean_r": 0.1 }, "dre": { "mean_r": 0.4 } },
        "times": [-0.1, 0.0, 0.1],
        "cohort": {
            "channels": [{ "name": "O1" }, { "name": "O2" }, { "name": "Cz" }],
            "steps": ["low-pass, delay 12.5 ms", "every 2nd sample"]
        },
        "statistics": { "comparisons": [
            { "first": "trf", "second": "dre", "difference": -0.3, "confidence": [-0.4, -0.2], "test": { "p": 0.001 } }
        ] },
        "importance": [
            { "model": "trf", "name": "word_length", "conditional": false, "peak": 0.0, "map": [[9, 9, 9], [9, 9, 9], [9, 9, 9]] },
            { "model": "trf", "name": "word_length", "conditional": true, "peak": 0.1, "map": [[0, 0, 0.2], [0, 0, 0.4], [null, 0, 0]] }
        ]
    }"#;

    #[test]
    fn results_are_read_and_pairs_turned() {
        let scores = Scores::new(&serde_json::from_str(RESULTS).expect("JSON")).expect("the layout");
        assert!((scores.r("dre") - 0.4).abs() < 1e-12 && scores.r("rtrf").is_nan());
        let pair = scores.pair("dre", "trf").expect("turned");
        assert_eq!(pair, Pair { difference: 0.3, interval: [0.2, 0.4], p: 0.001 });
        assert!(scores.pair("dre", "rtrf").is_none());
        assert_eq!(scores.importance.len(), 1, "the conditional one");
        assert_eq!(scores.at_peak(&scores.importance[0]), [0.2, 0.4, 0.0]);
        assert!(Scores::new(&Value::Null).is_none());
    }

    #[test]
    fn peaks_of_either_sign_count_from_half_of_the_highest() {
        assert_eq!(peaks(&[0.0, 0.1, 1.0, 0.3, -0.6, -0.2, 0.4, 0.0]), [2, 4]);
        assert_eq!(peaks(&[]), Vec::<usize>::new());
    }

    #[test]
    fn topographies_are_sizes_averaged_over_subjects() {
        let tables = ["name\tn400\tvisual\nO1\t0\t-1\nO2\t0\t3\nCz\t0\t0\n", "name\tvisual\nO1\t3\nO2\t-5\nCz\t0\n"];
        let topography = mean_size(&tables.map(str::to_owned), "visual").expect("a table");
        assert_eq!(topography, [("O1".to_owned(), 2.0), ("O2".to_owned(), 4.0), ("Cz".to_owned(), 0.0)]);
        let response = Response { feature: "word_length".to_owned(), peaks: Vec::new(), topography };
        let channels = ["O2", "Cz", "O1"].map(str::to_owned);
        assert!((response.likeness(&channels, &[4.0, 0.0, 2.0]) - 1.0).abs() < 1e-12);
        assert!((response.likeness(&channels, &[0.0, 4.0, 2.0]) + 1.0).abs() < 1e-12);
        assert!(mean_size(&["name\tn400\nO1\t1\n".to_owned()], "visual").is_none());
    }
}
