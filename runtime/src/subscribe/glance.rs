//! Answering a call: reading what is new where all was quiet, with nothing else beforehand.
//!
//! No window is opened before the handlers begin, but beside them; then the same is read again, up to that window. What was
//! handled must be what comes first there, or it is undone: so positions are what windows make them, whatever was glanced at.

use sqlx::PgConnection;
use tokio::sync::oneshot;

use super::Inner;
use super::log::{Claim, Page, Window};
use super::look::Look;
use super::scout::Scouted;
use super::worker::Range;

/// More than so many events are in no hurry, and read as ever.
const FEW: usize = 32;

/// Where all was done, and nothing to do.
pub(super) struct Stood {
    at: Window,
    event_types: Vec<String>,
    ranges: Vec<(i16, i16)>,
}

impl Stood {
    pub(super) fn at(look: &Look) -> Option<Self> {
        let quiet = look.spans.is_empty() && !look.meeting && look.rests.is_none() && !look.trial;
        quiet.then(|| Self {
            at: look.newest.clone(),
            event_types: look.event_types.clone(),
            ranges: look.ranges.clone(),
        })
    }

    /// The range of a bucket, for a worker to claim while news are read that may be of it.
    pub(super) fn range_of(&self, bucket: i16) -> Option<(Range, Claims)> {
        let range = self.ranges.iter().find(|(lo, hi)| (*lo..=*hi).contains(&bucket));
        range.map(|(lo, _)| self.range(*lo))
    }

    /// A range whose worker is to be given news.
    pub(super) fn range(&self, lo: i16) -> (Range, Claims) {
        let (claimed, claims) = oneshot::channel();
        let (find, found) = oneshot::channel();
        let news = Some(News { claimed, found });
        let (newest, event_types) = (self.at.clone(), self.event_types.clone());
        let range = Range { lo, newest, event_types, trial: false, ahead: None, news };
        (range, Claims { lo, claims, find })
    }
}

/// What a worker is to be given once it has claimed its range.
pub(super) struct News {
    claimed: oneshot::Sender<()>,
    found: oneshot::Receiver<Found>,
}

struct Found {
    claim: Claim,
    page: Page,
    confirmed: oneshot::Receiver<Confirmed>,
}

impl News {
    /// Waits for them. `None`: there are none, or not for a range that stands where this one does.
    pub(super) async fn of(self, claim: &Claim) -> Option<(Page, oneshot::Receiver<Confirmed>)> {
        // whoever waits for it knows that handlers begin now
        let _ = self.claimed.send(());
        let Found { claim: of, page, confirmed } = self.found.await.ok()?;
        (of == *claim).then_some((page, confirmed))
    }
}

/// A worker that claims a range, and waits for what is found in it.
pub(super) struct Claims {
    pub(super) lo: i16,
    claims: oneshot::Receiver<()>,
    find: oneshot::Sender<Found>,
}

impl Claims {
    pub(super) fn give(self, claim: Claim, page: Page) -> Unconfirmed {
        let (tell, confirmed) = oneshot::channel();
        let (of, seqs) = (claim.clone(), seqs(&page));
        // a worker that is over has nobody handle them
        let _ = self.find.send(Found { claim, page, confirmed });
        Unconfirmed { claim: of, seqs, claims: self.claims, tell }
    }
}

/// Reads what is new since then. `None`: nothing, or more than a few events.
pub(super) async fn glance<D, S>(
    inner: &Inner<D, S>,
    db: &mut PgConnection,
    stood: &Stood,
) -> Result<Option<Vec<(Claim, Page)>>, sqlx::Error> {
    let all = Claim::between(stood.at.clone(), Window::of_all_after(&stood.at), (0, i16::MAX));
    let mut page = all.read(db, &inner.log, &stood.event_types, FEW).await?;
    if page.events.is_empty() || !page.is_complete() {
        return Ok(None);
    }
    let found = stood
        .ranges
        .iter()
        .map(|range| (Claim::between(stood.at.clone(), stood.at.clone(), *range), page.take_range(*range)));
    Ok(Some(found.filter(|(_, page)| !page.events.is_empty()).collect()))
}

/// What the window says of a page that was handled before it was opened.
#[derive(Debug)]
pub(super) struct Confirmed {
    pub(super) window: Window,
    /// What the group handles up to that: more than was read, where another deploy has just come.
    pub(super) event_types: Vec<String>,
    pub(super) fits: Fits,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fits {
    /// It is all that there is up to the window.
    Whole,
    /// There is more after it.
    Start,
    /// Something comes before its end that it does not have.
    Not,
}

/// A page that was given to a worker before its window was opened.
pub(super) struct Unconfirmed {
    claim: Claim,
    seqs: Vec<i64>,
    claims: oneshot::Receiver<()>,
    tell: oneshot::Sender<Confirmed>,
}

impl Unconfirmed {
    /// Waits until the worker has claimed its range, or has given up.
    pub(super) async fn begun(&mut self) {
        let _ = (&mut self.claims).await;
    }

    /// Tells what was found with a look's window: `None`, if all ranges could not be read at once.
    pub(super) fn confirm(self, read: Option<&Scouted>, look: &Look) {
        let page = read.and_then(|read| read.page_of(&self.claim));
        let fits = match page.map(seqs) {
            Some(seqs) if seqs == self.seqs => Fits::Whole,
            Some(seqs) if seqs.starts_with(&self.seqs) => Fits::Start,
            _ => Fits::Not,
        };
        // a worker that has failed waits no more
        let (window, event_types) = (look.newest.clone(), look.event_types.clone());
        let _ = self.tell.send(Confirmed { window, event_types, fits });
    }
}

fn seqs(page: &Page) -> Vec<i64> {
    page.events.iter().map(|event| event.seq).collect()
}
