//! Rules that no type says, about the value as a whole: what `not`, `if`, `contains` and their like become.
//!
//! A schema within such a keyword shapes nothing: it is a condition, made of rules itself, and of types where it refers to one.

use super::compose;
use super::keywords::Keywords;
use super::level::level;
use super::schema::{Path, Step, Types};
use super::types::{Numbers, TypeSet};
use super::{strings, unions};
use crate::link::Target;
use crate::model::{Class, Named, Nullable, Predicate, Rule};
use crate::node::{Member, Node, Value};
use crate::vocabulary::{count, is_annotation};

/// Deeper than any condition that a person reads; beyond it, the schema itself is asked.
const DEEPEST: usize = 24;

impl Types<'_, '_> {
    /// Takes what rules can say of the keywords that no type took.
    /// `named` are the properties that a type has taken.
    pub(super) fn rules(&mut self, keywords: &mut Keywords<'_>, named: Vec<String>, path: &Path) -> Vec<Rule> {
        let mut rules = Vec::new();
        let left: Vec<&Member> = keywords.left().to_vec();
        let beside = Beside { members: &left, named };
        for member in &left {
            if let Some(rule) = self.rule(member, &beside, path) {
                rules.extend(rule);
                keywords.take(&member.key);
            }
        }
        rules
    }

    /// What a keyword asks, beside others; none where no rule says it, and no rule in it where another keyword's says it.
    fn rule(&mut self, member: &Member, beside: &Beside<'_>, path: &Path) -> Option<Option<Rule>> {
        let node = &member.value;
        let key = member.key.as_str();
        let rule = match key {
            "type" => return Some(types(TypeSet::named(node))),
            "enum" => Rule::Values(node.as_array()?.iter().map(json).collect()),
            "const" => Rule::Values(vec![json(node)]),
            "not" => Rule::Not(self.within(node, "not", path)?),
            "anyOf" => Rule::AnyOf(self.each(node, "any_of", path)?),
            "oneOf" => match unions::told_apart(node.as_array()?, self.linked) {
                Some((tag, values)) => {
                    let rules = self.each(node, "one_of", path)?;
                    let null = values.contains(&None);
                    let branches = values.into_iter().zip(rules).filter_map(|(value, rule)| Some((value?, rule)));
                    Rule::Tagged { tag, branches: branches.collect(), null }
                }
                None => Rule::OneOf(self.each(node, "one_of", path)?),
            },
            "allOf" => Rule::AllOf(self.each(node, "all_of", path)?),
            "$ref" => Rule::AllOf(vec![self.referred(node, path)?]),
            "if" => self.when(node, beside, path)?,
            // `if` takes them; without it they mean nothing
            "then" | "else" => return Some(None),
            "minProperties" => Rule::Count("min_properties", length(node)?),
            "maxProperties" => Rule::Count("max_properties", length(node)?),
            "minItems" => Rule::Count("min_items", length(node)?),
            "maxItems" => Rule::Count("max_items", length(node)?),
            "minLength" => Rule::Count("min_length", length(node)?),
            "maxLength" => Rule::Count("max_length", length(node)?),
            "minimum" => Rule::Bound("minimum", number(node)?),
            "maximum" => Rule::Bound("maximum", number(node)?),
            "exclusiveMinimum" => Rule::Bound("exclusive_minimum", number(node)?),
            "exclusiveMaximum" => Rule::Bound("exclusive_maximum", number(node)?),
            "multipleOf" => Rule::Bound("multiple_of", number(node)?),
            "format" if strings::is_annotation(node, self.settings.formats) => return Some(None),
            "format" => Rule::Format(node.as_str()?.to_owned()),
            "pattern" => Rule::Matches(self.pattern_type(node, node.as_str()?, path)?),
            "required" => match names(node) {
                names if names.is_empty() => return Some(None),
                names => Rule::Required(names),
            },
            "dependentRequired" => {
                let entries = node.members().iter().map(|member| (member.key.clone(), names(&member.value)));
                Rule::DependentRequired(entries.collect())
            }
            "dependentSchemas" => Rule::DependentSchemas(self.named_each(node, path)?),
            "propertyNames" => Rule::PropertyNames(self.within(node, "name", path)?),
            "properties" => Rule::Properties(self.named_each(node, path)?),
            "patternProperties" | "additionalProperties" => {
                // one rule for both, made where the first of them stands
                let first = beside.first(&["patternProperties", "additionalProperties"]);
                return match first == Some(key) {
                    true => self.members_rule(beside, path).map(Some),
                    false => Some(None),
                };
            }
            "prefixItems" | "items" => {
                return match beside.first(&["prefixItems", "items"]) == Some(key) {
                    true => self.items_rule(beside, path).map(Some),
                    false => Some(None),
                };
            }
            "contains" => Rule::Contains {
                item: self.within(node, "contained", path)?,
                min: beside.get("minContains").and_then(length).unwrap_or(1),
                max: beside.get("maxContains").and_then(length),
            },
            // `contains` takes them; without it they mean nothing
            "minContains" | "maxContains" => return Some(None),
            "unevaluatedProperties" | "unevaluatedItems" => Rule::Unevaluated {
                items: key == "unevaluatedItems",
                rest: self.within(node, "rest", path)?,
                seen: self.seen(member, path)?,
            },
            "uniqueItems" if node.value == Value::Bool(true) => Rule::Unique,
            "uniqueItems" => return Some(None),
            _ => return None,
        };
        Some(Some(rule))
    }

    fn when(&mut self, node: &Node, beside: &Beside<'_>, path: &Path) -> Option<Rule> {
        let condition = self.within(node, "if", path)?;
        let mut branch = |key: &str| match beside.get(key) {
            Some(node) => self.within(node, key, path).map(Some),
            None => Some(None),
        };
        Some(Rule::When { condition, then: branch("then")?, otherwise: branch("else")? })
    }

    fn members_rule(&mut self, beside: &Beside<'_>, path: &Path) -> Option<Rule> {
        let named = beside.named.iter().cloned();
        let beside_named = beside.get("properties").map(Node::members).unwrap_or_default();
        let named = named.chain(beside_named.iter().map(|member| member.key.clone())).collect();
        let mut patterns = Vec::new();
        for member in beside.get("patternProperties").map(Node::members).unwrap_or_default() {
            let pattern = self.pattern_type(&member.value, &member.key, path)?;
            patterns.push((pattern, self.within(&member.value, "member", path)?));
        }
        let others = match beside.get("additionalProperties") {
            Some(node) => Some(self.within(node, "other", path)?),
            None => None,
        };
        Some(Rule::Members { named, patterns, others })
    }

    fn items_rule(&mut self, beside: &Beside<'_>, path: &Path) -> Option<Rule> {
        let prefix = match beside.get("prefixItems") {
            Some(list) => self.each(list, "item", path)?,
            None => Vec::new(),
        };
        let rest = match beside.get("items") {
            Some(node) => Some(self.within(node, "item", path)?),
            None => None,
        };
        Some(Rule::Items { prefix, rest })
    }

    fn each(&mut self, list: &Node, role: &str, path: &Path) -> Option<Vec<Predicate>> {
        list.as_array()?.iter().map(|node| self.within(node, role, path)).collect()
    }

    fn named_each(&mut self, map: &Node, path: &Path) -> Option<Vec<(String, Predicate)>> {
        map.members()
            .iter()
            .map(|member| Some((member.key.clone(), self.within(&member.value, &member.key, path)?)))
            .collect()
    }

    pub(super) fn within(&mut self, node: &Node, role: &str, path: &Path) -> Option<Predicate> {
        let path = super::schema::role(path, role);
        self.conditions += 1;
        let predicate = if self.conditions > DEEPEST { None } else { self.predicate(node, &path) };
        self.conditions -= 1;
        // what no rule says, a type around the schema does
        match predicate {
            Some(predicate) => Some(predicate),
            None => self.is(node, &path),
        }
    }

    fn predicate(&mut self, node: &Node, path: &Path) -> Option<Predicate> {
        let level = level(node, &self.linked.resources);
        match level.value {
            Value::Bool(true) => return Some(Predicate::Always),
            Value::Bool(false) => return Some(Predicate::Never),
            _ => {}
        }
        let asserting: Vec<&Member> = level.members().iter().filter(|member| !is_annotation(&member.key)).collect();
        let beside = Beside { named: Vec::new(), members: &asserting };
        let mut rules = Vec::new();
        for member in &asserting {
            rules.extend(self.rule(member, &beside, path)?);
        }
        if !compose::is_made_up(node) {
            self.explain_as(node, Class::Checked);
        }
        Some(match &mut rules[..] {
            [] => Predicate::Always,
            [Rule::AllOf(all)] if all.len() == 1 => all.remove(0),
            _ => Predicate::All(rules),
        })
    }

    fn is(&mut self, node: &Node, path: &Path) -> Option<Predicate> {
        let typed = self.on_heap(node, path)?;
        (!typed.whole).then_some(Predicate::Is(typed.ty))
    }

    fn referred(&mut self, reference: &Node, path: &Path) -> Option<Predicate> {
        match self.linked.target(reference)? {
            Target::Schema(target) => {
                let path =
                    super::schema::definition(reference).map_or_else(|| path.clone(), |name| vec![Step::new(&name)]);
                self.is(target, &path)
            }
            Target::Metaschema => None,
        }
    }

    /// A type for the strings that match a pattern, where there is one.
    pub(super) fn pattern_type(&mut self, node: &Node, pattern: &str, path: &Path) -> Option<Nullable> {
        let is_simple = strings::is_simple(pattern)?;
        let kind = Named::Pattern { pattern: pattern.to_owned(), is_simple, min: 0, max: None };
        let shape = self.named(node, kind, &super::keywords::Notes::default(), path);
        Some(Nullable { shape, null: false })
    }
}

/// The keywords of a schema, among which one is looked at.
struct Beside<'a> {
    members: &'a [&'a Member],
    /// The properties that a type has taken already.
    named: Vec<String>,
}

impl<'a> Beside<'a> {
    fn get(&self, keyword: &str) -> Option<&'a Node> {
        self.members.iter().find(|member| member.key == keyword).map(|member| &member.value)
    }

    /// Which of the keywords stands first.
    fn first(&self, keywords: &[&str]) -> Option<&'a str> {
        self.members.iter().map(|member| member.key.as_str()).find(|key| keywords.contains(key))
    }
}

fn types(types: TypeSet) -> Option<Rule> {
    let whole = types.number == Some(Numbers::Whole);
    (types != TypeSet::ALL).then(|| Rule::Types { mask: types.mask(), whole })
}

fn length(node: &Node) -> Option<u64> {
    match &node.value {
        Value::Number(number) => count(number),
        _ => None,
    }
}

fn number(node: &Node) -> Option<String> {
    match &node.value {
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn names(node: &Node) -> Vec<String> {
    node.as_array().unwrap_or_default().iter().filter_map(Node::as_str).map(str::to_owned).collect()
}

fn json(node: &Node) -> String {
    super::documents::text(node)
}
