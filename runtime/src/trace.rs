//! An event's place in the trace of its publisher.

/// Whether a text is a `traceparent` of W3C Trace Context: version, trace id, parent id and flags. A version that we don't know may
/// say more behind those (section 3.2.4, "Versioning of traceparent").
pub(crate) fn is_traceparent(text: &str) -> bool {
    let (known, more) = match text.split_at_checked(LENGTH) {
        Some((known, more)) => (known, more),
        None => return false,
    };
    let mut parts = known.split('-');
    let mut hex = |length: usize| parts.next().filter(|part| part.len() == length && part.bytes().all(is_hex));
    let (Some(version), Some(trace), Some(parent), Some(_flags)) = (hex(2), hex(32), hex(16), hex(2)) else {
        return false;
    };
    let is_zero = |id: &str| id.bytes().all(|digit| digit == b'0');
    let ends_well = match version {
        "00" => more.is_empty(),
        "ff" => false,
        _ => more.is_empty() || more.starts_with('-'),
    };
    ends_well && parts.next().is_none() && !is_zero(trace) && !is_zero(parent)
}

/// `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`
const LENGTH: usize = 55;

/// The place of whatever runs now, as a `traceparent`. `None`: it is traced by nobody.
#[cfg(not(feature = "opentelemetry"))]
pub(crate) fn current() -> Option<String> {
    None
}

#[cfg(feature = "opentelemetry")]
pub(crate) use opentelemetry::{current, goes_on};

#[cfg(feature = "opentelemetry")]
mod opentelemetry {
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use super::is_traceparent;

    /// As a span of `tracing` says, or else one that is known to OpenTelemetry alone.
    pub(crate) fn current() -> Option<String> {
        [Span::current().context(), Context::current()]
            .iter()
            .find_map(|context| written(context.span().span_context()))
    }

    fn written(place: &SpanContext) -> Option<String> {
        let (trace, span, flags) = (place.trace_id(), place.span_id(), place.trace_flags().to_u8());
        place.is_valid().then(|| format!("00-{trace}-{span}-{flags:02x}"))
    }

    /// Makes the span a child of the publisher's, and links it to that: what OpenTelemetry's conventions for messaging allow for a message
    /// that is handled by itself, and what they ask for.
    pub(crate) fn goes_on(span: &Span, traceparent: &str) {
        let Some(publisher) = read(traceparent) else { return };
        span.add_link(publisher.clone());
        // an error says that nobody exports traces, or not this span
        let _ = span.set_parent(Context::new().with_remote_span_context(publisher));
    }

    fn read(traceparent: &str) -> Option<SpanContext> {
        // what another program wrote into the log may be anything
        let mut parts = traceparent.split('-').skip(1);
        if !is_traceparent(traceparent) {
            return None;
        }
        let trace = TraceId::from_hex(parts.next()?).ok()?;
        let span = SpanId::from_hex(parts.next()?).ok()?;
        let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
        Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
    }
}

fn is_hex(digit: u8) -> bool {
    matches!(digit, b'0'..=b'9' | b'a'..=b'f')
}
