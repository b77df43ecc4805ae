use time::OffsetDateTime;

use crate::payload::EventId;

/// Where a new group begins to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Start {
    /// At the beginning of the log: a new group misses nothing that is still there.
    #[default]
    Beginning,
    /// With what is published after the group was made.
    Now,
    /// With what was published at this time by the database's clock, or later. Some events come that were published up to a minute
    /// before, and those of transactions that were still open.
    At(OffsetDateTime),
    /// With what comes after this event, which must be in the log; and with those before it whose transactions were still open.
    After(EventId),
}

/// Where a [`Replay`] ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum End {
    /// With what was published when its group was made.
    #[default]
    Now,
    /// Before what was published at this time by the database's clock, up to a minute earlier.
    At(OffsetDateTime),
    /// With this event, which must be in the log.
    With(EventId),
}

/// A part of the log that a new group handles once more, to fill a new table, say, or to mend an old one.
///
/// Effect handlers don't run, unless asked: nobody wants last year's mails again. When all is handled, or dead, the subscriber ends.
///
/// ```no_run
/// # use eventwright::{Context, Domain, End, Event, Handled, Payload, Replay, Start, SubscribedBy, Subscriber};
/// # struct Growth; impl Domain for Growth { const NAME: &'static str = "growth"; }
/// # async fn count_lead<E: Send>(_: Event<E>, _: &mut Context<'_, Growth>) -> Handled { Ok(()) }
/// # async fn example<LeadCreated>(pool: sqlx::PgPool, june: time::OffsetDateTime, july: time::OffsetDateTime)
/// # -> Result<(), eventwright::Error> where LeadCreated: Payload + SubscribedBy<Growth> {
/// Subscriber::<Growth>::new("growth-funnel-june", pool)
///     .replay(Replay::from(Start::At(june)).until(End::At(july)))
///     .on(count_lead::<LeadCreated>)
///     .drain()
///     .await
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    pub(super) start: Start,
    pub(super) end: End,
    pub(super) effects: bool,
}

impl Replay {
    /// A replay of what was published from there on, until now.
    #[must_use]
    pub fn from(start: Start) -> Self {
        Self { start, end: End::default(), effects: false }
    }

    /// Ends there.
    #[must_use]
    pub fn until(self, end: End) -> Self {
        Self { end, ..self }
    }

    /// Runs effect handlers, too.
    #[must_use]
    pub fn with_effects(self) -> Self {
        Self { effects: true, ..self }
    }
}
