//! Named tensors in safetensors files, with one JSON text beside them.

use std::collections::HashMap;
use std::path::Path;

use dre::nn::Tensor;
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{StoreError, write_file};

/// Key of the JSON text in the file's metadata.
const KEY: &str = "dre";

/// Writes tensors and a value that describes them, as [`write_file`].
///
/// # Errors
/// [`StoreError::Write`].
pub fn write_tensors(path: &Path, tensors: &[Tensor], about: &impl Serialize) -> Result<(), StoreError> {
    write_file(path, |out| {
        let bytes: Vec<Vec<u8>> =
            tensors.iter().map(|t| t.data.iter().flat_map(|x| x.to_le_bytes()).collect()).collect();
        let views = tensors
            .iter()
            .zip(&bytes)
            .map(|(t, b)| Ok((t.name.as_str(), TensorView::new(Dtype::F32, t.shape.clone(), b)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()
            .map_err(std::io::Error::other)?;
        let metadata = HashMap::from([(KEY.to_owned(), serde_json::to_string(about)?)]);
        let file = safetensors::serialize(views, Some(metadata)).map_err(std::io::Error::other)?;
        out.write_all(&file)
    })
}

/// Reads what [`write_tensors`] wrote.
///
/// # Errors
/// [`StoreError::Read`], or [`StoreError::Format`] that names the tensor at fault.
pub fn read_tensors<T: DeserializeOwned>(path: &Path) -> Result<(Vec<Tensor>, T), StoreError> {
    let bytes = std::fs::read(path).map_err(StoreError::read(path))?;
    let damaged = |found: String, expected: &str| StoreError::damaged(path, found, expected);
    let whole = "a whole safetensors file";
    let (_, header) = SafeTensors::read_metadata(&bytes).map_err(|e| damaged(e.to_string(), whole))?;
    let about = header.metadata().as_ref().and_then(|m| m.get(KEY));
    let about = about.ok_or_else(|| damaged("no description".into(), "metadata `dre`"))?;
    let about = serde_json::from_str(about)
        .map_err(|e| damaged(format!("metadata `{KEY}`: {e}"), "the description that this version writes"))?;
    let file = SafeTensors::deserialize(&bytes).map_err(|e| damaged(e.to_string(), whole))?;
    let mut tensors = Vec::new();
    for (name, view) in file.iter() {
        if view.dtype() != Dtype::F32 {
            return Err(damaged(format!("tensor `{name}` of type {:?}", view.dtype()), "32-bit floats"));
        }
        let data = view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        tensors.push(Tensor { name: name.to_owned(), shape: view.shape().to_vec(), data });
    }
    Ok((tensors, about))
}
