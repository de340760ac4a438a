//! What tags hold: numbers, text, matrices, transforms.

use ndarray::Array2;

use crate::Result;

use super::constants::data_type;
use super::source::Source;
use super::tree::{TAG_HEADER, Tag};

/// A coordinate transformation, as the file has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Transform {
    pub(super) from: i32,
    pub(super) to: i32,
    pub(super) matrix: [[f64; 4]; 4],
}

impl Source {
    /// Checks that a tag is where, and what, the directory says.
    pub(super) fn check_header(&mut self, tag: &Tag) -> Result<()> {
        let bytes = self.bytes(tag.offset, TAG_HEADER, "a tag's header")?;
        let expected = [tag.kind.to_be_bytes(), tag.data_type.to_be_bytes(), tag.size.to_be_bytes()];
        if bytes[..12] == *expected.as_flattened() {
            return Ok(());
        }
        let problem = format!("no tag of kind {} and {} bytes is here, as the directory says", tag.kind, tag.size);
        Err(self.fault(tag.offset, problem))
    }

    /// The data of a tag.
    pub(super) fn data(&mut self, tag: &Tag) -> Result<&[u8]> {
        self.check_header(tag)?;
        self.bytes(tag.data_offset(), u64::from(tag.size), "a tag")
    }

    /// The numbers that a tag holds, of whatever type.
    pub(super) fn numbers(&mut self, tag: &Tag) -> Result<Vec<f64>> {
        numbers_of(self.data(tag)?, tag.data_type).ok_or_else(|| {
            self.fault(tag.offset, format!("tag {} has type {}, expected numbers", tag.kind, tag.data_type))
        })
    }

    /// The one number that a tag holds.
    pub(super) fn number(&mut self, tag: &Tag) -> Result<f64> {
        match self.numbers(tag)?.as_slice() {
            [value] => Ok(*value),
            values => {
                Err(self.fault(tag.offset, format!("tag {} holds {} numbers, expected 1", tag.kind, values.len())))
            }
        }
    }

    /// The one whole number that a tag holds.
    pub(super) fn integer(&mut self, tag: &Tag) -> Result<i64> {
        let value = self.number(tag)?;
        if value.fract() == 0.0 && value.abs() < 1e15 {
            return Ok(value as i64);
        }
        Err(self.fault(tag.offset, format!("tag {} holds {value}, expected a whole number", tag.kind)))
    }

    /// The text that a tag holds; none is empty.
    pub(super) fn text(&mut self, tag: &Tag) -> Result<String> {
        let bytes = self.data(tag)?;
        if !matches!(tag.data_type, data_type::STRING | data_type::VOID) {
            return Err(self.fault(tag.offset, format!("tag {} has type {}, expected text", tag.kind, tag.data_type)));
        }
        Ok(unescape(bytes.iter().map(|byte| char::from(*byte)).collect()))
    }

    /// The list of names that a tag holds, parted by colons.
    pub(super) fn names(&mut self, tag: &Tag) -> Result<Vec<String>> {
        Ok(split_names(&self.text(tag)?))
    }

    /// The matrix that a tag holds.
    pub(super) fn matrix(&mut self, tag: &Tag) -> Result<Array2<f64>> {
        let element = tag.data_type & 0xffff;
        let bytes = self.data(tag)?;
        let matrix = matrix_of(bytes, tag.data_type, element);
        matrix.ok_or_else(|| {
            let problem = format!(
                "tag {} of type {:#x} and {} bytes is no dense matrix of numbers",
                tag.kind, tag.data_type, tag.size
            );
            self.fault(tag.offset, problem)
        })
    }

    /// The coordinate transformation that a tag holds.
    pub(super) fn transform(&mut self, tag: &Tag) -> Result<Transform> {
        let words = words(self.data(tag)?);
        let ([from, to, rest @ ..], data_type::COORD_TRANS_STRUCT) = (words, tag.data_type) else {
            return Err(self.fault(tag.offset, "no coordinate transformation is here"));
        };
        let (from, to) = (i32::from_be_bytes(*from), i32::from_be_bytes(*to));
        let values: Vec<f64> = rest.iter().take(12).map(|word| f64::from(f32::from_be_bytes(*word))).collect();
        if values.len() < 12 || values.iter().any(|value| !value.is_finite()) {
            return Err(self.fault(tag.offset, "a coordinate transformation is incomplete or not finite"));
        }
        let row = |i: usize| [values[3 * i], values[3 * i + 1], values[3 * i + 2], values[9 + i]];
        Ok(Transform { from, to, matrix: [row(0), row(1), row(2), [0.0, 0.0, 0.0, 1.0]] })
    }
}

/// The 32-bit words of some bytes; what is left over is left out.
pub(super) fn words(bytes: &[u8]) -> &[[u8; 4]] {
    bytes.as_chunks::<4>().0
}

fn numbers_of(bytes: &[u8], data_type: u32) -> Option<Vec<f64>> {
    let halves = || bytes.as_chunks::<2>().0.iter();
    let fours = || words(bytes).iter();
    Some(match data_type {
        data_type::SHORT | data_type::DAU_PACK16 => halves().map(|b| f64::from(i16::from_be_bytes(*b))).collect(),
        data_type::USHORT => halves().map(|b| f64::from(u16::from_be_bytes(*b))).collect(),
        data_type::INT => fours().map(|b| f64::from(i32::from_be_bytes(*b))).collect(),
        data_type::UINT => fours().map(|b| f64::from(u32::from_be_bytes(*b))).collect(),
        data_type::FLOAT => fours().map(|b| f64::from(f32::from_be_bytes(*b))).collect(),
        data_type::DOUBLE => bytes.as_chunks::<8>().0.iter().map(|b| f64::from_be_bytes(*b)).collect(),
        data_type::VOID if bytes.is_empty() => Vec::new(),
        _ => return None,
    })
}

/// A dense matrix is its elements row by row, then its dimensions from the last to the first, then their number.
fn matrix_of(bytes: &[u8], data_type: u32, element: u32) -> Option<Array2<f64>> {
    if data_type & 0xffff_0000 != data_type::MATRIX {
        return None;
    }
    let size = match element {
        data_type::INT | data_type::FLOAT => 4,
        data_type::DOUBLE => 8,
        _ => return None,
    };
    let n_data = bytes.len().checked_sub(12)?;
    let (data, end) = bytes.split_at(n_data);
    let [n_columns, n_rows, n_dimensions] = words(end) else { return None };
    let (n_columns, n_rows) = (u32::from_be_bytes(*n_columns) as usize, u32::from_be_bytes(*n_rows) as usize);
    let fits = n_rows.checked_mul(n_columns).and_then(|n| n.checked_mul(size)) == Some(n_data);
    if i32::from_be_bytes(*n_dimensions) != 2 || !fits {
        return None;
    }
    Array2::from_shape_vec((n_rows, n_columns), numbers_of(data, element)?).ok()
}

/// Takes a list of names apart.
fn split_names(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(':').map(|name| name.replace("{COLON}", ":")).collect()
}

/// Text is Latin-1; MNE-Python writes other characters as XML character references, and reads them back where one of
/// them has six digits.
fn unescape(text: String) -> String {
    let six = |rest: &str| {
        let digits = rest.as_bytes();
        digits.len() > 6 && digits[6] == b';' && digits[..6].iter().all(u8::is_ascii_hexdigit)
    };
    if !text.match_indices("&#").any(|(start, _)| six(&text[start + 2..])) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find('&') {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let reference = rest.find(';').filter(|end| *end <= 12).and_then(|end| Some((reference(&rest[1..end])?, end)));
        if let Some((character, end)) = reference {
            out.push(character);
            rest = &rest[end + 1..];
        } else {
            out.push('&');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

/// The character that `name` stands for between `&` and `;`.
fn reference(name: &str) -> Option<char> {
    match name {
        "amp" => return Some('&'),
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "quot" => return Some('"'),
        _ => {}
    }
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn character_references_are_read_where_one_has_six_digits() {
        assert_eq!(unescape("a &#937; b".to_owned()), "a &#937; b");
        assert_eq!(unescape("a &#128512; &#937; & b &amp; é".to_owned()), "a 😀 Ω & b & é");
        assert_eq!(unescape("&#999999; é &#x110000; &#".to_owned()), "\u{f423f} é &#x110000; &#");
    }

    #[test]
    fn names_keep_their_colons() {
        assert_eq!(split_names("a{COLON}b::c"), ["a:b", "", "c"]);
        assert!(split_names("").is_empty());
    }

    #[test]
    fn matrices_of_another_size_than_they_say_are_none() {
        let bytes: Vec<u8> = [1.0f32, 2.0].iter().flat_map(|x| x.to_be_bytes()).collect();
        let with = |columns: i32, rows: i32, n: i32| {
            let end: Vec<u8> = [columns, rows, n].iter().flat_map(|x| x.to_be_bytes()).collect();
            matrix_of(&[bytes.clone(), end].concat(), data_type::MATRIX | data_type::FLOAT, data_type::FLOAT)
        };
        assert_eq!(with(2, 1, 2), Some(ndarray::array![[1.0, 2.0]]));
        assert_eq!(with(1, 1, 2), None);
        assert_eq!(with(-1, -2, 2), None);
        assert_eq!(with(2, 1, 3), None);
        assert_eq!(matrix_of(&[0; 4], data_type::MATRIX | data_type::FLOAT, data_type::FLOAT), None);
    }
}
