//! What an answer means.

use std::time::Duration;

use shared::deliveries::{Answer, NoAnswer};
use shared::tasks::Failure;

/// What an attempt has come to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Delivered,
    /// The endpoint wants to hear no more, of anything.
    Gone,
    /// It did not take this one, this time.
    Failed {
        failure: Failure,
        /// The endpoint is to be spared, with everything that waits for it.
        slows: bool,
        /// Not before this long.
        retry_after: Option<Duration>,
    },
}

impl Verdict {
    /// Whoever reads of a failed task sees nothing but its message, so that names the endpoint.
    pub(crate) fn of(endpoint: &str, answer: &Result<Answer, NoAnswer>) -> Self {
        match answer {
            Ok(answer) => answered(endpoint, answer),
            Err(reason) => Self::Failed {
                failure: Failure::new(code(reason), format!("The endpoint {endpoint} was not reached: {reason}.")),
                // An address that is refused is nobody who could be spared.
                slows: !matches!(reason, NoAnswer::Forbidden(_)),
                retry_after: None,
            },
        }
    }
}

fn answered(endpoint: &str, answer: &Answer) -> Verdict {
    let status = answer.status;
    let (failure, slows) = match status {
        200..=299 => return Verdict::Delivered,
        410 => return Verdict::Gone,
        300..=399 => {
            let message = format!(
                "The endpoint {endpoint} answered {status}; redirects are not followed. Register the new address."
            );
            (Failure::new("redirected", message), false)
        }
        _ => {
            let slows = matches!(status, 429 | 502 | 503 | 504);
            (Failure::new(format!("http-{status}"), format!("The endpoint {endpoint} answered {status}.")), slows)
        }
    };
    Verdict::Failed { failure, slows, retry_after: answer.retry_after }
}

fn code(reason: &NoAnswer) -> &'static str {
    match reason {
        NoAnswer::Forbidden(_) => "address-refused",
        NoAnswer::Unreachable(_) => "unreachable",
        NoAnswer::Timeout => "timeout",
        NoAnswer::Broken(_) => "broken-off",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(status: u16) -> Verdict {
        Verdict::of("zapier", &Ok(Answer { status, retry_after: None, excerpt: String::new() }))
    }

    /// The code, and whether the endpoint is slowed.
    fn failed(verdict: Verdict) -> Option<(String, bool)> {
        match verdict {
            Verdict::Failed { failure, slows, .. } => Some((failure.code, slows)),
            Verdict::Delivered | Verdict::Gone => None,
        }
    }

    #[test]
    fn only_2xx_is_a_success_and_only_410_the_end() {
        for status in [200, 202, 204, 299] {
            assert!(matches!(verdict(status), Verdict::Delivered), "{status}");
        }
        assert!(matches!(verdict(410), Verdict::Gone));
    }

    #[test]
    fn who_is_overloaded_is_spared_and_who_refuses_is_not() {
        let spared: Vec<u16> =
            (100..600).filter(|status| failed(verdict(*status)).is_some_and(|(_, slows)| slows)).collect();

        assert_eq!(spared, [429, 502, 503, 504]);
        assert_eq!(failed(verdict(301)), Some(("redirected".to_owned(), false)));
        assert_eq!(failed(verdict(404)), Some(("http-404".to_owned(), false)));
        assert_eq!(failed(Verdict::of("zapier", &Err(NoAnswer::Timeout))), Some(("timeout".to_owned(), true)));
    }
}
