//! The Python package: its wheel is built, installed where there is no Rust, and tested.

use std::fs;
use std::path::{Path, PathBuf};

use crate::check::{Outcome, available, command};

/// What a wheel may weigh (bytes).
const MAX_WHEEL: u64 = 15_000_000;

/// What builds the wheel and checks the package, beside the extra `test` of pyproject.toml.
const TOOLS: [&str; 3] = ["maturin>=1.9,<2", "ruff>=0.12", "mypy>=1.15"];

/// Tells a Python that can be used from one that cannot.
const IS_USABLE: &str = "import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 10))";

/// What a user does first, without Rust and without anything but NumPy.
const SMOKE: &str = "
import numpy as np, neurodre as dre
X = np.random.default_rng(0).standard_normal((12, 1, 40)).astype('float32')
assert dre.TRF(lag_max=3, alphas=1.0).fit(X, np.roll(X, 2, axis=2)).score(X, np.roll(X, 2, axis=2)) > 0.9
print('neurodre', dre.__version__)
";

/// Builds the wheel, installs it in a fresh environment, and runs the package's tests and checks.
pub(crate) fn check(root: &Path) -> Outcome {
    let Some(python) = ["python3", "python"].into_iter().find(|name| available(&[name, "-c", IS_USABLE])) else {
        return Outcome::Skipped("Python 3.10 or later with its modules venv and ensurepip is not there".to_owned());
    };
    match steps(root, python) {
        Ok(()) => Outcome::Passed,
        Err(reason) => {
            crate::say(&reason);
            Outcome::Failed
        }
    }
}

fn steps(root: &Path, python: &str) -> Result<(), String> {
    let folder = root.join("target/python");
    let venv = Venv { folder: folder.join("venv") };
    if !venv.program("python").is_file() {
        venv.create(root, python)?;
    }
    let mut install = vec!["-m", "pip", "install", "--quiet"];
    install.extend(TOOLS);
    let extras = test_requirements(root)?;
    install.extend(extras.iter().map(String::as_str));
    venv.python(root, &install)?;

    let wheels = folder.join("wheels");
    if wheels.is_dir() {
        fs::remove_dir_all(&wheels).map_err(|e| format!("{}: {e}", wheels.display()))?;
    }
    let out = text(&wheels);
    venv.python(root, &["-m", "maturin", "build", "--release", "--locked", "--out", &out])?;
    let wheel = only_wheel(&wheels)?;
    let size = fs::metadata(&wheel).map_err(|e| format!("{}: {e}", wheel.display()))?.len();
    crate::say(&format!("{}: {:.1} MB", wheel.display(), size as f64 / 1e6));
    if size > MAX_WHEEL {
        return Err(format!("the wheel has {size} bytes, more than {MAX_WHEEL}"));
    }

    let wheel = text(&wheel);
    let fresh = Venv { folder: folder.join("fresh") };
    fresh.create(root, python)?;
    fresh.python(root, &["-m", "pip", "install", "--quiet", &wheel])?;
    // No Rust is found there, nor anything else.
    fresh.run(root, &["-c", SMOKE], &[("PATH", &text(&fresh.folder.join("bin")))])?;

    venv.python(root, &["-m", "pip", "install", "--quiet", "--force-reinstall", "--no-deps", &wheel])?;
    venv.python(root, &["-m", "ruff", "check", "python", "docs", "examples"])?;
    venv.python(root, &["-m", "ruff", "format", "--check", "python", "docs", "examples"])?;
    venv.python(root, &["-m", "mypy", "python/neurodre", "docs/examples", "examples"])?;
    venv.python(root, &["-m", "pytest"])
}

/// A virtual environment.
struct Venv {
    folder: PathBuf,
}

impl Venv {
    fn program(&self, name: &str) -> PathBuf {
        if cfg!(windows) {
            self.folder.join("Scripts").join(format!("{name}.exe"))
        } else {
            self.folder.join("bin").join(name)
        }
    }

    fn create(&self, root: &Path, python: &str) -> Result<(), String> {
        passed(&command(root, &[python, "-m", "venv", "--clear", &text(&self.folder)], &[]), "the environment")
    }

    fn python(&self, root: &Path, args: &[&str]) -> Result<(), String> {
        self.run(root, args, &[])
    }

    fn run(&self, root: &Path, args: &[&str], environment: &[(&str, &str)]) -> Result<(), String> {
        let python = text(&self.program("python"));
        let line: Vec<&str> = std::iter::once(python.as_str()).chain(args.iter().copied()).collect();
        // Builds of an environment must not be found by other Pythons of the machine, nor the other way round.
        let environment: Vec<_> = environment.iter().copied().chain([("PYTHONNOUSERSITE", "1")]).collect();
        passed(&command(root, &line, &environment), args.get(1).unwrap_or(&"python"))
    }
}

fn passed(outcome: &Outcome, what: &str) -> Result<(), String> {
    if *outcome == Outcome::Passed { Ok(()) } else { Err(format!("{what}: failed")) }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn only_wheel(folder: &Path) -> Result<PathBuf, String> {
    let fail = |e: &dyn std::fmt::Display| format!("{}: {e}", folder.display());
    let files = fs::read_dir(folder).map_err(|e| fail(&e))?;
    let mut wheels: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    match (wheels.pop(), wheels.len()) {
        (Some(wheel), 0) => Ok(wheel),
        (_, more) => Err(fail(&format!("{more} more files than one wheel"))),
    }
}

/// The extra `test` of pyproject.toml.
fn test_requirements(root: &Path) -> Result<Vec<String>, String> {
    let path = root.join("pyproject.toml");
    let text = fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    requirements(&text).ok_or_else(|| format!("{}: no line `test = [\"...\"]`", path.display()))
}

fn requirements(pyproject: &str) -> Option<Vec<String>> {
    let line = pyproject.lines().find_map(|line| line.strip_prefix("test = ["))?;
    let names = line.strip_suffix(']')?.split(", ");
    names.map(|name| Some(name.strip_prefix('"')?.strip_suffix('"')?.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::requirements;

    #[test]
    fn requirements_are_read() {
        let found = requirements("[project]\ntest = [\"pytest>=8\", \"mne>=1.6\"]\n");
        assert_eq!(found, Some(vec!["pytest>=8".to_owned(), "mne>=1.6".to_owned()]));
        assert_eq!(requirements("[project]\n"), None);
        let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../pyproject.toml");
        assert!(requirements(&std::fs::read_to_string(own).unwrap()).is_some_and(|all| all.len() > 2));
    }
}
