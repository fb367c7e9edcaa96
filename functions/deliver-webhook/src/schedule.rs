//! When the next attempt is made: the intervals that the Standard Webhooks specification gives as its example.

use std::time::Duration;

/// The waits after the first attempt, the second one, and so on: ten attempts in a little over three days.
const WAITS: [Duration; 9] = [
    Duration::from_secs(5),
    Duration::from_mins(5),
    Duration::from_mins(30),
    Duration::from_hours(2),
    Duration::from_hours(5),
    Duration::from_hours(10),
    Duration::from_hours(14),
    Duration::from_hours(20),
    Duration::from_hours(24),
];

/// How long to wait after this attempt, the first being number one; up to a fifth longer, so that what failed together
/// does not come back together. `None`: it was the last one. `random` lies in `0.0..1.0`.
pub(crate) fn wait_after(attempt: u32, random: f64) -> Option<Duration> {
    let place = usize::try_from(attempt.saturating_sub(1)).ok()?;
    WAITS.get(place).map(|wait| wait.mul_f64(1.0 + random / 5.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_attempts_are_made_in_over_three_days() {
        let waits: Vec<Duration> = (1..).map_while(|attempt| wait_after(attempt, 0.0)).collect();

        assert_eq!(waits.len(), 9);
        assert_eq!(waits[0], Duration::from_secs(5));
        assert_eq!(waits.iter().sum::<Duration>().as_secs() / 3600, 75);
        assert_eq!(wait_after(10, 0.0), None);
        assert_eq!(wait_after(u32::MAX, 0.0), None);
    }

    #[test]
    fn a_wait_is_up_to_a_fifth_longer_and_never_shorter() {
        assert_eq!(wait_after(1, 0.0), Some(Duration::from_secs(5)));
        assert_eq!(wait_after(1, 1.0), Some(Duration::from_secs(6)));
    }
}
