//! What a token may be used for: the scopes that an operation needs, as the descriptions of the API name them.

use super::{call::Call, operation::Operation};

/// What docs/operations.md asks the operator for, and no more: whatever the product does, it does with these.
pub(super) const DEFAULT: [&str; 6] = [
    "ZohoCRM.modules.contacts.ALL",
    "ZohoCRM.modules.accounts.ALL",
    "ZohoCRM.coql.READ",
    "ZohoCRM.settings.tags.ALL",
    "ZohoCRM.notifications.ALL",
    "ZohoCampaigns.campaign.ALL",
];

/// Whether the granted scopes allow this call.
pub(super) fn allow(granted: &[String], call: &Call) -> bool {
    let has = |scope: &str| granted.iter().any(|granted| covers(granted, scope));
    let module = call.module.as_deref().unwrap_or_default();
    let on_module = |kind: &str| has(&format!("ZohoCRM.modules.{module}.{kind}"));
    match call.operation {
        Operation::Upsert | Operation::Create => on_module("CREATE"),
        Operation::Update => on_module("UPDATE"),
        Operation::Delete => on_module("DELETE"),
        Operation::GetRecords | Operation::Deleted => on_module("READ"),
        Operation::Search => on_module("READ") && has("ZohoSearch.securesearch.READ"),
        Operation::Coql => has("ZohoCRM.coql.READ") && has(&format!("ZohoCRM.modules.{}.READ", queried(call))),
        // Its description names this scope alone; the operations on a module's tags have finer ones.
        Operation::AddTags | Operation::RemoveTags => has("ZohoCRM.settings.tags.ALL"),
        Operation::EnableWatch => has("ZohoCRM.notifications.CREATE"),
        Operation::GetWatch => has("ZohoCRM.notifications.READ"),
        Operation::ReplaceWatch | Operation::PatchWatch => has("ZohoCRM.notifications.UPDATE"),
        Operation::DeleteWatch => has("ZohoCRM.notifications.DELETE"),
        Operation::Transmission | Operation::GetTransmission | Operation::Suppression | Operation::WebhookSettings => {
            has("ZohoCampaigns.campaign.ALL")
        }
        Operation::Token | Operation::Unknown => true,
    }
}

/// `modules.ALL` covers `modules.contacts.READ`, so does `modules.READ`, and `WRITE` is all that changes something.
fn covers(granted: &str, needed: &str) -> bool {
    let granted = granted.to_lowercase();
    let needed = needed.to_lowercase();
    let (Some((place, right)), Some((needed_place, needed_right))) =
        (granted.rsplit_once('.'), needed.rsplit_once('.'))
    else {
        return false;
    };
    let is_place = needed_place == place || needed_place.strip_prefix(place).is_some_and(|rest| rest.starts_with('.'));
    let is_right = match right {
        "all" => true,
        "write" => ["create", "update", "delete"].contains(&needed_right),
        right => right == needed_right,
    };
    is_place && is_right
}

/// The module that a query reads, as far as it is written.
fn queried(call: &Call) -> String {
    let query = call.json().and_then(|body| body["select_query"].as_str()).unwrap_or_default().to_lowercase();
    let mut words = query.split_whitespace().skip_while(|word| *word != "from");
    words.nth(1).unwrap_or("contacts").to_owned()
}
