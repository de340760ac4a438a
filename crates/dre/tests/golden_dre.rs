//! The network against PyTorch: prediction, losses, every gradient, ten Adam steps.
//!
//! Every `.safetensors` file is a case: those committed in `tests/golden/dre`, those in `../shared/golden/dre` where that
//! folder exists, and those in the folders that `DRE_GOLDEN_DIR` names (separated by colons). Metadata `config` holds the
//! network's settings; `param.*`, `input.*`, `output.*`, `grad.*`, `adam.*` the tensors.

use std::io::Write;
use std::path::{Path, PathBuf};

use dre::data::Batch;
use dre::nn::{Adam, Dims, Isa, Loss, Network, NetworkConfig, Tensor, Threads, Workspace};
use ndarray::Array3;
use safetensors::SafeTensors;

struct Case {
    config: NetworkConfig,
    dims: Dims,
    loss: Loss,
    lr: f64,
    n_times: usize,
    batch: Batch,
    tensors: Vec<Tensor>,
}

impl Case {
    fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        let c: serde_json::Value = serde_json::from_str(&header.metadata().as_ref().unwrap()["config"]).unwrap();
        let n = |key: &str| usize::try_from(c[key].as_u64().unwrap()).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let tensors: Vec<Tensor> = file
            .tensors()
            .into_iter()
            .map(|(name, view)| {
                let shape = view.shape().to_vec();
                let data = match view.dtype() {
                    safetensors::Dtype::F32 => {
                        view.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
                    }
                    safetensors::Dtype::I64 => {
                        view.data().chunks_exact(8).map(|b| i64::from_le_bytes(b.try_into().unwrap()) as f32).collect()
                    }
                    other => panic!("{name}: {other:?}"),
                };
                Tensor { name, shape, data }
            })
            .collect();
        let get = |name: &str| tensors.iter().find(|t| t.name == name).unwrap();
        let array = |t: &Tensor| Array3::from_shape_vec([t.shape[0], t.shape[1], t.shape[2]], t.data.clone()).unwrap();
        let data = array(get("input.data"));
        let mut names: Vec<&str> = c["features"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
        names.sort_unstable();
        let (n_epochs, n_times) = (n("batch"), n("n_times"));
        let mut features = Array3::zeros([n_epochs, names.len(), n_times]);
        for (i, name) in names.iter().enumerate() {
            let f = array(get(&format!("input.feature.{name}")));
            features.slice_mut(ndarray::s![.., i..=i, ..]).assign(&f);
        }
        let subjects = get("input.subject").data.iter().map(|&s| s as usize).collect();
        let loss = if c["loss"] == "l1" { Loss::L1 } else { Loss::Mse };
        Self {
            config: NetworkConfig {
                n_init_times: n("n_init_times"),
                subject_dim: n("subject_dim"),
                conv_layers: n("conv_layers"),
                kernel: n("kernel"),
                stride: n("stride"),
                conv_filters: n("conv_filters"),
                lstm_layers: n("lstm_layers"),
                lstm_hidden: n("lstm_hidden"),
            },
            dims: Dims { n_channels: n("n_channels"), n_features: names.len(), n_subjects: n("n_subjects") },
            loss,
            lr: c["lr"].as_f64().unwrap(),
            n_times,
            batch: Batch { data, features, subjects, measured: None },
            tensors,
        }
    }

    fn named(&self, prefix: &str) -> Vec<Tensor> {
        let strip = |t: &Tensor| Some(Tensor { name: t.name.strip_prefix(prefix)?.to_owned(), ..t.clone() });
        self.tensors.iter().filter_map(strip).collect()
    }

    fn get(&self, name: &str) -> &[f32] {
        &self.tensors.iter().find(|t| t.name == name).unwrap_or_else(|| panic!("no {name}")).data
    }
}

/// ‖a − b‖ / ‖b‖; the plain norm where b is zero.
fn error(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|x| x * x).sum::<f64>().sqrt();
    let d = norm(&mut a.iter().zip(b).map(|(&a, &b)| f64::from(a) - f64::from(b)));
    let n = norm(&mut b.iter().map(|&b| f64::from(b)));
    if n > 0.0 { d / n } else { d }
}

/// The worst error of each kind, checked against its bound.
fn check(case: &Case, isa: Isa, n_threads: usize) -> Vec<(&'static str, f64, f64)> {
    let mut network = Network::new(case.config.clone(), case.dims, 0, Threads::new(n_threads)).unwrap().with_isa(isa);
    network.load_state(&case.named("param.")).unwrap();
    let mut w = Workspace::new(&network, case.n_times, case.batch.n_epochs()).unwrap();
    let mut found = Vec::new();

    let prediction = network.predict(&case.batch, &mut w).unwrap();
    found.push(("prediction", error(prediction.as_slice().unwrap(), case.get("output.prediction")), 1e-5));

    let loss = network.loss_and_gradient(&case.batch, case.loss, &mut w).unwrap();
    found.push(("loss", error(&[loss as f32], case.get("output.loss")), 1e-5));
    let worst =
        network.gradient(&w).iter().map(|g| error(&g.data, case.get(&format!("grad.{}", g.name)))).fold(0.0, f64::max);
    found.push(("gradient", worst, 1e-4));

    let from = case.config.n_init_times;
    let after = network.loss_sum(&case.batch, case.loss, from, &mut w).unwrap();
    let counted = case.batch.n_epochs() * case.dims.n_channels * (case.n_times - from);
    if counted > 0 {
        found.push((
            "loss after init",
            error(&[(after / counted as f64) as f32], case.get("output.loss_after_init")),
            1e-5,
        ));
    }

    let mut adam = Adam::new(&network, case.lr);
    let mut losses = Vec::new();
    for _ in case.get("adam.losses") {
        losses.push(network.loss_and_gradient(&case.batch, case.loss, &mut w).unwrap() as f32);
        adam.step(&mut network, &w);
    }
    found.push(("Adam losses", error(&losses, case.get("adam.losses")), 1e-5));
    let worst =
        network.state().iter().map(|p| error(&p.data, case.get(&format!("adam.param.{}", p.name)))).fold(0.0, f64::max);
    found.push(("Adam parameters", worst, 1e-4));
    found
}

/// Says something on stderr that is seen although the test passes; what `eprintln` says is not.
fn say(text: &str) {
    std::io::stderr().write_all(format!("{text}\n").as_bytes()).unwrap();
}

fn cases() -> Vec<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![here.join("tests/golden/dre")];
    let shared = here.join("../../../shared/golden/dre");
    if shared.is_dir() {
        folders.push(shared);
    } else {
        say(&format!("SKIPPED: {} is not there; only the committed golden cases run", shared.display()));
    }
    if let Some(more) = std::env::var_os("DRE_GOLDEN_DIR") {
        folders.extend(std::env::split_paths(&more));
    }
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in folders {
        let list = std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
        files.extend(list.map(|f| f.unwrap().path()).filter(|f| f.extension().is_some_and(|e| e == "safetensors")));
    }
    files.sort();
    files
}

#[test]
fn every_case_agrees_with_pytorch() {
    let files = cases();
    assert!(files.len() >= 5, "the committed cases are missing");
    let mut failed = Vec::new();
    for file in files {
        let case = Case::read(&file);
        for isa in Isa::available() {
            let name = format!("{} {isa:?}", file.file_stem().unwrap().to_string_lossy());
            let found = check(&case, isa, 2);
            let worst = found.iter().map(|&(what, e, bound)| (e / bound, what, e)).max_by(|a, b| a.0.total_cmp(&b.0));
            let (_, what, e) = worst.unwrap();
            say(&format!("{name}: worst {what} {e:.1e}"));
            failed
                .extend(found.iter().filter(|(_, e, bound)| e.is_nan() || e > bound).map(|f| format!("{name}: {f:?}")));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
