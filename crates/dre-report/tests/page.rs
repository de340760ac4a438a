//! The page as a whole: sections, escaping, no outside resource, no number that is none in a picture.

#[path = "../examples/fixture/fake.rs"]
mod fake;

use dre::data::BadSegments;
use dre::results::{MaskedRecording, Results};
use dre_report::{Error, write_html};

const SECTIONS: [&str; 9] =
    ["scores", "time", "channels", "evoked", "training", "data", "processing", "configuration", "provenance"];

fn page(variant: &str) -> String {
    write_html(&fake::variant(variant)).expect("the fixture renders")
}

/// Every `<svg …>…</svg>` of the page.
fn pictures(html: &str) -> Vec<&str> {
    html.match_indices("<svg ")
        .map(|(start, _)| {
            let end = html[start..].find("</svg>").expect("pictures end");
            &html[start..start + end + "</svg>".len()]
        })
        .collect()
}

/// Values of the attribute `name`.
fn attributes<'a>(text: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    text.match_indices(&opening)
        .map(|(i, _)| {
            let rest = &text[i + opening.len()..];
            &rest[..rest.find('"').expect("attributes end")]
        })
        .collect()
}

/// The text of the headline and its caveats, without markup.
fn headline(html: &str) -> String {
    let start = html.find("class=\"headline\">").expect("there is a headline") + "class=\"headline\">".len();
    let end = start + html[start..].find("<dl").expect("facts follow");
    let mut text = String::new();
    let mut inside = false;
    for c in html[start..end].chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => text.push(c),
            _ => {}
        }
    }
    text.replace("&#x2f;", "/").split_whitespace().collect::<Vec<_>>().join(" ")
}

#[test]
fn every_section_is_present_in_every_variant() {
    for variant in fake::VARIANTS {
        let html = page(variant);
        for section in SECTIONS {
            assert_eq!(html.matches(&format!("<section id=\"{section}\">")).count(), 1, "{variant}: {section}");
            assert!(html.contains(&format!("href=\"#{section}\"")), "{variant}: no link to {section}");
        }
    }
}

#[test]
fn nothing_is_fetched() {
    for variant in fake::VARIANTS {
        let html = page(variant);
        let outside = html.match_indices("http").filter(|(i, _)| {
            let rest = &html[*i..];
            let address = rest.starts_with("http:") || rest.starts_with("https:");
            address && !rest.starts_with("http://www.w3.org/2000/svg\"")
        });
        let outside: Vec<_> = outside.collect();
        assert!(outside.is_empty(), "{variant}: {outside:?}");
        assert!(!html.contains("@import") && attributes(&html, "src").is_empty(), "{variant}");
        assert!(
            attributes(&html, "href")
                .iter()
                .all(|h| h.starts_with('#') || *h == "data:," || h.starts_with("data:image/png;base64,")),
            "{variant}"
        );
        assert!(html.contains("default-src 'none'"));
    }
}

#[test]
fn pictures_hold_only_numbers_and_close_what_they_open() {
    for variant in fake::VARIANTS {
        let html = page(variant);
        for picture in pictures(&html) {
            for name in ["d", "x", "y", "cx", "cy", "r", "width", "height", "viewBox", "data-frame"] {
                for value in attributes(picture, name) {
                    let bad = value.contains("NaN") || value.contains("inf") || value.contains('e');
                    assert!(!bad, "{variant}: {name}=\"{value}\"");
                }
            }
            assert_eq!(attributes(picture, "role").first(), Some(&"img"), "{variant}");
            assert!(attributes(picture, "aria-label").first().is_some_and(|l| l.len() > 5), "{variant}");
            assert_balanced(picture, variant);
        }
    }
}

fn assert_balanced(picture: &str, variant: &str) {
    let mut open = Vec::new();
    for (start, _) in picture.match_indices('<') {
        let tag = &picture[start + 1..start + picture[start..].find('>').expect("tags end")];
        let name = tag.split([' ', '/']).find(|part| !part.is_empty()).expect("tags have names");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{variant}");
        } else if !tag.ends_with('/') {
            open.push(name);
        }
    }
    assert!(open.is_empty(), "{variant}: {open:?} stay open");
}

#[test]
fn identifiers_are_unique() {
    for variant in fake::VARIANTS {
        let html = page(variant);
        let mut ids = attributes(&html, "id");
        ids.sort_unstable();
        let repeated: Vec<_> = ids.windows(2).filter(|w| w[0] == w[1]).collect();
        assert!(repeated.is_empty(), "{variant}: {repeated:?}");
    }
}

#[test]
fn markup_in_names_is_shown_as_text() {
    let html = page("hostile");
    assert_eq!(html.matches("<script").count(), 3);
    assert_eq!(html.matches("</script").count(), 3);
    assert!(!html.contains("<img") && !html.contains("<b>Cz") && !html.contains("<i>EOG1"));
    assert!(html.contains("&lt;b&gt;Cz&lt;/b&gt;"));
    assert!(html.contains("&lt;script&gt;alert"));
}

#[test]
fn the_numbers_for_the_script_are_valid_json() {
    for variant in fake::VARIANTS {
        let html = page(variant);
        let opening = "<script type=\"application/json\" id=\"store\">";
        let start = html.find(opening).expect("there is a store") + opening.len();
        let store: serde_json::Value =
            serde_json::from_str(&html[start..start + html[start..].find("</script>").expect("it ends")])
                .unwrap_or_else(|e| panic!("{variant}: {e}"));
        let results = fake::variant(variant);
        assert_eq!(store["times"].as_array().map(Vec::len), Some(results.times.len()), "{variant}");
        let time = store["plots"].as_array().and_then(|p| p.iter().find(|p| p["name"] == "time")).expect("time");
        assert_eq!(time["lines"].as_array().map(Vec::len), Some(results.models.len()), "{variant}");
    }
}

#[test]
fn a_study_of_the_papers_size_stays_small() {
    let html = page("large");
    assert!(html.len() < 5_000_000, "{} bytes", html.len());
    assert!(html.contains("best predicted of 273 channels; the results file holds all"));
}

#[test]
fn the_headline_claims_no_more_than_the_numbers_carry() {
    let p300 = headline(&page("p300"));
    assert!(p300.contains("too close to zero for the ratio of"), "{p300}");
    assert!(p300.contains("is higher in 4 of 4 subjects"), "{p300}");
    assert!(p300.contains("dre is shown true samples at the start of every test epoch (−0.5 to −0.195 s)"), "{p300}");
    assert!(p300.contains("4 subjects are too few for a group test"), "{p300}");

    // The best linear model, not the weaker one.
    let words = headline(&page("words"));
    assert!(
        words.contains("Recurrent TRF (ridge) reaches 0.0") && words.contains("the ratio dre / rtrf is"),
        "{words}"
    );

    let hostile = headline(&page("hostile"));
    assert!(hostile.contains("so a ratio would mean nothing"), "{hostile}");

    let single = headline(&page("single"));
    assert!(single.contains("in one subject"), "{single}");

    assert_eq!(headline(&page("empty")), "No model was fitted.");
}

#[test]
fn a_study_that_predicts_nothing_says_so() {
    let mut results = fake::variant("p300");
    for model in results.models.values_mut() {
        model.mean_r = 0.002;
        for (score, r) in model.subjects.values_mut().zip([0.03, -0.02, 0.01, -0.012]) {
            score.r = r;
        }
    }
    let text = headline(&write_html(&results).expect("renders"));
    assert!(text.starts_with("No model predicts the held-out EEG clearly: the highest mean r is 0.002"), "{text}");

    for model in results.models.values_mut() {
        model.mean_r = f64::NAN;
    }
    let text = headline(&write_html(&results).expect("renders"));
    assert!(text.starts_with("No score could be computed"), "{text}");
}

#[test]
fn a_deep_model_that_does_not_beat_the_reference_is_not_praised() {
    let mut results = fake::variant("words");
    results.models["dre"].mean_r = results.models["rtrf"].mean_r - 0.01;
    let text = headline(&write_html(&results).expect("renders"));
    assert!(text.starts_with("Recurrent TRF (ridge) predicts held-out MEG"), "{text}");
    assert!(
        text.contains("Deep Recurrent Encoder (0.0") && text.contains("does not exceed Recurrent TRF (ridge) (0.0"),
        "{text}"
    );
    assert!(text.contains("the difference is −0.010"), "{text}");
}

#[test]
fn the_headline_s_numbers_are_of_the_models_that_it_names() {
    let mut results = fake::variant("words");
    // A second network, the better one, with the title of the first; ratios in any order.
    results.models["dre_no_init"].title = results.models["dre"].title.clone();
    results.models["dre_no_init"].mean_r = 0.3;
    results.models["dre"].mean_r = 0.2;
    results.models["rtrf"].mean_r = 0.1;
    results.models["trf"].mean_r = 0.08;
    let mut ratio = results.ratios[0].clone();
    ratio.numerator = "dre_no_init".to_owned();
    results.ratios.push(ratio);
    let text = headline(&write_html(&results).expect("renders"));
    assert!(
        text.starts_with("Deep Recurrent Encoder (dre_no_init) predicts held-out MEG with a mean r of 0.300"),
        "{text}"
    );
    assert!(text.contains("Recurrent TRF (ridge) reaches 0.100: the ratio dre_no_init / rtrf is 3.00"), "{text}");
    // Not above 0: the difference, with its models.
    results.models["rtrf"].mean_r = -0.01;
    results.models["trf"].mean_r = -0.02;
    let text = headline(&write_html(&results).expect("renders"));
    assert!(
        text.contains("reaches −0.010, so a ratio would mean nothing; the difference dre_no_init − rtrf is +0.310"),
        "{text}"
    );
}

#[test]
fn a_score_that_starts_later_than_was_asked_is_said() {
    let mut results = fake::variant("words");
    let note = "the study file asks for 0 s, within the init window";
    assert!(!write_html(&results).expect("renders").contains(note));
    results.n_init_times = 70;
    results.models["dre"].n_init_times = 70;
    results.score_from = results.times[70];
    assert!(write_html(&results).expect("renders").contains(note));
}

#[test]
fn few_subjects_have_a_ratio_without_limits() {
    let mut results = fake::variant("words");
    results.statistics.comparisons[0].confidence = None;
    let html = write_html(&results).expect("renders");
    assert!(html.contains(">0.72</td>") && !html.contains("0.72 ["), "no limits, infinite or not");
}

#[test]
fn counts_that_do_not_add_up_are_named() {
    let html = page("hostile");
    assert!(html.contains("The counts do not add up to the number of events for sub-02."));
    assert!(!page("p300").contains("do not add up"));
}

#[test]
fn what_was_masked_is_stated() {
    assert!(page("p300").contains("Every recording has all channels, and no segment is marked as bad."));
    let mut results = fake::variant("p300");
    results.cohort.masked = vec![
        MaskedRecording {
            recording: "sub-02_run-01".to_owned(),
            subject: "sub-02".to_owned(),
            bad: vec!["TP9".to_owned()],
            n_segments: 3,
            seconds: 12.5,
            ..MaskedRecording::default()
        },
        MaskedRecording {
            recording: "sub-03_run-01".to_owned(),
            subject: "sub-03".to_owned(),
            absent: vec!["AF7".to_owned(), "AF8".to_owned()],
            ..MaskedRecording::default()
        },
    ];
    results.cohort.subjects[1].n_bad = 4;
    results.cohort.subjects[1].n_events += 4;
    // Nobody has the channel: it has no r, no evoked response, and counts in no mean.
    for model in results.models.values_mut() {
        model.r_per_channel[0] = f64::NAN;
    }
    for evoked in &mut results.evoked {
        evoked.truth[0].fill(f32::NAN);
    }
    let html = write_html(&results).expect("renders");
    for text in [
        "2 recordings lack channels that others have.",
        "Bad segments of 12.5 s in all were masked, sample by sample; 4 epochs were dropped",
        "<th scope=\"row\">sub-02_run-01</th><td>TP9</td>",
        "AF7, AF8",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(!html.contains("do not add up") && pictures(&html).iter().all(|picture| !picture.contains("NaN")));
    results.cohort.bad_segments = BadSegments::Reject;
    assert!(
        write_html(&results).expect("renders").contains("were kept out: 4 epochs were dropped for overlapping one")
    );
}

#[test]
fn the_kept_pass_is_marked() {
    let results = fake::variant("p300");
    let best = results.models["dre"].best_pass.expect("the fixture keeps a pass");
    assert!(page("p300").contains(&format!(">kept: pass {}</text>", best + 1)));
}

#[test]
fn what_was_left_out_and_where_it_comes_from_is_shown() {
    let html = page("p300");
    assert!(html.contains("164 epochs, fewer than min_epochs_per_subject = 200"));
    assert!(html.contains("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"));
    assert!(html.contains("min_epochs_per_subject = 200\n"), "the study file is shown as it was read");
}

#[test]
fn the_same_results_give_the_same_page() {
    assert_eq!(page("p300"), page("p300"));
}

fn refusal(change: impl FnOnce(&mut Results)) -> Error {
    let mut results = fake::variant("p300");
    change(&mut results);
    write_html(&results).expect_err("inconsistent results are refused")
}

#[test]
fn results_that_do_not_fit_together_are_refused_by_name() {
    let error = refusal(|r| r.format = 999);
    assert!(matches!(error, Error::Format { found: 999, .. }), "{error}");

    let error = refusal(|r| r.models["dre"].r_over_time.truncate(100));
    assert_eq!(
        error.to_string(),
        "results: models.dre.r_over_time has 100 values, expected 193 (one per time); score the study again"
    );

    let error = refusal(|r| r.evoked[1].predicted["trf"][2].truncate(3));
    assert!(error.to_string().contains("\"nontarget\" predicted by trf, channel TP9, has 3 values"), "{error}");

    let error = refusal(|r| r.models["trf"].r_per_channel.push(0.0));
    assert!(matches!(error, Error::Length { found: 5, expected: 4, .. }), "{error}");

    let error = refusal(|r| r.stimulus[1].over_time.truncate(4));
    assert!(error.to_string().contains("stimulus.dre.over_time has 4 values, expected 193"), "{error}");

    let error = refusal(|r| r.stimulus[1].without = Some("gone".to_owned()));
    assert!(matches!(&error, Error::UnknownModel { model, .. } if model == "gone"), "{error}");

    let error = refusal(|r| r.times[7] = r.times[6]);
    assert!(matches!(error, Error::Times { index: 7, .. }), "{error}");

    let error = refusal(|r| {
        let rows = r.evoked[0].truth.clone();
        r.evoked[0].predicted.insert("rtrf".to_owned(), rows);
    });
    assert!(
        error.to_string().contains("names the model \"rtrf\", which is not among the models (trf, dre, dre-past)"),
        "{error}"
    );
}

#[test]
fn missing_parts_are_said_and_the_rest_is_shown() {
    let mut results = fake::variant("p300");
    results.evoked.clear();
    for model in results.models.values_mut() {
        model.history.clear();
        model.best_pass = None;
        model.r_over_time.clear();
        model.r_per_channel.clear();
        for score in model.subjects.values_mut() {
            score.r_over_time.clear();
        }
    }
    let html = write_html(&results).expect("renders");
    for text in [
        "There is no r over time to show.",
        "There is no r per channel to show.",
        "There are no evoked responses to show",
        "No model was trained in passes.",
    ] {
        assert!(html.contains(text), "{text}");
    }
    assert!(html.contains("mean r per subject"), "the scores are still drawn");
}

#[test]
fn maps_stand_where_positions_are_known_and_their_lack_is_said() {
    let p300 = page("p300");
    assert!(p300.contains("maps show them by name, where an ideal round head has them"));
    assert!(p300.contains("With so few sensors nothing is said about what lies between them"));
    let neuromag = page("neuromag");
    for text in [
        "Maps leave out 1 of the 30 mag channels, without a position.",
        "No map of the 2 eeg channels: no position is known.",
        "grad, root mean square of each pair",
        "grad, mean of each pair",
    ] {
        assert!(neuromag.contains(text), "{text}");
    }
    assert!(neuromag.contains("data-maps=\"evoked\"") && neuromag.contains("data-maps=\"coefficients-0\""));

    let mut results = fake::variant("neuromag");
    results.cohort.channels.iter_mut().for_each(|c| c.position = None);
    let html = write_html(&results).expect("renders");
    assert!(!html.contains("class=\"topo ") && html.contains("No map of the 30 mag channels: no position is known."));
    assert!(html.contains("butterfly-plot"), "what needs no position is shown");
}

#[test]
fn every_condition_has_butterflies_of_the_truth_and_of_each_model() {
    let results = fake::variant("neuromag");
    let plots = results.evoked.len() * (1 + results.models.len());
    assert_eq!(page("neuromag").matches("class=\"panel butterfly-plot").count(), plots);
    assert_eq!(page("single").matches("butterfly-plot of-model").count(), 0, "one channel is no butterfly");
}

#[test]
fn intervals_of_the_mean_are_shown_where_there_are_any() {
    let mut results = fake::variant("neuromag");
    results.models["dre"].confidence = Some([0.281, 0.304]);
    let html = write_html(&results).expect("renders");
    assert!(html.contains("data-label=\"95 % CI\">0.281 to 0.304</td>"));
    assert!(html.contains("the level one its 95 % confidence interval"));
    for model in results.models.values_mut() {
        model.confidence = None;
    }
    let html = write_html(&results).expect("renders");
    assert!(!html.contains("the level one its 95 % confidence interval"));
}

/// What stands between `<section id="…">` and its end.
fn section<'a>(html: &'a str, id: &str) -> &'a str {
    let start = html.find(&format!("<section id=\"{id}\">")).unwrap_or_else(|| panic!("no section {id}"));
    &html[start..start + html[start..].find("</section>").expect("sections end")]
}

#[test]
fn what_the_stimulus_adds_is_shown_over_the_fit_without_features() {
    let (results, html) = (fake::variant("words"), page("words"));
    let shown = section(&html, "stimulus");
    let three = |value: f64| format!("{value:.3}");
    for one in &results.stimulus {
        let row = shown.find(&format!("<th scope=\"row\">{}</th>", one.model)).expect("a row for each model");
        let row = &shown[row..row + shown[row..].find("</tr>").expect("rows end")];
        let without = match &one.without {
            Some(past) => format!("{} ({past})", three(results.models[past].mean_r)),
            None => "0.000 (a constant)".to_owned(),
        };
        assert!(row.contains(&without) && row.contains(&format!("+{}", three(one.delta_r))), "{row}");
        assert!(row.contains("&lt; 0.001") && row.contains(" of 27"), "{row}");
    }
    let seeds = results.stimulus.iter().find(|one| one.model == "dre").and_then(|one| one.seeds).expect("five fits");
    let row = format!(
        "<td class=\"n\">5 and 5</td><td class=\"n\">+{}</td><td class=\"n\">{}</td>",
        three(seeds.mean),
        three(seeds.sd)
    );
    assert!(shown.contains(&row), "{row}");
    for text in ["Δr per subject", "Δr over time", "data-maps=\"stimulus\"", "data-plot=\"stimulus\"", "one-sided"] {
        assert!(shown.contains(text), "{text}");
    }
    assert!(html.contains("href=\"#stimulus\"") && !shown.contains("unknown"));
    let text = headline(&html);
    let (past, added) = (&results.models["dre-past"], results.stimulus.iter().find(|one| one.model == "dre").unwrap());
    let expected = format!(
        "Without any feature, from the brain’s own past alone, dre-past reaches {}; the stimulus adds +{} to the r of dre (95 % CI",
        three(past.mean_r),
        three(added.delta_r)
    );
    assert!(text.contains(&expected), "{expected}: {text}");
}

#[test]
fn few_subjects_have_no_p_and_the_page_says_why() {
    let html = page("p300");
    let shown = section(&html, "stimulus");
    assert!(shown.contains("No p: with 4 subjects the signed-rank test cannot reach 0.05"), "{shown}");
    assert!(headline(&html).contains("the stimulus adds +0.0"), "{}", headline(&html));
}

#[test]
fn a_model_without_its_fit_without_features_is_said_to_be_of_unknown_share() {
    let html = page("neuromag");
    let sentence = "How much the stimulus adds to dre is unknown: the study has no fit of this model without features. Set \
                    report.past_alone = true to add it.";
    assert!(section(&html, "stimulus").contains(sentence) && headline(&html).contains(sentence));
    // A study without features has nothing to compare.
    let mut results = fake::variant("neuromag");
    results.cohort.features.clear();
    assert!(!write_html(&results).expect("renders").contains("id=\"stimulus\""));
}

#[test]
fn the_past_alone_is_never_called_the_best_model() {
    let mut results = fake::variant("words");
    results.models["dre-past"].mean_r = 0.2;
    let text = headline(&write_html(&results).expect("renders"));
    assert!(text.starts_with("Deep Recurrent Encoder predicts"), "{text}");
    assert!(text.contains("dre-past reaches 0.200, no less than any model with features"), "{text}");
    // One that is no model's reference is known by its number of features.
    results.stimulus.retain(|one| one.model != "dre");
    assert!(headline(&write_html(&results).expect("renders")).starts_with("Deep Recurrent Encoder predicts"));
    for model in results.models.values_mut().filter(|model| model.n_features != Some(0)) {
        for (i, score) in model.subjects.values_mut().enumerate() {
            score.r = if i % 2 == 0 { 0.01 } else { -0.01 };
        }
        model.mean_r = 0.0;
    }
    let text = headline(&write_html(&results).expect("renders"));
    assert!(text.starts_with("No model with features predicts"), "{text}");
}

#[test]
fn fits_without_features_stand_below_their_models_in_their_colour() {
    let results = fake::variant("words");
    let html = page("words");
    let scores = section(&html, "scores");
    let place = |name: &str| scores.find(&format!("<code>{name}</code>")).unwrap_or_else(|| panic!("no row of {name}"));
    let order = ["trf", "rtrf", "rtrf-past", "dre", "dre-past", "dre_no_init"];
    assert!(order.windows(2).all(|pair| place(pair[0]) < place(pair[1])), "not the file's order");
    assert!(results.models.get_index_of("rtrf-past") > results.models.get_index_of("dre_no_init"));
    for classes in ["m1 c1", "m2 c1 dashed", "m3 c2", "m4 c2 dashed", "m5 c3"] {
        assert!(scores.contains(&format!("<span class=\"{classes}\"><span class=\"dot\">")), "{classes}");
    }
    assert_eq!(scores.matches("<tr class=\"past\">").count(), 2);
}

#[test]
fn fits_with_several_seeds_show_their_spread_and_single_ones_are_said_to_be_single() {
    let (results, html) = (fake::variant("words"), page("words"));
    let r: Vec<f64> = results.models["dre"].seeds.iter().map(|fit| fit.mean_r).collect();
    let mean = r.iter().sum::<f64>() / 5.0;
    let sd = (r.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
    assert!(html.contains(&format!("5 fits: {mean:.3} ± {sd:.3} (")));
    assert!(!html.contains("one fit"));
    let table = section(&html, "statistics");
    assert!(table.contains("<td class=\"n\">5 and 1</td>") && table.contains("resamples subjects and, independently,"));
    let single = page("p300");
    assert!(single.contains("<span class=\"fits\">one fit</span>"));
    assert!(single.contains("dre and dre-past are one fit each; a network’s r varies with its seed: set n_seeds"));
    assert!(!page("single").contains("one fit"), "a linear model has no seed");
}

#[test]
fn coefficients_are_those_of_the_features_that_a_model_sees() {
    let mut results = fake::variant("words");
    let trf = results.models["trf"].linear.as_mut().expect("linear");
    trf.features = vec!["target".to_owned()];
    trf.coefficients.remove(0);
    let html = write_html(&results).expect("renders");
    let shown = section(&html, "coefficients");
    let titles = |html: &str| [html.matches("<h3>onset</h3>").count(), html.matches("<h3>target</h3>").count()];
    assert_eq!(titles(shown), [1, 2], "the RTRF sees both");
    assert!(!shown.contains("<h3>rtrf-past</h3>"), "a model without features has no coefficients");
}

#[test]
fn analyses_are_shown_where_there_are_any() {
    let html = page("words");
    for section in ["statistics", "windows", "importance", "state", "decoding", "adaptation"] {
        assert!(html.contains(&format!("<section id=\"{section}\">")), "{section}");
        assert!(html.contains(&format!("href=\"#{section}\"")), "{section} is in the list of sections");
        assert!(!page("single").contains(&format!("<section id=\"{section}\">")), "{section}");
    }
    // Δr with its interval, p values as bounds, an open end of a ratio, the cluster in words.
    for text in [
        "trf \u{2212} rtrf",
        "&lt; 0.001",
        "[0.61, \u{221e}]",
        "0.004 to 0.008",
        "0.15 to 0.158 s (5 channels, p = 0.004)",
        "word_frequency: the other features explain 48 % of its variance.",
        "data-maps=\"importance-0\"",
        "data-maps=\"state-0\"",
        "Responses after most power differ from those after least power: 1 cluster of channels and times deviates",
        "smaller after most power than after least power (\u{2212}0.600 of the mean response",
        "(r across halves): rtrf +0.450 (p (FDR) = 0.004); trf +0.020 (p (FDR) = 0.400, not told from chance);",
        "Beyond trf, which sees the stimulus alone: rtrf +0.430 (p (FDR) = 0.004).",
        "Not computed: the smallest of 4 bins of phase has 3 of 40 epochs, fewer than 10.",
        "data-maps=\"patterns\"",
        "0.3 to 0.5 s</td><td>MLT11, MLT12, MLT13</td>",
        "0.6 to 0.9 s</td><td>all</td>",
        "adjusted for all pairs of models in all windows together",
        "+0.011</td><td class=\"n\">0.007 to 0.013</td><td class=\"n\">0.003</td><td class=\"n\">0.009</td>",
        "Tests across subjects are below",
        "dre report",
    ] {
        assert!(html.contains(text), "`{text}` is not on the page");
    }
}
