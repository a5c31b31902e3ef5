//! Whether a JSON value is what a schema of the OpenAPI document says: the part of JSON Schema that such documents use.

use std::collections::HashSet;

use serde_json::{Map, Value};

/// What is wrong with a value, with the place; empty where nothing is. Fields that the schema does not know count as wrong,
/// where it does not let any in: a client that is made from the document would lose them.
pub fn wrong(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    Check { document }.value(schema, value, "", &mut wrong);
    let mut known = HashSet::new();
    Check { document }.fields(schema, value, "", &mut known, &mut wrong);
    wrong
}

struct Check<'a> {
    document: &'a Value,
}

impl<'a> Check<'a> {
    fn resolved(&self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(at) => self.document.pointer(at.trim_start_matches('#')).unwrap_or_else(|| panic!("{at} is nowhere")),
            None => schema,
        }
    }

    fn value(&self, schema: &'a Value, value: &Value, at: &str, wrong: &mut Vec<String>) {
        let schema = self.resolved(schema);
        let mut no = |what: String| {
            wrong.push(format!("{at}: {what}: {}", value.to_string().chars().take(80).collect::<String>()))
        };
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let is = |name: &str| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            "object" => value.is_object(),
            other => panic!("no type {other}"),
        };
        if !types.is_empty() && !types.iter().any(|name| is(name)) {
            return no(format!("is not {types:?}"));
        }
        if schema["enum"].as_array().is_some_and(|allowed| !allowed.contains(value)) {
            no(format!("is none of {}", schema["enum"]));
        }
        if let Some(number) = value.as_f64() {
            let over =
                |name: &str, beyond: fn(f64, f64) -> bool| schema[name].as_f64().is_some_and(|b| beyond(number, b));
            if over("minimum", |n, b| n < b)
                || over("maximum", |n, b| n > b)
                || over("exclusiveMinimum", |n, b| n <= b)
                || over("exclusiveMaximum", |n, b| n >= b)
            {
                no("is out of range".into());
            }
        }
        let counted = |least: &str, most: &str, n: u64| {
            schema[least].as_u64().is_some_and(|b| n < b) || schema[most].as_u64().is_some_and(|b| n > b)
        };
        match value {
            Value::String(text) => {
                if counted("minLength", "maxLength", text.chars().count() as u64) {
                    no("has another length".into());
                }
                let bytes = text.as_bytes();
                let is_date =
                    |t: &[u8]| t.len() == 10 && t[4] == b'-' && t[7] == b'-' && t[..4].iter().all(u8::is_ascii_digit);
                let fits = match schema["format"].as_str() {
                    Some("date-time") => {
                        bytes.len() >= 20 && is_date(&bytes[..10]) && bytes[10] == b'T' && text.ends_with('Z')
                    }
                    Some("date") => is_date(bytes),
                    Some("uri") => text.contains("://"),
                    _ => true,
                };
                if !fits {
                    no(format!("is no {}", schema["format"]));
                }
            }
            Value::Array(items) => {
                if counted("minItems", "maxItems", items.len() as u64) {
                    no("has another length".into());
                }
                for (k, item) in items.iter().enumerate() {
                    if schema["items"].is_object() {
                        self.value(&schema["items"], item, &format!("{at}[{k}]"), wrong);
                    }
                }
            }
            Value::Object(fields) => {
                for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
                    if !fields.contains_key(name) {
                        wrong.push(format!("{at}: {name} is missing"));
                    }
                }
                let known = schema["properties"].as_object();
                for (name, field) in fields {
                    match known.and_then(|known| known.get(name)) {
                        Some(schema) => self.value(schema, field, &format!("{at}.{name}"), wrong),
                        None if schema["additionalProperties"].is_object() => {
                            self.value(&schema["additionalProperties"], field, &format!("{at}.{name}"), wrong);
                        }
                        None => {}
                    }
                }
            }
            _ => {}
        }
        for part in schema["allOf"].as_array().into_iter().flatten() {
            self.value(part, value, at, wrong);
        }
        for (name, one) in [("oneOf", true), ("anyOf", false)] {
            let Some(choices) = schema[name].as_array() else { continue };
            let tried: Vec<Vec<String>> = choices
                .iter()
                .map(|choice| {
                    let mut wrong = Vec::new();
                    self.value(choice, value, at, &mut wrong);
                    wrong
                })
                .collect();
            let fitting = tried.iter().filter(|wrong| wrong.is_empty()).count();
            if fitting == 0 || (one && fitting > 1) {
                wrong.push(format!("{at}: {fitting} of {name} fit: {:?}", tried.concat()));
            }
        }
    }

    /// Collects the fields that a schema knows of an object, with those of what it is made of, and tells the others.
    fn fields(
        &self,
        schema: &'a Value,
        value: &Value,
        at: &str,
        known: &mut HashSet<&'a str>,
        wrong: &mut Vec<String>,
    ) {
        let open = self.known(schema, value, known);
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    match self.schemas_of(schema, value, name) {
                        inner if !inner.is_empty() => {
                            for inner in inner {
                                self.fields(inner, field, &format!("{at}.{name}"), &mut HashSet::new(), wrong);
                            }
                        }
                        _ if !open && !known.contains(name.as_str()) => {
                            wrong.push(format!("{at}: {name} is not documented"));
                        }
                        _ => {}
                    }
                }
            }
            Value::Array(items) => {
                let schema = self.resolved(schema);
                for item in items.iter().filter(|_| schema["items"].is_object()) {
                    self.fields(&schema["items"], item, &format!("{at}[]"), &mut HashSet::new(), wrong);
                }
            }
            _ => {}
        }
    }

    /// Whether a schema lets any field in; the names that it knows go into `known`.
    fn known(&self, schema: &'a Value, value: &Value, known: &mut HashSet<&'a str>) -> bool {
        let schema = self.resolved(schema);
        let properties: Option<&Map<String, Value>> = schema["properties"].as_object();
        known.extend(properties.into_iter().flat_map(|p| p.keys().map(String::as_str)));
        // An object of which nothing is said.
        let mut open = properties.is_none() && ["allOf", "oneOf", "anyOf"].iter().all(|name| schema[*name].is_null());
        open |= schema["additionalProperties"].is_object() || schema["additionalProperties"] == true;
        for part in self.parts(schema, value) {
            open |= self.known(part, value, known);
        }
        open
    }

    fn schemas_of(&self, schema: &'a Value, value: &Value, name: &str) -> Vec<&'a Value> {
        let schema = self.resolved(schema);
        let mut found: Vec<&Value> = schema["properties"].get(name).into_iter().collect();
        for part in self.parts(schema, value) {
            found.extend(self.schemas_of(part, value, name));
        }
        found
    }

    /// What a schema is made of, as far as it speaks of this value.
    fn parts(&self, schema: &'a Value, value: &Value) -> Vec<&'a Value> {
        let all = schema["allOf"].as_array().into_iter().flatten();
        let choices = ["oneOf", "anyOf"].into_iter().filter_map(|name| schema[name].as_array()).flatten();
        let fits = |choice: &&Value| {
            let mut wrong = Vec::new();
            self.value(choice, value, "", &mut wrong);
            wrong.is_empty()
        };
        all.chain(choices.filter(fits)).collect()
    }
}

#[test]
fn the_check_sees_what_is_wrong() {
    use serde_json::json;
    let document = json!({ "components": { "schemas": {
        "Part": { "oneOf": [
            { "type": "object", "required": ["kind", "id"], "properties": { "kind": { "enum": ["a"] }, "id": { "type": "string" } } },
            { "type": "object", "required": ["kind"], "properties": { "kind": { "enum": ["b"] } } } ] },
        "Both": { "allOf": [
            { "type": "object", "required": ["n"], "properties": { "n": { "type": "integer", "minimum": 1, "maximum": 3 } } },
            { "type": "object", "properties": { "parts": { "type": "array", "maxItems": 2, "items": { "$ref": "#/components/schemas/Part" } } } } ] },
    } } });
    let schema = json!({ "$ref": "#/components/schemas/Both" });
    let good = json!({ "n": 3, "parts": [{ "kind": "a", "id": "x" }, { "kind": "b" }] });
    assert_eq!(wrong(&document, &schema, &good), Vec::<String>::new());
    for bad in [
        json!({}),
        json!({ "n": 4 }),
        json!({ "n": 1.5 }),
        json!({ "n": 1, "extra": 1 }),
        json!({ "n": 1, "parts": [{ "kind": "a" }] }),
        json!({ "n": 1, "parts": [{ "kind": "c" }] }),
        json!({ "n": 1, "parts": [{ "kind": "b", "more": 1 }] }),
        json!({ "n": 1, "parts": [{ "kind": "b" }, { "kind": "b" }, { "kind": "b" }] }),
    ] {
        assert!(!wrong(&document, &schema, &bad).is_empty(), "{bad}");
    }
}
