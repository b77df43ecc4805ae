//! Are the keywords of all schemas known, and their values what they must be? What comes after may take it for granted.

use std::collections::{BTreeSet, HashMap};

use super::{Dialect, Form, keyword_of, names};
use crate::diagnostics::{Problems, did_you_mean};
use crate::link::Linked;
use crate::node::{FileId, Member, Node, Span, Value};

/// Complains about every keyword in the files that is unknown, refused, or malformed.
pub(crate) fn check<'p>(linked: &'p Linked<'_>, files: &BTreeSet<FileId>, problems: &'p mut Problems) {
    let mut checker = Checker { dialect: Dialect::default(), problems, patterns: HashMap::new() };
    for schema in linked.resources.schemas.iter().filter(|schema| files.contains(&schema.node.span.file)) {
        checker.dialect = schema.dialect;
        checker.schema(schema.node);
    }
}

/// Each of them is looked at beside each other.
const MOST_ALTERNATIVES: usize = 1_000;

struct Checker<'p> {
    dialect: Dialect,
    problems: &'p mut Problems,
    /// What is wrong with each pattern: those of ids are in many schemas.
    patterns: HashMap<&'p str, Result<(), String>>,
}

impl<'p> Checker<'p> {
    fn schema(&mut self, node: &'p Node) {
        match &node.value {
            Value::Bool(_) => {}
            Value::Object(members) => {
                let alone = self.dialect.ref_stands_alone() && node.get("$ref").is_some();
                members.iter().filter(|member| !alone || member.key == "$ref").for_each(|member| self.member(member));
            }
            _ => {
                let help = match node.value {
                    Value::Array(_) => {
                        "a list of schemas by place is `prefixItems`, but in draft-07 `items`: name the dialect in `$schema`"
                    }
                    _ => "`{}` allows everything, `false` nothing",
                };
                self.problems
                    .error(node.span, format!("a schema is an object or a boolean, not {}", node.kind()))
                    .help(help);
            }
        }
    }

    fn member(&mut self, member: &'p Member) {
        let Some(keyword) = keyword_of(&member.key, self.dialect) else { return self.unknown(member) };
        if keyword.name == "$schema" {
            return self.dialect(&member.value);
        }
        let (node, value) = (&member.value, &member.value.value);
        match keyword.form {
            Form::Refused => self.refused(member),
            // schemas are checked where they stand; these are lists and maps of them
            Form::Schema | Form::SchemaOrList | Form::Any => {}
            Form::Schemas => match node.as_array() {
                None | Some([]) => self.expect(member, "a list of schemas that is not empty"),
                Some(all) if all.len() > MOST_ALTERNATIVES => {
                    self.problems
                        .error(
                            node.span,
                            format!("`{}` of more than {MOST_ALTERNATIVES} schemas is not supported", member.key),
                        )
                        .help("an `enum` may have as many values as there are");
                }
                Some(_) => {}
            },
            Form::Map | Form::PatternMap | Form::Dependencies | Form::NamesMap => {
                let Value::Object(members) = value else { return self.expect(member, "an object") };
                for named in members {
                    match keyword.form {
                        Form::PatternMap => self.pattern(&named.key, named.key_span),
                        Form::NamesMap => self.names(named),
                        Form::Dependencies if matches!(named.value.value, Value::Array(_)) => self.names(named),
                        _ => {}
                    }
                }
            }
            Form::Type => self.types(member),
            Form::Values => {
                if node.as_array().is_none() {
                    self.expect(member, "a list of values");
                }
            }
            Form::Names => self.names(member),
            Form::Count => {
                if !matches!(value, Value::Number(number) if super::count(number).is_some()) {
                    self.problems
                        .error(node.span, format!("`{}` must be a whole number from 0 to {}", member.key, u32::MAX));
                }
            }
            Form::Number => {
                if !matches!(value, Value::Number(_)) {
                    self.expect(member, "a number");
                }
            }
            Form::Positive => {
                if !matches!(value, Value::Number(number) if *number > eventwright::Number::from(0)) {
                    self.expect(member, "a number above 0");
                }
            }
            Form::Flag | Form::ExclusiveFlag => {
                if !matches!(value, Value::Bool(_)) {
                    self.expect(member, "a boolean");
                }
            }
            Form::Text | Form::Reference => {
                if node.as_str().is_none() {
                    self.expect(member, "a string");
                }
            }
            Form::Pattern => match node.as_str() {
                Some(pattern) => self.pattern(pattern, node.span),
                None => self.expect(member, "a string"),
            },
        }
    }

    fn expect(&mut self, member: &Member, expected: &str) {
        let found = member.value.kind();
        self.problems.error(member.value.span, format!("`{}` must be {expected}, not {found}", member.key));
    }

    fn types(&mut self, member: &Member) {
        const TYPES: [&str; 7] = ["array", "boolean", "integer", "null", "number", "object", "string"];
        let names = match &member.value.value {
            Value::String(_) => std::slice::from_ref(&member.value),
            Value::Array(names) if !names.is_empty() => names,
            _ => return self.expect(member, "a type's name or a list of them"),
        };
        for name in names.iter().filter(|name| !name.as_str().is_some_and(|text| TYPES.contains(&text))) {
            let near = name.as_str().and_then(|text| did_you_mean(text, TYPES));
            self.problems
                .error(name.span, "there is no such type in JSON Schema")
                .help(near.unwrap_or_else(|| format!("the types are `{}`", TYPES.join("`, `"))));
        }
    }

    fn names(&mut self, member: &Member) {
        let Some(names) = member.value.as_array() else { return self.expect(member, "a list of names") };
        let mut seen = BTreeSet::new();
        for name in names {
            match name.as_str() {
                None => {
                    self.problems.error(name.span, format!("`{}` lists names, not {}", member.key, name.kind()));
                }
                Some(text) if !seen.insert(text) => {
                    self.problems.error(name.span, format!("`{text}` is in `{}` twice", member.key));
                }
                Some(_) => {}
            }
        }
    }

    fn pattern(&mut self, pattern: &'p str, at: Span) {
        let checked = self.patterns.entry(pattern).or_insert_with(|| super::pattern(pattern));
        if let Err(reason) = checked {
            self.problems
                .error(at, format!("this is not a regular expression: {reason}"))
                .help("patterns are ECMA 262's, with the u flag");
        }
    }

    fn dialect(&mut self, node: &Node) {
        if node.as_str().is_none_or(|uri| Dialect::named(uri).is_none()) {
            let known = [Dialect::Draft202012, Dialect::Draft7, Dialect::Draft4].map(Dialect::uri).join("`, `");
            self.problems
                .error(node.span, "the dialect that `$schema` names is not supported")
                .help(format!("the dialects are `{known}`; custom vocabularies are not supported"));
        }
    }

    fn refused(&mut self, member: &Member) {
        self.problems
            .error(member.key_span, format!("the keyword `{}` is not supported", member.key))
            .help("metaschemas are not contracts: remove it");
    }

    fn unknown(&mut self, member: &Member) {
        let name = member.key.as_str();
        let elsewhere = [Dialect::Draft202012, Dialect::Draft7, Dialect::Draft4]
            .into_iter()
            .find(|dialect| keyword_of(name, *dialect).is_some());
        let help = match (name, elsewhere) {
            ("dependencies", Some(_)) => {
                "it is called `dependentRequired` and `dependentSchemas` in this dialect".to_owned()
            }
            ("additionalItems", Some(_)) => "`items` beside `prefixItems` says it in this dialect".to_owned(),
            (_, Some(other)) => format!("it belongs to another dialect; name that in `$schema`: `{}`", other.uri()),
            (_, None) => did_you_mean(name, names(self.dialect))
                .unwrap_or_else(|| "JSON Schema has no such keyword; put remarks into `$comment`".to_owned()),
        };
        self.problems.error(member.key_span, format!("unknown keyword `{name}`")).help(help);
    }
}
