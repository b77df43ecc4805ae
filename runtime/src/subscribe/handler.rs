use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::future::BoxFuture;

use super::around::{Around, Delivery};
use super::call::panicked;
use super::context::Context;
use super::failure::{Failure, Handled};
use crate::contract::{Incoming, Kind, Payload};
use crate::envelope::Event;
use crate::error::chain;
use crate::operations::is_erased;
use crate::payload::{DecodeError, Reading};
use crate::stored::Stored;

/// An async function that handles an event in the subscriber's transaction:
/// `async fn(Event<E>, &mut Context<'_, D, S>) -> Handled`.
///
/// Nobody implements this trait; such functions have it. It exists because a future that borrows its arguments can't be named
/// in a plain `Fn` bound.
#[diagnostic::on_unimplemented(
    message = "this is no handler of `{E}`",
    label = "expected `async fn(Event<_>, &mut Context<'_, Domain, State>) -> Handled`",
    note = "the context names the subscriber's domain and the type given to `state`; the future must be `Send`"
)]
pub trait HandlerFn<'a, E, D: 'a, S: 'a>: Fn(Event<E>, &'a mut Context<'a, D, S>) -> Self::Fut {
    /// The future that the function returns.
    type Fut: Future<Output = Handled> + Send + 'a;
}

impl<'a, E, D: 'a, S: 'a, F, Fut> HandlerFn<'a, E, D, S> for F
where
    F: Fn(Event<E>, &'a mut Context<'a, D, S>) -> Fut,
    Fut: Future<Output = Handled> + Send + 'a,
{
    type Fut = Fut;
}

/// An async function that handles an event outside of any transaction: `async fn(Event<E>, &S) -> Handled`.
#[diagnostic::on_unimplemented(
    message = "this is no effect handler of `{E}`",
    label = "expected `async fn(Event<_>, &State) -> Handled`",
    note = "the state is the type given to `state`; the future must be `Send`"
)]
pub trait EffectFn<'a, E, S: 'a>: Fn(Event<E>, &'a S) -> Self::Fut {
    /// The future that the function returns.
    type Fut: Future<Output = Handled> + Send + 'a;
}

impl<'a, E, S: 'a, F, Fut> EffectFn<'a, E, S> for F
where
    F: Fn(Event<E>, &'a S) -> Fut,
    Fut: Future<Output = Handled> + Send + 'a,
{
    type Fut = Fut;
}

/// A handler's call that has begun; or why it did not begin.
pub(crate) type Started<'a> = Result<BoxFuture<'a, Handled>, Failure>;
pub(crate) type InTransaction<D, S> =
    Box<dyn for<'a> Fn(Delivery<'_>, &'a mut Context<'a, D, S>) -> Started<'a> + Send + Sync>;
pub(crate) type Effect<S> = Box<dyn for<'a> Fn(Delivery<'_>, &'a S) -> Started<'a> + Send + Sync>;

pub(crate) enum Handler<D, S> {
    InTransaction(InTransaction<D, S>),
    Effect(Effect<S>),
    /// The event is passed over.
    Ignore,
}

/// The payload of a stored event in the version that a handler takes.
#[derive(Clone, Copy)]
pub(crate) struct Version<'a> {
    number: u16,
    json: &'a str,
    /// Makes the handler's version of it, where that is a newer one.
    upcast: Option<&'a Upcast>,
}

/// Reads a payload in an older version and makes a newer one of it.
type Upcast = Box<dyn Fn(&str) -> Result<Box<dyn Any + Send>, Failure> + Send + Sync>;

fn undecodable(error: DecodeError) -> Failure {
    Failure::Reject(chain(&error))
}

fn receive<E: Incoming>(delivery: Delivery<'_>) -> Result<Event<E>, Failure> {
    let Delivery { event, version, .. } = delivery;
    let payload = match version.upcast {
        None => E::receive(&event.envelope.event_type, version.number, version.json.as_bytes()).map_err(undecodable)?,
        Some(upcast) => E::take(upcast(version.json)?)
            .ok_or_else(|| Failure::reject("the upcast makes another type of this version than the handler takes"))?,
    };
    Ok(Event { envelope: event.envelope.clone(), payload })
}

/// A subscriber's handlers, by event type and version.
pub(crate) struct Handlers<D, S> {
    by_kind: HashMap<&'static str, Vec<Known>>,
    all: Vec<Handler<D, S>>,
    upcasts: Vec<(Kind, Kind, Upcast)>,
    /// What runs around them, the outermost first.
    pub(super) around: Vec<Around<D, S>>,
    pub(crate) twice: Option<Kind>,
}

/// A version of an event type that is handled.
struct Known {
    version: u16,
    /// Its handler's place among all.
    at: usize,
    /// The place of the upcast that comes before the handler.
    upcast: Option<usize>,
}

impl<D, S> Handlers<D, S> {
    pub(crate) fn new() -> Self {
        Self { by_kind: HashMap::new(), all: Vec::new(), upcasts: Vec::new(), around: Vec::new(), twice: None }
    }

    pub(crate) fn on<E, F>(&mut self, handler: F)
    where
        E: Incoming,
        D: 'static,
        S: 'static,
        F: for<'a> HandlerFn<'a, E, D, S> + Send + Sync + 'static,
    {
        let call: InTransaction<D, S> = Box::new(move |delivery, cx| {
            let event = receive::<E>(delivery)?;
            Ok(Box::pin(handler(event, cx)))
        });
        self.add(E::KINDS, Handler::InTransaction(call));
    }

    pub(crate) fn effect<E, F>(&mut self, handler: F)
    where
        E: Incoming,
        S: 'static,
        F: for<'a> EffectFn<'a, E, S> + Send + Sync + 'static,
    {
        let call: Effect<S> = Box::new(move |delivery, state| {
            let event = receive::<E>(delivery)?;
            Ok(Box::pin(handler(event, state)))
        });
        self.add(E::KINDS, Handler::Effect(call));
    }

    pub(crate) fn ignore<E: Incoming>(&mut self) {
        self.add(E::KINDS, Handler::Ignore);
    }

    pub(crate) fn upcast<Old: Payload, New: Payload>(&mut self, upcast: impl Fn(Old) -> New + Send + Sync + 'static) {
        let make = move |json: &str| {
            let old = Old::decode(json.as_bytes(), Reading::Tolerant).map_err(undecodable)?;
            let new = catch_unwind(AssertUnwindSafe(|| upcast(old))).map_err(|panic| panicked("upcast", &*panic))?;
            Ok(Box::new(new) as Box<dyn Any + Send>)
        };
        self.upcasts.push((Kind::of::<Old>(), Kind::of::<New>(), Box::new(make)));
    }

    /// Gives the upcasts their handlers, once all are there.
    ///
    /// # Errors
    /// What an upcast makes and no handler takes.
    pub(crate) fn resolve_upcasts(&mut self) -> Result<(), Kind> {
        for at in 0..self.upcasts.len() {
            let (old, new, _) = self.upcasts[at];
            let versions = self.by_kind.get(new.event_type).map_or(&[][..], Vec::as_slice);
            let known = versions.iter().find(|known| known.version == new.version && known.upcast.is_none());
            let handler = known.ok_or(new)?.at;
            self.know(old, Known { version: old.version, at: handler, upcast: Some(at) });
        }
        Ok(())
    }

    fn add(&mut self, kinds: &'static [Kind], handler: Handler<D, S>) {
        for kind in kinds {
            self.know(*kind, Known { version: kind.version, at: self.all.len(), upcast: None });
        }
        self.all.push(handler);
    }

    fn know(&mut self, kind: Kind, how: Known) {
        let versions = self.by_kind.entry(kind.event_type).or_default();
        if versions.iter().any(|known| known.version == kind.version) {
            self.twice.get_or_insert(kind);
        }
        versions.push(how);
    }

    /// Whether there is no handler.
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether nothing was added that is called with the subscriber's state.
    pub(crate) fn need_no_state(&self) -> bool {
        self.all.is_empty() && self.around.is_empty()
    }

    /// The event types that have a handler.
    pub(crate) fn event_types(&self) -> Vec<String> {
        self.by_kind.keys().map(ToString::to_string).collect()
    }

    /// All payloads that have a handler, as `type/version`.
    pub(crate) fn kinds(&self) -> Vec<String> {
        self.kinds_of(|_| true)
    }

    /// Those that have a handler which runs in a transaction.
    pub(crate) fn kinds_in_transaction(&self) -> Vec<String> {
        self.kinds_of(|handler| matches!(handler, Handler::InTransaction(_)))
    }

    fn kinds_of(&self, fits: impl Fn(&Handler<D, S>) -> bool) -> Vec<String> {
        let all = self.by_kind.iter().flat_map(|(name, versions)| versions.iter().map(move |version| (name, version)));
        let fitting = all.filter(|(_, known)| fits(&self.all[known.at]));
        fitting.map(|(name, known)| format!("{name}/{}", known.version)).collect()
    }

    /// The handler of the newest version in which the event is stored and that is known here, and the handler's place among all.
    pub(crate) fn find<'s>(&'s self, stored: &'s Stored) -> Option<(usize, &'s Handler<D, S>, Version<'s>)> {
        let current = Version { number: stored.envelope.schema_version, json: &stored.payload, upcast: None };
        if is_erased(&stored.payload) {
            return Some((0, &Handler::Ignore, current));
        }
        let versions = self.by_kind.get(stored.envelope.event_type.as_str())?;
        let older = stored.downcast.as_ref().map(|(number, json)| Version { number: *number, json, upcast: None });
        [Some(current), older].into_iter().flatten().find_map(|version| {
            let known = versions.iter().find(|known| known.version == version.number)?;
            let upcast = known.upcast.map(|at| &self.upcasts[at].2);
            Some((known.at, &self.all[known.at], Version { upcast, ..version }))
        })
    }
}
