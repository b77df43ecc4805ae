use sguild_events::{LeadReached, PersonId};

fn main() {
    let person = PersonId::new();
    LeadReached::builder().lead_id(person);
}
