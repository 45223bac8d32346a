//! Reader of Compound File Binary ([MS-CFB]), the container format of XLS files.
//!
//! Only the parts needed to read one stream are implemented. The file's size bounds every table, so
//! that a small file with a cyclic sector chain or a repeated sector in a table can't use much
//! memory.
//!
//! Own code, because `cfb` keeps every entry of the directory: it takes 168 MB for a hostile file
//! of 64 MiB. It also rejects a file whose last sector is short.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};

use crate::spreadsheet::SheetError;

const SIGNATURE: &[u8] = b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1";
/// First of the sector numbers with special meanings.
const FIRST_SPECIAL: u32 = 0xFFFF_FFFA;
const END_OF_CHAIN: u32 = 0xFFFF_FFFE;
const MINI_SECTOR: usize = 64;
const ENTRY: usize = 128;
/// Largest number of directory entries that are read, rounded up to whole sectors. A workbook has
/// three streams, or some dozens with macros and embedded objects.
const MAX_ENTRIES: usize = 10_000;

/// Stream in the container, readable and seekable like a file.
pub(super) enum Stream {
    Sectors(BufReader<Sectors>),
    /// Stream below the container's cut-off, which is 4096 bytes.
    Small(Cursor<Vec<u8>>),
}

/// Stream stored in a chain of sectors.
pub(super) struct Sectors {
    file: File,
    chain: Vec<u32>,
    sector: u64,
    length: u64,
    position: u64,
}

/// Compound file with its sector table and directory.
pub(super) struct Compound {
    file: File,
    sector: usize,
    /// Number of sectors that fit in the file, without the header.
    sectors: usize,
    next: Vec<u32>,
    entries: Vec<Entry>,
    cutoff: u64,
    mini_start: u32,
}

struct Entry {
    name: String,
    start: u32,
    length: u64,
}

fn broken() -> SheetError {
    SheetError::broken("its container is not whole")
}

fn short(bytes: &[u8], at: usize) -> u16 {
    bytes
        .get(at..at + 2)
        .map_or(0, |two| u16::from_le_bytes([two[0], two[1]]))
}

fn long(bytes: &[u8], at: usize) -> u32 {
    u32::from(short(bytes, at)) | u32::from(short(bytes, at + 2)) << 16
}

fn longs(bytes: &[u8]) -> impl Iterator<Item = u32> {
    bytes.chunks_exact(4).map(|four| long(four, 0))
}

impl Compound {
    pub(super) fn open(mut file: File) -> Result<Self, SheetError> {
        let size = file.metadata()?.len();
        let mut header = [0; 512];
        file.rewind()?;
        file.read_exact(&mut header).map_err(|_| broken())?;
        let sector: usize = match short(&header, 30) {
            9 => 512,
            12 => 4_096,
            _ => return Err(broken()),
        };
        if !header.starts_with(SIGNATURE) || short(&header, 32) != 6 {
            return Err(broken());
        }
        let sectors = usize::try_from(size)
            .map_err(|_| broken())?
            .div_ceil(sector)
            .saturating_sub(1);
        let mut compound = Self {
            file,
            sector,
            sectors,
            next: Vec::new(),
            entries: Vec::new(),
            cutoff: u64::from(long(&header, 56)),
            mini_start: long(&header, 60),
        };
        compound.read_table(&header)?;
        compound.read_entries(long(&header, 48))?;
        Ok(compound)
    }

    /// Reads the file allocation table, which gives the next sector of each sector. The header
    /// lists the sectors of this table; in files above 7 MB, further sectors (DIFAT) continue the
    /// list.
    fn read_table(&mut self, header: &[u8]) -> Result<(), SheetError> {
        let per_sector = self.sector / 4;
        let needed = self.sectors.div_ceil(per_sector);
        let mut places: Vec<u32> = longs(&header[76..512]).collect();
        let mut list = long(header, 68);
        let mut lists = 0;
        while list < FIRST_SPECIAL && places.len() < needed {
            lists += 1;
            if lists > self.sectors {
                return Err(broken());
            }
            let more: Vec<u32> = longs(&self.read_sector(list)?).collect();
            let (last, more) = more.split_last().ok_or_else(broken)?;
            places.extend(more);
            list = *last;
        }
        for place in places
            .into_iter()
            .filter(|place| *place < FIRST_SPECIAL)
            .take(needed)
        {
            let table = self.read_sector(place)?;
            self.next.extend(longs(&table));
        }
        Ok(())
    }

    fn read_entries(&mut self, start: u32) -> Result<(), SheetError> {
        let most = (MAX_ENTRIES * ENTRY).div_ceil(self.sector);
        for sector in self.chain(start, most)? {
            for entry in self.read_sector(sector)?.chunks_exact(ENTRY) {
                let name: Vec<u16> = (0..32)
                    .map(|index| short(entry, index * 2))
                    .take_while(|unit| *unit != 0)
                    .collect();
                let high = if self.sector == 512 {
                    0
                } else {
                    u64::from(long(entry, 124)) << 32
                };
                self.entries.push(Entry {
                    name: String::from_utf16_lossy(&name).to_ascii_lowercase(),
                    start: long(entry, 116),
                    length: u64::from(long(entry, 120)) | high,
                });
            }
        }
        if self.entries.is_empty() {
            Err(broken())
        } else {
            Ok(())
        }
    }

    /// Reads one sector. If the last one of the file is short, it is padded with zeros.
    fn read_sector(&mut self, sector: u32) -> Result<Vec<u8>, SheetError> {
        if sector as usize >= self.sectors {
            return Err(broken());
        }
        self.file.seek(SeekFrom::Start(
            (u64::from(sector) + 1) * self.sector as u64,
        ))?;
        let mut bytes = Vec::with_capacity(self.sector);
        self.file
            .by_ref()
            .take(self.sector as u64)
            .read_to_end(&mut bytes)?;
        bytes.resize(self.sector, 0);
        Ok(bytes)
    }

    /// Returns the sectors of a chain, at most `most`.
    fn chain(&self, start: u32, most: usize) -> Result<Vec<u32>, SheetError> {
        follow(&self.next, start, most.min(self.sectors), self.sectors)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.entries.iter().any(|entry| entry.name == name)
    }

    /// Opens a stream by its `name` in lower case.
    pub(super) fn stream(mut self, name: &str) -> Result<Stream, SheetError> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.name == name)
            .ok_or_else(broken)?;
        let start = entry.start;
        let length = entry.length;
        if length < self.cutoff {
            return self
                .small(start, length)
                .map(|bytes| Stream::Small(Cursor::new(bytes)));
        }
        let needed = usize::try_from(length)
            .map_err(|_| broken())?
            .div_ceil(self.sector);
        let chain = self.chain(start, needed)?;
        if chain.len() < needed {
            return Err(broken());
        }
        let sectors = Sectors {
            file: self.file,
            chain,
            sector: self.sector as u64,
            length,
            position: 0,
        };
        Ok(Stream::Sectors(BufReader::with_capacity(
            64 * 1024,
            sectors,
        )))
    }

    /// Reads a small stream. Small streams share the sectors of the root entry, in mini sectors of
    /// 64 bytes.
    fn small(&mut self, start: u32, length: u64) -> Result<Vec<u8>, SheetError> {
        let root = self.entries.first().ok_or_else(broken)?.start;
        let home = self.chain(root, self.sectors)?;
        let per_sector = self.sector / MINI_SECTOR;
        let minis = home.len() * per_sector;
        let mut next = Vec::new();
        for sector in self.chain(self.mini_start, minis.div_ceil(self.sector / 4))? {
            next.extend(longs(&self.read_sector(sector)?));
        }
        let length = usize::try_from(length).map_err(|_| broken())?;
        let mut bytes = Vec::with_capacity(length.min(minis * MINI_SECTOR));
        for mini in follow(&next, start, length.div_ceil(MINI_SECTOR), minis)? {
            let sector = self.read_sector(home[mini as usize / per_sector])?;
            let from = mini as usize % per_sector * MINI_SECTOR;
            bytes.extend(&sector[from..from + MINI_SECTOR]);
        }
        if bytes.len() < length {
            return Err(broken());
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// Follows a chain for at most `most` links. A link not below `count` is an error.
fn follow(next: &[u32], start: u32, most: usize, count: usize) -> Result<Vec<u32>, SheetError> {
    let mut chain = Vec::new();
    let mut sector = start;
    while sector != END_OF_CHAIN && chain.len() < most {
        if sector as usize >= count {
            return Err(broken());
        }
        chain.push(sector);
        sector = *next.get(sector as usize).ok_or_else(broken)?;
    }
    Ok(chain)
}

impl Read for Sectors {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let left = self.length.saturating_sub(self.position);
        let index = usize::try_from(self.position / self.sector).unwrap_or(usize::MAX);
        let (Some(&first), true) = (self.chain.get(index), left > 0) else {
            return Ok(0);
        };
        // Contiguous sectors are read at once, as many as fit into `out`.
        let wanted = out.len() / usize::try_from(self.sector).unwrap_or(1).max(1) + 1;
        let pairs = self.chain[index..].windows(2).take(wanted);
        let following = pairs.take_while(|pair| pair[0] + 1 == pair[1]).count() as u64;
        let offset = self.position % self.sector;
        let together = (following + 1) * self.sector - offset;
        let most = usize::try_from(together.min(left))
            .unwrap_or(usize::MAX)
            .min(out.len());
        self.file.seek(SeekFrom::Start(
            (u64::from(first) + 1) * self.sector + offset,
        ))?;
        let read = self.file.read(&mut out[..most])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Sectors {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => self.length.checked_add_signed(by),
        };
        self.position = target.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}

impl Read for Stream {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Sectors(sectors) => sectors.read(out),
            Self::Small(bytes) => bytes.read(out),
        }
    }
}

impl Stream {
    /// Returns the length in bytes.
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Sectors(sectors) => sectors.get_ref().length,
            Self::Small(bytes) => bytes.get_ref().len() as u64,
        }
    }

    /// Seeks to a position from the start of the stream.
    pub(super) fn go_to(&mut self, position: u64) -> io::Result<()> {
        match self {
            Self::Sectors(sectors) => sectors.seek(SeekFrom::Start(position)),
            Self::Small(bytes) => bytes.seek(SeekFrom::Start(position)),
        }
        .map(drop)
    }
}
