//! A small generator of pseudo-random numbers with a seed, so that a run can be repeated exactly.

/// The xorshift64* generator.
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    /// A generator; zero, which the algorithm cannot use, becomes one.
    pub fn new(seed: u64) -> Self {
        Self(seed.max(1))
    }

    /// A number from 0 up to, but not including, 1.
    pub fn fraction(&mut self) -> f64 {
        f64::from(self.bits()) / (f64::from(u32::MAX) + 1.0)
    }

    /// The next 32 bits.
    fn bits(&mut self) -> u32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let high = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 32;
        u32::try_from(high).unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers_between_zero_and_one() {
        let (mut left, mut right) = (Random::new(3), Random::new(3));
        for _ in 0..1000 {
            let fraction = left.fraction();
            assert!((0.0..1.0).contains(&fraction));
            assert!((fraction - right.fraction()).abs() < f64::EPSILON);
        }
    }
}
