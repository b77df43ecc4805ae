use std::sync::Once;

use metrics::{counter, describe_counter};

/// So many events of a type are in the caller's transaction. What becomes of that, nobody tells us.
pub(super) fn published(event_type: &'static str, events: u64) {
    static DESCRIBED: Once = Once::new();
    DESCRIBED.call_once(|| {
        describe_counter!(
            "eventwright_published_total",
            "Events that were published or scheduled, whether their transactions committed or not."
        );
    });
    counter!("eventwright_published_total", "event_type" => event_type).increment(events);
}
