//! The tasks of a subscriber, and what each is at.

use std::collections::HashMap;

use tokio::task::{Id, JoinError, JoinSet};

use crate::Error;

/// What a task is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Range(i16),
    Held,
}

#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Result<(), Error>>,
    at: HashMap<Id, Work>,
}

/// A task that is over.
pub(super) struct Over {
    pub(super) work: Work,
    /// How it ended, unless it panicked.
    pub(super) ended: Result<Result<(), Error>, JoinError>,
}

impl Tasks {
    pub(super) fn begin(&mut self, work: Work, task: impl Future<Output = Result<(), Error>> + Send + 'static) {
        let task = self.set.spawn(task);
        self.at.insert(task.id(), work);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    /// How many are at this.
    pub(super) fn at(&self, work: Work) -> usize {
        self.at.values().filter(|at| **at == work).count()
    }

    /// Waits until one is over; `None`: there are none.
    pub(super) async fn next_over(&mut self) -> Option<Over> {
        let joined = self.set.join_next_with_id().await?;
        self.take_back(joined)
    }

    /// One that is over already.
    pub(super) fn try_next_over(&mut self) -> Option<Over> {
        let joined = self.set.try_join_next_with_id()?;
        self.take_back(joined)
    }

    fn take_back(&mut self, joined: Result<(Id, Result<(), Error>), JoinError>) -> Option<Over> {
        let (id, ended) = match joined {
            Ok((id, ended)) => (id, Ok(ended)),
            Err(panic) => (panic.id(), Err(panic)),
        };
        self.at.remove(&id).map(|work| Over { work, ended })
    }

    /// Waits until all are over, however that goes.
    pub(super) async fn all_over(&mut self) {
        while self.set.join_next().await.is_some() {}
        self.at.clear();
    }

    /// Nobody waits for them any more.
    pub(super) fn detach(&mut self) {
        self.set.detach_all();
    }
}
