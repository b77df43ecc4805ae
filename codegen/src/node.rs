//! JSON with positions: what [`load`](crate::load) makes and [`lower`](crate::lower) reads.

use std::collections::HashMap;

use eventwright::Number;

/// Which file of a run; an index into [`Sources`](crate::load::Sources).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FileId(pub(crate) usize);

/// Byte range in a file.
///
/// Every span is that of a whole value or a whole key, quotes included, so a span finds its JSON pointer again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Span {
    pub(crate) file: FileId,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Span {
    pub(crate) fn contains(self, other: Span) -> bool {
        self.file == other.file && self.start <= other.start && other.end <= self.end
    }
}

/// A JSON value and where it stands. A merged value's parts keep the spans of the schemas that they come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) span: Span,
    pub(crate) value: Value,
}

/// A JSON value; members keep the order of the file.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Number(Number),
    String(String),
    Array(Vec<Node>),
    Object(Vec<Member>),
}

/// A key and its value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Member {
    pub(crate) key: String,
    pub(crate) key_span: Span,
    pub(crate) value: Node,
}

impl Node {
    pub(crate) fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    pub(crate) fn as_array(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Array(items) => Some(items),
            _ => None,
        }
    }

    /// The members of an object; none for any other value.
    pub(crate) fn members(&self) -> &[Member] {
        match &self.value {
            Value::Object(members) => members,
            _ => &[],
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Node> {
        self.members().iter().find(|member| member.key == key).map(|member| &member.value)
    }

    /// The value that a JSON pointer (RFC 6901) leads to.
    pub(crate) fn at(&self, pointer: &str) -> Option<&Node> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| node.step(&unescape(token)))
    }

    fn step(&self, token: &str) -> Option<&Node> {
        match &self.value {
            Value::Array(items) => items.get(array_index(token)?),
            _ => self.get(token),
        }
    }

    /// The JSON pointer of the value or key at `span`, or of the smallest value around it.
    pub(crate) fn pointer_of(&self, span: Span) -> String {
        let mut pointer = String::new();
        let mut node = self;
        while node.span != span {
            // members and items stand in their order, so what is around a place is found without looking at them all
            match &node.value {
                Value::Object(members) => {
                    let index = members.partition_point(|member| member.value.span.end < span.end.max(span.start + 1));
                    let Some(member) = members.get(index) else { break };
                    let (in_key, in_value) = (member.key_span.contains(span), member.value.span.contains(span));
                    if !in_key && !in_value {
                        break;
                    }
                    push(&mut pointer, &member.key);
                    if in_key {
                        break;
                    }
                    node = &member.value;
                }
                Value::Array(items) => {
                    let index = items.partition_point(|item| item.span.end < span.end.max(span.start + 1));
                    let Some(item) = items.get(index).filter(|item| item.span.contains(span)) else { break };
                    push(&mut pointer, &index.to_string());
                    node = item;
                }
                _ => break,
            }
        }
        pointer
    }

    /// What kind of JSON value it is, with its article.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "null",
            Value::Bool(_) => "a boolean",
            Value::Number(_) => "a number",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
            Value::Object(_) => "an object",
        }
    }

    /// Equality of the JSON values, wherever they stand and in whatever order their members are.
    pub(crate) fn same_json(&self, other: &Node) -> bool {
        match (&self.value, &other.value) {
            (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same_json(b)),
            (Value::Object(a), Value::Object(b)) if a.len() == b.len() => {
                let others: HashMap<&str, &Node> =
                    b.iter().map(|member| (member.key.as_str(), &member.value)).collect();
                a.iter().all(|member| others.get(&*member.key).is_some_and(|value| member.value.same_json(value)))
            }
            (a, b) => a == b,
        }
    }
}

fn push(pointer: &mut String, token: &str) {
    pointer.push('/');
    pointer.push_str(&token.replace('~', "~0").replace('/', "~1"));
}

/// Undoes the escapes of one reference token (RFC 6901, section 4): `~1` first, so that `~01` stays `~1`.
pub(crate) fn unescape(token: &str) -> String {
    token.replace("~1", "/").replace("~0", "~")
}

/// RFC 6901 allows no leading zeros in an array index.
fn array_index(token: &str) -> Option<usize> {
    let plain = token == "0" || !token.starts_with('0');
    (plain && token.bytes().all(|byte| byte.is_ascii_digit())).then(|| token.parse().ok()).flatten()
}
