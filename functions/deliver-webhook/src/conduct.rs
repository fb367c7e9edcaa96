//! How endpoints have behaved in one batch, and for how long the slow ones are spared.

use std::collections::BTreeMap;
use std::time::Duration;

use shared::db::webhook_deliveries::{Delivery, Standing};
use shared::db::webhook_endpoints::Conduct;

use crate::verdict::Verdict;

/// A pause after the first failure of this sort; each further one doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(10);
const LONGEST_PAUSE: Duration = Duration::from_mins(10);

/// How each endpoint has behaved, by its name.
pub(crate) fn conducts<'a>(attempts: impl Iterator<Item = (&'a Delivery, &'a Verdict)>) -> BTreeMap<String, Conduct> {
    let mut conducts = BTreeMap::new();
    for (delivery, verdict) in attempts {
        let throttles = if let Standing::Open { throttles } = delivery.standing { throttles } else { 0 };
        let conduct = conducts.entry(delivery.endpoint.clone()).or_insert_with(|| Conduct {
            endpoint: delivery.endpoint.clone(),
            url_sha256: delivery.url_sha256.clone(),
            succeeded: false,
            failed: false,
            gone: false,
            pause: None,
            throttles: throttles.saturating_add(1),
        });
        match verdict {
            Verdict::Delivered => conduct.succeeded = true,
            Verdict::Gone => conduct.gone = true,
            Verdict::Failed { slows, retry_after, .. } => {
                conduct.failed = true;
                if *slows {
                    let pause = pause(throttles).max(retry_after.unwrap_or_default());
                    conduct.pause = Some(conduct.pause.unwrap_or_default().max(pause));
                }
            }
        }
    }
    conducts
}

/// How long an endpoint is spared that had to be spared so many times in a row before.
fn pause(throttles: i32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << throttles.clamp(0, 6)).min(LONGEST_PAUSE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pause_is_twice_as_long_up_to_ten_minutes() {
        let pauses: Vec<u64> = [0, 1, 2, 5, 6, 7, i32::MAX].map(|throttles| pause(throttles).as_secs()).into();

        assert_eq!(pauses, [10, 20, 40, 320, 600, 600, 600]);
    }
}
