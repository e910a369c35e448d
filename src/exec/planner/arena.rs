//! Which pieces of memory may lie in the same place: those that are never needed at the same time.

use std::ops::Range;

/// Pieces begin at multiples of this, a cache line.
const LINE: usize = 16;

/// A piece and when it is needed.
#[derive(Clone, Copy, Debug)]
pub struct Need {
    /// Numbers.
    pub len: usize,
    /// The first step that writes it.
    pub first: usize,
    /// The last step that reads it.
    pub last: usize,
}

/// Where each piece begins, from `start` on, and where all of them end. Large pieces are placed first, each as low as it fits.
pub fn arrange(needs: &[Need], start: usize) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..needs.len()).collect();
    order.sort_by_key(|&index| (std::cmp::Reverse(needs[index].len), index));
    let mut offsets = vec![start; needs.len()];
    let mut placed: Vec<(Range<usize>, usize)> = Vec::new();
    let mut end = start;
    for index in order {
        let need = needs[index];
        let together = |other: usize| needs[other].first <= need.last && need.first <= needs[other].last;
        let mut offset = start;
        // The placed ones are sorted by where they begin: the first gap that is wide enough is the lowest.
        for (range, other) in &placed {
            if together(*other) && range.start < offset + need.len && offset < range.end {
                offset = range.end;
            }
        }
        let range = offset..offset + need.len.next_multiple_of(LINE);
        end = end.max(range.end);
        offsets[index] = offset;
        let at = placed.partition_point(|(other, _)| other.start <= range.start);
        placed.insert(at, (range, index));
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_needed_together_never_meet() {
        let mut state = 1u64;
        let mut next = |below: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as usize % below as usize
        };
        for _ in 0..200 {
            let needs: Vec<Need> = (0..next(30) + 1)
                .map(|_| {
                    let first = next(40);
                    Need { len: next(100) + 1, first, last: first + next(10) }
                })
                .collect();
            let (offsets, end) = arrange(&needs, 48);
            for (i, a) in needs.iter().enumerate() {
                assert!(offsets[i] >= 48 && offsets[i] % LINE == 0 && offsets[i] + a.len <= end);
                for (j, b) in needs.iter().enumerate().take(i) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let meet = offsets[i] < offsets[j] + b.len && offsets[j] < offsets[i] + a.len;
                    assert!(!(together && meet), "{a:?} at {} and {b:?} at {}", offsets[i], offsets[j]);
                }
            }
            let sum: usize = needs.iter().map(|need| need.len.next_multiple_of(LINE)).sum();
            assert!(end - 48 <= sum);
        }
    }

    #[test]
    fn a_chain_needs_two_places() {
        let needs: Vec<Need> = (0..10).map(|i| Need { len: 160, first: i, last: i + 1 }).collect();
        assert_eq!(arrange(&needs, 0).1, 320);
    }
}
