//! A worker that goes on while the driver waits for what it is to handle: a task of its own would begin a moment later, on a core that
//! has to be woken for it.

use std::future::poll_fn;
use std::pin::{Pin, pin};

use futures_util::future::{BoxFuture, MaybeDone, maybe_done};

use super::tasks::Work;
use crate::Error;

pub(super) type Job = BoxFuture<'static, Result<(), Error>>;

/// One worker, or none.
pub(super) struct AtHand(Option<(Work, MaybeDone<Job>)>);

impl AtHand {
    pub(super) fn nobody() -> Self {
        Self(None)
    }

    pub(super) fn put(&mut self, work: Work, job: Job) {
        self.0 = Some((work, maybe_done(job)));
    }

    /// Waits for something, and goes on with the worker meanwhile.
    pub(super) async fn beside<T>(&mut self, something: impl Future<Output = T>) -> T {
        let mut something = pin!(something);
        poll_fn(|context| {
            if let Some((_, job)) = &mut self.0 {
                // where it is over, `let_go` has its end
                let _ = Pin::new(job).poll(context);
            }
            something.as_mut().poll(context)
        })
        .await
    }

    /// The worker, which is to become a task.
    pub(super) fn let_go(&mut self) -> Option<(Work, impl Future<Output = Result<(), Error>> + Send + 'static)> {
        let (work, mut job) = self.0.take()?;
        let rest = async move {
            (&mut job).await;
            Pin::new(&mut job).take_output().unwrap_or(Ok(()))
        };
        Some((work, rest))
    }
}
