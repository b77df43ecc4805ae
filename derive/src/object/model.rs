//! What the derive is told: the struct and its attributes.

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Error, Fields, LitStr, Result, Token, Type, Visibility, parenthesized};

use crate::attr;

pub(super) struct Model<'a> {
    pub(super) name: &'a Ident,
    pub(super) vis: &'a Visibility,
    pub(super) fields: Vec<Field<'a>>,
    /// Properties that are always the same string, which have no fields.
    pub(super) constants: Vec<(LitStr, LitStr)>,
}

pub(super) struct Field<'a> {
    pub(super) ident: &'a Ident,
    pub(super) ty: &'a Type,
    pub(super) docs: Vec<&'a Attribute>,
    /// The name in JSON.
    pub(super) property: String,
    pub(super) kind: Kind,
    pub(super) sensitive: bool,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Required,
    /// May be absent.
    Optional,
    /// Keeps what the schema does not name.
    Rest,
}

impl<'a> Model<'a> {
    pub(super) fn parse(input: &'a DeriveInput) -> Result<Self> {
        attr::no_generics(input)?;
        let Data::Struct(data) = &input.data else {
            return Err(Error::new_spanned(&input.ident, "expected a struct: an object's properties are its fields"));
        };
        let Fields::Named(named) = &data.fields else {
            return Err(Error::new_spanned(&input.ident, "expected a struct with named fields"));
        };
        let fields: Vec<_> = named.named.iter().map(Field::parse).collect::<Result<_>>()?;
        let (is_closed, constants) = parse_attr(input)?;
        let model = Self { name: &input.ident, vis: &input.vis, fields, constants };
        model.check_openness(is_closed)?;
        model.check_properties()?;
        model.check_constants()?;
        Ok(model)
    }

    /// The fields for properties that the schema names.
    pub(super) fn declared(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.kind != Kind::Rest)
    }

    /// The field that keeps what the schema does not name.
    pub(super) fn rest(&self) -> Option<&Ident> {
        self.fields.iter().find(|field| field.kind == Kind::Rest).map(|field| field.ident)
    }

    fn check_openness(&self, is_closed: bool) -> Result<()> {
        match (is_closed, self.rest()) {
            (true, Some(rest)) => Err(Error::new_spanned(rest, "a closed object has no rest to keep")),
            (false, None) => Err(Error::new_spanned(
                self.name,
                "say `#[object(closed)]`, or keep what the schema does not name in a field \
                 `#[object(rest)] rest: eventwright::JsonObject`",
            )),
            _ => Ok(()),
        }
    }

    fn check_properties(&self) -> Result<()> {
        for (index, field) in self.fields.iter().enumerate() {
            if field.ident == "build" {
                return Err(Error::new_spanned(
                    field.ident,
                    "the builder has a `build` already: call the field `build_`, with `#[object(rename = \"build\")]`",
                ));
            }
            let earlier = self.fields[..index].iter().find(|earlier| {
                earlier.property == field.property || earlier.kind == Kind::Rest && field.kind == Kind::Rest
            });
            if let Some(earlier) = earlier {
                return Err(Error::new_spanned(field.ident, format!("`{}` is this property already", earlier.ident)));
            }
        }
        Ok(())
    }

    fn check_constants(&self) -> Result<()> {
        for (index, (name, _)) in self.constants.iter().enumerate() {
            let is_constant = self.constants[..index].iter().any(|(earlier, _)| earlier.value() == name.value());
            if is_constant || self.declared().any(|field| field.property == name.value()) {
                return Err(Error::new_spanned(name, "the object has this property already"));
            }
        }
        Ok(())
    }
}

/// Whether the object is closed, and its constants.
fn parse_attr(input: &DeriveInput) -> Result<(bool, Vec<(LitStr, LitStr)>)> {
    let (mut is_closed, mut constants) = (false, Vec::new());
    if let Some(attr) = attr::only(&input.attrs, "object") {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("closed") {
                is_closed = true;
            } else if meta.path.is_ident("constant") {
                let content;
                parenthesized!(content in meta.input);
                let name = content.parse()?;
                content.parse::<Token![,]>()?;
                constants.push((name, content.parse()?));
            } else {
                return Err(meta.error("expected `closed` or `constant(\"name\", \"value\")`"));
            }
            Ok(())
        })?;
    }
    Ok((is_closed, constants))
}

impl<'a> Field<'a> {
    fn parse(field: &'a syn::Field) -> Result<Self> {
        let Some(ident) = &field.ident else {
            return Err(Error::new_spanned(field, "expected a named field"));
        };
        let mut parsed = Self {
            ident,
            ty: &field.ty,
            docs: field.attrs.iter().filter(|attr| attr.path().is_ident("doc")).collect(),
            property: ident.unraw().to_string(),
            kind: Kind::Required,
            sensitive: false,
        };
        for attr in field.attrs.iter().filter(|attr| attr.path().is_ident("object")) {
            parsed.parse_attr(attr)?;
        }
        parsed.check_optional()?;
        Ok(parsed)
    }

    fn parse_attr(&mut self, attr: &Attribute) -> Result<()> {
        attr.parse_nested_meta(|meta| {
            if meta.path.is_ident("optional") {
                self.kind = Kind::Optional;
            } else if meta.path.is_ident("rest") {
                self.kind = Kind::Rest;
            } else if meta.path.is_ident("sensitive") {
                self.sensitive = true;
            } else if meta.path.is_ident("rename") {
                self.property = meta.value()?.parse::<LitStr>()?.value();
            } else {
                return Err(meta.error("expected `optional`, `rename = \"...\"`, `sensitive` or `rest`"));
            }
            Ok(())
        })
    }

    fn check_optional(&self) -> Result<()> {
        let type_name = self.type_name();
        if self.kind == Kind::Optional && type_name.is_some_and(|name| name != "Option" && name != "Maybe") {
            return Err(Error::new_spanned(
                self.ty,
                "an optional property is an `Option`, or a `Maybe` where it may be null too",
            ));
        }
        if self.kind == Kind::Required && type_name.is_some_and(|name| name == "Maybe") {
            return Err(Error::new_spanned(
                self.ty,
                "a `Maybe` may be absent: say `#[object(optional)]`, or make it an `Option`",
            ));
        }
        Ok(())
    }

    /// The field's name without `r#`.
    pub(super) fn label(&self) -> String {
        self.ident.unraw().to_string()
    }

    /// The type's name without path and arguments.
    pub(super) fn type_name(&self) -> Option<&Ident> {
        match self.ty {
            Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
            _ => None,
        }
    }
}
