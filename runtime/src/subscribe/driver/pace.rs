//! How long it is from one look to the next.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// How long it is between two looks at least while each finds something: twice as long from look to look, between these two. So
/// events are handled together where there are many, and looking does not compete with publishing; one alone does not wait.
const FIRST: Duration = Duration::from_micros(500);
const LAST: Duration = Duration::from_millis(5);
/// The same where there is always something, and none of it is the group's.
const LAST_IN_VAIN: Duration = Duration::from_millis(20);

#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When it last looked, unless it has slept since.
    looked: Option<Instant>,
    wait: Duration,
    /// Whether it last found what is new, and nothing for the group in it.
    in_vain: bool,
}

impl Pace {
    /// Waits until it is time to look.
    pub(super) async fn keep(&self) {
        if let Some(looked) = self.looked {
            sleep_until(looked + self.wait).await;
        }
    }

    pub(super) fn looks(&mut self) {
        self.looked = Some(Instant::now());
    }

    /// Whoever has slept looks at once.
    pub(super) fn sleeps(&mut self) {
        self.looked = None;
    }

    /// Whether the look found anything to be done.
    pub(super) fn found(&mut self, something: bool) {
        let last = if std::mem::take(&mut self.in_vain) { LAST_IN_VAIN } else { LAST };
        self.wait = if something { (self.wait * 2).clamp(FIRST, last) } else { Duration::ZERO };
    }

    /// What was to be done was to pass over what is not the group's.
    pub(super) fn was_in_vain(&mut self) {
        self.in_vain = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The waits of so many looks in a row that find something, in vain or not.
    fn waits(pace: &mut Pace, looks: usize, in_vain: bool) -> Vec<u128> {
        let look = |_| {
            pace.found(true);
            if in_vain {
                pace.was_in_vain();
            }
            pace.wait.as_micros()
        };
        (0..looks).map(look).collect()
    }

    #[test]
    fn looks_that_find_something_are_ever_further_apart_and_those_in_vain_further_still() {
        let mut pace = Pace::default();
        assert_eq!(waits(&mut pace, 6, false), [500, 1000, 2000, 4000, 5000, 5000]);
        // the first of them does not know yet
        assert_eq!(waits(&mut pace, 5, true), [5000, 10_000, 20_000, 20_000, 20_000]);
        // the one before them was in vain, too
        assert_eq!(waits(&mut pace, 3, false), [20_000, 5000, 5000]);
        pace.found(false);
        assert_eq!(pace.wait, Duration::ZERO);
        assert_eq!(waits(&mut pace, 2, true), [500, 1000]);
    }
}
