//! The people of the story, as they register.

use serde_json::{Value, json};

/// A parent of one athlete, brought by Frank.
pub fn sheree(join_code: &str) -> Value {
    json!({
        "role": "parent", "first_name": "Sheree", "last_name": "Lane", "phone_number": "+13125550142",
        "mailing_address": {"street": "12 Elm St", "city": "Chicago", "state": "IL", "postal_code": "60601", "country": "US"},
        "referred_by_code": "FRANK2024", "sport_interests": ["Soccer"],
        "athletes": [{"first_name": "Jordan", "last_name": "Lane", "dob": "2009-05-14", "sport_primary": "Soccer"}],
        "join_codes": if join_code.is_empty() { json!([]) } else { json!([join_code]) },
    })
}

/// The admin of a school.
pub fn cathy() -> Value {
    json!({
        "role": "org", "first_name": "Cathy", "last_name": "Reed", "org_name": "Lincoln High", "org_type": "School",
        "tax_id": "36-1234567",
    })
}

/// A photographer with a code of his choice.
pub fn frank() -> Value {
    json!({
        "role": "photographer", "first_name": "Frank", "last_name": "Diaz", "business_name": "Frank Shoots LLC",
        "website_url": "https://frankshoots.example", "social_links": {"instagram": "@frank_shoots"},
        "referral_code": "FRANK2024", "service_region": ["60601", "60602"], "gear_list": [{"body": "R5"}],
    })
}

/// A parent of these athletes, on the roster that the code stands for, if there is one.
pub fn parent(first_name: &str, athletes: &[&str], join_code: &str) -> Value {
    let athletes: Vec<Value> = athletes.iter().map(|name| json!({ "first_name": name, "last_name": "Moss" })).collect();
    json!({
        "role": "parent", "first_name": first_name, "last_name": "Moss", "athletes": athletes,
        "join_codes": if join_code.is_empty() { json!([]) } else { json!([join_code]) },
    })
}
