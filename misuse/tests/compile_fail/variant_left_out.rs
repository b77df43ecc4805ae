use sguild_events::GrowthEvent;

fn is_about_money(event: GrowthEvent) -> bool {
    match event {
        GrowthEvent::CreditFundedV1(_) | GrowthEvent::CreditPurchasedV1(_) => true,
        GrowthEvent::PaymentReceivedV1(_) | GrowthEvent::PaymentFailedV1(_) => true,
        GrowthEvent::RefundInitiatedV1(_) => true,
        GrowthEvent::LeadCreatedV1(_) | GrowthEvent::LeadReachedV1(_) | GrowthEvent::LeadStageChangedV1(_) => false,
        GrowthEvent::LeadCallbackScheduledV1(_) | GrowthEvent::LeadAttemptExhaustedV1(_) => false,
        GrowthEvent::PersonUpdatedV1(_) => false,
    }
}

fn main() {}
