//! Files of word frequencies.
//!
//! cBpack, from the documentation of wordfreq's `read_cBpack`: gzip around `MessagePack`; a list whose first item is a map
//! with `format` = `cB` and `version` = 1, and whose item `i + 1` lists the words of frequency `10^(-i / 100)`.

use std::io::{BufReader, Read as _};
use std::path::Path;

use dre::features::Lexicon;
use dre::features::lexicon::Language;
use flate2::bufread::MultiGzDecoder;
use rmp::decode::{read_array_len, read_int, read_map_len, read_str_len};

use crate::recording::check_there;
use crate::{Error, Result};

/// Most bytes that a list may have when it is unpacked; the largest of wordfreq's has 6 MB.
const MAX_BYTES: u64 = 256 << 20;

/// Reads a lexicon: wordfreq's `.msgpack.gz`, or a table of `word<TAB>number`.
///
/// `language` is the ISO code for wordfreq's tokeniser; absent, what the file's name ends in (`small_en.msgpack.gz`: `en`).
///
/// # Errors
/// [`Error::Io`], [`Error::NotFetched`]; [`Error::Format`] with the byte of the unpacked list, or [`Error::Line`] of the
/// table, for what is not as it should be.
pub fn read_lexicon(path: &Path, language: Option<&str>) -> Result<Lexicon> {
    check_there(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    if let Some(stem) = name.strip_suffix(".msgpack.gz") {
        let code = language.unwrap_or_else(|| stem.rsplit('_').next().unwrap_or_default());
        let language: Language = code.parse().map_err(|e: dre::Error| {
            Error::format(path, e.to_string(), "name the language of the list with `language`")
        })?;
        return Ok(Lexicon::from_buckets(unpack(path, &inflate(path)?)?, language));
    }
    if Path::new(&name).extension().is_some_and(|extension| extension == "tsv" || extension == "txt") {
        return table(path);
    }
    Err(Error::format(
        path,
        "neither a .msgpack.gz of wordfreq nor a .tsv of word<TAB>number",
        "give one of these; comma-separated tables must be rewritten with tabs",
    ))
}

fn inflate(path: &Path) -> Result<Vec<u8>> {
    let file = crate::files::open(path).map_err(Error::io("open", path))?;
    let mut bytes = Vec::new();
    MultiGzDecoder::new(BufReader::new(file)).take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|e| {
        Error::format(path, format!("cannot be unpacked ({e})"), "it is damaged or no gzip file; copy it again")
    })?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(Error::format(path, format!("unpacks to more than {MAX_BYTES} bytes"), "give a list of words"));
    }
    Ok(bytes)
}

fn unpack(path: &Path, bytes: &[u8]) -> Result<Vec<Vec<String>>> {
    let fault = |rest: &[u8], found: String, expected: &str| {
        let at = bytes.len() - rest.len();
        Error::format(
            path,
            format!("byte {at} of the unpacked list: {found}, expected {expected}"),
            "it is damaged or no word list of wordfreq; copy it again",
        )
    };
    let mut rest = bytes;
    let n = read_array_len(&mut rest).map_err(|e| fault(rest, e.to_string(), "a list"))?;
    header(&mut rest).map_err(|found| fault(rest, found, "a header { format: cB, version: 1 }"))?;
    let mut buckets = Vec::new();
    for _ in 1..n {
        let n_words = read_array_len(&mut rest).map_err(|e| fault(rest, e.to_string(), "a list of words"))?;
        let mut words = Vec::new();
        for _ in 0..n_words {
            words.push(text(&mut rest).map_err(|found| fault(rest, found, "a word in UTF-8"))?.to_owned());
        }
        buckets.push(words);
    }
    if !rest.is_empty() {
        return Err(fault(rest, format!("{} bytes more", rest.len()), "the end"));
    }
    Ok(buckets)
}

fn header(rest: &mut &[u8]) -> std::result::Result<(), String> {
    let n = read_map_len(rest).map_err(|e| e.to_string())?;
    let (mut format, mut version) = (None, None);
    for _ in 0..n {
        match text(rest)? {
            "format" => format = Some(text(rest)?.to_owned()),
            "version" => version = Some(read_int::<i64, _>(rest).map_err(|e| e.to_string())?),
            other => return Err(format!("key `{other}`")),
        }
    }
    match (format.as_deref(), version) {
        (Some("cB"), Some(1)) => Ok(()),
        found => Err(format!("{found:?}")),
    }
}

/// A text, which lies in the bytes as it is.
fn text<'a>(rest: &mut &'a [u8]) -> std::result::Result<&'a str, String> {
    let n = read_str_len(rest).map_err(|e| e.to_string())? as usize;
    let (text, after) =
        rest.split_at_checked(n).ok_or_else(|| format!("a text of {n} bytes where {} are left", rest.len()))?;
    let text = std::str::from_utf8(text).map_err(|e| e.to_string())?;
    *rest = after;
    Ok(text)
}

fn table(path: &Path) -> Result<Lexicon> {
    let bytes = crate::files::read(path).map_err(Error::io("read", path))?;
    let text = std::str::from_utf8(&bytes).map_err(|e| {
        Error::format(path, format!("byte {} is not UTF-8", e.valid_up_to()), "save the table as UTF-8")
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut rows = Vec::new();
    for (i, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [word, number] = fields.as_slice() else {
            let problem = format!("{} fields, expected 2: a word and a number, parted by a tab", fields.len());
            return Err(Error::line(path, i + 1, problem, "keep these two columns"));
        };
        match number.trim().parse::<f64>() {
            Ok(number) => rows.push(((*word).to_owned(), number)),
            // The names of the columns.
            Err(_) if i == 0 => {}
            Err(_) => {
                return Err(Error::line(
                    path,
                    i + 1,
                    format!("`{number}` is no number"),
                    "write a number with a point",
                ));
            }
        }
    }
    Lexicon::from_table(rows).map_err(|e| Error::format(path, e.to_string(), "keep one line for each word"))
}
