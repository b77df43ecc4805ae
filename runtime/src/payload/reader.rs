//! One document being read.
//!
//! Reading that succeeds costs nothing here. An error records the broken rule, and each level that it passes on its way out adds
//! its segment of the path.
//!
//! Parts whose type depends on what they hold are read from their text, some more than once (`again`). Who asks for all errors has every
//! part read so (`parts`).

mod again;
mod parts;

use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};

use serde::de;

use self::again::Memo;
pub(crate) use self::again::{Judge, MOST_LEVELS, StrJson, Verdict};
pub(crate) use self::parts::{Last, Parts, read_all};

use super::Read;
use super::error::{DecodeError, Invalid, Violation};
use super::object::Field;
use super::rules::Advice;
#[cfg(feature = "proptest")]
use super::rules::{Advised, AllAdvised};

/// How strictly a document is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reading {
    /// As a producer must write: every rule of the schema holds.
    Strict,
    /// As a consumer must read, for whom a later minor revision of the contract may add to what it knows: unknown properties of
    /// closed objects are ignored, and an unknown word of an enum reads as [`Unrecognized`](super::Unrecognized). Every
    /// other rule holds.
    Tolerant,
}

/// One document being read: how strictly, and the first rule that it breaks, or all of them.
#[derive(Debug)]
pub struct Reader {
    reading: Cell<Reading>,
    /// Whether reading goes on after an error.
    wants_all: Cell<bool>,
    found: RefCell<Option<Found>>,
    /// How many objects and arrays are being read part by part, each within the one before, in one text.
    wholes: Cell<usize>,
    /// How many texts of parts are being read, each within the one before.
    texts: Cell<usize>,
    memo: RefCell<Option<Box<Memo>>>,
}

/// A broken rule, while its path is being built from the inside out.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Found {
    rule: Cow<'static, str>,
    value: Option<Box<str>>,
    /// Whether the rule is about the value's type in JSON.
    is_of_type: bool,
    path: Vec<Segment>,
    /// How many segments of the path lie beneath the outermost sensitive property.
    sensitive: Option<usize>,
    /// What else is wrong in the value, where all errors are wanted. These have no more of their own.
    more: Vec<Found>,
    /// Any of which would mend the value.
    #[cfg(feature = "proptest")]
    advised: AllAdvised,
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Segment {
    /// A property that the schema names.
    Declared(&'static str),
    /// A property that only the data names.
    Named(String),
    /// An item of an array.
    Item(usize),
}

const SHOWN_VALUE_CHARS: usize = 60;
const SHOWN_NAME_CHARS: usize = 200;

impl Reader {
    pub(crate) fn new(reading: Reading) -> Self {
        Self {
            reading: Cell::new(reading),
            wants_all: Cell::new(false),
            found: RefCell::new(None),
            wholes: Cell::new(0),
            texts: Cell::new(0),
            memo: RefCell::new(None),
        }
    }

    /// How strictly the document is read.
    #[must_use]
    pub fn reading(&self) -> Reading {
        self.reading.get()
    }

    /// Refuses a value. The error ends the reading; pass it on.
    #[cold]
    pub fn refuse<E: de::Error>(&self, invalid: Invalid, value: &dyn fmt::Debug) -> E {
        self.record_rule(invalid.into_rule(), Some(format!("{value:?}")))
    }

    /// Refuses what is absent, or an object or array as a whole. The error ends the reading; pass it on.
    #[cold]
    pub fn refuse_whole<E: de::Error>(&self, invalid: Invalid) -> E {
        self.record_rule(invalid.into_rule(), None)
    }

    /// Says that a value was expected to be, say, `a string`, unless a broken rule within it was met before.
    #[cold]
    pub fn expected<E: de::Error>(&self, expected: &str, error: E) -> E {
        if self.found.borrow().is_none() {
            self.record_type(expected, found_instead(&error.to_string()));
        }
        error
    }

    /// Like [`expected`](Self::expected), for objects and arrays, whose parts may be sensitive: shows no value.
    #[cold]
    pub fn expected_whole<E: de::Error>(&self, expected: &str, error: E) -> E {
        if self.found.borrow().is_none() {
            self.record_type(expected, None);
        }
        error
    }

    /// Refuses a value that is of another kind than expected, as [`expected`](Self::expected) does.
    #[cold]
    pub(crate) fn unexpected<E: de::Error>(&self, expected: &str, found: String) -> E {
        let error = E::custom(format_args!("is not {expected}"));
        self.record_type(expected, Some(found));
        error
    }

    /// Refuses a part of a value.
    #[cold]
    pub(crate) fn refuse_part<E: de::Error>(&self, broken: Broken) -> E {
        self.refuse_found(broken.into())
    }

    /// Refuses what was found to be wrong before.
    #[cold]
    pub(crate) fn refuse_found<E: de::Error>(&self, found: Found) -> E {
        let error = E::custom(&found.rule);
        self.found.borrow_mut().get_or_insert(found);
        error
    }

    /// Adds the property in which the error arose to its path.
    #[cold]
    pub(crate) fn within_field<E: de::Error>(&self, field: &Field, error: E) -> E {
        let error = self.within(Segment::Declared(field.name), error);
        if field.sensitive
            && let Some(found) = self.found.borrow_mut().as_mut()
        {
            found.each(|found| found.sensitive = Some(found.path.len() - 1));
        }
        error
    }

    /// Adds a step in which the error arose to its path.
    #[cold]
    pub(crate) fn within<E>(&self, segment: Segment, error: E) -> E {
        self.found.borrow_mut().get_or_insert_with(Found::unreadable).step(segment);
        error
    }

    fn record_rule<E: de::Error>(&self, rule: Cow<'static, str>, value: Option<String>) -> E {
        let error = E::custom(&rule);
        self.found.borrow_mut().get_or_insert_with(|| Found::new(rule, value));
        error
    }

    fn record_type(&self, expected: &str, value: Option<String>) {
        let found = Found { is_of_type: true, ..Found::new(format!("is not {expected}").into(), value) };
        self.found.borrow_mut().get_or_insert(found);
    }

    /// What ended the reading. serde_json says whether the text itself was at fault.
    #[cold]
    pub(crate) fn into_error(self, error: &serde_json::Error) -> DecodeError {
        if !error.is_data() {
            return DecodeError::syntax(error);
        }
        let found = self.found.into_inner().unwrap_or_else(Found::unreadable);
        DecodeError::Violation(found.into_violation())
    }
}

/// A rule that is broken somewhere in a value that is no longer being read. What the value is there, it does not say.
#[derive(Debug, Clone, PartialEq)]
pub struct Broken(Found);

impl Broken {
    #[cold]
    pub(crate) fn new(rule: impl Into<Cow<'static, str>>) -> Self {
        Self(Found::new(rule.into(), None))
    }

    pub(crate) fn rule(&self) -> &str {
        &self.0.rule
    }

    /// Adds a step in which the rule is broken to its path.
    #[cold]
    pub(crate) fn within(mut self, segment: Segment) -> Self {
        self.0.step(segment);
        self
    }

    /// Says what would mend the value, to who can mend.
    #[cfg_attr(not(feature = "proptest"), expect(unused_mut, unused_variables, reason = "nobody can"))]
    pub(crate) fn advising(mut self, advice: impl FnOnce() -> Advice) -> Self {
        #[cfg(feature = "proptest")]
        {
            self.0.advised = AllAdvised::default();
            self.0.advised.add([Advised { advice: advice(), path: Vec::new() }]);
        }
        self
    }

    /// Adds what others would have said.
    #[cfg_attr(not(feature = "proptest"), expect(unused_mut, unused_variables, reason = "nobody can mend"))]
    pub(crate) fn advised_by(mut self, others: impl FnOnce() -> Vec<Self>) -> Self {
        #[cfg(feature = "proptest")]
        others().iter().for_each(|other| self.0.advised.add(other.advised().iter().cloned()));
        self
    }

    #[cfg(feature = "proptest")]
    pub(crate) fn advised(&self) -> &[Advised] {
        self.0.advised.as_slice()
    }

    /// Adds what else is broken.
    #[cold]
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.and(other.0);
        self
    }

    pub(crate) fn is_full(&self) -> bool {
        self.0.is_full()
    }

    /// Hides what lies beneath the sensitive properties of a type, which the value is of.
    #[cold]
    pub(crate) fn in_a<T: Read>(mut self) -> Self {
        self.0.each(|found| found.sensitive = found.sensitive.max(T::beneath_sensitive(Steps(&found.path))));
        self
    }

    /// Sorts what is broken into the order in which it stands in the value's text.
    #[cold]
    pub(crate) fn in_order_of(self, text: &str) -> Self {
        Self(self.0.in_order_of(text))
    }
}

/// For a value that is not part of a document.
impl From<Broken> for Invalid {
    fn from(Broken(found): Broken) -> Self {
        if found.path.is_empty() {
            return Self::new(found.rule);
        }
        Self::new(format!("at {}: {}", found.pointer(), found.rule))
    }
}

impl From<Invalid> for Broken {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.into_rule())
    }
}

/// Without the value.
impl From<Found> for Broken {
    fn from(mut found: Found) -> Self {
        found.each(|found| (found.value, found.is_of_type) = (None, false));
        Self(found)
    }
}

impl From<Broken> for Found {
    fn from(Broken(found): Broken) -> Self {
        found
    }
}

/// The rest of a path into a value, from the inside out.
#[derive(Debug, Clone, Copy)]
pub struct Steps<'p>(&'p [Segment]);

impl<'p> Steps<'p> {
    /// The first step, and those beneath.
    pub(crate) fn first(self) -> Option<(&'p Segment, Self)> {
        self.0.split_last().map(|(first, rest)| (first, Self(rest)))
    }

    pub(crate) fn count(self) -> usize {
        self.0.len()
    }
}

impl Segment {
    /// The property's name.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Declared(name) => Some(name),
            Self::Named(name) => Some(name),
            Self::Item(_) => None,
        }
    }
}

impl Found {
    fn new(rule: Cow<'static, str>, value: Option<String>) -> Self {
        Self {
            rule,
            value: value.map(String::into_boxed_str),
            is_of_type: false,
            path: Vec::new(),
            sensitive: None,
            more: Vec::new(),
            #[cfg(feature = "proptest")]
            advised: AllAdvised::default(),
        }
    }

    fn unreadable() -> Self {
        Self::new("can't be read".into(), None)
    }

    fn step(&mut self, segment: Segment) {
        self.more.iter_mut().for_each(|found| found.path.push(segment.clone()));
        #[cfg(feature = "proptest")]
        self.advised.each(|advised| advised.path.push(segment.clone()));
        self.path.push(segment);
    }

    fn each(&mut self, change: impl Fn(&mut Self)) {
        change(self);
        self.more.iter_mut().for_each(change);
    }

    /// How deep in the value the rule is broken.
    pub(crate) fn depth(&self) -> usize {
        self.path.len()
    }

    /// Whether the value as a whole is of a type in JSON that is not the one expected.
    pub(crate) fn is_of_root_type(&self) -> bool {
        self.is_of_type && self.path.is_empty()
    }

    fn into_violation(self) -> Violation {
        let pointer = self.pointer();
        let value = self.value.map(|value| match self.sensitive {
            Some(_) => "<redacted>".to_owned(),
            None => shortened(&value, SHOWN_VALUE_CHARS),
        });
        Violation { pointer, rule: self.rule.into_owned(), value }
    }

    fn pointer(&self) -> String {
        let mut pointer = String::new();
        for (beneath, segment) in self.path.iter().enumerate().rev() {
            let is_sensitive = self.sensitive.is_some_and(|sensitive| beneath < sensitive);
            match segment {
                Segment::Named(_) if is_sensitive => break,
                Segment::Declared(name) => push_escaped(&mut pointer, name),
                Segment::Named(name) => push_escaped(&mut pointer, &shortened(name, SHOWN_NAME_CHARS)),
                Segment::Item(index) => {
                    let _ = write!(pointer, "/{index}");
                }
            }
        }
        pointer
    }
}

/// RFC 6901 section 3: `~` is written as `~0` and `/` as `~1`.
fn push_escaped(pointer: &mut String, name: &str) {
    pointer.push('/');
    for c in name.chars() {
        match c {
            '~' => pointer.push_str("~0"),
            '/' => pointer.push_str("~1"),
            c => pointer.push(c),
        }
    }
}

/// serde says ``invalid type: integer `5`, expected a string``; what was expected are our own words, without a comma.
fn found_instead(message: &str) -> Option<String> {
    let (found, _) = message.strip_prefix("invalid type: ")?.rsplit_once(", expected ")?;
    Some(match found {
        "map" => "an object".to_owned(),
        "sequence" => "an array".to_owned(),
        other => other.replace('`', ""),
    })
}

/// Says what the text of a value is, in the words of [`found_instead`].
pub(crate) fn found_in(json: &str) -> String {
    match json.as_bytes().first() {
        Some(b'{') => "an object".to_owned(),
        Some(b'[') => "an array".to_owned(),
        Some(b'"') => format!("string {json}"),
        Some(b't' | b'f') => format!("boolean {json}"),
        _ => json.to_owned(),
    }
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
