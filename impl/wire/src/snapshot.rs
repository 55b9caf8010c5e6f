//! Snapshots: sessions, access control lists, nodes, the path "/". On the quorum port they are
//! followed by [`SNAPSHOT_SIGNATURE`]; in files they stand between a header and a seal, which is an
//! Adler-32 checksum of all bytes before it. Source: `SerializeUtils`, `DataTree`, `FileSnap`.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::data::{Acl, StatPersisted};
use crate::error::{DecodeError, Found, or_incomplete};
use crate::jute::{MAX_SERVER_BUFFER, Reader, Record, put_buffer, record, wire_length};
use crate::log::FileHeader;
use crate::quorum::SNAPSHOT_SIGNATURE;

/// What nodes and seals end with. The root's own path is empty, so no node has this path.
const END: &str = "/";

/// Bytes of a seal: checksum and [`END`].
const SEAL_LENGTH: usize = 13;

/// Bytes of a [`ZxidDigest`].
const DIGEST_LENGTH: usize = 20;

/// Longest item in bytes; longer claims are refused before they fill the memory.
const MAX_ITEM: usize = 4 * MAX_SERVER_BUFFER;

record! {
    /// A session that lives.
    #[derive(Copy)]
    SessionItem {
        /// Its id.
        session: i64,
        /// Its timeout in milliseconds.
        timeout_ms: i32,
    }
}

record! {
    /// An access control list that nodes refer to.
    AclItem {
        /// Key that nodes hold; arbitrary.
        key: i64,
        /// The list.
        acl: Vec<Acl>,
    }
}

record! {
    /// A node. Parents come before their children.
    NodeItem {
        /// Its path; empty for the root.
        path: String,
        /// Its data; `None` is null.
        data: Option<Bytes>,
        /// Key of its access control list; −1: everything for everyone.
        acl: i64,
        /// What is stored about it.
        stat: StatPersisted,
    }
}

record! {
    /// What the tree's digest was after a transaction, at the end of a file (`ZxidDigest`). All
    /// zero: it was not known.
    #[derive(Copy)]
    ZxidDigest {
        /// That transaction.
        zxid: i64,
        /// Version of the digest's definition.
        version: i32,
        /// The digest.
        tree: i64,
    }
}

/// One item of a snapshot, in the order of the variants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// A session.
    Session(SessionItem),
    /// An access control list.
    Acl(AclItem),
    /// A node.
    Node(NodeItem),
    /// Nothing follows.
    End,
}

/// Appends everything that comes before the nodes.
pub fn put_head(out: &mut BytesMut, sessions: &[SessionItem], acls: &[AclItem]) {
    out.put_i32(wire_length(sessions.len()));
    for session in sessions {
        session.encode(out);
    }
    out.put_i32(wire_length(acls.len()));
    for acl in acls {
        acl.encode(out);
    }
}

/// Appends what comes after the nodes.
pub fn put_end(out: &mut BytesMut) {
    put_buffer(out, END.as_bytes());
}

/// Appends what ends a snapshot on the quorum port, after [`put_end`].
pub fn put_signature(out: &mut BytesMut) {
    put_buffer(out, SNAPSHOT_SIGNATURE.as_bytes());
}

/// Reads a snapshot's items one by one from a stream.
#[derive(Debug)]
pub struct Decoder {
    stage: Stage,
    /// Bytes of the items that were taken, for the offset in errors.
    consumed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    SessionCount,
    Sessions(i32),
    AclCount,
    Acls(i32),
    Nodes,
    Done,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { stage: Stage::SessionCount, consumed: 0 }
    }
}

impl Decoder {
    /// Takes one item from the front of `buffer`; `None` if it is not all there yet. After
    /// [`Item::End`] nothing more is taken.
    ///
    /// # Errors
    /// If the bytes are no snapshot.
    pub fn take(&mut self, buffer: &mut BytesMut) -> Result<Option<Item>, DecodeError> {
        let mut reader = Reader::new(buffer);
        let taken = self.read(&mut reader);
        self.settle(taken, reader.offset(), buffer)
    }

    /// Takes [`SNAPSHOT_SIGNATURE`], which follows [`Item::End`] on the quorum port; `None` if it
    /// is not all there yet.
    ///
    /// # Errors
    /// If something else is there.
    pub fn take_signature(&mut self, buffer: &mut BytesMut) -> Result<Option<()>, DecodeError> {
        let mut reader = Reader::with_limit(buffer, SNAPSHOT_SIGNATURE.len());
        let at = reader.clone();
        let taken = reader.read().and_then(|text: String| match text == SNAPSHOT_SIGNATURE {
            true => Ok(Some(())),
            false => Err(at.refuse("the signature BenWasHere", Found::text(&text))),
        });
        self.settle(taken, reader.offset(), buffer)
    }

    /// Drops from `buffer` what was read; turns an early end into `None`.
    fn settle<T>(
        &mut self,
        taken: Result<Option<T>, DecodeError>,
        length: usize,
        buffer: &mut BytesMut,
    ) -> Result<Option<T>, DecodeError> {
        let taken = or_incomplete(taken).map_err(|mut error| {
            error.offset += self.consumed;
            error
        })?;
        let Some(taken) = taken else {
            return match buffer.len() {
                0..=MAX_ITEM => Ok(None),
                length => Err(DecodeError {
                    offset: self.consumed,
                    expected: "an item within the limit",
                    found: Found::Trailing(length),
                }),
            };
        };
        buffer.advance(length);
        self.consumed += length;
        Ok(taken)
    }

    /// Reads one item. The stage moves on only over counts and items that are whole.
    fn read(&mut self, reader: &mut Reader<'_>) -> Result<Option<Item>, DecodeError> {
        let mut stage = self.stage;
        let item = loop {
            stage = match stage {
                Stage::SessionCount => Stage::Sessions(count(reader)?),
                Stage::Sessions(0) => Stage::AclCount,
                Stage::Sessions(left) => {
                    stage = Stage::Sessions(left - 1);
                    break Item::Session(reader.read()?);
                }
                Stage::AclCount => Stage::Acls(count(reader)?),
                Stage::Acls(0) => Stage::Nodes,
                Stage::Acls(left) => {
                    stage = Stage::Acls(left - 1);
                    break Item::Acl(reader.read()?);
                }
                Stage::Nodes => break node(reader, &mut stage)?,
                Stage::Done => return Ok(None),
            };
        };
        self.stage = stage;
        Ok(Some(item))
    }
}

fn count(reader: &mut Reader<'_>) -> Result<i32, DecodeError> {
    let at = reader.clone();
    let number: i32 = reader.read()?;
    match number {
        0.. => Ok(number),
        _ => Err(at.refuse("a number of items", Found::Number(number.into()))),
    }
}

fn node(reader: &mut Reader<'_>, stage: &mut Stage) -> Result<Item, DecodeError> {
    let path: String = reader.read()?;
    if path == END {
        *stage = Stage::Done;
        return Ok(Item::End);
    }
    Ok(Item::Node(NodeItem {
        path,
        data: reader.read()?,
        acl: reader.read()?,
        stat: reader.read()?,
    }))
}

/// The running checksum of a snapshot file that is written or read in pieces.
#[derive(Default)]
pub struct Sealer {
    checksum: simd_adler32::Adler32,
}

impl Sealer {
    /// Counts bytes of the file, its header included.
    pub fn update(&mut self, bytes: &[u8]) {
        self.checksum.write(bytes);
    }

    /// Appends the seal over everything counted so far to `out`, and counts it.
    pub fn seal(&mut self, out: &mut BytesMut) {
        let start = out.len();
        out.put_i64(self.checksum.finish().into());
        put_end(out);
        self.checksum.write(&out[start..]);
    }
}

/// Reads a whole snapshot file and gives its items to `visit`, [`Item::End`] excepted.
///
/// After the first seal, newer servers add a digest, which is returned, and the last zxid, each
/// with another seal.
///
/// # Errors
/// If the file is no snapshot, is cut short, or a seal does not fit. Some items may have been
/// visited by then: what was built from them must be dropped.
pub fn read_file(
    file: &[u8],
    mut visit: impl FnMut(Item),
) -> Result<Option<ZxidDigest>, DecodeError> {
    let mut reader = Reader::new(file);
    FileHeader::expect(&mut reader, &FileHeader::SNAPSHOT)?;
    let mut decoder = Decoder::default();
    while let Some(item) = decoder.read(&mut reader)? {
        if item != Item::End {
            visit(item);
        }
    }
    check_seal(file, &mut reader)?;
    let mut digest = None;
    if reader.remaining() >= DIGEST_LENGTH + SEAL_LENGTH {
        digest = Some(reader.read()?);
        check_seal(file, &mut reader)?;
    }
    if reader.remaining() >= size_of::<i64>() + SEAL_LENGTH {
        reader.take(size_of::<i64>(), "the last zxid")?;
        check_seal(file, &mut reader)?;
    }
    reader.finish()?;
    Ok(digest)
}

fn check_seal(file: &[u8], reader: &mut Reader<'_>) -> Result<(), DecodeError> {
    let at = reader.clone();
    let computed = i64::from(simd_adler32::adler32(&&file[..reader.offset()]));
    let stored: i64 = reader.read()?;
    if stored != computed {
        return Err(at.refuse("the Adler-32 checksum of the snapshot", Found::Number(stored)));
    }
    let end: String = reader.read()?;
    match end == END {
        true => Ok(()),
        false => Err(at.refuse("the end of a seal (/)", Found::text(&end))),
    }
}
