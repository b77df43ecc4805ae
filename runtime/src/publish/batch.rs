use std::marker::PhantomData;

use super::row::Row;
use crate::contract::{Domain, NotRetired, PublishedBy};
use crate::outgoing::Publish;
use crate::{Envelope, Error};

/// Events of any types that domain `D` owns, to be published in one statement, in the order in which they were added.
///
/// ```no_run
/// # use eventwright::{Batch, Domain, Error, Publish, Publishable, PublishedBy, Publisher};
/// # struct Sales; impl Domain for Sales { const NAME: &'static str = "sales"; }
/// # async fn example<A, B>(db: &mut sqlx::PgConnection, lead_created: A, lead_reached: B) -> Result<(), Error>
/// # where A: Publish, A::Payload: PublishedBy<Sales> + Publishable, B: Publish, B::Payload: PublishedBy<Sales> + Publishable {
/// let mut batch = Batch::<Sales>::new();
/// batch.add(lead_created).add(lead_reached.correlation("import-17"));
/// Publisher::<Sales>::new().publish_batch(db, batch).await?;
/// # Ok(()) }
/// ```
#[must_use = "a batch does nothing until it is published"]
pub struct Batch<D> {
    rows: Vec<Result<Row, Error>>,
    domain: PhantomData<fn() -> D>,
}

impl<D: Domain> Default for Batch<D> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: Domain> Batch<D> {
    /// A batch without events.
    pub fn new() -> Self {
        Self { rows: Vec::new(), domain: PhantomData }
    }

    /// Adds an event. What is wrong with it is told when the batch is published.
    pub fn add<P>(&mut self, event: P) -> &mut Self
    where
        P: Publish,
        P::Payload: PublishedBy<D> + NotRetired,
    {
        self.rows.push(Row::of(event.outgoing()));
        self
    }

    /// Names the event that caused those that were added so far, with its correlation id and trace, as
    /// [`Publish::caused_by`] does for one; where an event says another cause, correlation or trace, that stays.
    pub fn caused_by(&mut self, cause: &Envelope) -> &mut Self {
        for row in self.rows.iter_mut().flatten() {
            row.origin.caused_by_unless_said(cause);
        }
        self
    }

    /// How many events it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn rows(self, max_payload: usize) -> Result<Vec<Row>, Error> {
        self.rows.into_iter().map(|row| row?.within(max_payload)).collect()
    }
}
