//! Keywords are *taken* by the rule that enforces them. What nothing took is left to a check of the whole value: a keyword is
//! never dropped.

use crate::model::Docs;
use crate::node::{Member, Node, Value};
use crate::vocabulary::{Dialect, Judges, is_annotation, keyword_of};

use super::types::TypeSet;

/// The keywords of one schema that nothing has taken yet.
#[derive(Default)]
pub(super) struct Keywords<'a> {
    left: Vec<&'a Member>,
}

/// What the annotations of a schema say.
#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    pub(super) docs: Docs,
    pub(super) sensitive: bool,
    pub(super) deprecated: bool,
    pub(super) rust_name: Option<String>,
}

impl<'a> Keywords<'a> {
    pub(super) fn of(node: &'a Node) -> Keywords<'a> {
        Keywords { left: node.members().iter().collect() }
    }

    pub(super) fn take(&mut self, keyword: &str) -> Option<&'a Node> {
        let index = self.left.iter().position(|member| member.key == keyword)?;
        Some(&self.left.remove(index).value)
    }

    /// Takes the keyword where its value is of the kind that a rule enforces.
    pub(super) fn take_if(&mut self, keyword: &str, fits: impl FnOnce(&Node) -> bool) -> Option<&'a Node> {
        let found = self.get(keyword)?;
        if fits(found) { self.take(keyword) } else { None }
    }

    pub(super) fn get(&self, keyword: &str) -> Option<&'a Node> {
        self.left.iter().find(|member| member.key == keyword).map(|member| &member.value)
    }

    pub(super) fn has(&self, keyword: &str) -> bool {
        self.get(keyword).is_some()
    }

    /// Takes all annotations.
    pub(super) fn take_notes(&mut self) -> Notes {
        let notes = Notes {
            docs: Docs { title: self.text("title"), description: self.text("description") },
            sensitive: self.flag("x-sensitive"),
            deprecated: self.flag("deprecated"),
            rust_name: self.text("x-rust-name"),
        };
        self.left.retain(|member| !is_annotation(&member.key));
        notes
    }

    /// Takes what lets every value of the given types pass.
    pub(super) fn take_vacuous(&mut self, types: TypeSet) {
        self.left.retain(|member| {
            let judges = keyword_of(&member.key, Dialect::Draft202012).map(|keyword| keyword.judges);
            match judges {
                Some(Judges::Strings) => types.string,
                Some(Judges::Numbers) => types.number.is_some(),
                Some(Judges::Arrays) => types.array,
                Some(Judges::Objects) => types.object,
                _ => true,
            }
        });
        for (keyword, without) in
            [("then", "if"), ("else", "if"), ("minContains", "contains"), ("maxContains", "contains")]
        {
            if !self.has(without) {
                self.take(keyword);
            }
        }
        if !self.has("then") && !self.has("else") {
            self.take("if");
        }
    }

    /// Takes those that judge one type only, as a schema's of that type.
    pub(super) fn take_about(&mut self, judges: Judges) -> Keywords<'a> {
        let about = |member: &&'a Member| {
            keyword_of(&member.key, Dialect::Draft202012).is_some_and(|keyword| keyword.judges == judges)
        };
        let (taken, left) = std::mem::take(&mut self.left).into_iter().partition(about);
        self.left = left;
        Keywords { left: taken }
    }

    /// What nothing has taken.
    pub(super) fn left(&self) -> &[&'a Member] {
        &self.left
    }

    /// The names of what nothing has taken.
    pub(super) fn keys(&self) -> Vec<String> {
        self.left.iter().map(|member| member.key.clone()).collect()
    }

    fn text(&mut self, keyword: &str) -> Option<String> {
        self.take(keyword)?.as_str().map(str::to_owned)
    }

    fn flag(&mut self, keyword: &str) -> bool {
        self.take(keyword).is_some_and(|node| node.value == Value::Bool(true))
    }
}
