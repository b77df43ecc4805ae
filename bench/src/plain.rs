//! Payloads as structs of strings, for serde to read and to write without looking at them.

use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
pub(crate) struct PaymentReceived {
    order_id: String,
    person_id: String,
    payment_method: String,
    payment_path: String,
    amount_cents: i64,
    currency: String,
    provider_ref: String,
    received_at: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct IntakeCaptured {
    tenant_id: String,
    source: String,
    campaign_code: Option<String>,
    landing_url: Option<String>,
    submission: Submission,
    person_id: Option<String>,
    visitor_id: Option<String>,
    subscriber_row_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Submission {
    first_name: String,
    last_name: String,
    phone: String,
    zip: String,
    email: Option<String>,
    dob: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct PersonUpdated {
    tenant_id: String,
    person: Person,
    changed_fields: Vec<String>,
    prior_status: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Person {
    person_id: String,
    status: String,
    alias_of: Option<String>,
    given_name: Option<String>,
    family_name: Option<String>,
    display_name: Option<String>,
    is_minor: bool,
    created_at: String,
    updated_at: String,
}
