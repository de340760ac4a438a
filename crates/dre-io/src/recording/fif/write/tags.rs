//! Tags as bytes.

use ndarray::ArrayView2;

use crate::recording::fif::constants::{NO_DATE, VERSION, data_type, tag};

/// Tags that are written one after the other.
#[derive(Debug, Default)]
pub(super) struct Tags {
    pub(super) bytes: Vec<u8>,
}

impl Tags {
    /// The header of a tag that is followed by the next one.
    pub(super) fn header(&mut self, kind: i32, data_type: u32, size: usize) {
        for word in [kind as u32, data_type, size as u32, 0] {
            self.bytes.extend(word.to_be_bytes());
        }
    }

    fn words(&mut self, kind: i32, data_type: u32, words: &[[u8; 4]]) {
        self.header(kind, data_type, words.len() * 4);
        self.bytes.extend(words.as_flattened());
    }

    pub(super) fn integer(&mut self, kind: i32, value: i32) {
        self.integers(kind, &[value]);
    }

    pub(super) fn integers(&mut self, kind: i32, values: &[i32]) {
        let words: Vec<[u8; 4]> = values.iter().map(|value| value.to_be_bytes()).collect();
        self.words(kind, data_type::INT, &words);
    }

    pub(super) fn float(&mut self, kind: i32, value: f64) {
        self.floats(kind, &[value]);
    }

    pub(super) fn floats(&mut self, kind: i32, values: &[f64]) {
        let words: Vec<[u8; 4]> = values.iter().map(|value| (*value as f32).to_be_bytes()).collect();
        self.words(kind, data_type::FLOAT, &words);
    }

    pub(super) fn doubles(&mut self, kind: i32, values: &[f64]) {
        self.header(kind, data_type::DOUBLE, values.len() * 8);
        for value in values {
            self.bytes.extend(value.to_be_bytes());
        }
    }

    /// Text in Latin-1; other characters become XML character references, as MNE-Python writes them. No text is no tag.
    pub(super) fn text(&mut self, kind: i32, text: &str) {
        let mut bytes = Vec::with_capacity(text.len());
        for character in text.chars() {
            match u8::try_from(u32::from(character)) {
                Ok(byte) => bytes.push(byte),
                Err(_) => bytes.extend(format!("&#{};", u32::from(character)).bytes()),
            }
        }
        if !bytes.is_empty() {
            self.header(kind, data_type::STRING, bytes.len());
            self.bytes.extend(bytes);
        }
    }

    pub(super) fn names<'a>(&mut self, kind: i32, names: impl IntoIterator<Item = &'a str>) {
        let names: Vec<String> = names.into_iter().map(|name| name.replace(':', "{COLON}")).collect();
        self.text(kind, &names.join(":"));
    }

    #[expect(clippy::needless_pass_by_value, reason = "views are passed by value, as elsewhere with ndarray")]
    pub(super) fn matrix(&mut self, kind: i32, matrix: ArrayView2<'_, f64>) {
        let (n_rows, n_columns) = matrix.dim();
        self.header(kind, data_type::MATRIX | data_type::FLOAT, 4 * matrix.len() + 12);
        for value in matrix {
            self.bytes.extend((*value as f32).to_be_bytes());
        }
        for word in [n_columns as u32, n_rows as u32, 2] {
            self.bytes.extend(word.to_be_bytes());
        }
    }

    /// An identity that names no machine and no time, so that the same recording gives the same bytes.
    pub(super) fn identity(&mut self, kind: i32) {
        let words = [VERSION, 0, 0, NO_DATE.0 as i32, NO_DATE.1 as i32].map(i32::to_be_bytes);
        self.words(kind, data_type::ID_STRUCT, &words);
    }

    pub(super) fn transform(&mut self, from: i32, to: i32, matrix: &[[f64; 4]; 4], inverse: &[[f64; 4]; 4]) {
        let mut words = vec![from.to_be_bytes(), to.to_be_bytes()];
        for matrix in [matrix, inverse] {
            let rotation = matrix[..3].iter().flat_map(|row| &row[..3]);
            let translation = matrix[..3].iter().map(|row| &row[3]);
            words.extend(rotation.chain(translation).map(|value| (*value as f32).to_be_bytes()));
        }
        self.words(tag::COORD_TRANS, data_type::COORD_TRANS_STRUCT, &words);
    }

    pub(super) fn start(&mut self, block: i32) {
        self.integer(tag::BLOCK_START, block);
    }

    pub(super) fn end(&mut self, block: i32) {
        self.integer(tag::BLOCK_END, block);
    }

    /// What every file begins with; there is no directory.
    pub(super) fn start_file(&mut self) {
        self.identity(tag::FILE_ID);
        self.integer(tag::DIR_POINTER, -1);
        self.integer(tag::FREE_LIST, -1);
    }

    /// The last tag.
    pub(super) fn end_file(&mut self) {
        for word in [tag::NOP, data_type::VOID as i32, 0, -1] {
            self.bytes.extend(word.to_be_bytes());
        }
    }
}
