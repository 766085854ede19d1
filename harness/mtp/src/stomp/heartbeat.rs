//! Heart-beats (STOMP 1.2, "Heart-beating"; R-STOMP.8 to R-STOMP.11).

use std::time::Duration;

/// What one side says about heart-beats, in milliseconds: how often it can send them, and how often it wants them. 0 is not at all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Offer {
    pub(super) sends: u32,
    pub(super) wants: u32,
}

impl From<(u32, u32)> for Offer {
    fn from((sends, wants): (u32, u32)) -> Self {
        Self { sends, wants }
    }
}

impl Offer {
    /// As it stands in the header.
    pub(super) fn text(self) -> String {
        format!("{},{}", self.sends, self.wants)
    }

    /// Reads the header's value. A missing header is `0,0`.
    ///
    /// # Errors
    /// What was expected, for whatever is not two numbers with a comma; the numbers count if only spaces are wrong.
    pub(super) fn read(value: &str) -> (Self, Result<(), String>) {
        let wrong = || {
            format!(
                "a heart-beat of the form \"0,0\" was expected; {:?} was seen",
                value.chars().take(60).collect::<String>()
            )
        };
        let number = |text: &str| text.trim().parse::<u32>().ok();
        let numbers = value.split_once(',').and_then(|(sends, wants)| number(sends).zip(number(wants)));
        let Some((sends, wants)) = numbers else {
            return (Self::default(), Err(wrong()));
        };
        let plain = value.bytes().all(|octet| octet.is_ascii_digit() || octet == b',');
        (Self { sends, wants }, if plain { Ok(()) } else { Err(wrong()) })
    }
}

/// What two sides have agreed on, as one of them sees it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// How often this side must send something.
    pub(super) send_every: Option<Duration>,
    /// How often the other must.
    pub(super) expect_every: Option<Duration>,
}

impl Agreed {
    /// From this side's offer and the other's: the larger interval of each direction, unless one side does without.
    pub(super) fn from(ours: Offer, theirs: Offer) -> Self {
        let agree = |sends: u32, wants: u32| {
            (sends != 0 && wants != 0).then(|| Duration::from_millis(u64::from(sends.max(wants))))
        };
        Self { send_every: agree(ours.sends, theirs.wants), expect_every: agree(theirs.sends, ours.wants) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case((0, 0), (0, 0), None, None)]
    #[case((10, 20), (0, 0), None, None)]
    #[case((10, 20), (30, 40), Some(40), Some(30))]
    #[case((10, 20), (15, 5), Some(10), Some(20))]
    #[case((0, 20), (30, 40), None, Some(30))]
    #[case((10, 0), (30, 40), Some(40), None)]
    fn the_larger_interval_counts(
        #[case] ours: (u32, u32),
        #[case] theirs: (u32, u32),
        #[case] send: Option<u64>,
        #[case] expect: Option<u64>,
    ) {
        let agreed = Agreed::from(ours.into(), theirs.into());
        assert_eq!(agreed.send_every, send.map(Duration::from_millis));
        assert_eq!(agreed.expect_every, expect.map(Duration::from_millis));
    }

    #[rstest]
    #[case("15000,10000", (15000, 10000), true)]
    #[case("0,0", (0, 0), true)]
    #[case("15000, 10000", (15000, 10000), false)]
    #[case("15000", (0, 0), false)]
    #[case("-1,0", (0, 0), false)]
    #[case("1,2,3", (0, 0), false)]
    #[case("4294967296,0", (0, 0), false)]
    #[case("", (0, 0), false)]
    fn the_header_is_read(#[case] value: &str, #[case] offer: (u32, u32), #[case] right: bool) {
        let (read, outcome) = Offer::read(value);
        assert_eq!((read, outcome.is_ok()), (offer.into(), right));
        assert!(!right || read.text() == value);
    }
}
