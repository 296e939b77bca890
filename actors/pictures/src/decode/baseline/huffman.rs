//! Huffman tables (T.81, annexes C and F).
//!
//! Owns: finding a code's symbol, and for short ones its number in the same step. Promises: a table that is
//! none is `None`; a code that is none is symbol 0 of length 0, and the caller stops.

use super::bits::Bits;

/// Bits that are looked up at once.
const LOOKUP: u32 = 11;
const LOOKUP_SIZE: usize = 1 << LOOKUP;

#[derive(Debug)]
pub(super) struct Table {
    /// By the next bits: `length << 8 | symbol`, or 0 when the code is longer.
    short: Box<[u16; LOOKUP_SIZE]>,
    /// By the next bits: `number << 16 | run << 8 | length of code and number`, or 0 when they do not fit.
    whole: Box<[i32; LOOKUP_SIZE]>,
    /// By length: the first code that is longer, with its bits to the left of 16.
    ends: [u32; 18],
    /// By length: what to add to a code for its symbol's place.
    offsets: [i32; 17],
    symbols: Vec<u8>,
}

impl Table {
    /// `None`: more codes than there are of a length.
    pub(super) fn new(counts: &[u8; 16], symbols: &[u8]) -> Option<Self> {
        let mut table = Self {
            short: Box::new([0; LOOKUP_SIZE]),
            whole: Box::new([0; LOOKUP_SIZE]),
            ends: [u32::MAX; 18],
            offsets: [0; 17],
            symbols: symbols.to_vec(),
        };
        let (mut code, mut place) = (0_u32, 0_usize);
        for (length, &count) in (1_u32..).zip(counts) {
            table.offsets[length as usize] = place as i32 - code as i32;
            for _ in 0..count {
                if code >= 1 << length {
                    return None;
                }
                if length <= LOOKUP {
                    let first = (code as usize) << (LOOKUP - length);
                    let entry = u16::from(*symbols.get(place)?) | (length as u16) << 8;
                    table.short[first..first + (1 << (LOOKUP - length))].fill(entry);
                }
                (code, place) = (code + 1, place + 1);
            }
            table.ends[length as usize] = code << (16 - length);
            code <<= 1;
        }
        table.look_further();
        Some(table)
    }

    /// Codes whose number is also within the bits that are looked up.
    fn look_further(&mut self) {
        for (bits, (whole, &short)) in self.whole.iter_mut().zip(self.short.iter()).enumerate() {
            let (length, run, size) =
                (u32::from(short >> 8), i32::from(short >> 4 & 15), u32::from(short & 15));
            if length == 0 || size == 0 || length + size > LOOKUP {
                continue;
            }
            let number = (bits >> (LOOKUP - length - size)) as i32 & ((1 << size) - 1);
            let number = if number < 1 << (size - 1) { number - (1 << size) + 1 } else { number };
            *whole = number << 16 | run << 8 | (length + size) as i32;
        }
    }

    /// Number, run before it, and bits, when all is found at once. At least [`LOOKUP`] bits are there.
    #[inline(always)]
    pub(super) fn whole(&self, bits: &Bits<'_>) -> Option<(i32, usize, u32)> {
        let entry = self.whole[bits.peek(LOOKUP) as usize];
        (entry != 0).then_some((entry >> 16, (entry >> 8 & 15) as usize, (entry & 255) as u32))
    }

    /// The next symbol. At least 16 bits are there.
    #[inline(always)]
    pub(super) fn symbol(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let entry = self.short[bits.peek(LOOKUP) as usize];
        if entry == 0 {
            return self.long(bits);
        }
        bits.skip(u32::from(entry >> 8));
        Some(entry as u8)
    }

    #[cold]
    fn long(&self, bits: &mut Bits<'_>) -> Option<u8> {
        let next = bits.peek(16);
        let length = (LOOKUP + 1..=16).find(|&length| next < self.ends[length as usize])?;
        let place = (next >> (16 - length)) as i32 + self.offsets[length as usize];
        bits.skip(length);
        self.symbols.get(usize::try_from(place).ok()?).copied()
    }
}
