//! What is counted through the facade of the crate `metrics`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::common::{self, Group, Happened, Home, Result, happened, migrated, publish};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use eventwright::{Batch, Context, Event, Failure, Handled, Publish, Publisher, RetryPolicy};
use metrics::{
    Counter, CounterFn, Gauge, Histogram, HistogramFn, Key, KeyName, Metadata, Recorder, SharedString, Unit,
};

/// Keeps what was counted, by name and labels; of histograms, how many values there were.
#[derive(Clone, Default)]
struct Figures(Arc<Mutex<BTreeMap<String, Arc<Count>>>>);

#[derive(Default)]
struct Count(AtomicU64);

impl CounterFn for Count {
    fn increment(&self, by: u64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }

    fn absolute(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

impl HistogramFn for Count {
    fn record(&self, _: f64) {
        self.increment(1);
    }
}

impl Figures {
    fn figure(&self, key: &Key) -> Arc<Count> {
        let labels: Vec<String> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(name).or_default())
    }

    /// Those that are not zero.
    fn all(&self) -> BTreeMap<String, u64> {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let values = figures.iter().map(|(name, count)| (name.clone(), count.0.load(Ordering::Relaxed)));
        values.filter(|(_, value)| *value > 0).collect()
    }
}

impl Recorder for Figures {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.figure(key))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.figure(key))
    }
}

fn expected(figures: &[(&str, u64)]) -> BTreeMap<String, u64> {
    figures.iter().map(|(name, value)| (name.to_string(), *value)).collect()
}

#[tokio::test]
async fn an_event_is_counted_when_it_is_in_the_transaction() -> Result {
    let database = migrated().await?;
    let pool = database.pool();
    let figures = Figures::default();
    let _guard = metrics::set_default_local_recorder(&figures);
    let publisher = Publisher::<Home>::new();
    let count = || figures.all().get("eventwright_published_total{event_type=home.happened}").copied().unwrap_or(0);

    let mut tx = pool.begin().await?;
    publisher.publish(&mut tx, happened("x", 1)).await?;
    assert_eq!(count(), 1);
    publisher.publish_all(&mut tx, [happened("x", 2), happened("x", 3)]).await?;
    let mut batch = Batch::new();
    batch.add(happened("x", 4)).add(happened("x", 5).deliver_after(Duration::from_secs(3600)));
    publisher.publish_batch(&mut tx, batch).await?;
    assert_eq!(count(), 5);
    tx.rollback().await?;
    assert_eq!(count(), 5, "nobody tells");

    let mut tx = pool.begin().await?;
    let once = |n| happened("x", n).idempotency_key("once");
    assert!(publisher.publish(&mut tx, once(6)).await?.is_new);
    // of what was published before, nothing is counted again, whether in this statement or in an earlier one
    publisher.publish_all(&mut tx, [once(7), happened("x", 8).idempotency_key("twice"), once(9)]).await?;
    publisher
        .publish_all(&mut tx, [happened("x", 10).idempotency_key("a"), happened("x", 10).idempotency_key("a")])
        .await?;
    assert_eq!(count(), 8);
    sqlx::query("ALTER TABLE eventwright.outbox ADD CHECK (subject <> 'refused')").execute(&mut *tx).await?;
    assert!(publisher.publish(&mut tx, happened("refused", 1)).await.is_err());
    assert_eq!(count(), 8);
    Ok(())
}

#[tokio::test]
async fn events_are_counted_through_every_driver() -> Result {
    let database = migrated().await?;
    let figures = Figures::default();
    let _guard = metrics::set_default_local_recorder(&figures);
    let publisher = Publisher::<Home>::new();
    let (mut client, connection) = tokio_postgres::connect(database.url(), tokio_postgres::NoTls).await?;
    tokio::spawn(connection);
    publisher.publish(&mut client, happened("x", 1)).await?;
    let mut diesel = AsyncPgConnection::establish(database.url()).await?;
    publisher.publish(&mut diesel, happened("x", 1)).await?;
    assert_eq!(figures.all(), expected(&[("eventwright_published_total{event_type=home.happened}", 2)]));
    Ok(())
}

/// `x` fails once, `y` always, `z` is put off once, `s` holds up the second event of `x`.
#[tokio::test]
async fn what_became_of_events_is_counted_by_group() -> Result {
    async fn handle(event: Event<Happened>, cx: &mut Context<'_, Home, AtomicU64>) -> Handled {
        let is_first = |bit: u64| cx.state().fetch_or(bit, Ordering::Relaxed) & bit == 0;
        match (event.payload.about.as_str(), event.payload.n) {
            ("x", 1) if is_first(1) => Err(Failure::retry("once")),
            ("z", _) if is_first(2) => Err(Failure::snooze(Duration::from_millis(5))),
            ("y", _) => Err(Failure::retry("always")),
            _ => Ok(()),
        }
    }
    let database = migrated().await?;
    let pool = database.pool();
    Group::new("a", pool).await?;
    for (about, n) in [("x", 1), ("x", 2), ("y", 1), ("z", 1), ("w", 1)] {
        publish(&mut *pool.acquire().await?, about, n).await?;
    }
    let figures = Figures::default();
    let _guard = metrics::set_default_local_recorder(&figures);
    let retry = RetryPolicy::default().attempts(3).first(Duration::from_millis(5));
    let subscriber = common::subscriber::<Home>("a", pool).workers(1).ranges(1).retry(retry);
    subscriber.state(AtomicU64::new(0)).on(handle).drain().await?;
    let mut all = figures.all();
    // a page that is rolled back for one failure runs the others again
    let calls = all.remove("eventwright_handler_seconds{group=a,event_type=home.happened}").unwrap_or(0);
    assert!(calls >= 9, "{calls}");
    let counted = expected(&[
        ("eventwright_failed_total{group=a,event_type=home.happened}", 5),
        ("eventwright_handled_total{group=a}", 4),
        ("eventwright_held_total{group=a,reason=dead}", 1),
        ("eventwright_held_total{group=a,reason=failed}", 3),
        ("eventwright_held_total{group=a,reason=snoozed}", 1),
    ]);
    assert_eq!(all, counted);
    Ok(())
}
