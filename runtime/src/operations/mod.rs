//! What operators ask and do: dead letters, where an event is, how groups stand, what is wrong.

mod dead_letters;
mod doctor;
mod erase;
mod groups;
mod log_status;
mod rebase;
mod whereabouts;

pub use dead_letters::{DeadLetter, DeadLetterCursor, DeadLetterFilter, DeadLetterPage, DeadLetters};
pub use doctor::{Doctor, Finding, Severity};
pub(crate) use erase::is_erased;
pub use erase::{Erasure, erase_subject, erase_subject_in};
pub use groups::{Gap, GroupLag, GroupStatus, Groups, HeldEvents};
pub use log_status::LogStatus;
pub use rebase::{Rebase, RebasedDatabase, RebasedGroup};
pub use whereabouts::{EventLookup, GroupStanding, Publication, Standing, Whereabouts, whereabouts};
