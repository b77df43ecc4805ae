//! One trace from the publisher to the handlers, by OpenTelemetry (feature `opentelemetry`).

mod common;

use std::time::Duration;

use common::{Happened, Home, Result, happened, migrated};
use eventwright::{Batch, Context, Event, Failure, Handled, Next, Publish, Publisher, RetryPolicy, Subscriber};
use opentelemetry::trace::{SpanKind, Status, TraceContextExt, Tracer, TracerProvider};
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use sqlx::PgPool;
use tracing::{Instrument, info_span};
use tracing_subscriber::layer::SubscriberExt;

/// Exports into memory what this thread traces; a test's tasks all run on its thread.
struct Traces {
    exporter: InMemorySpanExporter,
    provider: SdkTracerProvider,
    _guard: tracing::subscriber::DefaultGuard,
}

impl Traces {
    fn collect() -> Self {
        let exporter = InMemorySpanExporter::default();
        let provider = SdkTracerProvider::builder().with_simple_exporter(exporter.clone()).build();
        let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
        let guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(layer));
        Self { exporter, provider, _guard: guard }
    }

    fn all(&self) -> Result<Vec<SpanData>> {
        Ok(self.exporter.get_finished_spans()?)
    }

    fn named(&self, name: &str) -> Result<SpanData> {
        let mut named = self.all()?.into_iter().filter(|span| span.name == name);
        Ok(named.next().ok_or_else(|| format!("no span `{name}`"))?)
    }
}

fn attribute(span: &SpanData, key: &str) -> Option<String> {
    span.attributes.iter().find(|attribute| attribute.key.as_str() == key).map(|found| found.value.to_string())
}

fn subscriber(pool: &PgPool) -> Subscriber<Home> {
    let retry = RetryPolicy::default().attempts(2).first(Duration::from_millis(5));
    common::subscriber::<Home>("a", pool).workers(1).ranges(1).retry(retry)
}

async fn publish(pool: &PgPool, event: impl Publish<Payload = Happened>) -> Result {
    Publisher::<Home>::new().publish(&mut *pool.acquire().await?, event).await?;
    Ok(())
}

async fn traceparents(pool: &PgPool) -> Result<Vec<Option<String>>> {
    Ok(sqlx::query_scalar("SELECT traceparent FROM eventwright.outbox ORDER BY seq").fetch_all(pool).await?)
}

async fn handle(_: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
    drop(info_span!("in the handler").entered());
    Ok(())
}

const PROCESS: &str = "process home.happened";

#[tokio::test]
async fn a_handlers_span_is_a_child_of_its_publishers() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    publish(pool, happened("x", 1)).instrument(info_span!("request")).await?;
    subscriber(pool).on(handle).drain().await?;
    let (request, process, inner) = (traces.named("request")?, traces.named(PROCESS)?, traces.named("in the handler")?);
    assert_eq!(process.span_context.trace_id(), request.span_context.trace_id());
    assert_eq!(process.parent_span_id, request.span_context.span_id());
    assert!(process.parent_span_is_remote);
    let links: Vec<_> = process.links.links.iter().map(|link| link.span_context.span_id()).collect();
    assert_eq!(links, [request.span_context.span_id()]);
    assert_eq!(inner.parent_span_id, process.span_context.span_id());
    Ok(())
}

#[tokio::test]
async fn what_a_handler_publishes_goes_on_from_its_span() -> Result {
    async fn chain(event: Event<Happened>, cx: &mut Context<'_, Home>) -> Handled {
        match event.payload.n {
            1 => cx.publish(happened("x", 2)).await.map(|_| ())?,
            2 => cx.publish_all([happened("x", 3)]).await.map(|_| ())?,
            3 => {
                let mut batch = Batch::new();
                batch.add(happened("x", 4).caused_by(&event));
                cx.publish_batch(batch).await?;
            }
            _ => {}
        }
        Ok(())
    }
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    publish(pool, happened("x", 1)).instrument(info_span!("request")).await?;
    subscriber(pool).on(chain).drain().await?;
    let spans: Vec<SpanData> = traces.all()?.into_iter().filter(|span| span.name == PROCESS).collect();
    assert_eq!(spans.len(), 4);
    let mut parent = traces.named("request")?.span_context;
    for span in spans {
        assert_eq!(span.span_context.trace_id(), parent.trace_id());
        assert_eq!(span.parent_span_id, parent.span_id());
        parent = span.span_context;
    }
    Ok(())
}

#[tokio::test]
async fn effect_handlers_and_middleware_are_in_the_trace_too() -> Result {
    async fn mail(_: Event<Happened>, _: &()) -> Handled {
        drop(info_span!("mail").entered());
        Ok(())
    }
    async fn around(next: Next<'_, Home>) -> Handled {
        drop(info_span!("around").entered());
        next.run().await
    }
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    publish(pool, happened("x", 1)).instrument(info_span!("request")).await?;
    subscriber(pool).around(around).effect(mail).drain().await?;
    let process = traces.named(PROCESS)?;
    assert_eq!(process.parent_span_id, traces.named("request")?.span_context.span_id());
    for name in ["mail", "around"] {
        assert_eq!(traces.named(name)?.parent_span_id, process.span_context.span_id(), "{name}");
    }
    Ok(())
}

const SAID: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

#[tokio::test]
async fn a_traceparent_that_was_said_stays() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    publish(pool, happened("x", 1).traceparent(SAID)).instrument(info_span!("request")).await?;
    assert_eq!(traceparents(pool).await?, [Some(SAID.to_owned())]);
    subscriber(pool).on(handle).drain().await?;
    let process = traces.named(PROCESS)?;
    assert_eq!(process.span_context.trace_id().to_string(), "4bf92f3577b34da6a3ce929d0e0e4736");
    assert_eq!(process.parent_span_id.to_string(), "00f067aa0ba902b7");
    Ok(())
}

/// Of a program that uses OpenTelemetry, and `tracing` not for spans.
#[tokio::test]
async fn a_span_that_only_opentelemetry_knows_is_taken() -> Result {
    let database = migrated().await?;
    let traces = Traces::collect();
    let request = traces.provider.tracer("test").start("request");
    let context = opentelemetry::Context::new().with_span(request);
    let place = context.span().span_context().clone();
    let event = {
        let _current = context.attach();
        let publisher = Publisher::<Home>::new();
        let mut db = database.pool().acquire().await?;
        publisher.publish(&mut *db, happened("x", 1)).await?.event_id
    };
    let stored = traceparents(database.pool()).await?;
    let expected = format!("00-{}-{}-01", place.trace_id(), place.span_id());
    assert_eq!(stored, [Some(expected)], "{event}");
    Ok(())
}

#[tokio::test]
async fn outside_of_any_span_an_event_has_no_traceparent_and_its_handler_begins_a_trace() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    publish(pool, happened("x", 1)).await?;
    // what another program wrote
    sqlx::query("UPDATE eventwright.outbox SET traceparent = 'nonsense'").execute(pool).await?;
    publish(pool, happened("y", 1)).await?;
    assert_eq!(traceparents(pool).await?[1], None);
    subscriber(pool).on(handle).drain().await?;
    let spans: Vec<SpanData> = traces.all()?.into_iter().filter(|span| span.name == PROCESS).collect();
    assert_eq!(spans.len(), 2);
    for span in spans {
        assert_eq!(span.parent_span_id, opentelemetry::trace::SpanId::INVALID);
        assert!(span.links.links.is_empty());
    }
    Ok(())
}

/// The names of OpenTelemetry's conventions for messaging, as of 1.44.
#[tokio::test]
async fn a_handlers_span_says_what_the_conventions_ask_for() -> Result {
    async fn fail(event: Event<Happened>, _: &mut Context<'_, Home>) -> Handled {
        match event.payload.n {
            1 => Err(Failure::reject("no")),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    let traces = Traces::collect();
    let event = happened("x", 1).outgoing().correlation("story");
    let id = event.event_id().to_string();
    publish(pool, event).await?;
    publish(pool, happened("y", 2)).await?;
    subscriber(pool).on(fail).drain().await?;
    let spans = traces.all()?;
    let of = |id: &str| spans.iter().find(|span| attribute(span, "messaging.message.id").as_deref() == Some(id));
    let rejected = of(&id).ok_or("no span of the event")?;
    assert_eq!((rejected.name.as_ref(), &rejected.span_kind), (PROCESS, &SpanKind::Consumer));
    for (key, value) in [
        ("messaging.system", "eventwright"),
        ("messaging.operation.name", "process"),
        ("messaging.operation.type", "process"),
        ("messaging.destination.name", "home.happened"),
        ("messaging.consumer.group.name", "a"),
        ("messaging.message.conversation_id", "story"),
        ("error.type", "reject"),
    ] {
        assert_eq!(attribute(rejected, key).as_deref(), Some(value), "{key}");
    }
    assert!(matches!(rejected.status, Status::Error { .. }));
    let handled = spans.iter().find(|span| span.name == PROCESS && matches!(span.status, Status::Unset));
    assert_eq!(attribute(handled.ok_or("none went well")?, "error.type"), None);
    Ok(())
}
