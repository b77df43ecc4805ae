//! Rules of arrays.

use std::collections::HashSet;

use super::{Advice, Broken, Rule, breaks, keep_all, of_arrays};
use crate::payload::list::check_count;
use crate::payload::reader::Segment;
use crate::payload::{Json, Reader};

/// `minItems`
pub fn min_items(count: usize) -> Rule {
    of_arrays(move |items, _| {
        check_count(items.len(), count, usize::MAX).map_err(|few| Broken::from(few).advising(|| Advice::MoreItems))
    })
}

/// `maxItems`
pub fn max_items(count: usize) -> Rule {
    of_arrays(move |items, _| {
        check_count(items.len(), 0, count).map_err(|many| Broken::from(many).advising(|| Advice::FewerItems(count)))
    })
}

/// `uniqueItems`, in time linear in the size of the array.
pub fn unique() -> Rule {
    of_arrays(|items, _| {
        let mut seen = HashSet::with_capacity(items.len());
        if items.iter().all(|item| seen.insert(item)) {
            return Ok(());
        }
        Err(Broken::new("has equal items").advising(|| Advice::Differing))
    })
}

/// `contains`, `minContains` and `maxContains`
#[must_use]
pub fn contains(item: Rule, min: usize, max: usize) -> Rule {
    of_arrays(move |items, reader| {
        // one more than allowed, or as many as asked for: the rest does not matter
        let enough = if max == usize::MAX { min } else { max + 1 };
        let count = items.iter().filter(|one| item.holds(one, reader)).take(enough).count();
        if count < min {
            let broken = breaks(if min == 1 { "contains" } else { "minContains" });
            return Err(broken.advising(|| Advice::MoreItems).advised_by(|| complaints(&item, items, reader)));
        }
        if count > max { Err(breaks("maxContains")) } else { Ok(()) }
    })
}

/// What a rule has to say of items.
fn complaints(rule: &Rule, items: &[Json], reader: &Reader) -> Vec<Broken> {
    let complaint = |(index, item)| rule.check(item, reader).err().map(|broken| broken.within(Segment::Item(index)));
    items.iter().enumerate().filter_map(complaint).collect()
}

/// `prefixItems`, and `items` for the rest.
#[must_use]
pub fn prefix_items<const N: usize>(prefix: [Rule; N], rest: Option<Rule>) -> Rule {
    of_arrays(move |items, reader| {
        let ruled = items.iter().enumerate().map_while(|(index, item)| {
            let rule = prefix.get(index).or(rest.as_ref())?;
            Some(rule.check(item, reader).map_err(|broken| broken.within(Segment::Item(index))))
        });
        keep_all(reader, ruled)
    })
}
