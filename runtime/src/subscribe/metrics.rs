//! What is measured, through the facade of the crate `metrics`: nothing, where the program has installed no recorder.

use std::collections::HashMap;
use std::time::Duration;

use metrics::{Counter, Histogram, counter, histogram};

use super::hold::Reason;

/// One group's. Made when the subscriber begins to run, so a recorder must be there by then.
pub(super) struct Metrics {
    group: String,
    handled: Counter,
    failed: Counter,
    took: HashMap<String, Histogram>,
}

impl Metrics {
    pub(super) fn new(group: &str, event_types: &[String]) -> Self {
        let labels = |event_type: &String| [("group", group.to_owned()), ("event_type", event_type.clone())];
        let took = |event_type| histogram!("eventwright_handler_seconds", &labels(event_type));
        Self {
            group: group.to_owned(),
            handled: counter!("eventwright_handled_total", "group" => group.to_owned()),
            failed: counter!("eventwright_failed_total", "group" => group.to_owned()),
            took: event_types.iter().map(|event_type| (event_type.clone(), took(event_type))).collect(),
        }
    }

    /// A handler came back, with or without an error.
    pub(super) fn called(&self, event_type: &str, took: Duration, ok: bool) {
        if let Some(histogram) = self.took.get(event_type) {
            histogram.record(took.as_secs_f64());
        }
        if !ok {
            self.failed.increment(1);
        }
    }

    /// So many events are done with, and committed.
    pub(super) fn handled(&self, events: usize) {
        self.handled.increment(events as u64);
    }

    /// An event is held back, or put off again.
    pub(super) fn held(&self, reason: Reason) {
        counter!("eventwright_held_total", "group" => self.group.clone(), "reason" => reason.as_str()).increment(1);
    }
}
