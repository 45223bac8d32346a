//! Shared strings of a workbook. All of them are in memory.

use super::SheetError;

/// Maximum size in memory, in bytes.
const MAX_BYTES: usize = 64 << 20;

/// List of strings in one buffer. Each string takes its length in bytes, and 4 bytes for the offset
/// of its end.
#[derive(Default)]
pub(super) struct Strings {
    text: String,
    ends: Vec<u32>,
}

impl Strings {
    pub(super) fn push(&mut self, one: &str) -> Result<(), SheetError> {
        self.text.push_str(one);
        if self.bytes() > MAX_BYTES {
            return Err(SheetError::InflatesTooLarge {
                limit: MAX_BYTES as u64,
            });
        }
        self.ends.push(self.text.len() as u32); // proof: below MAX_BYTES
        Ok(())
    }

    pub(super) fn get(&self, index: usize) -> Option<&str> {
        let end = *self.ends.get(index)? as usize;
        let start = index
            .checked_sub(1)
            .and_then(|before| self.ends.get(before))
            .map_or(0, |&end| end as usize);
        self.text.get(start..end)
    }

    fn bytes(&self) -> usize {
        self.text.len() + self.ends.len() * size_of::<u32>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_strings_are_found_by_index_and_limited_in_size() {
        let mut strings = Strings::default();
        for one in ["a", "", "Ωé"] {
            strings.push(one).expect("few");
        }
        assert_eq!(
            [
                strings.get(0),
                strings.get(1),
                strings.get(2),
                strings.get(3)
            ],
            [Some("a"), Some(""), Some("Ωé"), None]
        );
        assert_eq!(strings.bytes(), 5 + 3 * 4);
        let long = "x".repeat(1 << 20);
        let message = std::iter::repeat_with(|| strings.push(&long))
            .take(65)
            .find_map(Result::err)
            .expect("too much");
        assert_eq!(message.code(), "FILE_INFLATES_TOO_LARGE");
    }
}
