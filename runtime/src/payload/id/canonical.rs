//! The canonical text of a UUID: hyphens and lower-case digits alone. The `uuid` crate takes other forms as well.
//!
//! Ids are most of what payloads hold, so eight digits are read at a time, as eight lanes of a `u64`.

use uuid::Uuid;

/// Reads the canonical text of a UUID.
pub(super) fn parse(text: &[u8]) -> Option<Uuid> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let four = |at: usize| u64::from(u32::from_be_bytes([text[at], text[at + 1], text[at + 2], text[at + 3]]));
    let eight = |first: usize, second: usize| four_bytes(four(first) << 32 | four(second)).map(u128::from);
    let (first, second) = (eight(0, 4)?, eight(9, 14)?);
    let (third, fourth) = (eight(19, 24)?, eight(28, 32)?);
    Some(Uuid::from_u128(first << 96 | second << 64 | third << 32 | fourth))
}

/// The number that eight lower-case hexadecimal digits write, one in each lane.
fn four_bytes(text: u64) -> Option<u32> {
    const LANES: u64 = 0x0101_0101_0101_0101;
    const TOP: u64 = 0x80 * LANES;

    // adding 0x7f - n to a lane of at most 0x7f sets its top bit where the lane is more than n
    let more_than = |lanes: u64, n: u64| lanes.wrapping_add((0x7f - n) * LANES) & TOP;
    let from_zero = text ^ (0x30 * LANES);
    let from_backtick = text ^ (0x60 * LANES);
    let is_digit = !more_than(from_zero, 9);
    let is_letter = more_than(from_backtick, 0) & !more_than(from_backtick, 6);
    if text & TOP != 0 || (is_digit | is_letter) & TOP != TOP {
        return None;
    }

    // a letter has the bit 0x40, and 9 is what its low half lacks: `a` is 0x61 and stands for 10
    let halves = (text & (0x0f * LANES)) + 9 * ((text >> 6) & LANES);
    let bytes = (halves | halves >> 4) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    Some((pairs | pairs >> 16) as u32)
}
