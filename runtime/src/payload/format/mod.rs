//! The formats of JSON Schema (validation section 7.3), each by the letter of the RFC that it cites.
//!
//! A format has one rule, whether it is a field's type that asks or the validator of a whole value: [`check`] finds the rule by
//! the format's name. All of them take time linear in the length of the text.

mod duration;
mod email;
mod hostname;
mod ip;
mod pointer;
#[cfg(feature = "regex")]
mod regex;
mod time;
mod uri;

pub use self::duration::IsoDuration;
pub use self::email::Email;
pub use self::hostname::Hostname;
pub use self::ip::Ipv6;
pub use self::pointer::JsonPointer;
#[cfg(feature = "regex")]
pub use self::regex::EcmaRegex;
pub use self::time::FullTime;
pub use self::uri::{Uri, UriReference};

use super::text::Rule;
use super::{timestamp, uuid};

/// The names of the formats that [`check`] knows with all features, in order.
pub const NAMES: [&str; 13] = [
    "date",
    "date-time",
    "duration",
    "email",
    "hostname",
    "ipv4",
    "ipv6",
    "json-pointer",
    "regex",
    "time",
    "uri",
    "uri-reference",
    "uuid",
];

/// The rule of a format, by its name in JSON Schema; none where this crate does not know the format.
///
/// `regex` is known under the feature `regex` only.
#[must_use]
pub fn check(name: &str) -> Option<fn(&str) -> bool> {
    Some(match name {
        "date-time" => timestamp::is_date_time,
        "date" => timestamp::is_date,
        "time" => keeps::<FullTime>,
        "duration" => keeps::<IsoDuration>,
        "email" => keeps::<Email>,
        "hostname" => keeps::<Hostname>,
        "ipv4" => |text| ip::parse_v4(text).is_some(),
        "ipv6" => keeps::<Ipv6>,
        "uri" => keeps::<Uri>,
        "uri-reference" => keeps::<UriReference>,
        "uuid" => |text| uuid::parse(text).is_ok(),
        "json-pointer" => keeps::<JsonPointer>,
        #[cfg(feature = "regex")]
        "regex" => keeps::<EcmaRegex>,
        _ => return None,
    })
}

fn keeps<T: Rule>(text: &str) -> bool {
    T::check(text).is_ok()
}

/// All that a tuple struct needs to be the type of a format: its rule as a function, and the rule's words.
macro_rules! format_type {
    ($type:ty, $holds:path, $broken:literal) => {
        impl $crate::payload::text::Rule for $type {
            fn check(text: &str) -> Result<(), $crate::payload::Invalid> {
                if $holds(text) { Ok(()) } else { Err($crate::payload::Invalid::new($broken)) }
            }
        }

        $crate::__text!([] $type);
    };
    (const $type:ty, $holds:path, $broken:literal) => {
        format_type!($type, $holds, $broken);
        $crate::__text_from_static!([] $type, |text| $holds(text), concat!("the string ", $broken));
    };
}
use format_type;
