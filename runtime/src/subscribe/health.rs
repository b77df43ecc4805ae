//! Whether a subscriber works, for the probes of the program that runs it.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::tasks::Work;
use crate::Error;
use crate::error::chain;

const PATIENCE: Duration = Duration::from_secs(60);
/// How much longer than it means to a look may take, with all that is asked beside it: some questions, each of which is given up after
/// 15 seconds.
const SLOWEST_TURN: Duration = Duration::from_secs(60);

/// Whether a subscriber of this process works: what it asks of the database is answered, it hears when it is called, and its workers get on.
///
/// For an HTTP endpoint of one's own. It knows what the subscriber has noticed, and asks the database nothing: asking it is as cheap
/// as taking a lock. What gets no answer any more is noticed after 15 seconds. It does not say whether handlers succeed: for
/// that, there are figures.
///
/// See [`Subscriber::health`](crate::Subscriber::health).
#[derive(Debug, Clone)]
pub struct Health {
    state: Arc<Mutex<State>>,
    patience: Duration,
}

/// Why a subscriber is not live, or not ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unhealthy {
    reasons: Vec<String>,
}

impl Unhealthy {
    /// What is wrong, one thing after the other; at least one.
    #[must_use]
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    fn unless_empty(reasons: Vec<String>) -> Result<(), Self> {
        if reasons.is_empty() { Ok(()) } else { Err(Self { reasons }) }
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reasons.join("; "))
    }
}

impl std::error::Error for Unhealthy {}

#[derive(Debug, Default)]
struct State {
    stage: Stage,
    troubles: HashMap<Part, Trouble>,
    /// When it is going to look for work again, at the latest.
    looks_by: Option<Instant>,
}

#[derive(Debug, Default)]
enum Stage {
    #[default]
    NotBegun,
    Joined,
    Ended(Option<String>),
}

/// What may be in trouble by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    Looking,
    Listening,
    Working(Work),
}

#[derive(Debug)]
struct Trouble {
    since: Instant,
    why: String,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Looking => f.write_str("looking for work fails"),
            Self::Listening => f.write_str("listening for calls fails"),
            Self::Working(Work::Range(lo)) => write!(f, "the worker of range {lo} fails"),
            Self::Working(Work::Held) => f.write_str("the worker of held events fails"),
        }
    }
}

impl Health {
    pub(super) fn new() -> Self {
        Self { state: Arc::default(), patience: PATIENCE }
    }

    /// How long something may be wrong until [`live`](Self::live) says so. Default: 60 seconds.
    ///
    /// A subscriber waits for a database that is away and connects again by itself, which a restart does no better: so longer than a
    /// failover takes.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// Whether the subscriber can be left alone; else the process is to be restarted. So it is before it begins to run, too.
    ///
    /// # Errors
    /// Where it has ended with an error; and where for longer than its [`patience`](Self::patience) it could not look for work, did not
    /// listen, or one of its workers failed each time.
    pub fn live(&self) -> Result<(), Unhealthy> {
        let state = self.state();
        match &state.stage {
            Stage::Ended(Some(error)) => Unhealthy::unless_empty(vec![format!("the subscriber has ended: {error}")]),
            Stage::Ended(None) => Ok(()),
            Stage::NotBegun | Stage::Joined => Unhealthy::unless_empty(state.reasons(self.patience, |_| true)),
        }
    }

    /// Whether the subscriber has joined its group and can look for work.
    ///
    /// # Errors
    /// Where it has not joined its group yet, has ended, or could not look for work the last time.
    pub fn ready(&self) -> Result<(), Unhealthy> {
        let state = self.state();
        Unhealthy::unless_empty(match &state.stage {
            Stage::NotBegun => vec!["the subscriber has not joined its group yet".to_owned()],
            Stage::Ended(None) => vec!["the subscriber has ended".to_owned()],
            Stage::Ended(Some(error)) => vec![format!("the subscriber has ended: {error}")],
            Stage::Joined => state.reasons(Duration::ZERO, |part| part == Part::Looking),
        })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Until the guard is dropped, a run is on its way.
    pub(super) fn run(&self) -> Run {
        *self.state() = State::default();
        Run { health: self.clone(), ended: None }
    }

    pub(super) fn joined(&self) {
        self.state().stage = Stage::Joined;
    }

    /// It has looked and handed out what there is, and will look again after this time at the latest. What is no longer to be done
    /// is nobody's trouble.
    pub(super) fn looked(&self, again_in: Duration, is_to_be_done: impl Fn(Work) -> bool) {
        let mut state = self.state();
        state.looks_by = Instant::now().checked_add(again_in);
        state.troubles.retain(|part, _| match part {
            Part::Looking => false,
            Part::Listening => true,
            Part::Working(work) => is_to_be_done(*work),
        });
    }

    pub(super) fn can_not_look(&self, error: &Error) {
        self.state().note(Part::Looking, Some(chain(error)));
    }

    /// It looks no more, and lets its workers come to their end.
    pub(super) fn stops(&self) {
        self.state().looks_by = None;
    }

    /// How a worker came back.
    pub(super) fn worked(&self, work: Work, result: &Result<(), Error>) {
        self.state().note(Part::Working(work), result.as_ref().err().map(|error| chain(error)));
    }

    pub(super) fn listens(&self) {
        self.state().note(Part::Listening, None);
    }

    pub(super) fn does_not_listen(&self, why: impl Into<String>) {
        self.state().note(Part::Listening, Some(why.into()));
    }
}

impl State {
    /// Notes that a part is in trouble, since now unless it was before; or that it no longer is.
    fn note(&mut self, part: Part, why: Option<String>) {
        match why {
            None => drop(self.troubles.remove(&part)),
            Some(why) => {
                let since = self.troubles.get(&part).map_or_else(Instant::now, |trouble| trouble.since);
                self.troubles.insert(part, Trouble { since, why });
            }
        }
    }

    /// What has been wrong for so long with the parts that are asked for.
    fn reasons(&self, longer_than: Duration, asked_for: impl Fn(Part) -> bool) -> Vec<String> {
        let noted = self.troubles.iter().map(|(part, trouble)| (*part, trouble.since, trouble.why.as_str()));
        let overdue = self.looks_by.and_then(|by| by.checked_add(SLOWEST_TURN));
        let stands_still = overdue.map(|since| (Part::Looking, since, "it stands still"));
        let mut reasons: Vec<String> = noted
            .chain(stands_still)
            .filter(|(part, ..)| asked_for(*part))
            .filter_map(|(part, since, why)| {
                let lasts = Instant::now().checked_duration_since(since)?;
                (lasts >= longer_than).then(|| format!("{part}, for {} s: {why}", lasts.as_secs()))
            })
            .collect();
        reasons.sort();
        reasons
    }
}

/// A run of a subscriber, from its beginning until it is over or dropped.
pub(super) struct Run {
    health: Health,
    ended: Option<String>,
}

impl Run {
    pub(super) fn ended(&mut self, result: &Result<(), Error>) {
        self.ended = result.as_ref().err().map(|error| chain(error));
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.health.state().stage = Stage::Ended(self.ended.take());
    }
}

/// Listening, until it is dropped: whatever ends it, also a panic.
pub(super) struct Listening(pub(super) Health);

impl Drop for Listening {
    fn drop(&mut self) {
        self.0.does_not_listen("it has ended");
    }
}
