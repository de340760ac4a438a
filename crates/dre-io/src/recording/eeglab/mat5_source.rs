//! Bytes of a MATLAB file of version 5: as they lie in the file, or inflated.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use flate2::bufread::ZlibDecoder;

/// Bytes one after the other.
pub(super) trait Source {
    fn read(&mut self, out: &mut [u8]) -> io::Result<()>;

    fn skip(&mut self, n_bytes: u64) -> io::Result<()>;

    /// The place in the file of the next byte, where bytes lie there as they are read.
    fn place(&self) -> Option<u64>;
}

/// Bytes as they lie in the file.
pub(super) struct Plain {
    reader: BufReader<File>,
    at: u64,
}

impl Plain {
    pub(super) fn new(mut file: File, at: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { reader: BufReader::with_capacity(1 << 16, file), at })
    }
}

impl Source for Plain {
    fn read(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.reader.read_exact(out)?;
        self.at += out.len() as u64;
        Ok(())
    }

    fn skip(&mut self, n_bytes: u64) -> io::Result<()> {
        let n = i64::try_from(n_bytes).map_err(io::Error::other)?;
        self.reader.seek_relative(n)?;
        self.at += n_bytes;
        Ok(())
    }

    fn place(&self) -> Option<u64> {
        Some(self.at)
    }
}

/// Bytes that are stored deflated.
pub(super) struct Inflated {
    decoder: ZlibDecoder<BufReader<io::Take<File>>>,
}

impl Inflated {
    pub(super) fn new(mut file: File, at: u64, n_bytes: u64) -> io::Result<Self> {
        file.seek(SeekFrom::Start(at))?;
        Ok(Self { decoder: ZlibDecoder::new(BufReader::with_capacity(1 << 16, file.take(n_bytes))) })
    }
}

impl Source for Inflated {
    fn read(&mut self, out: &mut [u8]) -> io::Result<()> {
        self.decoder.read_exact(out)
    }

    fn skip(&mut self, n_bytes: u64) -> io::Result<()> {
        let skipped = io::copy(&mut self.decoder.by_ref().take(n_bytes), &mut io::sink())?;
        if skipped == n_bytes { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn place(&self) -> Option<u64> {
        None
    }
}
