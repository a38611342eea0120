//! Spreading without randomness: a number that looks random but follows from an id, so that the
//! same message always gets the same jitter and every decision can be repeated.

use uuid::Uuid;

/// A number in `0..bound` that follows from `id` and `round`; 0 when `bound` is 0.
pub fn below(id: Uuid, round: u32, bound: u64) -> u64 {
    let (high, low) = id.as_u64_pair();
    let mixed = mix(high ^ mix(low ^ mix(u64::from(round))));
    if bound == 0 { 0 } else { mixed % bound }
}

/// Finaliser of splitmix64 (Steele, Lea, Flood 2014).
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spreads_evenly_and_repeats_itself() {
        let mut buckets = [0_u32; 10];
        for n in 0..10_000_u128 {
            let id = Uuid::from_u128(n);
            assert_eq!(below(id, 1, 10), below(id, 1, 10));
            buckets[usize::try_from(below(id, 1, 10)).unwrap()] += 1;
        }
        assert!(buckets.iter().all(|n| (850..1150).contains(n)), "{buckets:?}");
        assert_eq!(below(Uuid::nil(), 0, 0), 0);
    }
}
