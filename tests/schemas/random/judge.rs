//! The independent judge.

use serde_json::Value;

/// A validator for a document; also where the author wrote no valid schema, in words.
pub(crate) fn judge(document: &Value) -> Result<jsonschema::Validator, String> {
    jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        // Validation section 7.3.2 means RFC 5321's Mailbox, which has no display name; the crate lets one pass by itself
        .with_email_options(jsonschema::EmailOptions::default().without_display_text())
        .should_ignore_unknown_formats(true)
        .offline()
        .build(document)
        .map_err(|error| error.to_string())
}
