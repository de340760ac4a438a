//! Figures as files: which there are, that they stand alone, and that their numbers are those of the results.

#[path = "../examples/fixture/fake.rs"]
mod fake;

use std::collections::BTreeSet;

use dre::results::Results;
use dre_report::{PaperFigure, figures};

fn of(variant: &str) -> (Results, Vec<PaperFigure>) {
    let results = fake::variant(variant);
    let all = figures(&results).expect("the fixture draws");
    (results, all.figures)
}

fn named<'a>(all: &'a [PaperFigure], name: &str) -> &'a PaperFigure {
    let names: Vec<&str> = all.iter().map(|figure| figure.name.as_str()).collect();
    all.iter().find(|figure| figure.name == name).unwrap_or_else(|| panic!("no {name} among {names:?}"))
}

#[test]
fn every_figure_that_the_results_hold_is_there() {
    let (_, all) = of("words");
    let names: Vec<&str> = all.iter().map(|figure| figure.name.as_str()).collect();
    let expected = [
        "scores",
        "comparison",
        "scores-time",
        "leak",
        "scores-channels",
        "scores-map",
        "scores-seeds",
        "stimulus",
        "stimulus-time",
        "stimulus-map",
        "evoked-all_epochs",
        "butterfly-all_epochs",
        "evoked-all_epochs-map",
        "coefficients-trf",
        "coefficients-trf-map",
        "coefficients-rtrf",
        "coefficients-rtrf-map",
        "importance-rtrf",
        "importance-rtrf-map",
        "state-power",
        "state-power-size",
        "state-power-captured",
        "state-power-captured-time",
        "state-power-map",
        "decoding",
        "decoding-map",
        "adaptation-rtrf-sub-01",
        "training-dre",
        "training-dre-past",
        "training-dre_no_init",
    ];
    assert_eq!(names, expected);
    assert!(of("empty").1.is_empty(), "nothing is drawn of nothing");
}

#[test]
fn files_stand_alone_in_the_stated_size() {
    for variant in fake::VARIANTS.into_iter().filter(|v| *v != "large") {
        let (_, all) = of(variant);
        let mut names = BTreeSet::new();
        for PaperFigure { name, svg, width, height, table } in &all {
            let at = format!("{variant}, {name}");
            let document = roxmltree::Document::parse(svg).unwrap_or_else(|e| panic!("{at}: {e}"));
            let root = document.root_element();
            assert_eq!(root.attribute("width"), Some(format!("{width:.2}mm").as_str()), "{at}");
            assert_eq!(root.attribute("height"), Some(format!("{height:.2}mm").as_str()), "{at}");
            let box_width: f64 = root.attribute("viewBox").unwrap().split(' ').nth(2).unwrap().parse().unwrap();
            for node in document.descendants().filter(roxmltree::Node::is_element) {
                for attribute in node.attributes() {
                    let value = attribute.value();
                    assert!(!matches!(attribute.name(), "class" | "style") && !value.contains("var("), "{at}: {value}");
                    let is_picture = attribute.name() == "href" && value.starts_with("data:image/png;base64,");
                    assert!(is_picture || !(value.contains("NaN") || value.contains("inf")), "{at}: {value}");
                    let is_outside = attribute.name() == "href" && !is_picture;
                    assert!(!is_outside, "{at}: {value}");
                }
                if node.tag_name().name() == "text" {
                    let size: f64 = node.attribute("font-size").expect("text has a size").parse().unwrap();
                    let points = size * width / box_width / 25.4 * 72.0;
                    assert!(points >= 7.0, "{at}: text of {points:.1} pt");
                }
                if node.tag_name().name() == "path" {
                    assert!(
                        node.attribute("stroke").is_some() || node.ancestors().any(|n| n.has_tag_name("clipPath")),
                        "{at}"
                    );
                }
            }
            assert!(*width <= 190.0 || variant == "hostile", "{at}: {width} mm");
            assert!(names.insert(name.to_lowercase()), "{at}: two of one name");
            assert!(name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)), "{at}");
            let mut lines = table.lines();
            let n_columns = lines.next().expect("a header").split('\t').count();
            assert!(lines.clone().next().is_some(), "{at}: no numbers");
            assert!(lines.all(|line| line.split('\t').count() == n_columns), "{at}");
        }
    }
}

/// Cells of a table below its header.
fn rows(figure: &PaperFigure) -> Vec<Vec<&str>> {
    figure.table.lines().skip(1).map(|line| line.split('\t').collect()).collect()
}

#[test]
fn tables_hold_the_numbers_of_the_results() {
    let (results, all) = of("words");
    let scores = rows(named(&all, "scores"));
    // Fits without features stand after their models.
    let expected: Vec<(&str, &str, f64)> = ["trf", "rtrf", "rtrf-past", "dre", "dre-past", "dre_no_init"]
        .into_iter()
        .flat_map(|name| results.models[name].subjects.iter().map(move |(label, s)| (name, label.as_str(), s.r)))
        .collect();
    assert_eq!(scores.len(), expected.len());
    for (row, (model, label, r)) in scores.iter().zip(&expected) {
        assert_eq!((row[0], row[1]), (*model, *label));
        assert_eq!(row[3], digits(*r), "to 12 significant digits");
    }
    let evoked = rows(named(&all, "evoked-all_epochs"));
    let (n_channels, n_times) = (results.cohort.channels.len(), results.times.len());
    assert_eq!(evoked.len(), n_channels * n_times);
    let (channel, time) = (3, 17);
    let row = &evoked[channel * n_times + time];
    assert_eq!(row[0], results.cohort.channels[channel].name);
    assert_eq!(row[1], digits(results.times[time]));
    assert_eq!(row[2].parse::<f32>().unwrap().to_bits(), results.evoked[0].truth[channel][time].to_bits());
    let sizes = rows(named(&all, "state-power-size"));
    let gains = &results.state[0].truth.gains;
    let (label, bins) = gains.get_index(1).unwrap();
    assert_eq!((sizes[4][0], sizes[4][1], sizes[4][2]), ("true response", label.as_str(), "least"));
    assert_eq!(sizes[7][3], digits(bins[3]));
    let captured = rows(named(&all, "state-power-captured"));
    let one = results.state[0].models[1].subjects[1];
    let at = results.cohort.subjects.len() + 1;
    assert_eq!(captured[at][2..], [one.r, one.crossed].map(digits));
    let responses = rows(named(&all, "state-power"));
    let bins = &results.state[0].maps.as_ref().unwrap().truth;
    let row = &responses[(n_channels + channel) * n_times + time];
    assert_eq!((row[0], row[1], row[2]), ("true response", "2", results.cohort.channels[channel].name.as_str()));
    assert_eq!(row[4].parse::<f32>().unwrap().to_bits(), bins[1][channel][time].to_bits());
    let adaptation = rows(named(&all, "adaptation-rtrf-sub-01"));
    assert_eq!(adaptation.len(), results.adaptation[0].points.len());
    assert_eq!(adaptation[2][4], digits(results.adaptation[0].points[2].trf));
}

#[test]
fn what_the_stimulus_adds_is_written_for_every_model_and_time_but_not_within_init_windows() {
    let (results, all) = of("words");
    let n_times = results.times.len();
    let over_time = rows(named(&all, "stimulus-time"));
    assert_eq!(over_time.len(), results.stimulus.len() * n_times);
    let place = results.stimulus.iter().position(|one| one.model == "dre").unwrap();
    let one = &results.stimulus[place];
    let (shown, hidden) = (&over_time[place * n_times + 100], &over_time[place * n_times + 39]);
    assert_eq!(shown[..], ["dre", "dre-past", &digits(results.times[100]), &digits(one.over_time[100])]);
    assert_eq!((hidden[0], hidden[3]), ("dre", "n/a"), "the model can copy its init window");
    let trf = &over_time[39];
    assert_eq!((trf[0], trf[1], trf[3]), ("trf", "n/a", digits(results.stimulus[0].over_time[39]).as_str()));
    let seeds = rows(named(&all, "scores-seeds"));
    assert_eq!(seeds.len(), 3 * 5 * (1 + results.cohort.subjects.len()), "three networks of five fits");
    assert_eq!(seeds[0], ["dre", "0", "mean", &digits(results.models["dre"].seeds[0].mean_r)]);
}

/// A number to 12 significant digits.
fn digits(value: f64) -> String {
    format!("{value:.11e}").parse::<f64>().unwrap().to_string()
}

#[test]
fn maps_without_places_of_sensors_are_named() {
    let mut results = fake::variant("words");
    let whole = figures(&results).expect("the fixture draws");
    assert!(whole.left_out.is_empty(), "{:?}", whole.left_out);
    for (i, channel) in results.cohort.channels.iter_mut().enumerate() {
        (channel.name, channel.position) = (format!("X{i}"), None);
    }
    let bare = figures(&results).expect("draws");
    let names = |all: &[PaperFigure]| all.iter().map(|figure| figure.name.clone()).collect::<BTreeSet<String>>();
    let missing: BTreeSet<String> = names(&whole.figures).difference(&names(&bare.figures)).cloned().collect();
    assert_eq!(bare.left_out.iter().cloned().collect::<BTreeSet<String>>(), missing);
    assert!(missing.contains("state-power-map") && missing.contains("scores-map"), "{missing:?}");
    assert!(bare.note.contains("no position is known"), "{}", bare.note);
}

#[test]
fn states_whose_responses_are_not_there_keep_their_other_figures() {
    let mut results = fake::variant("words");
    results.state[0].maps = None;
    let names: Vec<String> = figures(&results).expect("draws").figures.into_iter().map(|figure| figure.name).collect();
    let of_states: Vec<&str> = names.iter().map(String::as_str).filter(|name| name.starts_with("state-")).collect();
    assert_eq!(of_states, ["state-power-size", "state-power-captured", "state-power-captured-time"]);
}
