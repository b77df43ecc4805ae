use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use super::hold::{Hold, Reason};
use crate::error::chain;

/// What a handler returns.
pub type Handled = Result<(), Failure>;

/// Why a handler did not handle an event, and what is to happen now.
///
/// `?` turns any [`std::error::Error`] into a failure that is retried.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// Try again, after the time that the retry policy says.
    Retry(String),
    /// Try again after this time.
    RetryIn(Duration, String),
    /// Never try again: the event becomes a dead letter now.
    Reject(String),
    /// Not now: try again after this time, without counting an attempt.
    Snooze(Duration),
}

impl<E: std::error::Error + Send + Sync + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Retry(chain(&error))
    }
}

impl Failure {
    /// Which kind of error it is, as `error.type` of OpenTelemetry has it; `None`: it is none.
    pub(crate) fn class(&self) -> Option<&'static str> {
        match self {
            Self::Retry(_) | Self::RetryIn(..) => Some("retry"),
            Self::Reject(_) => Some("reject"),
            Self::Snooze(_) => None,
        }
    }

    /// A failure that is retried, with its reason.
    pub fn retry(reason: impl Into<String>) -> Self {
        Self::Retry(reason.into())
    }

    /// A failure that no retry can mend, with its reason.
    pub fn reject(reason: impl Into<String>) -> Self {
        Self::Reject(reason.into())
    }

    /// Puts the event off: it and the later ones of its subject come again after this time.
    #[must_use]
    pub fn snooze(time: Duration) -> Self {
        Self::Snooze(time)
    }
}

/// Says of an error what is to happen to the event.
///
/// ```
/// use eventwright::{Failure, OrFailure};
/// use std::time::Duration;
///
/// fn parse(text: &str) -> Result<u8, Failure> {
///     text.parse::<u8>().or_reject()
/// }
/// assert!(matches!(parse("nine"), Err(Failure::Reject(_))));
///
/// let sent: Result<(), std::io::Error> = Err(std::io::ErrorKind::TimedOut.into());
/// assert!(matches!(sent.or_retry_in(Duration::from_secs(60)), Err(Failure::RetryIn(..))));
/// ```
pub trait OrFailure<T> {
    /// Never try again.
    ///
    /// # Errors
    /// [`Failure::Reject`] with the error's text.
    fn or_reject(self) -> Result<T, Failure>;

    /// Try again after this time.
    ///
    /// # Errors
    /// [`Failure::RetryIn`] with the error's text.
    fn or_retry_in(self, time: Duration) -> Result<T, Failure>;
}

impl<T, E: std::error::Error> OrFailure<T> for Result<T, E> {
    fn or_reject(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Reject(chain(&error)))
    }

    fn or_retry_in(self, time: Duration) -> Result<T, Failure> {
        self.map_err(|error| Failure::RetryIn(time, chain(&error)))
    }
}

/// How often and when a failed event is tried again.
///
/// After attempt *n* it waits `first * 2^(n-1)`, at most `longest`, each time up to a tenth more or less, so that events which
/// failed together do not come back together. The default is 10 attempts from 1 second to 1 hour: 1 s, 2 s, 4 s, 8 s, 16 s, 32 s,
/// 64 s, 128 s, 256 s, and about eight and a half minutes after the first attempt the event is a dead letter.
///
/// ```
/// use eventwright::RetryPolicy;
/// use std::time::Duration;
///
/// let policy = RetryPolicy::default().attempts(3).first(Duration::from_millis(100));
/// let second = policy.delay(2);
/// assert!(second >= Duration::from_millis(180) && second <= Duration::from_millis(220));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    attempts: u32,
    first: Duration,
    longest: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { attempts: 10, first: Duration::from_secs(1), longest: Duration::from_secs(3600) }
    }
}

impl RetryPolicy {
    /// Attempts in all, the first included; at least 1.
    #[must_use]
    pub fn attempts(self, attempts: u32) -> Self {
        Self { attempts: attempts.max(1), ..self }
    }

    /// The wait after the first attempt.
    #[must_use]
    pub fn first(self, first: Duration) -> Self {
        Self { first, ..self }
    }

    /// The longest wait.
    #[must_use]
    pub fn longest(self, longest: Duration) -> Self {
        Self { longest, ..self }
    }

    /// The wait after this many attempts.
    #[must_use]
    pub fn delay(&self, attempts: u32) -> Duration {
        let doubled = self.first.saturating_mul(2_u32.saturating_pow(attempts.saturating_sub(1)));
        // a fresh hasher's keys are random: enough to spread retries, and no dependency
        let spread = (RandomState::new().hash_one(attempts) % 2001) as f64 / 10_000.0;
        let seconds = doubled.min(self.longest).as_secs_f64() * (0.9 + spread);
        Duration::try_from_secs_f64(seconds).unwrap_or(self.longest)
    }

    /// How an event that failed is held back, counting this attempt.
    pub(crate) fn hold(&self, failure: &Failure, attempts: u32) -> Hold {
        let spent = attempts >= self.attempts;
        match failure {
            Failure::Snooze(time) => Hold::for_later(Reason::Snoozed, attempts.saturating_sub(1), *time),
            Failure::Reject(error) => Hold::dead(attempts, error),
            Failure::Retry(error) | Failure::RetryIn(_, error) if spent => Hold::dead(attempts, error),
            Failure::Retry(error) => Hold::failed(attempts, self.delay(attempts), error),
            Failure::RetryIn(time, error) => Hold::failed(attempts, *time, error),
        }
    }

    /// Whether an event that has been begun this many times, and whose process died each time, is to be given up.
    pub(crate) fn is_spent(&self, attempts_begun: u32) -> bool {
        attempts_begun > self.attempts
    }
}
