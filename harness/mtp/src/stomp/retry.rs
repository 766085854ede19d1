//! When an Agent connects again (R-STOMP.7, R-STOMP.25; TR-181 `Device.STOMP.Connection.{i}.`).

use std::time::Duration;

use crate::end::{Retry, RetryWait};

/// From this retry on the interval does not grow any more (TR-181, `ServerRetryIntervalMultiplier`).
const LAST_GROWING_RETRY: u32 = 10;

/// What the share of an interval is a share of.
const WHOLE: Duration = Duration::from_secs(1);

/// The parameters of an Agent's retries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ServerRetry {
    /// `ServerRetryInitialInterval`.
    pub initial: Duration,
    /// `ServerRetryIntervalMultiplier`, in thousandths.
    pub multiplier: u32,
    /// `ServerRetryMaxInterval`.
    pub maximum: Duration,
}

impl Default for ServerRetry {
    /// TR-181's default values.
    fn default() -> Self {
        Self { initial: Duration::from_secs(60), multiplier: 2000, maximum: Duration::from_secs(30_720) }
    }
}

impl ServerRetry {
    /// Longest wait before the retry of that number, the first being 1. The shortest is none at all.
    pub fn longest(&self, retry: u32) -> Duration {
        let mut interval = self.initial.min(self.maximum);
        for _ in 1..retry.clamp(1, LAST_GROWING_RETRY) {
            let grown = interval.checked_mul(self.multiplier).map_or(self.maximum, |interval| interval / 1000);
            interval = grown.min(self.maximum);
        }
        interval
    }

    /// The algorithm with parameters that are asked for before every wait. Equal seeds give equal waits.
    pub fn retry(parameters: impl Fn() -> Self + Send + Sync + 'static, seed: u64) -> Retry {
        let dice = Retry::between(Duration::ZERO, WHOLE, seed);
        Retry::Ask(RetryWait::new(move |retry| {
            let share = dice.wait(retry).unwrap_or_default().as_secs_f64();
            parameters().longest(retry).mul_f64(share.min(1.0))
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(1, 60)]
    #[case(2, 120)]
    #[case(5, 960)]
    #[case(10, 30_720)]
    #[case(u32::MAX, 30_720)]
    fn intervals_grow_up_to_the_tenth(#[case] retry: u32, #[case] seconds: u64) {
        assert_eq!(ServerRetry::default().longest(retry), Duration::from_secs(seconds));
    }

    #[test]
    fn no_interval_exceeds_the_maximum() {
        let parameters = ServerRetry { maximum: Duration::from_secs(100), ..ServerRetry::default() };
        assert_eq!([1, 2, 9].map(|retry| parameters.longest(retry).as_secs()), [60, 100, 100]);
        let extreme = ServerRetry { initial: Duration::MAX, multiplier: u32::MAX, maximum: Duration::MAX };
        assert_eq!(extreme.longest(10), Duration::MAX);
    }

    #[test]
    fn waits_are_spread_from_nothing_to_the_longest() {
        let retry = ServerRetry::retry(ServerRetry::default, 7);
        let waits: Vec<_> = (0..200).map(|_| retry.wait(2).unwrap().as_secs_f64()).collect();
        assert!(waits.iter().all(|wait| (0.0..=120.0).contains(wait)));
        assert!(waits.iter().any(|wait| *wait < 20.0) && waits.iter().any(|wait| *wait > 100.0));
    }
}
