//! A transaction with a row of business and one event, at several numbers of connections.

use std::time::{Duration, Instant};

use eventwright::{Context, Domain, Event, Handled, Payload, Publisher, Roles, Start, Subscriber};
use futures_util::future::try_join_all;
use sguild_events::{Growth, OrderId, PaymentReceivedV1, PersonId, PersonUpdatedV1, Revenue};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::events::payment;
use crate::postgres::{Server, pool};
use crate::turns::{Contender, Table, in_turns};
use crate::{Effort, Result, by_hand};

const ORDERS: &str = "CREATE TABLE orders (id text PRIMARY KEY, person_id text NOT NULL, amount_cents bigint NOT NULL)";
const ORDER: &str = "INSERT INTO orders (id, person_id, amount_cents) VALUES ($1, $2, $3)";

/// How long a reader is given to connect and to find that there is nothing.
const FALLS_ASLEEP: Duration = Duration::from_millis(500);

/// Who publishes how.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    ByHand,
    /// The same two inserts, the second one into our log.
    ByHandIntoLog,
    ByHandNotifying,
    Ours,
    /// By a role that may do nothing else, whose every row is held against the policies of the log.
    OursAsRole,
}

impl How {
    fn is_ours(self) -> bool {
        matches!(self, Self::Ours | Self::OursAsRole)
    }
}

/// Who reads while it is published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    None,
    /// By hand: a loop that asks each ten milliseconds, or one that is notified.
    Loop,
    /// Ours, of these events.
    Group,
    /// Ours, of another event type: what it costs to wake it, without what it costs to handle.
    OtherGroup,
}

const SIDES: [(&str, How, Reader); 8] = [
    ("by hand", How::ByHand, Reader::None),
    ("by hand, into our log", How::ByHandIntoLog, Reader::None),
    ("ours", How::Ours, Reader::None),
    ("ours, as a producer's role", How::OursAsRole, Reader::None),
    ("by hand, and a loop reads", How::ByHand, Reader::Loop),
    ("ours, and a group handles", How::Ours, Reader::Group),
    ("ours, and a group listens for others", How::Ours, Reader::OtherGroup),
    ("by hand with NOTIFY, and a loop reads", How::ByHandNotifying, Reader::Loop),
];

pub(crate) async fn run(server: &Server, effort: Effort) -> Result {
    let time = effort.pick(Duration::from_secs(2), Duration::from_millis(150));
    let rounds = effort.rounds(7);
    // roles are the server's, which may be one that others use
    let role = format!("bench_producer_{}", std::process::id());
    let mut pools = Vec::new();
    for (_, how, _) in SIDES {
        let pool = match how {
            How::Ours | How::OursAsRole | How::ByHandIntoLog => server.migrated().await?,
            How::ByHand | How::ByHandNotifying => pool(&server.database().await?),
        };
        sqlx::query(ORDERS).execute(&pool).await?;
        sqlx::query(by_hand::OUTBOX).execute(&pool).await?;
        sqlx::query(by_hand::POSITIONS).execute(&pool).await?;
        sqlx::query("INSERT INTO by_hand_positions VALUES (0, 0)").execute(&pool).await?;
        if how == How::OursAsRole {
            Roles::new(pool.clone()).producer(&role, Revenue::NAME, [PaymentReceivedV1::EVENT_TYPE]).create().await?;
            sqlx::raw_sql(AssertSqlSafe(format!("GRANT INSERT ON orders TO {role}"))).execute(&pool).await?;
        }
        pools.push(pool);
    }
    println!("\n## Publishing: a transaction with a row and an event");
    let table = Table::new(
        "Transactions a second (targets: 0.95 of by hand; at 32, with a group 0.9 of without)",
        ["connections", "", "tx/s", "to by hand", "to by hand into our log", "to by hand with a loop", "to ours alone"],
    );
    for connections in [1, 8, 32] {
        let mut contenders: Vec<Contender<'_>> = SIDES
            .iter()
            .zip(&pools)
            .map(|((name, how, reader), pool)| {
                let options = match how {
                    How::OursAsRole => pool.connect_options().as_ref().clone().options([("role", &role)]),
                    _ => pool.connect_options().as_ref().clone(),
                };
                Contender::new(*name, move |_| turn(options.clone(), pool, *how, *reader, connections, time))
            })
            .collect();
        let measured = in_turns(rounds, &mut contenders).await?;
        for ((side, measured_side), at) in SIDES.iter().zip(&measured).zip(0..) {
            let ratio = |shown: bool, to: usize| match shown && at != to {
                true => format!("{:.2}", measured_side.ratio(&measured[to])),
                false => String::new(),
            };
            table.row(&[
                connections.to_string(),
                side.0.to_owned(),
                format!("{:.0}", measured_side.median()),
                ratio(true, 0),
                ratio(side.1.is_ours(), 1),
                ratio(side.2 != Reader::None, 4),
                ratio(side.1.is_ours(), 2),
            ]);
        }
    }
    for pool in &pools {
        server.drop(&pool.connect_options()).await?;
    }
    server.drop_role(&role).await
}

/// Publishes on so many connections for some time. A reader has fallen asleep before that, and catches up after it.
async fn turn(
    options: PgConnectOptions,
    pool: &PgPool,
    how: How,
    reader: Reader,
    connections: usize,
    time: Duration,
) -> Result<f64> {
    let connections = try_join_all((0..connections).map(|_| PgConnection::connect_with(&options))).await?;
    let reader = Reading::start(reader, pool);
    tokio::time::sleep(FALLS_ASLEEP).await;

    let start = Instant::now();
    let publishers = connections.into_iter().map(|db| tokio::spawn(publish(db, how, start + time)));
    let mut count = 0;
    for published in try_join_all(publishers).await? {
        count += published?;
    }
    let seconds = start.elapsed().as_secs_f64();
    reader.stop(pool).await?;
    Ok(count as f64 / seconds)
}

async fn publish(mut db: PgConnection, how: How, until: Instant) -> Result<u32> {
    let publisher = Publisher::<Revenue>::new();
    let mut count = 0;
    while Instant::now() < until {
        let (order_id, person_id, number) = (OrderId::new(), PersonId::new(), i64::from(count) + 1);
        let mut tx = db.begin().await?;
        sqlx::query(ORDER).bind(order_id).bind(person_id).bind(number).execute(&mut *tx).await?;
        match how {
            How::Ours | How::OursAsRole => {
                publisher.publish(&mut tx, payment(order_id, person_id, number)?).await?;
            }
            How::ByHand => {
                by_hand::publish(&mut tx, by_hand::Table::Own, order_id, person_id, number).await?;
            }
            How::ByHandIntoLog => {
                by_hand::publish(&mut tx, by_hand::Table::Log, order_id, person_id, number).await?;
            }
            How::ByHandNotifying => {
                by_hand::publish(&mut tx, by_hand::Table::Own, order_id, person_id, number).await?;
                sqlx::query("SELECT pg_notify('by_hand', '')").execute(&mut *tx).await?;
            }
        }
        tx.commit().await?;
        count += 1;
    }
    Ok(count)
}

/// A reader that runs.
enum Reading {
    None,
    Loop(JoinHandle<Result>),
    Group { other: bool, stop: oneshot::Sender<()>, task: JoinHandle<Result<(), eventwright::Error>> },
}

impl Reading {
    fn start(reader: Reader, pool: &PgPool) -> Self {
        match reader {
            Reader::None => Self::None,
            Reader::Loop => Self::Loop(tokio::spawn(by_hand::follow(pool.clone()))),
            Reader::Group | Reader::OtherGroup => {
                let other = reader == Reader::OtherGroup;
                let (stop, stopped) = oneshot::channel();
                let task = tokio::spawn(group(pool, other).run_until(async move { stopped.await.unwrap_or(()) }));
                Self::Group { other, stop, task }
            }
        }
    }

    async fn stop(self, pool: &PgPool) -> Result {
        match self {
            Self::None => {}
            Self::Loop(task) => task.abort(),
            Self::Group { other, stop, task } => {
                stop.send(()).map_err(|()| "the subscriber ended before it was stopped")?;
                task.await??;
                group(pool, other).drain().await?;
            }
        }
        Ok(())
    }
}

fn group(pool: &PgPool, other: bool) -> Subscriber<Growth> {
    let group = Subscriber::<Growth>::new("group", pool.clone()).start(Start::Now);
    if other { group.on(do_nothing::<PersonUpdatedV1>) } else { group.on(do_nothing::<PaymentReceivedV1>) }
}

async fn do_nothing<E: Send>(_event: Event<E>, _cx: &mut Context<'_, Growth>) -> Handled {
    Ok(())
}
