//! Zoho CRM's notifications: which records have changed over there (its API, "Notifications"). What has changed in
//! them is read over there when the time has come, since a notification has neither its own time nor a proof of more
//! than its sender.

use serde_json::Value;

use super::refusal::malformed;
use crate::domain::event::{CrmModule, CrmRecord};
use crate::error::Error;

/// The most records that one notification may name.
const MOST: usize = 1000;

/// Reads `{module, ids: ["…"]}`; modules that we have nothing to do with name no record.
///
/// # Errors
/// `malformed`, 400.
pub(super) fn read(body: &Value) -> Result<Vec<CrmRecord>, Error> {
    let module = body["module"].as_str().ok_or_else(|| malformed("module is required."))?;
    let ids = body["ids"].as_array().ok_or_else(|| malformed("ids must be a list."))?;
    if ids.len() > MOST {
        return Err(malformed(format!("ids must have at most {MOST} entries.")));
    }
    let module = match module {
        "Contacts" => CrmModule::Contacts,
        "Accounts" => CrmModule::Accounts,
        _ => return Ok(Vec::new()),
    };
    let mut records: Vec<_> = ids.iter().filter_map(id_of).map(|id| CrmRecord { module, id }).collect();
    // One that cannot be read keeps no other from being fetched.
    if records.is_empty() && !ids.is_empty() {
        return Err(malformed("ids must be numbers as text."));
    }
    // Each once and in their order, as rows of tasks are locked.
    records.sort_unstable();
    records.dedup();
    Ok(records)
}

/// Digits as text, or a number from a reader that has lost the quotes.
fn id_of(id: &Value) -> Option<u64> {
    let id = match id {
        Value::String(text) => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())),
        other => other.as_u64(),
    };
    id.filter(|id| *id > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_notification_names_its_records_once_each() {
        let body = json!({"module": "Contacts", "ids": ["5725767000003000064", "5725767000003000010", 5_725_767_000_003_000_064_u64],
            "operation": "update", "token": "…", "affected_values": [{"values": {"Mobile": "1"}}]});

        let records = read(&body).unwrap();

        let ids: Vec<u64> = records.iter().map(|record| record.id).collect();
        assert_eq!(ids, [5_725_767_000_003_000_010, 5_725_767_000_003_000_064]);
        assert!(records.iter().all(|record| record.module == CrmModule::Contacts));
    }

    #[test]
    fn a_module_of_no_interest_names_none() {
        assert_eq!(read(&json!({"module": "Leads", "ids": ["1"]})).unwrap(), []);
        assert_eq!(read(&json!({"module": "Accounts", "ids": []})).unwrap(), []);
    }

    #[test]
    fn a_thousand_ids_are_not_too_many() {
        let ids: Vec<u64> = (1..=1000).collect();

        assert_eq!(read(&json!({"module": "Contacts", "ids": ids})).unwrap().len(), 1000);
    }

    #[test]
    fn an_id_that_cannot_be_read_keeps_no_other_out() {
        let records = read(&json!({"module": "Contacts", "ids": ["x", "7", null, "0", {}]})).unwrap();

        assert_eq!(records, [CrmRecord { module: CrmModule::Contacts, id: 7 }]);
    }

    #[test]
    fn what_is_no_notification_is_malformed() {
        let many: Vec<String> = (1..=1001).map(|id| id.to_string()).collect();
        for wrong in [
            json!({}),
            json!([]),
            json!({"module": "Contacts"}),
            json!({"module": "Contacts", "ids": "1"}),
            json!({"module": "Contacts", "ids": ["x"]}),
            json!({"module": "Contacts", "ids": ["+1"]}),
            json!({"module": "Contacts", "ids": ["0"]}),
            json!({"module": "Contacts", "ids": ["99999999999999999999"]}),
            json!({"module": "Contacts", "ids": many}),
        ] {
            assert!(read(&wrong).is_err(), "{wrong}");
        }
    }
}
