//! What would mend a value that breaks a rule: for the feature `proptest`, which has to find values that keep rules.

use std::sync::Arc;

use crate::payload::Json;
#[cfg(feature = "proptest")]
use crate::payload::reader::Segment;

/// Advice, and where in the value it applies.
#[cfg(feature = "proptest")]
#[derive(Debug, Clone)]
pub(crate) struct Advised {
    pub(crate) advice: Advice,
    /// From the inside out.
    pub(crate) path: Vec<Segment>,
}

/// All that is advised, in a box since errors are small. What is wrong is the same, whatever the advice.
#[cfg(feature = "proptest")]
#[derive(Debug, Clone, Default)]
#[expect(clippy::box_collection, reason = "one word is what there is room for")]
pub(crate) struct AllAdvised(Option<Box<Vec<Advised>>>);

#[cfg(feature = "proptest")]
impl AllAdvised {
    pub(crate) fn as_slice(&self) -> &[Advised] {
        self.0.as_deref().map_or(&[], Vec::as_slice)
    }

    pub(crate) fn each(&mut self, change: impl FnMut(&mut Advised)) {
        self.0.iter_mut().flat_map(|all| all.iter_mut()).for_each(change);
    }

    pub(crate) fn add(&mut self, advised: impl IntoIterator<Item = Advised>) {
        self.0.get_or_insert_default().extend(advised);
    }
}

#[cfg(feature = "proptest")]
impl PartialEq for AllAdvised {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// What would mend a value.
#[derive(Debug, Clone)]
#[cfg_attr(not(feature = "proptest"), expect(dead_code, reason = "nobody mends without the feature"))]
pub(crate) enum Advice {
    /// A number at least, or more than, this.
    AtLeast {
        bound: &'static str,
        exclusive: bool,
    },
    /// A number at most, or less than, this.
    AtMost {
        bound: &'static str,
        exclusive: bool,
    },
    MultipleOf(&'static str),
    Whole,
    /// A value of these JSON types.
    Types(u8),
    OneOf(Arc<[Json]>),
    /// A text of a format.
    Format(&'static str),
    /// A text of so many characters at least.
    Longer(usize),
    /// A text of so many characters at most.
    Shorter(usize),
    /// A value of a type.
    Be(Sampler),
    /// This member.
    Member(&'static str),
    /// Another member.
    MoreMembers,
    /// One member less.
    FewerMembers,
    /// Another item.
    MoreItems,
    /// So many items at most.
    FewerItems(usize),
    /// No item that is there twice.
    Differing,
    /// Not to be there.
    Leave,
}

pub(crate) use self::sampler::{Sampler, sampler};

#[cfg(feature = "proptest")]
mod sampler {
    use crate::payload::arbitrary::{Rejected, Sampled, Source};
    use crate::payload::{Json, encode};

    /// Draws a value.
    pub(crate) type Sampler = fn(&mut Source<'_>) -> Result<Json, Rejected>;

    /// What draws a value of a type.
    pub(crate) fn sampler<T: Sampled>() -> Sampler {
        |source| {
            let json = encode(&T::sample(source)?).map_err(|_| Rejected::new())?;
            json.parse().map_err(|_| Rejected::new())
        }
    }
}

#[cfg(not(feature = "proptest"))]
mod sampler {
    /// There is nothing to draw from.
    #[derive(Debug, Clone)]
    pub(crate) struct Sampler;

    #[expect(clippy::extra_unused_type_parameters, reason = "who asks names the type")]
    pub(crate) fn sampler<T>() -> Sampler {
        Sampler
    }
}
