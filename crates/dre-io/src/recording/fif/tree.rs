//! The tags of a file and the blocks that they lie in.
//!
//! A file is a chain of tags: kind, type and size of the data, place of the next tag (four big-endian 32-bit integers), then the
//! data. Tags of two kinds open and close blocks, which nest. Many files end with a directory of all tags.

use std::ops::Range;

use crate::Result;

use super::constants::{data_type, tag};
use super::source::Source;

/// Bytes of a tag before its data.
pub(super) const TAG_HEADER: u64 = 16;

/// A tag: what it holds and where.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tag {
    pub(super) kind: i32,
    pub(super) data_type: u32,
    /// Bytes of data.
    pub(super) size: u32,
    /// Index of the block that it lies in.
    block: u32,
    /// Place of its header.
    pub(super) offset: u64,
}

impl Tag {
    /// Place of its data.
    pub(super) fn data_offset(&self) -> u64 {
        self.offset + TAG_HEADER
    }
}

#[derive(Debug)]
struct Block {
    kind: i32,
    /// One past the last block inside it; blocks are in the order in which they open.
    end: usize,
    tags: Range<usize>,
}

/// All tags of a file by block.
#[derive(Debug)]
pub(super) struct Tree {
    tags: Vec<Tag>,
    blocks: Vec<Block>,
}

/// The block that everything lies in.
pub(super) const ROOT: usize = 0;

impl Tree {
    /// Reads the tags, by the directory where there is one, else from one to the next.
    pub(super) fn read(source: &mut Source, notes: &mut Vec<String>) -> Result<Self> {
        let directory = check_start(source)?;
        let mut builder = Builder::new();
        if directory > 0 {
            match directory_of(source, directory as u64)? {
                Some(entries) => {
                    for entry in entries.chunks_exact(TAG_HEADER as usize) {
                        let (tag, offset) = header(entry);
                        // Some writers end the list so.
                        if tag.kind == -1 {
                            break;
                        }
                        let Ok(offset) = u64::try_from(offset) else {
                            return Err(
                                source.fault(directory as u64, format!("the directory points to byte {offset}"))
                            );
                        };
                        builder.push(source, Tag { offset, ..tag })?;
                    }
                    return builder.finish(source);
                }
                None => notes.push(format!(
                    "{}: its directory, which should be at byte {directory}, is missing or damaged; the tags were \
                     found one by one",
                    source.path.display()
                )),
            }
        }
        let mut offset = 0;
        // A chain that visits more tags than fit into the file goes in circles.
        let most = source.len / TAG_HEADER;
        for n_tags in 0.. {
            if offset == source.len {
                break;
            }
            if n_tags == most {
                return Err(source.fault(offset, "the chain of tags goes in circles"));
            }
            let (tag, next) = header(source.bytes(offset, TAG_HEADER, "a tag's header")?);
            let tag = Tag { offset, ..tag };
            builder.push(source, tag)?;
            offset = match next {
                0 => tag.data_offset() + u64::from(tag.size),
                1.. => next as u64,
                _ => break,
            };
        }
        builder.finish(source)
    }

    /// The blocks of a kind in a block, itself included, in the file's order.
    pub(super) fn find(&self, within: usize, kind: i32) -> impl Iterator<Item = usize> {
        (within..self.blocks[within].end).filter(move |block| self.blocks[*block].kind == kind)
    }

    /// The tags that lie directly in a block, in the file's order.
    pub(super) fn tags(&self, block: usize) -> &[Tag] {
        &self.tags[self.blocks[block].tags.clone()]
    }

    /// The first tag of a kind that lies directly in a block.
    pub(super) fn tag(&self, block: usize, kind: i32) -> Option<Tag> {
        self.tags(block).iter().find(|tag| tag.kind == kind).copied()
    }
}

/// A tag from the 16 bytes of its header, with the fourth number.
fn header(bytes: &[u8]) -> (Tag, i32) {
    let word = |i: usize| -> [u8; 4] { [bytes[4 * i], bytes[4 * i + 1], bytes[4 * i + 2], bytes[4 * i + 3]] };
    let tag = Tag {
        kind: i32::from_be_bytes(word(0)),
        data_type: u32::from_be_bytes(word(1)),
        size: u32::from_be_bytes(word(2)),
        block: 0,
        offset: 0,
    };
    (tag, i32::from_be_bytes(word(3)))
}

/// Checks that the file begins as FIF files do, and returns where it says that its directory is.
fn check_start(source: &mut Source) -> Result<i32> {
    if source.len >= 2 && source.bytes(0, 2, "the start")? == [0x1f, 0x8b] {
        return Err(crate::Error::at(
            &source.path,
            0,
            "the file is compressed with gzip, in which no place can be looked up",
            "unpack it (gunzip -k) and open the .fif file",
        ));
    }
    let not_fif = |source: &Source, offset, problem: String| {
        crate::Error::at(
            &source.path,
            offset,
            problem,
            "check that this is a FIF file, and copy it again from the source",
        )
    };
    let start = source.bytes(0, TAG_HEADER, "the header of the first tag")?;
    if start.starts_with(&tag::FILE_ID.to_le_bytes()) {
        return Err(not_fif(source, 0, "numbers are little-endian, expected big-endian ones".to_owned()));
    }
    let (first, _) = header(start);
    if (first.kind, first.data_type, first.size) != (tag::FILE_ID, data_type::ID_STRUCT, 20) {
        let problem = format!(
            "the file begins with a tag of kind {}, type {} and {} bytes, expected an identity (100, 31, 20)",
            first.kind, first.data_type, first.size
        );
        return Err(not_fif(source, 0, problem));
    }
    let second = TAG_HEADER + 20;
    let bytes = source.bytes(second, TAG_HEADER + 4, "the tag that points to the directory")?;
    let (pointer, _) = header(bytes);
    let directory = i32::from_be_bytes([bytes[16], bytes[17], bytes[18], bytes[19]]);
    if (pointer.kind, pointer.size) != (tag::DIR_POINTER, 4) {
        let problem = format!("the second tag is of kind {}, expected the directory's place (101)", pointer.kind);
        return Err(not_fif(source, second, problem));
    }
    Ok(directory)
}

/// The entries of the directory at a place, if there is one.
fn directory_of(source: &mut Source, offset: u64) -> Result<Option<Vec<u8>>> {
    if source.check(offset, TAG_HEADER, "the directory").is_err() {
        return Ok(None);
    }
    let (tag, _) = header(source.bytes(offset, TAG_HEADER, "the directory")?);
    let size = u64::from(tag.size);
    let sound = tag.kind == tag::DIR
        && tag.data_type == data_type::DIR_ENTRY_STRUCT
        && size > 0
        && size.is_multiple_of(TAG_HEADER)
        && source.check(offset + TAG_HEADER, size, "the directory").is_ok();
    if !sound {
        return Ok(None);
    }
    let mut entries = vec![0; size as usize];
    source.read_into(offset + TAG_HEADER, &mut entries)?;
    Ok(Some(entries))
}

struct Builder {
    tags: Vec<Tag>,
    blocks: Vec<Block>,
    /// Blocks that have not been closed, the outermost first.
    open: Vec<(usize, u64)>,
}

impl Builder {
    fn new() -> Self {
        let root = Block { kind: 0, end: 0, tags: 0..0 };
        Self { tags: Vec::new(), blocks: vec![root], open: vec![(ROOT, 0)] }
    }

    fn push(&mut self, source: &mut Source, tag: Tag) -> Result<()> {
        source.check(tag.data_offset(), u64::from(tag.size), &format!("a tag of kind {}", tag.kind))?;
        match tag.kind {
            tag::BLOCK_START => {
                if tag.size != 4 {
                    let problem = format!("a block's kind takes {} bytes, expected 4", tag.size);
                    return Err(source.fault(tag.offset, problem));
                }
                let bytes = source.bytes(tag.data_offset(), 4, "a block's kind")?;
                let kind = i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                self.open.push((self.blocks.len(), tag.offset));
                self.blocks.push(Block { kind, end: 0, tags: 0..0 });
            }
            tag::BLOCK_END => {
                if self.open.len() == 1 {
                    return Err(source.fault(tag.offset, "a block ends that never began"));
                }
                self.close();
            }
            _ => {
                let (block, _) = self.open[self.open.len() - 1];
                self.tags.push(Tag { block: block as u32, ..tag });
            }
        }
        Ok(())
    }

    fn close(&mut self) {
        if let Some((block, _)) = self.open.pop() {
            self.blocks[block].end = self.blocks.len();
        }
    }

    fn finish(mut self, source: &Source) -> Result<Tree> {
        if self.open.len() > 1 {
            let (block, offset) = self.open[self.open.len() - 1];
            let problem = format!("the block of kind {} has no end", self.blocks[block].kind);
            return Err(source.fault(offset, problem));
        }
        self.close();
        self.tags.sort_by_key(|tag| tag.block);
        let mut first = 0;
        for tags in self.tags.chunk_by(|a, b| a.block == b.block) {
            self.blocks[tags[0].block as usize].tags = first..first + tags.len();
            first += tags.len();
        }
        Ok(Tree { tags: self.tags, blocks: self.blocks })
    }
}
