//! `cargo xtask recovery`: what went into simulated studies is found again, and models lose what they should.

mod case;
mod claims;
mod found;
mod record;

use std::path::Path;

use case::{CASES, Case, Outcome};
use claims::{Claim, VARIANTS, claims, loss, show};

use crate::bench::build_release;

/// What is run; the defaults are what the record is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Options {
    /// Names of cases; all where empty.
    only: Vec<String>,
    subjects: usize,
    /// Of each recording.
    minutes: usize,
    threads: usize,
}

impl Options {
    pub(crate) fn parse(args: &[&str]) -> Result<Self, String> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut options = Self { only: Vec::new(), subjects: 12, minutes: 8, threads };
        for pair in args.chunks(2) {
            let value = pair.get(1).ok_or_else(|| format!("{} needs a value", pair[0]))?;
            let field = match pair[0] {
                "--only" => {
                    if !CASES.iter().any(|case| case.name == *value) {
                        let known: Vec<&str> = CASES.iter().map(|case| case.name).collect();
                        return Err(format!("no case is called `{value}`; there are {}", known.join(", ")));
                    }
                    options.only.push((*value).to_owned());
                    continue;
                }
                "--subjects" => &mut options.subjects,
                "--minutes" => &mut options.minutes,
                "--threads" => &mut options.threads,
                other => return Err(format!("unknown option `{other}`")),
            };
            *field = value
                .parse()
                .ok()
                .filter(|n| *n > 0)
                .ok_or_else(|| format!("{} is `{value}`, expected a whole number above 0", pair[0]))?;
        }
        Ok(options)
    }

    /// Whether everything is run at the size of the record; the number of threads changes no result.
    fn is_whole(&self) -> bool {
        Self { threads: self.threads, ..Self::parse(&[]).unwrap_or_else(|_| self.clone()) } == *self
    }
}

/// Makes the cases, prints what was found, and writes the record where everything was run; whether all claims hold.
pub(crate) fn recovery(options: &Options, root: &Path) -> bool {
    match prove(options, root) {
        Ok(holds) => holds,
        Err(message) => {
            crate::say(&format!("error: {message}"));
            false
        }
    }
}

fn prove(options: &Options, root: &Path) -> Result<bool, String> {
    if !build_release(root, &["--bin", "dre"]) {
        return Err("the program could not be built".to_owned());
    }
    let program = root.join("target/release/dre");
    let wanted = |case: &&Case| options.only.is_empty() || options.only.iter().any(|name| name == case.name);
    let outcomes: Vec<(&'static str, Outcome)> = CASES
        .iter()
        .filter(wanted)
        .map(|case| Ok((case.name, case.run(&program, options, root)?)))
        .collect::<Result<_, String>>()?;
    let claims = claims(&outcomes);
    let text = tables(&outcomes, &claims);
    crate::say(&format!("\n{text}"));
    if options.is_whole() {
        let minutes = outcomes.iter().map(|(_, outcome)| outcome.minutes).sum();
        let path = record::write(root, options, &text, minutes)?;
        crate::say(&format!("written to {}", path.display()));
    } else {
        crate::say("not the whole proof, so no record is written");
    }
    Ok(!claims.iter().any(Claim::fails))
}

/// Scores, losses and claims, as a terminal shows them.
fn tables(outcomes: &[(&'static str, Outcome)], claims: &[Claim]) -> String {
    let mut text = "mean r over subjects, channels and 0 to 1 s\n".to_owned();
    let mut line = |cells: &[String]| {
        let cells: Vec<String> = cells
            .iter()
            .enumerate()
            .map(|(i, cell)| if i == 0 { format!("  {cell:<11}") } else { format!("{cell:<25}") })
            .collect();
        text.push_str(cells.concat().trim_end());
        text.push('\n');
    };
    let row = |name: &str, cell: &dyn Fn(&Outcome) -> String| -> Vec<String> {
        std::iter::once(name.to_owned()).chain(outcomes.iter().map(|(_, outcome)| cell(outcome))).collect()
    };
    let mut head = vec![String::new()];
    head.extend(outcomes.iter().map(|(name, _)| (*name).to_owned()));
    line(&head);
    for model in ["trf", "rtrf-past", "rtrf", "dre-past", "dre"] {
        line(&row(model, &|outcome| format!("{:.3}", outcome.models.r(model))));
    }
    line(&["what the DRE loses in r, with the 95 % interval over subjects".to_owned()]);
    for variant in VARIANTS {
        line(&row(variant, &|outcome| loss(&outcome.variants, variant).map_or("–".to_owned(), |pair| show(&pair))));
    }
    line(&["claims".to_owned()]);
    let width = |of: &dyn Fn(&Claim) -> usize| claims.iter().map(of).max().unwrap_or(0);
    let (case, what) = (width(&|c| c.case.chars().count()), width(&|c| c.what.chars().count()));
    for claim in claims {
        let verdict = match claim.holds {
            Some(true) => "holds",
            Some(false) => "FAILS",
            None => "shown",
        };
        text.push_str(&format!("  {verdict}  {:case$}  {:what$}  {}\n", claim.case, claim.what, claim.found));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_replace_the_defaults_and_only_the_whole_is_a_record() {
        let options = Options::parse(&["--only", "linear", "--subjects", "5", "--threads", "3"]).expect("valid");
        assert_eq!((options.only.as_slice(), options.subjects, options.threads), (&["linear".to_owned()][..], 5, 3));
        assert!(!options.is_whole());
        assert!(Options::parse(&["--threads", "7"]).expect("valid").is_whole());
    }

    #[test]
    fn wrong_options_are_named() {
        for (args, message) in [
            (&["--only", "x"][..], "no case is called `x`; there are full, linear, rhythm, subjects"),
            (&["--only"], "--only needs a value"),
            (&["--minutes", "0"], "--minutes is `0`, expected a whole number above 0"),
            (&["--minute", "3"], "unknown option `--minute`"),
        ] {
            assert_eq!(Options::parse(args), Err(message.to_owned()));
        }
    }

    #[test]
    fn tables_say_which_claims_fail() {
        let claim = |what: &str, holds| Claim { case: "linear", what: what.to_owned(), found: "0.1".to_owned(), holds };
        let text = tables(&[], &[claim("A", Some(true)), claim("longer", Some(false)), claim("B", None)]);
        let expected = "  holds  linear  A       0.1\n  FAILS  linear  longer  0.1\n  shown  linear  B       0.1\n";
        assert!(text.ends_with(expected), "{text}");
    }
}
