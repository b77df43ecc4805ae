//! What must become of published events: a few lists in memory, which know nothing of windows.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use crate::program::{Fate, GROUPS};

/// One event: its number grows with each publishing of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Number(pub(crate) i64);

#[derive(Debug, Clone, Copy)]
pub(crate) struct Published {
    pub(crate) number: Number,
    pub(crate) subject: u8,
    pub(crate) fate: Fate,
}

impl Published {
    pub(crate) fn about(&self) -> String {
        format!("s{}", self.subject)
    }
}

/// What the groups' handlers wrote, in order, by group and what it is about.
pub(crate) type Effects = BTreeMap<(String, String), Vec<i64>>;

/// What is left in `held`: what it is about, its number, and whether it is dead or behind a dead one.
pub(crate) type Held = BTreeSet<(String, i64, String)>;

#[derive(Debug, Default)]
pub(crate) struct Model {
    /// What was committed.
    pub(crate) committed: Vec<Published>,
    pub(crate) groups: [Group; GROUPS.len()],
}

#[derive(Debug, Default)]
pub(crate) struct Group {
    pub(crate) made: bool,
    /// What was committed before the group was made that begins with what is new.
    pub(crate) before: HashSet<(String, i64)>,
    /// Dead letters that were redriven: they are handled now.
    pub(crate) mended: HashSet<Number>,
    pub(crate) discarded: HashSet<Number>,
    /// Into how many ranges it is to be split, if that was ever said.
    pub(crate) ranges: Option<i64>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) handled: BTreeMap<String, Vec<i64>>,
    pub(crate) held: Held,
}

impl Model {
    /// Everything in the log, by what it is about, in the order of publishing. Answers are those of events that were handled.
    pub(crate) fn log(&self, effects: &Effects) -> BTreeMap<String, Vec<(i64, Fate)>> {
        let mut log: BTreeMap<String, Vec<(i64, Fate)>> = BTreeMap::new();
        let mut committed = self.committed.clone();
        committed.sort_unstable_by_key(|event| event.number);
        for event in &committed {
            log.entry(event.about()).or_default().push((event.number.0, event.fate));
            if event.fate != Fate::Answered {
                continue;
            }
            for group in GROUPS {
                let handled = effects.get(&(group.into(), event.about()));
                if handled.is_some_and(|numbers| numbers.contains(&event.number.0)) {
                    log.entry(answer_about(group, &event.about())).or_default().push((event.number.0, Fate::Handled));
                }
            }
        }
        log
    }

    /// What a group has handled and holds when all is done that can be.
    pub(crate) fn expected(&self, group: usize, effects: &Effects) -> Expected {
        let of = &self.groups[group];
        let mut expected = Expected { handled: BTreeMap::new(), held: Held::new() };
        for (about, events) in self.log(effects) {
            let mut dead = false;
            for (number, fate) in events {
                if of.before.contains(&(about.clone(), number)) || of.discarded.contains(&Number(number)) {
                    continue;
                }
                let dies = matches!(fate, Fate::Rejected | Fate::Hopeless) && !of.mended.contains(&Number(number));
                match (dead, dies) {
                    (true, _) => _ = expected.held.insert((about.clone(), number, "behind".into())),
                    (false, true) => _ = expected.held.insert((about.clone(), number, "dead".into())),
                    (false, false) => expected.handled.entry(about.clone()).or_default().push(number),
                }
                dead |= dies;
            }
        }
        expected
    }
}

pub(crate) fn answer_about(group: &str, about: &str) -> String {
    format!("{group}/{about}")
}
