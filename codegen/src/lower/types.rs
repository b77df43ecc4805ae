//! The types of JSON that a schema allows.

use crate::node::{Node, Value};

/// A set of types.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypeSet {
    pub(super) null: bool,
    pub(super) boolean: bool,
    pub(super) number: Option<Numbers>,
    pub(super) string: bool,
    pub(super) array: bool,
    pub(super) object: bool,
}

/// Which numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Numbers {
    Whole,
    All,
}

/// The one type, besides null, that a schema allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Boolean,
    Number(Numbers),
    String,
    Array,
    Object,
}

impl TypeSet {
    pub(super) const ALL: TypeSet =
        TypeSet { null: true, boolean: true, number: Some(Numbers::All), string: true, array: true, object: true };

    const NONE: TypeSet =
        TypeSet { null: false, boolean: false, number: None, string: false, array: false, object: false };

    /// What the value of `type` allows.
    pub(super) fn named(node: &Node) -> TypeSet {
        let names = node.as_array().unwrap_or(std::slice::from_ref(node));
        let mut set = TypeSet::NONE;
        for name in names.iter().filter_map(Node::as_str) {
            match name {
                "null" => set.null = true,
                "boolean" => set.boolean = true,
                "integer" => set.number = set.number.max(Some(Numbers::Whole)),
                "number" => set.number = Some(Numbers::All),
                "string" => set.string = true,
                "array" => set.array = true,
                "object" => set.object = true,
                _ => {}
            }
        }
        set
    }

    /// The types that values have.
    pub(super) fn of_values<'n>(values: impl IntoIterator<Item = &'n Node>) -> TypeSet {
        let mut set = TypeSet::NONE;
        for value in values {
            match &value.value {
                Value::Null => set.null = true,
                Value::Bool(_) => set.boolean = true,
                Value::Number(number) if number.is_integer() => set.number = set.number.max(Some(Numbers::Whole)),
                Value::Number(_) => set.number = Some(Numbers::All),
                Value::String(_) => set.string = true,
                Value::Array(_) => set.array = true,
                Value::Object(_) => set.object = true,
            }
        }
        set
    }

    pub(super) fn and(self, other: TypeSet) -> TypeSet {
        TypeSet {
            null: self.null && other.null,
            boolean: self.boolean && other.boolean,
            number: self.number.min(other.number),
            string: self.string && other.string,
            array: self.array && other.array,
            object: self.object && other.object,
        }
    }

    pub(super) fn allows(self, value: &Node) -> bool {
        TypeSet::of_values([value]).and(self) == TypeSet::of_values([value])
    }

    pub(super) fn is_empty(self) -> bool {
        self == TypeSet::NONE
    }

    /// The bits of the runtime's `Other`.
    pub(super) fn mask(self) -> u8 {
        let all = [self.null, self.boolean, self.number.is_some(), self.string, self.array, self.object];
        all.iter().enumerate().map(|(bit, is_in)| u8::from(*is_in) << bit).sum()
    }

    pub(super) fn without(self, other: Type) -> TypeSet {
        let mut set = self;
        match other {
            Type::Boolean => set.boolean = false,
            Type::Number(_) => set.number = None,
            Type::String => set.string = false,
            Type::Array => set.array = false,
            Type::Object => set.object = false,
        }
        set
    }

    /// The types apart from null.
    pub(super) fn besides_null(self) -> Vec<Type> {
        let mut types = Vec::new();
        types.extend(self.boolean.then_some(Type::Boolean));
        types.extend(self.number.map(Type::Number));
        types.extend(self.string.then_some(Type::String));
        types.extend(self.array.then_some(Type::Array));
        types.extend(self.object.then_some(Type::Object));
        types
    }
}
