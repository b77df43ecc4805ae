//! Payloads at random, for property tests with the crate `proptest` (feature `proptest`).
//!
//! Under the feature, what the derives make and the types of this crate are `Arbitrary`, so a test can ask for any payload. Each is valid: it
//! can be encoded, and strict reading gives it back.
#![cfg_attr(
    feature = "proptest",
    doc = "
```
use eventwright::payload::{decode, encode};
use eventwright::{Int, Maybe, Object, Reading};
use proptest::prelude::*;

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
pub struct LeadReached {
    pub attempt_number: Int<1, 4>,
    #[object(optional)]
    pub outcome: Maybe<String>,
}

proptest! {
    # /*
    #[test]
    # */
    fn handles_any(event: LeadReached) {
        let json = encode(&event).unwrap();
        prop_assert!(decode::<LeadReached>(json.as_bytes(), Reading::Strict).unwrap() == event);
    }
}
# handles_any();
```
"
)]
//!
//! Edges come often: the least and greatest number, the shortest and longest text, no items and most items, properties that are
//! absent or null. Enums are never unrecognized; open objects sometimes have members that nothing names. A type within itself ends
//! after a few levels.
//!
//! Failing values are shrunk, and stay valid. They are printed as `Debug` does, so what is sensitive is redacted.
//!
//! Types from elsewhere that have no `Arbitrary`, or one of other values (a `String`, an `OffsetDateTime`, a `Vec`), are to be had from
//! `samples`. A payload type that is written by hand implements `Sample`, and is then one like the others.

#[cfg(feature = "proptest")]
mod checked;
#[cfg(feature = "proptest")]
mod collections;
#[cfg(feature = "proptest")]
mod formats;
#[cfg(feature = "proptest")]
mod json;
#[cfg(feature = "proptest")]
mod mend;
#[cfg(feature = "proptest")]
mod numbers;
#[cfg(feature = "proptest")]
mod objects;
#[cfg(all(feature = "proptest", feature = "regex"))]
mod regex;
#[cfg(feature = "proptest")]
mod source;
#[cfg(feature = "proptest")]
mod strategy;
#[cfg(feature = "proptest")]
mod text;
#[cfg(feature = "proptest")]
mod times;

#[cfg(feature = "proptest")]
pub use self::of_feature::*;

#[cfg(feature = "proptest")]
mod of_feature {
    use std::fmt;

    #[doc(hidden)]
    pub use proptest;

    #[cfg(feature = "jsonschema")]
    #[doc(hidden)]
    pub use super::checked::judged;
    #[doc(hidden)]
    pub use super::checked::{named, ruled};
    #[doc(hidden)]
    pub use super::objects::{SampleOptional, id, rest, union, word};
    #[cfg(feature = "regex")]
    #[doc(hidden)]
    pub use super::regex::{Hir, matching, parsed};
    pub use super::source::{Rejected, Source};
    pub use super::strategy::{SampleTree, Samples, samples};
    #[doc(hidden)]
    pub use super::text::pattern;

    /// A payload type of which there are values at random.
    ///
    /// The derives implement it. A type that is written by hand draws what it is made of:
    ///
    /// ```
    /// use eventwright::payload::arbitrary::{Rejected, Sample, Source, samples};
    /// use proptest::prelude::*;
    ///
    /// #[derive(Debug)]
    /// struct Dice(u64);
    ///
    /// impl Sample for Dice {
    ///     fn sample(source: &mut Source<'_>) -> Result<Self, Rejected> {
    ///         Ok(Self(source.below(6) + 1))
    ///     }
    /// }
    ///
    /// proptest!(|(dice in samples::<Dice>())| prop_assert!(dice.0 <= 6));
    /// ```
    #[diagnostic::on_unimplemented(
        message = "there are no values of `{Self}` at random, which the feature `proptest` of eventwright needs",
        note = "implement `eventwright::payload::arbitrary::Sample` for it"
    )]
    pub trait Sample: Sized + fmt::Debug {
        /// Draws a value that is valid under strict reading.
        ///
        /// # Errors
        /// Where what was drawn leads to none.
        fn sample(source: &mut Source<'_>) -> Result<Self, Rejected>;
    }
}

/// Makes a type `Sample` and `Arbitrary`.
#[cfg(feature = "proptest")]
#[doc(hidden)]
#[macro_export]
macro_rules! __arbitrary {
    ([$($generics:tt)*] $type:ty, |$source:ident| $sample:expr) => {
        impl<$($generics)*> $crate::payload::arbitrary::Sample for $type {
            fn sample(
                $source: &mut $crate::payload::arbitrary::Source<'_>,
            ) -> ::core::result::Result<Self, $crate::payload::arbitrary::Rejected> {
                $sample
            }
        }

        impl<$($generics)*> $crate::payload::arbitrary::proptest::arbitrary::Arbitrary for $type {
            type Parameters = ();
            type Strategy = $crate::payload::arbitrary::Samples<Self>;

            fn arbitrary_with((): ()) -> Self::Strategy {
                $crate::payload::arbitrary::samples()
            }
        }
    };
    ($type:ty, |$source:ident| $sample:expr) => {
        $crate::__arbitrary!([] $type, |$source| $sample);
    };
}

/// Nothing: without the feature there are no values at random.
#[cfg(not(feature = "proptest"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __arbitrary {
    ($($sample:tt)*) => {};
}

/// A type that rules name: with the feature one of which there are values at random, else any.
#[cfg(feature = "proptest")]
#[doc(hidden)]
pub trait Sampled: of_feature::Sample + super::Write {}
#[cfg(feature = "proptest")]
impl<T: of_feature::Sample + super::Write> Sampled for T {}

/// A type that rules name: with the feature one of which there are values at random, else any.
#[cfg(not(feature = "proptest"))]
#[doc(hidden)]
pub trait Sampled {}
#[cfg(not(feature = "proptest"))]
impl<T> Sampled for T {}
