use std::panic::resume_unwind;

/// Runs a future to its end, also when the caller stops waiting for it.
///
/// For what begins a transaction on a pool's connection: sqlx 0.9 knows of a transaction only once BEGIN was answered, so a
/// future that is dropped before leaves it open on a connection that goes back to the pool, for the next one to fall into.
pub(crate) async fn to_the_end<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    match tokio::spawn(future).await {
        Ok(done) => done,
        // nobody aborts the task, so it panicked
        Err(error) => resume_unwind(error.into_panic()),
    }
}
