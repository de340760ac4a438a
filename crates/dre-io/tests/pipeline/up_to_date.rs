//! What is kept, and what is made again.

use std::fs;

use crate::common::{STUDY, Watch, data_set, job, recording_stem, run};
use dre_io::cohort::COHORT_FORMAT;
use dre_io::pipeline::{Job, evaluate, importance, open_prepared, prepare};

#[test]
fn importance_is_kept_while_it_is_up_to_date() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let text = STUDY.replace(
        "[models.trf]",
        "[importance]\nmodes = ['event', 'init', 'subject', 'shift']\nn_permutations = 3\nn_shifts = 4\ngroups = { both = \
         ['length', 'onset'] }\n[models.trf]",
    );
    let text = text.replace("condition = \"kind\"", "condition = \"kind\"\nrepeats = \"kind\"");
    let job = job(home.path(), &text);
    run(&job).unwrap();
    let permute_of = |job: &Job, only: &[String]| {
        let mut watch = Watch::default();
        let cohort = open_prepared(job).unwrap();
        let results = evaluate(job, &cohort, &mut watch).unwrap();
        watch.said.borrow_mut().clear();
        let results = importance(job, &cohort, results, only, &mut watch).unwrap();
        (results, watch.said.into_inner())
    };
    let permute = |job: &Job| permute_of(job, &[]);
    let (first, said) = permute(&job);
    let n_test: usize = first.cohort.subjects.iter().map(|s| s.n_test).sum();
    let most = n_test * (1 + 3 * 3 + 4);
    let announced = format!("Permuting 4 inputs of trf: {most} predictions of an epoch at most");
    assert!(said.contains(&announced), "{said:?}");
    let constant = "warning trf, onset, mode event: not computed: its value is the same in all test epochs, so that \
                    permuting it changes nothing";
    assert!(said.contains(&constant.to_owned()), "{said:?}");
    let inputs = |model: &str| -> Vec<String> {
        let of = first.importance.iter().filter(|r| r.model == model);
        of.map(|r| format!("{} {}{}", r.name, r.mode.name(), if r.conditional { " conditional" } else { "" })).collect()
    };
    assert_eq!(inputs("trf"), ["length event", "onset event", "both event", "all features shift"]);
    assert_eq!(
        inputs("dre"),
        ["length event", "onset event", "both event", "init window init", "subject subject", "all features shift"]
    );
    for file in ["importance.json", "importance.tsv", "over_time.tsv", "length_event.npy", "init_window_init_sd.npy"] {
        assert!(job.out.join("importance/dre").join(file).is_file(), "{file}");
    }
    let table = fs::read_to_string(job.out.join("importance/dre/importance.tsv")).unwrap();
    // Two subjects for each input but the constant one.
    assert_eq!(table.lines().count(), 1 + 2 * 5);
    assert!(first.statistics.note.as_ref().unwrap().contains("there are 2"));
    assert!(first.statistics.ceiling.as_ref().unwrap().note.contains("no noise ceiling"));
    assert_eq!(first.statistics.comparisons.len(), 6);

    // The same again, on more threads: nothing is done, and scores made anew have it, too.
    let (again, said) = permute(&Job { n_threads: 2, ..job.clone() });
    assert_eq!(said, ["trf", "banded", "rtrf", "dre"].map(|m| format!("Up to date importance of {m}'s inputs")));
    let numbers = |results: &dre::results::Results| serde_json::to_string(&results.importance).unwrap();
    assert_eq!(numbers(&again), numbers(&first));
    let forced = Job { n_threads: 2, force: true, ..job.clone() };
    assert_eq!(numbers(&permute(&forced).0), numbers(&first), "threads change no digit");
    // One model done again: the others' analyses stay.
    let (one, said) = permute_of(&forced, &["trf".to_owned()]);
    assert!(said[0].starts_with("Permuting 4 inputs of trf") && said.iter().all(|s| !s.contains("dre")), "{said:?}");
    assert_eq!(numbers(&one), numbers(&first));
    // With other settings it is not taken for theirs.
    let mut other = job.clone();
    other.study.importance.as_mut().unwrap().n_permutations = 2;
    let cohort = open_prepared(&other).unwrap();
    assert!(evaluate(&other, &cohort, &mut Watch::default()).unwrap().importance.is_empty());
}

#[test]
fn a_channel_marked_as_bad_later_makes_everything_again() {
    let home = tempfile::tempdir().unwrap();
    let root = home.path().join("bids");
    data_set(&root);
    let job = job(home.path(), STUDY);
    run(&job).unwrap();
    for subject in 1..=2 {
        let table = "name\ttype\tunits\tstatus\nCz\tEEG\tµV\tbad\nPz\tEEG\tµV\tgood\n";
        fs::write(format!("{}_channels.tsv", recording_stem(&root, subject).display()), table).unwrap();
    }
    assert!(open_prepared(&job).unwrap_err().to_string().contains("run `dre prepare` first"));
    let results = run(&job).unwrap();
    let names: Vec<&str> = results.cohort.channels.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["Pz"]);
    assert_eq!(results.models["dre"].r_per_channel.len(), 1);
}

#[test]
fn a_cohort_of_an_older_layout_is_made_again() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let job = job(home.path(), STUDY);
    prepare(&job, &mut Watch::default()).unwrap();
    let file = job.out.join("cohort/cohort.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replace(&format!("\"format\": {COHORT_FORMAT}"), "\"format\": 1")).unwrap();
    let message = open_prepared(&job).unwrap_err().to_string();
    assert!(message.contains("format 1, expected format"), "{message}");
    let mut watch = Watch::default();
    prepare(&job, &mut watch).unwrap();
    let said = watch.said.borrow();
    assert!(said[0].contains("the cohort is made again") && said[0].contains("older version"), "{said:?}");
    assert!(open_prepared(&job).is_ok());
}

#[test]
fn a_lexicon_that_changes_makes_the_cohort_again() {
    let home = tempfile::tempdir().unwrap();
    data_set(&home.path().join("bids"));
    let lexicon = home.path().join("words.tsv");
    fs::write(&lexicon, "odd\t1\neven\t2\n").unwrap();
    let path = lexicon.display().to_string().replace('\\', "/");
    let feature =
        format!("[[features]]\nname = \"w\"\nkind = \"zipf\"\ncolumn = \"kind\"\nlexicon = \"{path}\"\n[report]");
    let job = job(home.path(), &STUDY.replace("[report]", &feature));
    let said = || {
        let mut watch = Watch::default();
        prepare(&job, &mut watch).unwrap();
        watch.said.into_inner().remove(0)
    };
    assert!(said().starts_with("Preparing"));
    assert!(said().starts_with("Up to date"));
    let values = dre_io::pipeline::summarise_features(&job).unwrap();
    assert_eq!((values[2].name.as_str(), values[2].min, values[2].max), ("w", Some(1.0), Some(2.0)));
    fs::write(&lexicon, "odd\t1\neven\t2.5\n").unwrap();
    assert!(open_prepared(&job).is_err());
    assert!(said().starts_with("Preparing"));
    fs::write(&lexicon, "odd\t1\n").unwrap();
    let message = prepare(&job, &mut Watch::default()).unwrap_err().to_string();
    assert!(message.contains("feature `w` is `even`") && message.contains("missing = "), "{message}");
}
