use eventwright::OffsetDateTime;
use sguild_events::{LeadId, LeadReached};

fn main() {
    LeadReached::builder().lead_id(LeadId::new()).reached_at(OffsetDateTime::now_utc()).build();
}
