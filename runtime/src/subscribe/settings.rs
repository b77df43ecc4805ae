//! How a subscriber runs: in what order, how long, how much at a time, and by which way to the database.

use std::time::Duration;

use super::ask::Route;
use super::{Replay, RetryPolicy, Start, Subscriber};
use crate::contract::Domain;

const LONGEST_TIME_LIMIT: Duration = Duration::from_secs(24 * 3600);

impl<D: Domain, S: Send + Sync + 'static> Subscriber<D, S> {
    /// Lets later events of a subject go on while an earlier one has failed, is put off or dead. Without this, which is the
    /// default, they wait behind it.
    pub fn out_of_order_after_failures(mut self) -> Self {
        self.settings.keeps_order = false;
        self
    }

    /// How long an [`on`](Self::on) handler may run; then it has failed. At least 100 milliseconds. Default: 15 seconds.
    ///
    /// A worker that has vanished, with its connection still open to the database's eyes, is taken for dead five seconds after that
    /// time, so that others can take over its subjects.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.settings.time_limit = limit.clamp(Duration::from_millis(100), LONGEST_TIME_LIMIT);
        self
    }

    /// How long an [`effect`](Self::effect) handler may run; then it has failed. At least 100 milliseconds. Default: 2 minutes.
    pub fn effect_time_limit(mut self, limit: Duration) -> Self {
        self.settings.effect_time_limit = limit.clamp(Duration::from_millis(100), LONGEST_TIME_LIMIT);
        self
    }

    /// After so many failures of one handler in a row, this process rests for a second, then tries one event, then rests for two
    /// seconds, and so on up to a minute, until that handler succeeds: so a dependency that is down for an hour costs a few events some
    /// attempts, and not all events all of theirs. Rejected and snoozed events don't count. 0: never. Default: 20.
    pub fn rest_after_failures(mut self, in_a_row: u32) -> Self {
        self.settings.breaker = in_a_row;
        self
    }

    /// Where the group begins, if this run makes it. Default: [`Start::Beginning`].
    pub fn start(mut self, start: Start) -> Self {
        self.settings.start = start;
        self
    }

    /// Handles events of the past, and then ends. Give the group a name of its own.
    pub fn replay(mut self, replay: Replay) -> Self {
        self.settings.replay = Some(replay);
        self
    }

    /// How failed events are retried.
    pub fn retry(mut self, retry: RetryPolicy) -> Self {
        self.settings.retry = retry;
        self
    }

    /// How many ranges and held events this process handles at the same time, from 1 to 1024. Default: 4.
    pub fn workers(mut self, workers: u16) -> Self {
        self.settings.workers = workers.clamp(1, 1024);
        self
    }

    /// Into how many ranges a new group's subjects are split, from 1 to 1024: the most that all its processes handle at the
    /// same time. Each range scans the log for itself, so keep them few. Default: 4.
    pub fn ranges(mut self, ranges: u16) -> Self {
        self.settings.ranges = ranges.clamp(1, 1024);
        self
    }

    /// How many events are handled in one transaction at most; at least 1. Default: 1024.
    ///
    /// Of a backlog a worker takes 256 at first, then more as long as they are handled within 10 milliseconds.
    pub fn chunk(mut self, events: u16) -> Self {
        self.settings.chunk = usize::from(events.max(1));
        self
    }

    /// How often to look for work when nobody says that there is any. Default: 2 seconds.
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.settings.poll = interval.max(Duration::from_millis(1));
        self
    }

    /// How long a worker has an event that was held back (for a retry, or for its effect handler) before others take it over,
    /// should the worker vanish; from 100 milliseconds to a day. A handler that runs longer keeps it. Default: 60 seconds.
    pub fn lease(mut self, lease: Duration) -> Self {
        self.settings.lease = lease.clamp(Duration::from_millis(100), Duration::from_secs(24 * 3600));
        self
    }

    /// For connections through a pooler in transaction mode, such as PgBouncer's, that does not keep prepared statements (PgBouncer
    /// does from 1.21 on, if `max_prepared_statements` is not 0). Each statement is then in a transaction and without a name, and
    /// nobody LISTENs: see [`poll_every`](Self::poll_every). Handlers must send their own statements so, too: `.persistent(false)`.
    ///
    /// In pgbouncer.ini, set `ignore_startup_parameters = extra_float_digits`, and a `default_pool_size` that is larger than the number of
    /// [`workers`](Self::workers) of all processes that share the pool, with a few for everybody else: a worker has a connection to
    /// the server for as long as it handles a chunk, and now and then needs a second one for a moment. Where they have them all, they
    /// wait for each other until they give up, after 15 seconds, and begin anew.
    pub fn behind_pooler(mut self) -> Self {
        self.settings.route = Route::Pooler;
        self.without_listen()
    }

    /// Polls only, and doesn't LISTEN, which does not work behind a pooler in transaction mode.
    pub fn without_listen(mut self) -> Self {
        self.settings.listen = false;
        self
    }
}
