//! The event that all benchmarks move: a payment of some 270 bytes, of one order among many.

use eventwright::{Int, OffsetDateTime, Text};
use serde::{Deserialize, Serialize};
use sguild_events::{Currency, OrderId, PaymentMethod, PaymentPath, PaymentReceivedV1, PersonId};

use crate::Result;

/// A payload's text, in which the subject and the number stand where SQL can put others.
pub(crate) const TEMPLATE: &str = r#"{"order_id":"ord_019740e4-6780-7e5f-8607-18293a4b5c6d","person_id":"per_019730f4-1118-7a1c-80d2-e4f60718293a","payment_method":"card","payment_path":"active_charge","amount_cents":987654321,"currency":"USD","provider_ref":"sqpay_R9vT2mQe","received_at":"2025-06-05T16:22:08Z"}"#;
pub(crate) const TEMPLATE_SUBJECT: &str = "ord_019740e4-6780-7e5f-8607-18293a4b5c6d";
pub(crate) const TEMPLATE_AMOUNT: &str = "987654321";

/// What events are about.
pub(crate) type Subjects = Vec<OrderId>;

pub(crate) fn subjects(count: usize) -> Subjects {
    (0..count).map(|_| OrderId::new()).collect()
}

/// The payload with this number, from 1 on, as our types build it.
pub(crate) fn payment(order_id: OrderId, person_id: PersonId, number: i64) -> Result<PaymentReceivedV1> {
    Ok(PaymentReceivedV1::builder()
        .order_id(order_id)
        .person_id(person_id)
        .payment_method(PaymentMethod::Card)
        .payment_path(PaymentPath::ActiveCharge)
        .amount_cents(Int::try_from(number)?)
        .currency(Currency::try_from("USD")?)
        .provider_ref(Text::try_from("sqpay_R9vT2mQe")?)
        .received_at(OffsetDateTime::now_utc())
        .build())
}

/// The same payload, as one would write it down without contracts.
#[derive(Serialize, Deserialize)]
pub(crate) struct Payment {
    pub(crate) order_id: String,
    pub(crate) person_id: String,
    pub(crate) payment_method: String,
    pub(crate) payment_path: String,
    pub(crate) amount_cents: i64,
    pub(crate) currency: String,
    pub(crate) provider_ref: String,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) received_at: OffsetDateTime,
}

impl Payment {
    pub(crate) fn new(order_id: OrderId, person_id: PersonId, number: i64) -> Self {
        Self {
            order_id: order_id.to_string(),
            person_id: person_id.to_string(),
            payment_method: "card".into(),
            payment_path: "active_charge".into(),
            amount_cents: number,
            currency: "USD".into(),
            provider_ref: "sqpay_R9vT2mQe".into(),
            received_at: OffsetDateTime::now_utc(),
        }
    }
}
