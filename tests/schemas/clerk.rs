//! Reads payloads with a generated crate: a question on each line of the input, an answer on each line of the output.
//!
//! A source file of a crate that foundry.rs puts together.

use std::io::{self, BufRead, Write};

use eventwright::{DecodeError, Reading};
use generated::AnyEvent;
use serde_json::{Value, json};

fn main() -> io::Result<()> {
    let mut output = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line?)?;
        writeln!(output, "{}", answer(&question))?;
        // the next line may be the end of this process: panics abort it, and are its last words
        output.flush()?;
    }
    Ok(())
}

fn answer(question: &Value) -> Value {
    let event = question["event"].as_str().expect("an event type");
    let version = question["version"].as_u64().and_then(|version| version.try_into().ok()).expect("a version");
    let json = question["json"].as_str().expect("a text").as_bytes();
    let strict = AnyEvent::decode(event, version, json, Reading::Strict);
    let tolerant = AnyEvent::decode(event, version, json, Reading::Tolerant);
    if let Err(DecodeError::Unknown { .. }) = strict {
        return json!({ "unknown": true });
    }
    let mut answer = json!({});
    match strict.as_ref().map(AnyEvent::encode) {
        Ok(Ok(written)) => answer["written"] = written.into(),
        Ok(Err(error)) => answer["unwritable"] = error.to_string().into(),
        Err(error) => answer["strict"] = error.to_string().into(),
    }
    match (&strict, &tolerant) {
        (_, Err(error)) => answer["tolerant"] = error.to_string().into(),
        (Err(_), Ok(tolerant)) => {
            // what a producer may not send, reading does not give it to send
            if let Ok(written) = tolerant.encode()
                && AnyEvent::decode(event, version, written.as_bytes(), Reading::Strict).is_err()
            {
                answer["tolerant"] = format!("is written as {written}, which is not valid").into();
            }
        }
        (Ok(strict), Ok(tolerant)) if strict != tolerant => answer["tolerant"] = "becomes another value".into(),
        _ => {}
    }
    answer
}
