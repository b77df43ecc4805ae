//! Calling a handler: within its time, without letting a panic through, and so that it can be seen.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tracing::field::Empty;
use tracing::{Instrument, info_span};

use super::Inner;
use super::failure::{Failure, Handled};
use crate::stored::Stored;

impl<D, S> Inner<D, S> {
    /// Waits for a handler's answer. `at` is the handler's place among the group's.
    pub(super) async fn call(
        &self,
        event: &Stored,
        at: usize,
        time_limit: Duration,
        running: impl Future<Output = Handled>,
    ) -> Handled {
        let envelope = &event.envelope;
        let span = info_span!(
            "process",
            otel.name = format_args!("process {}", envelope.event_type),
            otel.kind = "consumer",
            otel.status_code = Empty,
            error.r#type = Empty,
            messaging.system = "eventwright",
            messaging.operation.name = "process",
            messaging.operation.r#type = "process",
            messaging.destination.name = envelope.event_type,
            messaging.consumer.group.name = self.group,
            messaging.message.id = %envelope.event_id,
            messaging.message.conversation_id = envelope.correlation_id,
            traceparent = envelope.traceparent,
        );
        #[cfg(feature = "opentelemetry")]
        envelope.traceparent.iter().for_each(|traceparent| crate::trace::goes_on(&span, traceparent));
        let began = Instant::now();
        let running = AssertUnwindSafe(running.instrument(span.clone())).catch_unwind();
        let handled = match tokio::time::timeout(time_limit, running).await {
            Ok(Ok(handled)) => handled,
            Ok(Err(panic)) => Err(panicked("handler", &*panic)),
            Err(_) => Err(Failure::retry(format!("the handler ran longer than {time_limit:?}"))),
        };
        if let Err(failure) = &handled
            && let Some(class) = failure.class()
        {
            span.record("otel.status_code", "ERROR").record("error.type", class);
        }
        self.metrics.called(&envelope.event_type, began.elapsed(), handled.is_ok());
        self.breaker.note(at, &handled, &self.group);
        handled
    }
}

pub(super) fn panicked(who: &str, panic: &(dyn std::any::Any + Send)) -> Failure {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    Failure::retry(format!("the {who} panicked: {}", text.unwrap_or("without a message")))
}

/// Postgres appendix A, `in_failed_sql_transaction`: an earlier statement of the transaction failed.
pub(super) fn is_aborted(error: &sqlx::Error) -> bool {
    error.as_database_error().and_then(|e| e.code()).as_deref() == Some("25P02")
}

/// Postgres appendix A, class 57P (operator intervention) and `idle_in_transaction_session_timeout`: the session has ended.
pub(super) fn is_shutdown(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|e| e.code());
    code.is_some_and(|code| code.starts_with("57P") || code == "25P03")
}

pub(super) fn swallowed() -> Failure {
    Failure::retry("the handler returned Ok after a statement in its transaction had failed")
}
