//! Values of Zoho's JSON, as what they mean.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::CrmId;

/// As a parameter of a query lists them.
pub(super) fn joined(ids: &[CrmId]) -> String {
    ids.iter().map(CrmId::as_str).collect::<Vec<_>>().join(",")
}

/// Ids are texts; some answers have them as numbers.
pub(super) fn id(value: &Value) -> Option<CrmId> {
    match value {
        Value::String(id) => id.parse().ok(),
        Value::Number(id) => id.to_string().parse().ok(),
        _ => None,
    }
}

/// A field's value as text, whatever its type in this CRM. Blank is none.
pub(super) fn text(value: &Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text.clone(),
        // A list to choose several from.
        Value::Array(values) => values.iter().filter_map(text).collect::<Vec<_>>().join(";"),
        // A record of another module.
        Value::Object(other) => text(other.get("name")?)?,
        Value::Number(_) | Value::Bool(_) => value.to_string(),
    };
    (!text.trim().is_empty()).then_some(text)
}

/// With the offset of the organisation, or of the user.
pub(super) fn time(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|time| time.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_time_counts_whatever_its_offset() {
        let here = time(&json!("2020-10-14T10:31:43+05:30"));

        assert_eq!(here, time(&json!("2020-10-14T05:01:43+00:00")));
        assert!(here.is_some());
    }

    #[test]
    fn a_value_of_any_type_is_text_and_a_blank_one_is_none() {
        let texts = [
            (json!("Cathy"), Some("Cathy")),
            (json!(" "), None),
            (json!(null), None),
            (json!(7), Some("7")),
            (json!({"name": "Lincoln High", "id": "1"}), Some("Lincoln High")),
            (json!(["Soccer", "Golf"]), Some("Soccer;Golf")),
            (json!([]), None),
        ];

        for (value, expected) in texts {
            assert_eq!(text(&value).as_deref(), expected, "{value}");
        }
    }

    #[test]
    fn an_id_is_a_number_in_either_form() {
        assert_eq!(id(&json!("4150868000000376008")), id(&json!(4_150_868_000_000_376_008_u64)));
        assert!(id(&json!("x")).is_none() && id(&json!(null)).is_none());
    }
}
