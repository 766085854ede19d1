//! When a client connects again.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From this retry on the interval does not grow any more (R-WS.19, last row of its table).
const LAST_GROWING_RETRY: u32 = 10;

/// Longest wait, whatever the parameters say. Their largest values would ask for centuries, which no timer can hold.
const LONGEST_WAIT: Duration = Duration::from_secs(365 * 24 * 3600);

/// What a client does after its connection ended or could not be had.
#[derive(Debug, Clone)]
pub enum Retry {
    /// It stays unconnected until `reconnect()`.
    Never,
    /// It waits that long, always.
    After(Duration),
    /// It asks how long to wait.
    Ask(RetryWait),
}

impl Retry {
    /// An Agent's retry algorithm (R-WS.19) with parameters that are asked for before every wait.
    ///
    /// `seed` decides where in each range the wait falls: equal seeds give equal waits.
    pub fn agent(parameters: impl Fn() -> RetryParameters + Send + Sync + 'static, seed: u64) -> Self {
        let state = AtomicU64::new(seed);
        Self::Ask(RetryWait::new(move |retry| parameters().wait(retry, next_random(&state))))
    }

    /// A random wait between two bounds, always (R-UDS.5). Equal seeds give equal waits.
    pub fn between(low: Duration, high: Duration, seed: u64) -> Self {
        let state = AtomicU64::new(seed);
        Self::Ask(RetryWait::new(move |_| spread(low, high, next_random(&state))))
    }

    /// How long to wait before the retry of that number, the first being 1.
    pub(crate) fn wait(&self, retry: u32) -> Option<Duration> {
        match self {
            Self::Never => None,
            Self::After(wait) => Some(*wait),
            Self::Ask(ask) => Some(ask.0(retry)),
        }
    }
}

/// A function from the retry's number (the first being 1, again after every open session, R-WS.20) to the wait before it.
#[derive(Clone)]
pub struct RetryWait(Arc<dyn Fn(u32) -> Duration + Send + Sync>);

impl RetryWait {
    /// Wraps the function.
    pub fn new(wait: impl Fn(u32) -> Duration + Send + Sync + 'static) -> Self {
        Self(Arc::new(wait))
    }
}

impl fmt::Debug for RetryWait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RetryWait")
    }
}

/// The variables of an Agent's retry algorithm (R-WS.19, R-MQTT.10, R-STOMP.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryParameters {
    /// m: `SessionRetryMinimumWaitInterval`.
    pub minimum_wait: Duration,
    /// k: `SessionRetryIntervalMultiplier`, in thousandths.
    pub multiplier: u32,
    /// The longest wait, where the MTP has such a parameter (`ConnectRetryMaxInterval`, `ServerRetryMaxInterval`).
    pub maximum: Option<Duration>,
}

impl Default for RetryParameters {
    fn default() -> Self {
        Self { minimum_wait: Duration::from_secs(5), multiplier: 2000, maximum: None }
    }
}

impl RetryParameters {
    /// Shortest and longest wait before the retry of that number, the first being 1.
    pub fn range(&self, retry: u32) -> (Duration, Duration) {
        let mut low = self.minimum_wait.min(LONGEST_WAIT);
        for _ in 1..retry.clamp(1, LAST_GROWING_RETRY) {
            low = self.grow(low);
        }
        let most = self.maximum.unwrap_or(LONGEST_WAIT);
        (low.min(most), self.grow(low).min(most))
    }

    fn grow(&self, wait: Duration) -> Duration {
        wait.checked_mul(self.multiplier).map_or(LONGEST_WAIT, |wait| (wait / 1000).min(LONGEST_WAIT))
    }

    /// A wait within the range; `random` is taken as a share of the range's width.
    fn wait(&self, retry: u32, random: u32) -> Duration {
        let (one, other) = self.range(retry);
        spread(one.min(other), one.max(other), random)
    }
}

/// The wait that lies at this share between two bounds.
fn spread(low: Duration, high: Duration, random: u32) -> Duration {
    low + high.saturating_sub(low).mul_f64(f64::from(random) / f64::from(u32::MAX))
}

/// SplitMix64: small, and good enough to spread waits. Nothing here needs to be unpredictable.
fn next_random(state: &AtomicU64) -> u32 {
    const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut z = state.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^= z >> 31;
    u32::try_from(z >> 32).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 5, 10)]
    #[case(2, 10, 20)]
    #[case(5, 80, 160)]
    #[case(9, 1280, 2560)]
    #[case(10, 2560, 5120)]
    #[case(11, 2560, 5120)]
    #[case(u32::MAX, 2560, 5120)]
    fn default_ranges(#[case] retry: u32, #[case] low: u64, #[case] high: u64) {
        let range = RetryParameters::default().range(retry);
        assert_eq!(range, (Duration::from_secs(low), Duration::from_secs(high)));
    }

    #[test]
    fn extreme_parameters_stay_finite() {
        let extreme = RetryParameters { minimum_wait: Duration::MAX, multiplier: u32::MAX, maximum: None };
        assert_eq!(extreme.range(10), (LONGEST_WAIT, LONGEST_WAIT));
        let shrinking = RetryParameters { minimum_wait: Duration::from_secs(8), multiplier: 500, maximum: None };
        assert_eq!(shrinking.range(1), (Duration::from_secs(8), Duration::from_secs(4)));
        assert!(shrinking.wait(1, 7) >= Duration::from_secs(4));
    }

    #[rstest]
    #[case(1, 5, 10)]
    #[case(4, 40, 60)]
    #[case(5, 60, 60)]
    fn a_maximum_bounds_both_ends(#[case] retry: u32, #[case] low: u64, #[case] high: u64) {
        let parameters = RetryParameters { maximum: Some(Duration::from_secs(60)), ..RetryParameters::default() };
        assert_eq!(parameters.range(retry), (Duration::from_secs(low), Duration::from_secs(high)));
    }

    #[test]
    fn waits_between_bounds_do_not_grow() {
        let retry = Retry::between(Duration::from_secs(1), Duration::from_secs(5), 3);
        assert!((1..200).filter_map(|number| retry.wait(number)).all(|wait| (1.0..=5.0).contains(&wait.as_secs_f64())));
    }

    #[test]
    fn waits_are_spread_over_the_range_and_repeatable() {
        let waits = |seed| {
            let retry = Retry::agent(RetryParameters::default, seed);
            (0..200).map(|_| retry.wait(1).unwrap()).collect::<Vec<_>>()
        };
        let (one, again, other) = (waits(1), waits(1), waits(2));
        assert_eq!(one, again);
        assert_ne!(one, other);
        assert!(one.iter().all(|wait| (5.0..=10.0).contains(&wait.as_secs_f64())));
        assert!(one.iter().any(|wait| wait.as_secs_f64() < 6.0) && one.iter().any(|wait| wait.as_secs_f64() > 9.0));
    }

    #[test]
    fn parameters_are_asked_for_every_time() {
        let minimum = Arc::new(AtomicU64::new(5));
        let asked = Arc::clone(&minimum);
        let parameters = move || RetryParameters {
            minimum_wait: Duration::from_secs(asked.load(Ordering::Relaxed)),
            multiplier: 1000,
            maximum: None,
        };
        let retry = Retry::agent(parameters, 0);
        assert_eq!(retry.wait(1), Some(Duration::from_secs(5)));
        minimum.store(7, Ordering::Relaxed);
        assert_eq!(retry.wait(3), Some(Duration::from_secs(7)));
    }
}
