//! Contracts as a growing company would write them, as many as asked for.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::{Value, json};

/// Event types that share a contract's folder.
const PER_CONTRACT: usize = 20;

/// Writes `contracts/` with so many event types, each of one version, into the folder.
pub(crate) fn write(types: usize, folder: &Path) -> io::Result<()> {
    let contracts = folder.join("contracts");
    let mut event_types = Vec::new();
    for index in 0..types {
        let contract = format!("contract-{}", index / PER_CONTRACT);
        let schema = contracts.join(&contract).join("schema");
        if index % PER_CONTRACT == 0 {
            fs::create_dir_all(schema.join("payloads"))?;
            fs::create_dir_all(schema.join("defs"))?;
            fs::write(schema.join("defs/money.json"), money(&contract).to_string())?;
        }
        let event_type = format!("subject{}.fact{}", index / PER_CONTRACT, index % PER_CONTRACT);
        let path = format!("{contract}/schema/payloads/{event_type}-v1.json");
        fs::write(contracts.join(&path), payload(index, &path).to_string())?;
        event_types.push(json!({
            "event_type": event_type,
            "description": format!("Fact {index} became true."),
            "owner": "sales",
            "subscribers": ["revenue", "warehouse"],
            "contract": contract,
            "subject": "ord_",
            "tenant": "/tenant_id",
            "versions": [{ "version": 1, "status": "current", "payload": path }],
        }));
    }
    fs::write(contracts.join("event-types-registry.json"), registry(event_types).to_string())
}

fn registry(event_types: Vec<Value>) -> Value {
    json!({
        "domains": {
            "sales": { "description": "Turns interest into customers." },
            "revenue": { "description": "Takes and returns money." },
            "warehouse": { "description": "Keeps what happened for analysis." },
        },
        "id_prefixes": {
            "ord_": { "type": "OrderId", "description": "An order." },
            "per_": { "type": "PersonId", "description": "A person." },
        },
        "shared_types": {
            "Currency": { "description": "ISO 4217 code.", "schema": { "type": "string", "pattern": "^[A-Z]{3}$" } },
        },
        "event_types": event_types,
    })
}

fn money(contract: &str) -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("https://contracts.example/{contract}/schema/defs/money.json"),
        "$defs": {
            "Money": {
                "description": "An amount in the currency's smallest unit.",
                "type": "object",
                "additionalProperties": false,
                "required": ["amount_cents", "currency"],
                "properties": {
                    "amount_cents": { "description": "How much.", "type": "integer", "minimum": 0 },
                    "currency": { "description": "In what.", "type": "string", "pattern": "^[A-Z]{3}$" },
                },
            },
        },
    })
}

/// Twelve properties, among them an object of four and a reference into another file.
fn payload(index: usize, path: &str) -> Value {
    const UUID: &str = "[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$";
    let id = |prefix: &str| format!("^{prefix}{UUID}");
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": format!("https://contracts.example/{path}"),
        "title": format!("Fact {index} became true"),
        "description": "Somebody ordered something, and what follows is known from then on. Each is an event of its own.",
        "type": "object",
        "additionalProperties": false,
        "required": ["tenant_id", "order_id", "person_id", "channel", "price", "quantity", "placed_at", "contact", "tags"],
        "properties": {
            "tenant_id": { "description": "The tenant whose data this is.", "type": "string", "minLength": 1 },
            "order_id": { "description": "The order that this is about.", "type": "string", "pattern": id("ord_") },
            "person_id": { "description": "The person who ordered.", "type": "string", "pattern": id("per_") },
            "channel": {
                "description": "How the order came. Expect channels that you don't know.",
                "type": "string",
                "enum": ["web", "phone", "shop", format!("partner_{index}")],
            },
            "price": { "$ref": "../defs/money.json#/$defs/Money" },
            "quantity": { "description": "How many.", "type": "integer", "minimum": 1, "maximum": 999 },
            "placed_at": { "description": "When it was placed, in UTC.", "type": "string", "format": "date-time" },
            "due_on": { "description": "When it has to be there.", "type": ["string", "null"], "format": "date" },
            "referrer_id": { "description": "Who sent them; null where nobody did.", "type": ["string", "null"], "pattern": id("per_") },
            "note": { "description": "What they said.", "type": ["string", "null"], "maxLength": 2000, "x-sensitive": true },
            "tags": {
                "description": "What it was filed under.",
                "type": "array",
                "items": { "type": "string", "minLength": 1, "maxLength": 40 },
                "maxItems": 20,
            },
            "contact": {
                "description": "Whom to ask.",
                "type": "object",
                "additionalProperties": false,
                "required": ["name", "phone"],
                "properties": {
                    "name": { "description": "As typed.", "type": "string", "minLength": 1, "x-sensitive": true },
                    "phone": { "description": "As typed.", "type": "string", "minLength": 1, "x-sensitive": true },
                    "email": { "description": "Not verified.", "type": "string", "format": "email", "x-sensitive": true },
                    "zip": { "description": "Five digits.", "type": "string", "pattern": "^[0-9]{5}$", "x-sensitive": true },
                },
            },
        },
    })
}
