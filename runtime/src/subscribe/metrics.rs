//! What is measured, through the facade of the crate `metrics`: nothing, where the program has installed no recorder.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram, Unit, counter, describe_counter, describe_histogram, histogram};

use super::hold::Reason;

/// One group's. Made when the subscriber begins to run, so a recorder must be there by then.
pub(super) struct Metrics {
    group: String,
    handled: Counter,
    calls: HashMap<String, Calls>,
}

/// Of handlers, for one event type.
struct Calls {
    took: Histogram,
    failed: Counter,
}

impl Metrics {
    pub(super) fn new(group: &str, event_types: &[String]) -> Self {
        describe();
        let calls = |event_type: &String| {
            let labels = [("group", group.to_owned()), ("event_type", event_type.clone())];
            Calls {
                took: histogram!("eventwright_handler_seconds", &labels),
                failed: counter!("eventwright_failed_total", &labels),
            }
        };
        Self {
            group: group.to_owned(),
            handled: counter!("eventwright_handled_total", "group" => group.to_owned()),
            calls: event_types.iter().map(|event_type| (event_type.clone(), calls(event_type))).collect(),
        }
    }

    /// A handler came back, with or without an error.
    pub(super) fn called(&self, event_type: &str, took: Duration, ok: bool) {
        let Some(calls) = self.calls.get(event_type) else { return };
        calls.took.record(took.as_secs_f64());
        if !ok {
            calls.failed.increment(1);
        }
    }

    /// So many events are done with, and committed.
    pub(super) fn handled(&self, events: usize) {
        self.handled.increment(events as u64);
    }

    /// An event is held back after it failed, or put off again.
    pub(super) fn held(&self, reason: Reason) {
        counter!("eventwright_held_total", "group" => self.group.clone(), "reason" => reason.as_str()).increment(1);
    }
}

fn describe() {
    describe_counter!("eventwright_handled_total", "Events that the group is done with, and that is committed.");
    describe_counter!("eventwright_failed_total", "Calls of handlers that failed or took too long.");
    describe_counter!(
        "eventwright_held_total",
        "Events that were held back because they failed, or given up, by reason."
    );
    describe_histogram!("eventwright_handler_seconds", Unit::Seconds, "How long handlers ran.");
}
