// SPDX-License-Identifier: MIT OR Apache-2.0
//! The schemas of `docs/`, and whether an object is as they say.

use jsonschema::{Draft, Validator};
use serde_json::Value;

pub(crate) fn schema() -> Value {
    let text = include_str!("../../docs/events.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

pub(crate) fn validator() -> Validator {
    validator_of(&schema())
}

/// The validator of another schema than the events'.
pub(crate) fn validator_of(schema: &Value) -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let options = options.should_validate_formats(true);
    options.build(schema).expect("the schema is one")
}

/// Fails for an object that is not as the schema says.
pub(crate) fn check(validator: &Validator, object: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(object)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{object}\n{}", errors.join("\n"));
}
