//! A Bloom filter over names that are hashes already: says of nearly every name that a run does not
//! hold that it does not, in one cache line, and never so of one that it holds.

use crate::error::{Result, StoreError};

/// Bits of memory for each name. With [`PROBES`] some 5 in 1,000 strange names pass.
const BITS_PER_NAME: u64 = 12;
/// Bits that each name sets.
const PROBES: u32 = 7;
/// Words of a block: 64 bytes, a cache line.
const WORDS: usize = 8;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    blocks: Vec<[u64; WORDS]>,
}

impl Filter {
    /// For so many names.
    pub(super) fn new(names: u64) -> Self {
        let bits = names.max(1) * BITS_PER_NAME;
        let blocks = bits.div_ceil(WORDS as u64 * 64);
        Filter { blocks: vec![[0; WORDS]; usize::try_from(blocks).unwrap_or(usize::MAX)] }
    }

    fn block(&self, name: u64) -> usize {
        // The highest bits choose the block, so that names in their order fill one after the other.
        ((u128::from(name) * self.blocks.len() as u128) >> 64) as usize
    }

    /// The bits within the block.
    fn bits(name: u64) -> impl Iterator<Item = (usize, u64)> {
        // All names of a block begin alike: the bits are made of the others.
        let mixed = name.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (0..PROBES).map(move |probe| {
            let bit = mixed >> (9 * probe) & 511;
            ((bit / 64) as usize, 1 << (bit % 64))
        })
    }

    pub(super) fn insert(&mut self, name: u64) {
        let block = self.block(name);
        for (word, bit) in Self::bits(name) {
            self.blocks[block][word] |= bit;
        }
    }

    pub(super) fn may_hold(&self, name: u64) -> bool {
        let Some(block) = self.blocks.get(self.block(name)) else { return false };
        Self::bits(name).all(|(word, bit)| block[word] & bit != 0)
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        self.blocks.iter().flatten().flat_map(|word| word.to_le_bytes()).collect()
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let (words, rest) = bytes.as_chunks::<8>();
        let (blocks, more) = words.as_chunks::<WORDS>();
        if !rest.is_empty() || !more.is_empty() || blocks.is_empty() {
            return Err(StoreError::Internal(format!("a filter of {} bytes", bytes.len())));
        }
        let block = |words: &[[u8; 8]; WORDS]| words.map(u64::from_le_bytes);
        Ok(Filter { blocks: blocks.iter().map(block).collect() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Names as a hash gives them.
    fn names(seed: u64, count: usize) -> impl Iterator<Item = u64> {
        (0..count as u64)
            .map(move |number| xxhash_rust::xxh3::xxh3_64_with_seed(&number.to_le_bytes(), seed))
    }

    #[test]
    fn it_knows_all_and_hardly_any_stranger() {
        const COUNT: usize = 50_000;
        let mut filter = Filter::new(COUNT as u64);
        for name in names(1, COUNT) {
            filter.insert(name);
        }
        assert!(names(1, COUNT).all(|name| filter.may_hold(name)));
        let strangers = names(2, COUNT).filter(|name| filter.may_hold(*name)).count();
        assert!(strangers < COUNT / 100, "{strangers}");
        let again = Filter::from_bytes(&filter.to_bytes()).unwrap();
        assert_eq!(again, filter);
        assert!(Filter::from_bytes(&[0; 63]).is_err());
        assert!(!Filter::default().may_hold(7));
        assert!(!Filter::new(0).may_hold(7));
    }
}
