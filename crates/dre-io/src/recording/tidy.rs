//! What MNE-Python does with every recording's annotations and names, for readers that shall agree with it.

use std::collections::{HashMap, HashSet};

use super::{Annotation, RecordingInfo};

/// Whole microseconds, the nearest even one of two.
fn microseconds(seconds: f64) -> f64 {
    let whole = seconds.trunc();
    whole * 1e6 + ((seconds - whole) * 1e6).round_ties_even()
}

/// Puts annotations in order of onset, then duration, and cuts them to the recording, as MNE-Python does: those outside are
/// left out, those that reach beyond it are shortened, and onsets are whole microseconds. What was lost is noted.
pub(crate) fn tidy_annotations(info: &mut RecordingInfo) {
    let end = microseconds(info.seconds());
    let mut annotations = std::mem::take(&mut info.annotations);
    annotations.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.duration.total_cmp(&b.duration)));
    let (mut n_outside, mut n_shortened) = (0, 0);
    for Annotation { onset, duration, description } in annotations {
        let duration = if duration.is_nan() { 0.0 } else { duration };
        let first = microseconds(onset);
        let last = first + microseconds(duration);
        // Written so that NaN is outside, too.
        if !(first <= end && last >= 0.0) {
            n_outside += 1;
            continue;
        }
        let (from, to) = (first.max(0.0), last.min(end));
        let cut = first < 0.0 || last > end;
        n_shortened += usize::from(cut);
        let duration = if cut { (to - from) / 1e6 } else { duration };
        info.annotations.push(Annotation { onset: from / 1e6, duration, description });
    }
    let name = info.path.display();
    if n_outside > 0 {
        info.notes.push(format!("{name}: {n_outside} annotations lie outside the recording and were left out"));
    }
    if n_shortened > 0 {
        info.notes.push(format!("{name}: {n_shortened} annotations reach beyond the recording and were shortened"));
    }
}

/// Numbers names that occur more than once (`A-0`, `A-1` …) as MNE-Python does, and returns those names.
pub(crate) fn unique_names(names: &mut [String]) -> Vec<String> {
    let mut places: HashMap<String, Vec<usize>> = HashMap::new();
    for (index, name) in names.iter().enumerate() {
        places.entry(name.clone()).or_default().push(index);
    }
    let mut taken: HashSet<String> = places.keys().cloned().collect();
    let mut repeated: Vec<(String, Vec<usize>)> = places.into_iter().filter(|(_, at)| at.len() > 1).collect();
    repeated.sort();
    for (stem, at) in &repeated {
        for (number, index) in at.iter().enumerate() {
            // The letters are for files that have an `A` twice and an `A-0` as well; the numbers go on for those with more.
            let numbered = std::iter::once(number.to_string())
                .chain(('a'..='z').map(String::from))
                .chain((0..=taken.len()).map(|more| format!("{number}-{more}")))
                .map(|suffix| format!("{stem}-{suffix}"))
                .find(|candidate| !taken.contains(candidate))
                .unwrap_or_default();
            taken.insert(numbered.clone());
            names[*index] = numbered;
        }
    }
    repeated.into_iter().map(|(stem, _)| stem).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tidied(annotations: &[(f64, f64)]) -> (Vec<(f64, f64)>, usize) {
        let mut info = RecordingInfo::new("x", 100.0, 1000, Vec::new());
        info.annotations = annotations
            .iter()
            .map(|&(onset, duration)| Annotation { onset, duration, description: String::new() })
            .collect();
        tidy_annotations(&mut info);
        (info.annotations.iter().map(|a| (a.onset, a.duration)).collect(), info.notes.len())
    }

    #[test]
    fn annotations_are_sorted_cut_to_the_recording_and_whole_microseconds() {
        assert_eq!(tidied(&[(2.0, 1.0), (2.0, 0.5), (1.000_000_4, 0.0)]).0, [(1.0, 0.0), (2.0, 0.5), (2.0, 1.0)]);
        assert_eq!(tidied(&[(9.0, 3.0), (-1.0, 2.0)]), (vec![(0.0, 1.0), (9.0, 1.0)], 1));
        assert_eq!(tidied(&[(10.1, 0.0), (-2.0, 1.0), (f64::NAN, 0.0), (10.0, 0.0)]), (vec![(10.0, 0.0)], 1));
        assert_eq!(tidied(&[(1.0, f64::NAN)]).0, [(1.0, 0.0)]);
    }

    #[test]
    fn repeated_names_are_numbered_without_a_clash() {
        let mut names: Vec<String> = ["A", "B", "A", "A-0"].map(str::to_owned).to_vec();
        assert_eq!(unique_names(&mut names), ["A"]);
        assert_eq!(names, ["A-a", "B", "A-1", "A-0"]);
    }
}
