use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use eventwright::{Context, Event, Handled, Publisher, Subscriber};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, try_join_all};
use sguild_events::{Growth, PaymentReceivedV1, Revenue};
use sqlx::{PgConnection, PgPool};

use crate::Result;
use crate::events::{payment, subjects};
use crate::postgres;
use crate::rival::{About, Ready, Rival};

pub(crate) struct Ours;

impl Rival for Ours {
    fn name(&self) -> &'static str {
        "eventwright"
    }

    fn about(&self) -> About {
        About {
            configuration: "as it comes: 4 workers, chunks of 256",
            order: "by subject",
            effects: "exactly once",
            groups: "read one log",
            afterwards: "the log keeps events until it is told to forget",
            wakes_by: "NOTIFY where somebody sleeps",
        }
    }

    fn install<'a>(&'a self, pool: &'a PgPool, _groups: u16) -> BoxFuture<'a, Result> {
        async { Ok(eventwright::migrate(pool).await?) }.boxed()
    }

    fn publish<'a>(&'a self, db: &'a mut PgConnection, event: Ready) -> BoxFuture<'a, Result> {
        async move {
            let payload = payment(event.order_id, event.person_id, event.number)?;
            Publisher::<Revenue>::new().publish(db, payload).await?;
            Ok(())
        }
        .boxed()
    }

    fn fill<'a>(&'a self, pool: &'a PgPool, events: i64, _groups: u16) -> BoxFuture<'a, Result> {
        async move { postgres::fill(pool, &subjects(10_000), events).await }.boxed()
    }

    fn drain<'a>(&'a self, pool: &'a PgPool, _events: i64, groups: u16) -> BoxFuture<'a, Result<i64>> {
        async move {
            let handled = Arc::new(AtomicI64::new(0));
            try_join_all((0..groups).map(|group| {
                Subscriber::<Growth>::new(format!("group-{group}"), pool.clone())
                    .state(Arc::clone(&handled))
                    .on(handle)
                    .drain()
            }))
            .await?;
            Ok(handled.load(Ordering::Relaxed))
        }
        .boxed()
    }
}

async fn handle(_event: Event<PaymentReceivedV1>, cx: &mut Context<'_, Growth, Arc<AtomicI64>>) -> Handled {
    cx.state().fetch_add(1, Ordering::Relaxed);
    Ok(())
}
