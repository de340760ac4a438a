//! Events in random step signals are those that MNE-Python finds (`bench/golden/find_events.py`).

use dre::events::{Consecutive, EventOutput, FindEvents, MaskType, StimSteps, find_events};
use serde_json::Value;

const CASES: &str = include_str!("fixtures/find_events.json");

fn options(case: &Value) -> FindEvents {
    FindEvents {
        output: match case["output"].as_str() {
            Some("onset") => EventOutput::Onset,
            Some("offset") => EventOutput::Offset,
            _ => EventOutput::Step,
        },
        consecutive: match &case["consecutive"] {
            Value::Bool(true) => Consecutive::Yes,
            Value::Bool(false) => Consecutive::No,
            _ => Consecutive::Increasing,
        },
        min_duration: case["min_duration"].as_f64().unwrap(),
        shortest_event: case["shortest_event"].as_u64().unwrap(),
        mask: case["mask"].as_i64(),
        mask_type: if case["mask_type"] == "and" { MaskType::And } else { MaskType::NotAnd },
        uint_cast: case["uint_cast"].as_bool().unwrap(),
        initial_event: case["initial_event"].as_bool().unwrap(),
    }
}

fn samples(case: &Value) -> Vec<f64> {
    let runs = case["values"].as_array().unwrap().iter().zip(case["lengths"].as_array().unwrap());
    runs.flat_map(|(value, n)| vec![value.as_f64().unwrap(); n.as_u64().unwrap() as usize]).collect()
}

#[test]
fn events_are_those_of_mne() {
    let cases: Vec<Value> = serde_json::from_str(CASES).unwrap();
    for case in &cases {
        let options = options(case);
        // In blocks, so that their borders fall anywhere.
        let mut steps = StimSteps::new(options.uint_cast);
        for block in samples(case).chunks(3) {
            steps.extend(block.iter().copied());
        }
        let found = find_events(&steps, 100.0, case["first_samp"].as_u64().unwrap(), &options);
        match (found, case["events"].as_array()) {
            (Ok(found), Some(expected)) => {
                let expected: Vec<[i64; 3]> =
                    expected.iter().map(|row| serde_json::from_value(row.clone()).unwrap()).collect();
                let found: Vec<[i64; 3]> =
                    found.iter().map(|event| [event.sample as i64, event.previous, event.value]).collect();
                assert_eq!(found, expected, "{case}");
            }
            (Err(_), None) => {}
            // MNE-Python gives the one onset's value to both offsets, the first of which ended another event.
            (Err(error), Some(_)) if error.to_string().contains("1 onsets and 2 offsets do not pair") => {}
            (found, _) => panic!("{found:?} for {case}"),
        }
    }
}
