//! The event that is published, as generated bindings would have it.

use std::time::{SystemTime, UNIX_EPOCH};

use eventwright::{CarriesSubject, Domain, Object, Payload, Publishable, PublishedBy, SubscribedBy};

pub(crate) struct Bank;

impl Domain for Bank {
    const NAME: &'static str = "bank";
}

/// The `n`th thing that happened to an account.
#[derive(Clone, PartialEq, Object)]
#[object(closed)]
pub(crate) struct Booked {
    pub(crate) account: String,
    pub(crate) n: i64,
}

impl Payload for Booked {
    const EVENT_TYPE: &'static str = "account.booked";
    const VERSION: u16 = 1;
}

impl CarriesSubject for Booked {
    type Subject = String;

    fn subject(&self) -> String {
        self.account.clone()
    }
}

impl PublishedBy<Bank> for Booked {}
impl Publishable for Booked {}
impl SubscribedBy<Bank> for Booked {}

/// Milliseconds since 1970 by this machine's clock. Not by the server's, which is made to jump.
pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
