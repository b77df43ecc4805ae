//! FNV-1a, 64 bit.
//!
//! The digest is there to notice a forgotten regeneration, not an attacker, and a build script has to compute it with the standard
//! library alone: five lines do, which no other digest of that width needs fewer of.

/// FNV-1a (draft-eastlake-fnv, section 2) of the bytes.
pub(super) fn fnv1a_64(bytes: &[u8]) -> u64 {
    const OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
    const PRIME: u64 = 0x0000_0100_0000_01b3;
    bytes.iter().fold(OFFSET_BASIS, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(PRIME))
}
