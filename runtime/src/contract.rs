//! What the bindings say of contracts: who owns an event type, who subscribes to it, what it is about.
//!
//! Generated code implements these traits; nobody writes them by hand. They turn the registry's rights into trait bounds,
//! so that a right that the registry does not give is a compile error.

use std::any::Any;
use std::fmt::{Debug, Display};

use crate::outgoing::Outgoing;
use crate::payload::{self, DecodeError, EncodeError, Read, Reading, Violation, Write};

/// A domain that owns or subscribes to event types.
pub trait Domain: Send + Sync + 'static {
    /// The domain's name in the registry.
    const NAME: &'static str;
}

/// One version of an event type's payload.
pub trait Payload: Read + Write + Clone + Debug + Send + Sync + 'static {
    /// The event type's name in the registry, such as `lead.created`.
    const EVENT_TYPE: &'static str;
    /// The payload's schema version.
    const VERSION: u16;

    /// The tenant, where the payload says it; the envelope mirrors it.
    fn tenant(&self) -> Option<&str> {
        None
    }

    /// Reads a payload from JSON.
    ///
    /// # Errors
    /// Where the bytes are not JSON, or break a rule of the schema under the given [`Reading`].
    fn decode(json: &[u8], reading: Reading) -> Result<Self, DecodeError> {
        payload::decode(json, reading)
    }

    /// Finds all that is wrong with a payload, as [`payload::violations`] does; nothing exactly where it can be decoded.
    ///
    /// # Errors
    /// Where the bytes are not JSON.
    fn violations(json: &[u8], reading: Reading) -> Result<Vec<Violation>, DecodeError> {
        payload::violations::<Self>(json, reading)
    }

    /// Writes the payload as JSON.
    ///
    /// # Errors
    /// Where the payload holds a value that only tolerant reading lets in, such as an unrecognized enum value.
    fn encode(&self) -> Result<String, EncodeError> {
        payload::encode(self)
    }
}

/// A payload that carries the id of what the event is about.
pub trait CarriesSubject: Payload {
    /// The subject's id type.
    type Subject: Display;
    /// The id of what the event is about. Events of one subject are delivered in the order in which they were published.
    fn subject(&self) -> Self::Subject;
}

/// A payload whose subject is known to the publisher alone.
pub trait NeedsSubject: Payload {
    /// The subject's id type.
    type Subject: Display;
    /// Says what the event is about, and so makes it ready to publish.
    fn about(self, subject: Self::Subject) -> Outgoing<Self> {
        Outgoing::new(self, subject.to_string())
    }
}

/// A payload that carries its subject's id, and that the registry still promises to subscribers in an older version, too.
///
/// It is published with both: each subscriber group handles the event once, in the newest version that it knows. Forgetting the older one
/// does not compile.
///
/// ```
/// # use eventwright::{NeedsDowncast, Outgoing};
/// # fn example<New: NeedsDowncast>(released: New, in_version_1: impl FnOnce(&New) -> New::Older) -> Outgoing<New> {
/// // fn in_version_1(new: &CreditReleasedV2) -> CreditReleasedV1
/// released.with_downcast(in_version_1)
/// # }
/// ```
pub trait NeedsDowncast: Payload {
    /// The older version.
    type Older: Payload;
    /// The subject's id type.
    type Subject: Display;

    /// The id of what the event is about. Events of one subject are delivered in the order in which they were published.
    fn subject(&self) -> Self::Subject;

    /// Says the same fact in the older version, and so makes it ready to publish.
    fn with_downcast(self, downcast: impl FnOnce(&Self) -> Self::Older) -> Outgoing<Self> {
        let (older, subject) = (downcast(&self), self.subject().to_string());
        Outgoing::new(self, subject).in_older_version(&older)
    }
}

/// As [`NeedsDowncast`], for a payload whose subject is known to the publisher alone: `event.about(id).with_downcast(…)`.
pub trait NeedsSubjectAndDowncast: Payload {
    /// The older version.
    type Older: Payload;
    /// The subject's id type.
    type Subject: Display;

    /// Says what the event is about. What is left to say is the fact in its older version.
    fn about(self, subject: Self::Subject) -> WithoutDowncast<Self> {
        WithoutDowncast { payload: self, subject: subject.to_string() }
    }
}

/// A payload with its subject, which still lacks its older version.
#[derive(Debug, Clone)]
#[must_use = "an event does nothing until it is published"]
pub struct WithoutDowncast<E> {
    payload: E,
    subject: String,
}

impl<E: NeedsSubjectAndDowncast> WithoutDowncast<E> {
    /// Says the same fact in the older version, and so makes it ready to publish.
    pub fn with_downcast(self, downcast: impl FnOnce(&E) -> E::Older) -> Outgoing<E> {
        let older = downcast(&self.payload);
        Outgoing::new(self.payload, self.subject).in_older_version(&older)
    }
}

/// The registry names domain `D` as the event type's owner.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not published by domain `{D}`",
    label = "another domain owns this event type",
    note = "only the domain that event-types-registry.json names as its `owner` may publish it"
)]
pub trait PublishedBy<D: Domain>: Payload {}

/// A payload version that may be published: any that is not retired.
pub trait Publishable: Payload {}

/// The same as [`Publishable`], which says what to do where it is missing, and does not list all types that have it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is a retired version and can't be published",
    label = "retired",
    note = "publish the current version; `versions` in event-types-registry.json lists them"
)]
pub trait NotRetired: Payload {}

#[diagnostic::do_not_recommend]
impl<E: Publishable> NotRetired for E {}

/// A newer version of the event type that `Older` is a version of: what is stored in that version can be read as this one, by a
/// function that a subscriber is given ([`Subscriber::upcast`](struct@crate::Subscriber)).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no newer version of `{Older}`",
    label = "an upcast leads from a version of an event type to a newer one of the same event type",
    note = "`versions` in event-types-registry.json lists them"
)]
pub trait Supersedes<Older: Payload>: Payload {}

/// Name and version of a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Kind {
    /// The event type's name.
    pub event_type: &'static str,
    /// The payload's schema version.
    pub version: u16,
}

impl Kind {
    /// The kind of a payload's type.
    #[must_use]
    pub const fn of<P: Payload>() -> Self {
        Self { event_type: P::EVENT_TYPE, version: P::VERSION }
    }
}

/// What a handler can receive: a payload, or an enum of several that has [`derive(Incoming)`](macro@crate::Incoming).
pub trait Incoming: Sized + Send + 'static {
    /// The payloads that it can hold.
    const KINDS: &'static [Kind];

    /// Reads a payload of the given kind, one of [`Incoming::KINDS`], tolerantly.
    ///
    /// # Errors
    /// Where the bytes are not JSON or break a rule of the schema, or the kind is not one of [`Incoming::KINDS`].
    fn receive(event_type: &str, version: u16, json: &[u8]) -> Result<Self, DecodeError>;

    /// Takes a payload that was read already, in an older version, and made one of [`Incoming::KINDS`]. `None`: it is none of those types.
    fn take(payload: Box<dyn Any + Send>) -> Option<Self>;
}

impl<E: Payload> Incoming for E {
    const KINDS: &'static [Kind] = &[Kind::of::<E>()];

    fn receive(event_type: &str, version: u16, json: &[u8]) -> Result<Self, DecodeError> {
        if event_type != E::EVENT_TYPE || version != E::VERSION {
            return Err(DecodeError::unknown(event_type, version));
        }
        E::decode(json, Reading::Tolerant)
    }

    fn take(payload: Box<dyn Any + Send>) -> Option<Self> {
        payload.downcast().ok().map(|payload| *payload)
    }
}

/// The registry lists domain `D` as a subscriber.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not delivered to domain `{D}`",
    label = "the domain does not subscribe to this event type",
    note = "add the domain to `subscribers` in event-types-registry.json"
)]
pub trait SubscribedBy<D: Domain>: Incoming {}
