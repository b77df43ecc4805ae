//! The same work on many things.

use std::panic::resume_unwind;
use std::thread;

use crate::Result;

/// Does the same to all items, the results in their order; the first error ends it.
pub(crate) fn on_all_cores<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> Result<R> + Sync) -> Result<Vec<R>> {
    /// Fewer are done before a thread has started.
    const WORTH_A_THREAD: usize = 20;

    let cores = thread::available_parallelism().map_or(1, usize::from);
    let part = items.len().div_ceil(cores).max(WORTH_A_THREAD);
    let work = &work;
    thread::scope(|scope| {
        let parts = items.chunks(part).map(|part| scope.spawn(|| part.iter().map(work).collect::<Result<Vec<R>>>()));
        let parts: Vec<_> = parts.collect();
        let mut results = Vec::with_capacity(items.len());
        for part in parts {
            results.extend(part.join().unwrap_or_else(|panic| resume_unwind(panic))?);
        }
        Ok(results)
    })
}
