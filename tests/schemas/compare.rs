//! What a clerk answers, and what the judge says.

use crate::foundry::Answer;
use crate::random::cases::Instance;

/// How an answer differs from what the judge says.
pub(crate) fn compare(instance: &Instance, answer: &Answer) -> Result<(), String> {
    match (answer, instance.verdict.is_ok()) {
        (Answer::Unknown, _) => Err("one instance is unknown, others are not".to_owned()),
        (Answer::Broken(how), _) => Err(how.clone()),
        (Answer::Read { tolerant: Ok(()), .. }, _) if !instance.may_be_tolerated => {
            Err("read tolerantly, and may not be".to_owned())
        }
        (Answer::Read { strict: Err(_), tolerant: Err(error) }, _)
            if instance.must_be_tolerated && !instance.has_twins =>
        {
            Err(format!("not read tolerantly: {error}"))
        }
        (Answer::Read { strict: Err(_), .. }, valid) if !valid || instance.has_twins => Ok(()),
        (Answer::Read { strict: Err(error), .. }, _) => Err(format!("eventwright: {error}")),
        (Answer::Read { strict: Ok(_), .. }, false) => Err("eventwright: valid".to_owned()),
        (Answer::Read { tolerant: Err(error), .. }, true) => Err(format!("read strictly, but not tolerantly: {error}")),
        (Answer::Read { strict: Ok(Err(error)), .. }, true) => Err(format!("read, but could not be written: {error}")),
        (Answer::Read { strict: Ok(Ok(written)), .. }, true) if !instance.survived_as(written) => {
            Err(format!("became {written}"))
        }
        (Answer::Read { .. }, true) => Ok(()),
    }
}
