//! Objects: what is read, what is refused and with which words, what is written and shown.

use eventwright::payload::{Read, Write, decode, encode};
use eventwright::{
    Date, DecodeError, Email, EventId, Id, Int, JsonObject, List, Maybe, Object, OffsetDateTime, Pattern, Reading,
    Text, UniqueList, Unrecognized, Uuid, Words,
};
use serde_json::{Value, json};

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Id)]
#[id(prefix = "per_")]
struct PersonId(Uuid);

#[derive(Clone, PartialEq, Eq, Hash, Words)]
enum Status {
    #[word("active")]
    Active,
    #[word("archived")]
    Archived,
    Unrecognized(Unrecognized),
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Pattern)]
#[pattern("^[0-9]{5}$")]
struct Zip(String);

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct Person {
    person_id: PersonId,
    status: Status,
    alias_of: Option<PersonId>,
    #[object(sensitive)]
    given_name: Text<1, 20>,
    #[object(optional)]
    note: Option<Text<1, 20>>,
    #[object(optional, sensitive)]
    email: Maybe<Email>,
    #[object(rename = "a/b~c")]
    odd: Option<i64>,
    attempts: List<Int<1, 4>, 0, 3>,
    statuses: UniqueList<Status>,
    zip: Zip,
    born_on: Option<Date>,
    updated_at: OffsetDateTime,
}

#[derive(Clone, PartialEq, Object)]
#[object(closed)]
struct PersonUpdated {
    event_id: EventId,
    r#type: String,
    people: Vec<Person>,
    #[object(sensitive)]
    contact: Open,
}

#[derive(Clone, PartialEq, Object)]
struct Open {
    phone: String,
    #[object(optional)]
    by_kind: Maybe<std::collections::BTreeMap<String, i64>>,
    #[object(rest)]
    rest: JsonObject,
}

fn person() -> Value {
    json!({
        "person_id": "per_01890a5d-ac96-774b-bcce-b302099a8057",
        "status": "active",
        "alias_of": null,
        "given_name": "Ada",
        "a/b~c": null,
        "attempts": [1, 4],
        "statuses": ["active", "archived"],
        "zip": "94103",
        "born_on": "1815-12-10",
        "updated_at": "2024-02-29T23:59:59.120+05:30",
    })
}

fn updated() -> Value {
    json!({
        "event_id": "evt_01890a5d-ac96-774b-bcce-b302099a8057",
        "type": "person.updated",
        "people": [person()],
        "contact": { "phone": "555", "country": { "code": "US" } },
    })
}

/// The document with the value at `pointer` set, or its member added.
fn with(mut document: Value, pointer: &str, value: Value) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    match document.pointer_mut(parent).unwrap() {
        Value::Object(members) => members.insert(name, value),
        Value::Array(items) => Some(std::mem::replace(&mut items[name.parse::<usize>().unwrap()], value)),
        _ => panic!("{pointer} is not in the document"),
    };
    document
}

fn without(mut document: Value, pointer: &str) -> Value {
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    document.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(name).unwrap();
    document
}

fn error<T: Read>(document: impl ToString, reading: Reading) -> String {
    match decode::<T>(document.to_string().as_bytes(), reading) {
        Ok(_) => panic!("{} was read", document.to_string()),
        Err(error) => error.to_string(),
    }
}

fn round_trip<T: Read + Write>(document: &Value) -> Value {
    let value: T = decode(document.to_string().as_bytes(), Reading::Strict).unwrap();
    serde_json::from_str(&encode(&value).unwrap()).unwrap()
}

#[test]
fn a_document_survives_a_round_trip() {
    let document = with(updated(), "/people/0/updated_at", json!("2024-02-29T23:59:59.12+05:30"));
    assert_eq!(round_trip::<PersonUpdated>(&document), document);
    let document = with(document, "/contact/by_kind", json!({ "work": 1 }));
    assert_eq!(round_trip::<PersonUpdated>(&document), document);
}

#[test]
fn absent_null_and_value_stay_apart() {
    for email in [json!(null), json!("ada@example.org")] {
        let document = with(person(), "/email", email);
        assert_eq!(round_trip::<Person>(&document)["email"], document["email"]);
    }
    assert_eq!(round_trip::<Person>(&person()).get("email"), None);
    assert_eq!(error::<Person>(with(person(), "/note", json!(null)), Reading::Strict), "/note: null is not a string");
    assert_eq!(
        error::<Person>(without(person(), "/alias_of"), Reading::Strict),
        "document: required property `alias_of` is missing"
    );
}

#[test]
fn errors_point_at_the_place() {
    let cases = [
        ("/people/0/attempts/1", json!(5), "/people/0/attempts/1: 5 is more than the maximum of 4"),
        ("/people/0/attempts", json!([1, 2, 3, 4]), "/people/0/attempts: has more than the maximum of 3 items"),
        ("/people/0/attempts", json!({}), "/people/0/attempts: is not an array"),
        ("/people/0/statuses", json!(["active", "active"]), "/people/0/statuses: has equal items"),
        ("/people/0/a~1b~0c", json!("x"), "/people/0/a~1b~0c: string \"x\" is not an integer"),
        ("/people/0/a~1b~0c", json!(1.5), "/people/0/a~1b~0c: 1.5 is not an integer"),
        ("/people/0/a~1b~0c", json!(true), "/people/0/a~1b~0c: boolean true is not an integer"),
        ("/people/0/zip", json!("9410"), "/people/0/zip: \"9410\" does not match the pattern ^[0-9]{5}$"),
        ("/people/0/zip", json!(94103), "/people/0/zip: integer 94103 is not a string"),
        ("/people/0/status", json!("gone"), "/people/0/status: \"gone\" is not one of `active`, `archived`"),
        ("/people/0/person_id", json!("lead_1"), "/people/0/person_id: \"lead_1\" does not begin with `per_`"),
        ("/people/0", json!([]), "/people/0: is not an object"),
        ("/people", json!("x"), "/people: is not an array"),
        ("/extra", json!(1), "/extra: property is not in the schema"),
    ];
    for (pointer, value, message) in cases {
        assert_eq!(error::<PersonUpdated>(with(updated(), pointer, value), Reading::Strict), message);
    }
    assert_eq!(error::<PersonUpdated>("[]", Reading::Strict), "document: is not an object");
}

#[test]
fn values_are_shortened() {
    let message = error::<Person>(with(person(), "/zip", json!("9".repeat(1000))), Reading::Strict);
    assert_eq!(message, format!("/zip: \"{}… does not match the pattern ^[0-9]{{5}}$", "9".repeat(59)));
    let message = error::<Person>(with(person(), &format!("/{}", "x".repeat(1000)), json!(1)), Reading::Strict);
    assert_eq!(message, format!("/{}…: property is not in the schema", "x".repeat(200)));
}

#[test]
fn a_property_given_twice_is_an_error() {
    for (document, message) in [
        (r#"{"phone":"1","phone":"1"}"#, "/phone: property is given twice"),
        (r#"{"phone":"1","x":1,"x":1}"#, "/x: property is given twice"),
        (r#"{"phone":"1","by_kind":{"a":1,"a":1}}"#, "/by_kind/a: property is given twice"),
        (r#"{"phone":"1","by_kind":null,"by_kind":null}"#, "/by_kind: property is given twice"),
    ] {
        for reading in [Reading::Strict, Reading::Tolerant] {
            assert_eq!(error::<Open>(document, reading), message);
        }
    }
}

#[test]
fn tolerant_reading_lets_new_properties_and_words_through_and_nothing_else() {
    let newer = with(with(updated(), "/people/0/status", json!("merged")), "/people/0/extra", json!({"a": [1]}));
    let updated_: PersonUpdated = decode(newer.to_string().as_bytes(), Reading::Tolerant).unwrap();
    assert_eq!(updated_.people[0].status.as_str(), "merged");
    assert!(matches!(&updated_.people[0].status, Status::Unrecognized(word) if word.as_str() == "merged"));

    for (pointer, value) in [("/people/0/zip", json!("1")), ("/people/0/attempts/0", json!(0)), ("/type", json!(1))] {
        assert!(error::<PersonUpdated>(with(newer.clone(), pointer, value), Reading::Tolerant).starts_with(pointer));
    }
}

#[test]
fn an_unrecognized_word_is_not_written() {
    let newer = with(updated(), "/people/0/statuses", json!(["active", "merged"]));
    let updated: PersonUpdated = decode(newer.to_string().as_bytes(), Reading::Tolerant).unwrap();
    let error = encode(&updated).unwrap_err().to_string();
    assert_eq!(
        error,
        "/people/0/statuses/1: holds a word that these bindings do not name, which can be read but not published; \
         set one that they name, or update the bindings"
    );
}

#[test]
fn open_objects_keep_what_they_do_not_know_in_both_readings() {
    for reading in [Reading::Strict, Reading::Tolerant] {
        let open: Open = decode(br#"{"x":[1,{"y":null}],"phone":"1"}"#, reading).unwrap();
        assert_eq!(open.rest["x"], json!([1, { "y": null }]).into());
        assert_eq!(encode(&open).unwrap(), r#"{"phone":"1","x":[1,{"y":null}]}"#);
    }
    let mut open = Open::builder().phone("1").build();
    open.rest.insert("phone".to_owned(), "2".into());
    assert_eq!(
        encode(&open).unwrap_err().to_string(),
        "/phone: is in the rest, but the schema names it: set its field"
    );
}

#[test]
fn nothing_sensitive_is_shown() {
    let document = with(with(updated(), "/people/0/email", json!("ada@example.org")), "/contact/by_kind", json!({}));
    let updated_: PersonUpdated = decode(document.to_string().as_bytes(), Reading::Strict).unwrap();
    let shown = format!("{updated_:?} {updated_:#?}");
    assert!(shown.contains("given_name: <redacted>") && shown.contains("contact: <redacted>"));
    let shown_open = format!("{:?}", updated_.contact);
    assert_eq!(shown_open, r#"Open { phone: "555", by_kind: Value({}), rest: {"country": <redacted>} }"#);
    for secret in ["Ada", "ada@example.org", "555"] {
        assert!(!shown.contains(secret), "{shown}");
    }

    for (pointer, value, message) in [
        (
            "/people/0/given_name",
            json!("secret".repeat(9)),
            "/people/0/given_name: <redacted> is longer than the maximum of 20 characters",
        ),
        ("/people/0/email", json!("secret"), "/people/0/email: <redacted> is not an email address"),
        ("/people/0/email", json!({"secret": 1}), "/people/0/email: <redacted> is not a string"),
        ("/people/0/given_name", json!(5), "/people/0/given_name: <redacted> is not a string"),
        ("/contact/phone", json!(5), "/contact/phone: <redacted> is not a string"),
        ("/contact/by_kind", json!({"secret": "secret"}), "/contact/by_kind: <redacted> is not an integer"),
    ] {
        assert_eq!(error::<PersonUpdated>(with(document.clone(), pointer, value), Reading::Strict), message);
    }
}

#[test]
fn only_one_json_document_is_read() {
    for (text, message) in [
        (r#"{"phone":"1"} x"#, "not JSON: trailing characters at line 1, column 15"),
        ("{\"phone\":\n\"1\"", "not JSON: EOF while parsing an object at line 2, column 3"),
        ("", "not JSON: EOF while parsing a value at line 1, column 0"),
    ] {
        assert_eq!(error::<Open>(text, Reading::Tolerant), message);
    }
    let deep = format!(r#"{{"phone":"1","x":{}1{}}}"#, "[".repeat(100_000), "]".repeat(100_000));
    let deep = error::<Open>(&deep, Reading::Tolerant);
    assert!(deep.ends_with("/0/0: is more than 128 levels deep"), "{deep}");
    let half = error::<Open>(r#"{"phone":"1","x":"\ud800"}"#, Reading::Tolerant);
    assert_eq!(half, "/x: has an escape that is no character");
    assert!(decode::<Open>(b"{\"phone\":\"\xff\"}", Reading::Strict).is_err());
}

#[test]
fn the_builder_converts_what_is_safe_to_convert() {
    let open = |person_id: PersonId| {
        Person::builder()
            .person_id(person_id)
            .status(Status::Active)
            .alias_of(None)
            .given_name("Ada".parse().unwrap())
            .note(Text::new("x").unwrap())
            .email(None)
            .odd(5)
            .attempts(List::new(vec![]).unwrap())
            .statuses(UniqueList::new(vec![]).unwrap())
            .zip("94103".parse().unwrap())
            .born_on(None)
            .updated_at(OffsetDateTime::UNIX_EPOCH)
    };
    let id = PersonId::new();
    let person = open(id).build();
    assert_eq!((person.alias_of, person.odd, &person.email), (None, Some(5), &Maybe::Null));
    assert_eq!(person.note.as_deref(), Some("x"));

    let person = open(id).alias_of(id).email(Email::new("a@b.c").unwrap()).note(None).odd(Some(1)).build();
    assert_eq!((person.alias_of, person.odd, person.note.as_deref()), (Some(id), Some(1), None));
    assert_eq!(person.email.value().map(Email::as_str), Some("a@b.c"));
    let person = open(id).email(Maybe::Absent).build();
    assert!(person.email.is_absent());
}

#[test]
fn an_unknown_payload_names_type_and_version() {
    assert_eq!(
        DecodeError::unknown("lead.created", 7).to_string(),
        "event type `lead.created` version 7 is not known here; update the bindings and deploy"
    );
}

#[test]
fn names_of_properties_are_escaped() {
    #[derive(Clone, PartialEq, Object)]
    #[object(closed)]
    struct Odd {
        #[object(rename = "a\"b\\c\n")]
        quoted: i64,
        #[object(rename = "é\u{1}", optional)]
        control: Option<i64>,
        #[object(rename = "plain é/~")]
        plain: i64,
    }

    let json = r#"{"a\"b\\c\n":1,"é\u0001":2,"plain é/~":3}"#;
    let odd: Odd = decode(json.as_bytes(), Reading::Strict).unwrap();
    assert_eq!(encode(&odd).unwrap(), json);
    assert_eq!(serde_json::to_string(&odd).unwrap(), json);
    assert_eq!(serde_json::to_value(&odd).unwrap(), serde_json::from_str::<serde_json::Value>(json).unwrap());
}
