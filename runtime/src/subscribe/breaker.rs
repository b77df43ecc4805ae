//! Waiting for a broken dependency, in place of failing one event after the other.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::{info, warn};

use super::failure::{Failure, Handled};

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Opens when a handler fails many times in a row; then the group rests, and tries one event now and then, until that handler
/// succeeds again.
#[derive(Debug)]
pub(super) struct Breaker {
    /// So many failures in a row open it; 0: never.
    after: u32,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By handler.
    failures: HashMap<usize, u32>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    handler: usize,
    wait: Duration,
    until: Instant,
}

/// What a group may do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum May {
    Run,
    /// Try one event.
    Try,
    /// Nothing, for this time.
    Wait(Duration),
}

impl Breaker {
    pub(super) fn new(after: u32) -> Self {
        Self { after, state: Mutex::default() }
    }

    pub(super) fn may(&self) -> May {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match &state.open {
            None => May::Run,
            Some(open) => match open.until.saturating_duration_since(Instant::now()) {
                Duration::ZERO => May::Try,
                wait => May::Wait(wait),
            },
        }
    }

    /// Whether the group rests now.
    pub(super) fn is_open(&self) -> bool {
        matches!(self.may(), May::Wait(_))
    }

    pub(super) fn note(&self, handler: usize, handled: &Handled, group: &str) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = match handled {
            Ok(()) => false,
            Err(Failure::Retry(_) | Failure::RetryIn(..)) => true,
            // they say something of the event, not of what the handler depends on
            Err(Failure::Reject(_) | Failure::Snooze(_)) => return,
        };
        if !failed {
            state.failures.remove(&handler);
            if state.open.as_ref().is_some_and(|open| open.handler == handler) {
                state.open = None;
                info!(group, "the handler succeeds again: the group goes on");
            }
            return;
        }
        let failures = state.failures.entry(handler).or_default();
        *failures = failures.saturating_add(1);
        let failures = *failures;
        if self.after == 0 || failures < self.after {
            return;
        }
        let wait = match &state.open {
            // of those that ran when it opened
            Some(open) if open.until > Instant::now() => return,
            Some(open) => (open.wait * 2).min(LONGEST_WAIT),
            None => FIRST_WAIT,
        };
        warn!(group, failures, ?wait, "a handler fails again and again: the group rests, and then tries one event");
        state.open = Some(Open { handler, wait, until: Instant::now() + wait });
    }
}
