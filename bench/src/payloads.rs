//! Reading and writing payloads: ours with all their checks, plain serde without any, and others with checks.

mod plain;
mod side_by_side;

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;

use eventwright::Reading;
use eventwright::payload::{Read, Write, decode, encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use side_by_side::{Contender, nanoseconds, print};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// What typify makes of the same schemas.
#[allow(clippy::all, missing_docs, unreachable_pub, dead_code, reason = "generated")]
mod typified {
    pub(crate) mod payment_received {
        typify::import_types!("../contracts/payment-flow/schema/payloads/payment.received-v1.json");
    }
    pub(crate) mod intake_captured {
        typify::import_types!("../contracts/identity/schema/payloads/intake.captured-v2.json");
    }
    pub(crate) mod person_updated {
        typify::import_types!("../contracts/identity/schema/payloads/person.updated-v1.json");
    }
}

fn main() -> Result {
    let payment = Payload::of("payment-flow/schema/payloads/payment.received-v1.json")?;
    let intake = Payload::of("identity/schema/payloads/intake.captured-v2.json")?;
    let person = Payload::of("identity/schema/payloads/person.updated-v1.json")?;

    println!("Reading, in nanoseconds, and the ratio of ours to each of the others:\n");
    print(
        ["payload", "ours, strict", "plain serde", "typify", "`Value` and jsonschema"],
        &[
            payment.read::<sguild_events::PaymentReceivedV1, plain::PaymentReceived, typified::payment_received::APaymentWasReceived>()?,
            intake.read::<sguild_events::IntakeCapturedV2, plain::IntakeCaptured, typified::intake_captured::AnIntakeFormWasSubmitted>()?,
            person.read::<sguild_events::PersonUpdatedV1, plain::PersonUpdated, typified::person_updated::APersonsRecordChanged>()?,
        ],
    );
    println!("\nWriting:\n");
    print(
        ["payload", "ours", "plain serde", "typify", "`Value`"],
        &[
            payment.write::<sguild_events::PaymentReceivedV1, plain::PaymentReceived, typified::payment_received::APaymentWasReceived>()?,
            intake.write::<sguild_events::IntakeCapturedV2, plain::IntakeCaptured, typified::intake_captured::AnIntakeFormWasSubmitted>()?,
            person.write::<sguild_events::PersonUpdatedV1, plain::PersonUpdated, typified::person_updated::APersonsRecordChanged>()?,
        ],
    );
    Ok(())
}

/// A payload schema, and its first example as bytes.
struct Payload {
    name: String,
    schema: Value,
    bytes: Vec<u8>,
}

impl Payload {
    fn of(path: &str) -> Result<Payload> {
        let contracts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts");
        let schema: Value = serde_json::from_slice(&fs::read(contracts.join(path))?)?;
        let (_, file) = path.rsplit_once('/').unwrap_or_default();
        let bytes = serde_json::to_vec(&schema["examples"][0])?;
        Ok(Payload { name: format!("`{}`, {} bytes", file.trim_end_matches(".json"), bytes.len()), schema, bytes })
    }

    fn read<Ours: Read, Plain: DeserializeOwned, Typified: DeserializeOwned>(&self) -> Result<(String, Vec<f64>)> {
        let bytes = self.bytes.as_slice();
        let validator = jsonschema::options().should_validate_formats(true).build(&self.schema)?;
        let value: Value = serde_json::from_slice(bytes)?;
        assert!(validator.is_valid(&value) && decode::<Ours>(bytes, Reading::Strict).is_ok());
        assert!(serde_json::from_slice::<Plain>(bytes).is_ok() && serde_json::from_slice::<Typified>(bytes).is_ok());
        let contenders: [Contender<'_>; 4] = [
            &|| drop(black_box(decode::<Ours>(black_box(bytes), Reading::Strict))),
            &|| drop(black_box(serde_json::from_slice::<Plain>(black_box(bytes)))),
            &|| drop(black_box(serde_json::from_slice::<Typified>(black_box(bytes)))),
            &|| {
                let value: Value = serde_json::from_slice(black_box(bytes)).unwrap_or_default();
                black_box(validator.is_valid(&value));
            },
        ];
        Ok((self.name.clone(), nanoseconds(&contenders)))
    }

    fn write<Ours, Plain, Typified>(&self) -> Result<(String, Vec<f64>)>
    where
        Ours: Read + Write,
        Plain: Serialize + DeserializeOwned,
        Typified: Serialize + DeserializeOwned,
    {
        let bytes = self.bytes.as_slice();
        let ours: Ours = decode(bytes, Reading::Strict)?;
        let plain: Plain = serde_json::from_slice(bytes)?;
        let typified: Typified = serde_json::from_slice(bytes)?;
        let value: Value = serde_json::from_slice(bytes)?;
        let contenders: [Contender<'_>; 4] = [
            &|| drop(black_box(encode(black_box(&ours)))),
            &|| drop(black_box(serde_json::to_string(black_box(&plain)))),
            &|| drop(black_box(serde_json::to_string(black_box(&typified)))),
            &|| drop(black_box(serde_json::to_string(black_box(&value)))),
        ];
        Ok((self.name.clone(), nanoseconds(&contenders)))
    }
}
