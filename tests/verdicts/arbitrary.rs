//! Payloads at random are valid: for the generated types, which read them strictly, and for the `jsonschema` crate.
//!
//! `EVENTWRIGHT_SAMPLES` asks for more of each payload.

use std::collections::BTreeSet;

use crate::contracts::{Documents, contracts};
use eventwright::payload::arbitrary::Sample;
use eventwright::{CarriesSubject, Payload, Reading};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use sguild_events::*;

const SAMPLES: usize = 400;

/// The judge's verdict on payloads of each contract.
struct Judge {
    documents: Documents,
    seen: BTreeSet<(String, u16)>,
}

impl Judge {
    fn hold<T: Payload + Sample + Arbitrary + PartialEq>(&mut self) {
        let (name, version) = (T::EVENT_TYPE, T::VERSION);
        let contract = contracts().into_iter().find(|known| known.event_type == name && known.version == version);
        let validator = self.documents.validator(&contract.expect("a contract"));
        self.seen.insert((name.to_owned(), version));
        let mut runner = TestRunner::deterministic();
        let mut judged = 0;
        let count = std::env::var("EVENTWRIGHT_SAMPLES").map_or(SAMPLES, |count| count.parse().expect("a number"));
        for _ in 0..count {
            let payload = any::<T>().new_tree(&mut runner).expect("a payload").current();
            let json = payload.encode().unwrap_or_else(|error| panic!("{payload:?}: {error}"));
            let read = T::decode(json.as_bytes(), Reading::Strict).unwrap_or_else(|error| panic!("{json}: {error}"));
            assert!(read == payload, "{json} was {payload:?} and became {read:?}");
            // a member that nothing names may have a number beyond those of serde_json
            let Ok(value) = serde_json::from_str::<Value>(&json) else { continue };
            judged += 1;
            if let Err(error) = validator.validate(&value) {
                panic!("{name} v{version}: {json}\njsonschema: {error}");
            }
        }
        assert!(judged * 10 >= count * 9, "{name} v{version}: {judged} of {count} could be judged");
    }
}

macro_rules! payloads {
    ($($payload:ty),+ $(,)?) => {
        #[test]
        #[allow(deprecated, reason = "deprecated versions are still read")]
        fn payloads_at_random_are_valid() {
            let mut judge = Judge { documents: Documents::load(), seen: BTreeSet::new() };
            $(judge.hold::<$payload>();)+
            let all = contracts().into_iter().map(|known| (known.event_type, known.version));
            assert_eq!(judge.seen, all.collect());
        }
    };
}

payloads!(
    CreditConsumedV1,
    CreditForfeitedV1,
    CreditFundedV1,
    CreditLockedV1,
    CreditPurchasedV1,
    credit_released_v1::CreditReleasedV1,
    CreditReleasedV2,
    CreditReservedV1,
    CustomerHandoffV1,
    IntakeAmendedV1,
    IntakeCapturedV1,
    IntakeCapturedV2,
    LeadAttemptExhaustedV1,
    LeadCallbackScheduledV1,
    LeadCreatedV1,
    LeadReachedV1,
    LeadStageChangedV1,
    PaymentFailedV1,
    PaymentReceivedV1,
    PersonUpdatedV1,
    RefundCompletedV1,
    RefundInitiatedV1,
    ReservationFundedV1,
    ReservationRefundedV1,
    ReservationRefundingV1,
);

proptest! {
    #[test]
    fn users_ask_for_events_by_their_type(event: LeadCreated) {
        prop_assert_eq!(event.subject(), event.lead_id);
    }
}
