//! MT19937, the Mersenne Twister of Matsumoto and Nishimura (1998).

const LENGTH: usize = 624;
const MIDDLE: usize = 397;

/// The twister's state.
#[derive(Clone)]
pub struct Mersenne {
    state: Box<[u32; LENGTH]>,
    next: usize,
}

impl Mersenne {
    /// Seeded with Knuth's multiplier.
    pub fn new(seed: u32) -> Self {
        let mut state = Box::new([0; LENGTH]);
        state[0] = seed;
        for i in 1..LENGTH {
            let last = state[i - 1];
            state[i] = (last ^ last >> 30).wrapping_mul(1_812_433_253).wrapping_add(i as u32);
        }
        Self { state, next: LENGTH }
    }

    /// The next 32 bits.
    pub fn next(&mut self) -> u32 {
        if self.next == LENGTH {
            self.twist();
        }
        let mut bits = self.state[self.next];
        self.next += 1;
        bits ^= bits >> 11;
        bits ^= bits << 7 & 0x9d2c_5680;
        bits ^= bits << 15 & 0xefc6_0000;
        bits ^ bits >> 18
    }

    fn twist(&mut self) {
        for i in 0..LENGTH {
            let joined = self.state[i] & 0x8000_0000 | self.state[(i + 1) % LENGTH] & 0x7fff_ffff;
            let odd = if joined & 1 == 1 { 0x9908_b0df } else { 0 };
            self.state[i] = self.state[(i + MIDDLE) % LENGTH] ^ joined >> 1 ^ odd;
        }
        self.next = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_sequence() {
        let mut engine = Mersenne::new(5489);
        assert_eq!(engine.next(), 3_499_211_612);
        let ten_thousandth = (1..10_000).map(|_| engine.next()).last();
        assert_eq!(ten_thousandth, Some(4_123_659_995));
    }
}
