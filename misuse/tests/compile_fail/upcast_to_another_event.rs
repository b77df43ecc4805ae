use eventwright::Subscriber;
use sguild_events::{CreditReleasedV2, IntakeCapturedV1, Sales};

fn to_another_event(subscriber: Subscriber<Sales>) -> Subscriber<Sales> {
    subscriber.upcast(|_: IntakeCapturedV1| -> CreditReleasedV2 { unreachable!() })
}

fn main() {}
