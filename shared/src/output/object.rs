// SPDX-License-Identifier: MIT OR Apache-2.0
//! A JSON object of an answer, with its fields in the order that they were given: the kind comes first, as in events.

use std::fmt;

use serde_json::Value;

/// An object; it is shown as one line of JSON.
#[derive(Debug, Clone, Default)]
pub struct Object {
    fields: String,
}

impl Object {
    /// An object of this kind, which is its first field, `event`.
    pub fn of(event: &str) -> Self {
        Self::default().with("event", event)
    }

    /// An object that was put together elsewhere, with the field `event` before the others. Of what is no object there
    /// are no fields.
    pub fn kind_first(value: Value) -> Self {
        let Value::Object(mut fields) = value else {
            return Self::default();
        };
        let kind = fields.remove_entry("event");
        let fields = kind.into_iter().chain(fields);
        fields.fold(Self::default(), |object, (name, value)| {
            object.with(&name, value)
        })
    }

    /// The same with one more field.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Value>) -> Self {
        self.field(name, &value.into())
    }

    /// The same with a field that is an object.
    #[must_use]
    pub fn with_object(self, name: &str, object: &Self) -> Self {
        self.field(name, object)
    }

    /// The same with a field that is a list of objects.
    #[must_use]
    pub fn with_objects(self, name: &str, objects: impl IntoIterator<Item = Self>) -> Self {
        let objects: Vec<_> = objects
            .into_iter()
            .map(|object| object.to_string())
            .collect();
        self.field(name, &format_args!("[{}]", objects.join(",")))
    }

    fn field(mut self, name: &str, value: &dyn fmt::Display) -> Self {
        let lead = if self.fields.is_empty() { "" } else { "," };
        self.fields
            .push_str(&format!("{lead}{}:{value}", Value::from(name)));
        self
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{}}}", self.fields)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Object;

    #[test]
    fn fields_stay_in_their_order() {
        let inner = Object::default().with("z", 1).with("a", "\"\n");
        let object = Object::of("kind")
            .with("tool", None::<String>)
            .with("count", 3.5)
            .with_object("inner", &inner)
            .with_objects("none", [])
            .with_objects("both", [inner.clone(), Object::default()]);
        let text = object.to_string();
        assert_eq!(
            text,
            r#"{"event":"kind","tool":null,"count":3.5,"inner":{"z":1,"a":"\"\n"},"none":[],"both":[{"z":1,"a":"\"\n"},{}]}"#
        );
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }

    #[test]
    fn the_kind_is_first_wherever_it_was() {
        let object = Object::kind_first(
            json!({"architecture": "x", "event": "machine", "z": {"event": 1, "a": 2}}),
        );
        assert_eq!(
            object.to_string(),
            r#"{"event":"machine","architecture":"x","z":{"a":2,"event":1}}"#
        );
        assert_eq!(
            Object::kind_first(json!({"b": 1})).to_string(),
            r#"{"b":1}"#
        );
    }
}
