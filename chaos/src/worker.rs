//! A process that handles what was booked, and now and then fails or falls.

use std::time::Duration;

use clap::Args;
use eventwright::{Context, Event, Failure, Handled, RetryPolicy, Subscriber};
use sqlx::postgres::PgPoolOptions;

use crate::Result;
use crate::contract::{Bank, Booked, now};
use crate::life::Life;

/// Handle until standard input ends
#[derive(Args)]
pub(crate) struct Worker {
    #[arg(long)]
    group: String,
    #[arg(long)]
    url: String,
    /// The log, where it is in another database
    #[arg(long)]
    log: Option<String>,
    /// Of so many events, the handler of one fails
    #[arg(long)]
    fails: u32,
    /// Of so many events, the handler of one ends the process
    #[arg(long)]
    aborts: u32,
}

struct State {
    group: String,
    fails: u32,
    aborts: u32,
}

impl Worker {
    pub(crate) async fn run(self) -> Result {
        tracing_subscriber::fmt().with_writer(std::io::stderr).with_ansi(false).init();
        let life = Life::of_input();
        // what fails here by chance is not to be given up
        let retry =
            RetryPolicy::default().attempts(1_000).first(Duration::from_millis(10)).longest(Duration::from_millis(500));
        let pool = |url: &str| PgPoolOptions::new().connect_lazy(url);
        while !life.is_over() {
            let mut subscriber = Subscriber::<Bank>::new(&self.group, pool(&self.url)?)
                .retry(retry.clone())
                .lease(Duration::from_secs(10))
                .rest_after_failures(0);
            if let Some(log) = &self.log {
                subscriber = subscriber.log(pool(log)?);
            }
            let state = State { group: self.group.clone(), fails: self.fails, aborts: self.aborts };
            // a database that is not there when it starts is an error of its own
            if let Err(error) = subscriber.state(state).on(handle).run_until(life.clone().over()).await {
                eprintln!("worker of {}: {error}: {:?}", self.group, std::error::Error::source(&error));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
        Ok(())
    }
}

async fn handle(event: Event<Booked>, cx: &mut Context<'_, Bank, State>) -> Handled {
    let State { group, fails, aborts } = cx.state();
    let (group, fails, aborts) = (group.clone(), *fails, *aborts);
    sqlx::query("INSERT INTO effects (grp, event_id, account, n, handled_at) VALUES ($1, $2, $3, $4, $5)")
        .bind(group)
        .bind(event.envelope.event_id)
        .bind(&event.payload.account)
        .bind(event.payload.n)
        .bind(now())
        .execute(cx.tx())
        .await?;
    if aborts > 0 && fastrand::u32(..aborts) == 0 {
        std::process::abort();
    }
    if fails > 0 && fastrand::u32(..fails) == 0 {
        return Err(Failure::retry("by chance"));
    }
    Ok(())
}
