//! Zoho does not let us in, or not to this: each reason told from the others, with what a person has to mend. All but the
//! throttle pause the CRM's work until the secret is another one or an admin says so.

use std::time::Duration;

use serde_json::Value;

use super::data_centre::DataCentre;
use super::error::{ErrorBody, ZohoError};

/// What our refresh token must be allowed; the last one is for alerts alone.
const SCOPES: &str = "ZohoCRM.modules.contacts.ALL, ZohoCRM.modules.accounts.ALL, ZohoCRM.coql.READ, \
                      ZohoCRM.settings.tags.ALL, ZohoCRM.notifications.ALL, ZohoCampaigns.campaign.ALL";

/// What the token endpoint says in `error`. It says it with HTTP 200, so the body decides.
pub(super) fn of_token(error: &str, retry_after: Option<Duration>) -> ZohoError {
    let advice = match error {
        // "You have made too many requests continuously": wait, and do not ask anybody for a new refresh token.
        "Access Denied" => return throttled(retry_after),
        "invalid_code" => {
            "Zoho knows this refresh token no more: it was revoked, pushed out by a newer one (there are twenty per user), \
             or is of another data centre. Make a new one, and check data_centre."
        }
        "invalid_client" => {
            "Zoho does not know this client: check client_id, and data_centre (a client is registered in one of them)."
        }
        "invalid_client_secret" => "The client's secret is wrong: copy client_secret from Zoho's API console.",
        _ => "Zoho gives no access token. Check client, refresh token and data centre.",
    };
    refused(
        error,
        &format!("{advice} They stand in the secret isoxp/<stage>/zoho; once it is right, the work goes on by itself."),
    )
}

fn throttled(retry_after: Option<Duration>) -> ZohoError {
    ZohoError::Throttled { code: "token-throttled".to_owned(), retry_after }
}

/// A token that was made a moment ago is refused. Asking for more of them would lock us out (ten in ten minutes).
pub(super) fn fresh_token() -> ZohoError {
    refused(
        "wrong-data-centre",
        "Zoho's CRM takes not even a fresh access token: the token is of another data centre than the CRM. Put the \
         account's data centre into data_centre of the secret isoxp/<stage>/zoho; then the work goes on by itself.",
    )
}

/// The token itself says that its CRM is elsewhere.
pub(super) fn data_centre(ours: DataCentre, told: DataCentre) -> ZohoError {
    let (ours, told) = (ours.as_str(), told.as_str());
    refused(
        "wrong-data-centre",
        &format!(
            "The account is in the data centre {told}, and the secret isoxp/<stage>/zoho says {ours}. Put \
             \"data_centre\":\"{told}\" there; then the work goes on by itself."
        ),
    )
}

/// What the CRM refuses for want of a right. `None`: it is something else.
pub(super) fn of_crm(body: &ErrorBody) -> Option<ZohoError> {
    let message = match body.code.as_str() {
        "OAUTH_SCOPE_MISMATCH" => format!(
            "The refresh token lacks a scope. It needs {SCOPES}. Make a new one with all of them and put it into the secret \
             isoxp/<stage>/zoho; then the work goes on by itself."
        ),
        "NO_PERMISSION" | "AUTHORIZATION_FAILED" => format!(
            "The CRM user whose refresh token this is may not do this{}. Give his profile the rights to view, create, edit, \
             delete and tag Contacts and Accounts (CRM, Setup, Profiles), then resume sync-zoho and pull-zoho.",
            missing(&body.details)
        ),
        "INVALID_MODULE" => {
            "The CRM shows our user no module Contacts or Accounts. Show it to his profile (CRM, Setup, Modules and Fields), \
             then resume sync-zoho and pull-zoho."
                .to_owned()
        }
        // Where Zoho says what is wrong with a query is not written down: in the reason or in the message.
        "INVALID_QUERY"
            if [body.details["reason"].as_str(), Some(&*body.message)].into_iter().flatten().any(|said| said.starts_with("column")) =>
        {
            return Some(field_missing("module", body.details["column_name"].as_str().unwrap_or("?")));
        }
        "INVALID_DATA" if body.details["api_name"] == "duplicate_check_fields" => {
            return Some(refused(
                "field-not-unique",
                "The CRM does not know records by our id: its field must not allow duplicate values. Make it unique (CRM, \
                 Setup, Modules and Fields; ISO_User_ID of Contacts, or as the secret isoxp/<stage>/zoho names it), then \
                 resume sync-zoho and pull-zoho.",
            ));
        }
        _ => return None,
    };
    Some(refused(&body.code, &message))
}

/// A field that we keep equal is none of this CRM, or hidden from our user.
pub(super) fn field_missing(module: &str, field: &str) -> ZohoError {
    refused(
        "field-missing",
        &format!(
            "The CRM's {module} has no field with the API name {field}, or our user may not see it. Make it or show it, then \
             resume sync-zoho and pull-zoho; or name another in the secret isoxp/<stage>/zoho (an empty name: this CRM does \
             without), and the work goes on by itself."
        ),
    )
}

/// Its names of rights, like `Crm_Implied_View_Contacts`.
fn missing(details: &Value) -> String {
    let named: Vec<&str> = details["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    if named.is_empty() { String::new() } else { format!(" ({})", named.join(", ")) }
}

fn refused(code: &str, message: &str) -> ZohoError {
    ZohoError::Refused { code: code.to_owned(), message: message.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code_and_message(error: ZohoError) -> (String, String) {
        match error {
            ZohoError::Refused { code, message } => (code, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn whatever_the_token_endpoint_refuses_has_a_sentence_of_its_own() {
        let said = ["invalid_code", "invalid_client", "invalid_client_secret", "general_error"]
            .map(|error| code_and_message(of_token(error, None)));

        let sentences: std::collections::BTreeSet<_> = said.iter().map(|(_, message)| message).collect();
        assert_eq!(sentences.len(), said.len());
        assert!(matches!(of_token("Access Denied", None), ZohoError::Throttled { .. }));
    }

    #[test]
    fn a_missing_right_is_named() {
        let body = json!({"code": "NO_PERMISSION", "details": {"permissions": ["Crm_Implied_View_Contacts"]}});

        let (code, message) = code_and_message(of_crm(&serde_json::from_value(body).unwrap()).unwrap());

        assert_eq!(code, "NO_PERMISSION");
        assert!(message.contains("(Crm_Implied_View_Contacts)"), "{message}");
    }

    #[test]
    fn a_column_that_the_crm_does_not_have_is_told_from_a_wrong_query() {
        let unknown = json!({"code": "INVALID_QUERY", "details": {"column_name": "ISO_User_ID", "reason": "column given seems to be invalid"}});
        let wrong =
            json!({"code": "INVALID_QUERY", "details": {"column_name": "Email", "reason": "invalid operator found"}});

        let (code, message) = code_and_message(of_crm(&serde_json::from_value(unknown).unwrap()).unwrap());

        assert!(code == "field-missing" && message.contains("ISO_User_ID"), "{message}");
        assert!(of_crm(&serde_json::from_value(wrong).unwrap()).is_none());
    }

    #[test]
    fn no_sentence_is_cut_where_it_is_kept() {
        let all = [
            of_token("invalid_code", None),
            of_token("invalid_client", None),
            of_token("invalid_client_secret", None),
            fresh_token(),
            data_centre(DataCentre::Us, DataCentre::Eu),
            field_missing("Contacts", "ISO_Certification_Level"),
            of_crm(&serde_json::from_value(json!({"code": "OAUTH_SCOPE_MISMATCH"})).unwrap()).unwrap(),
            of_crm(&serde_json::from_value(json!({"code": "INVALID_MODULE"})).unwrap()).unwrap(),
        ];

        for error in all {
            let kept = error.failure().message;
            let (_, message) = code_and_message(error);
            assert_eq!(kept, message);
        }
    }
}
