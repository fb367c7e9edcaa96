//! Every table, column and enum label that was asked for, by the very name that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use tests::System;

/// The tables, each with the columns that others rely on; ours may have more.
const TABLES: &[(&str, &[&str])] = &[
    ("users", &["id", "email", "auth_provider_id", "role", "created_at", "zoho_contact_id"]),
    (
        "profiles_parents",
        &["user_id", "first_name", "last_name", "phone_number", "mailing_address", "referred_by_code"],
    ),
    ("profiles_organizations", &["user_id", "org_name", "org_type", "tax_id", "zoho_account_id"]),
    (
        "profiles_photographers",
        &[
            "user_id",
            "business_name",
            "website_url",
            "social_links",
            "referral_code",
            "certification_level",
            "paywall_tier",
            "training_progress",
            "service_region",
            "background_check_status",
            "gear_list",
            "availability_schedule",
        ],
    ),
    ("athletes", &["id", "parent_id", "first_name", "last_name", "dob", "sport_primary"]),
    ("galleries", &["id", "external_host_id", "photographer_id", "organization_id", "event_date", "status"]),
    (
        "referral_ledger",
        &["id", "photographer_id", "referred_user_id", "action_type", "commission_status", "created_at"],
    ),
    ("assignments", &["id", "organization_id", "assigned_photographer_id", "job_status", "payout_rate"]),
];

/// The columns that hold one of a closed list, and that list.
const LABELS: &[(&str, &[&str])] = &[
    ("users.role", &["admin", "parent", "org", "photographer"]),
    ("profiles_organizations.org_type", &["School", "League", "Club"]),
    ("profiles_photographers.certification_level", &["Level 1", "Level 2", "Master"]),
    ("profiles_photographers.paywall_tier", &["Free", "Member", "CDM_Pro"]),
    ("galleries.status", &["Pre-Reg", "Live", "Archived"]),
    ("referral_ledger.action_type", &["Sign_Up", "Gallery_Purchase", "Booking"]),
    ("referral_ledger.commission_status", &["Pending", "Paid"]),
    ("assignments.job_status", &["Open", "Assigned", "Shot", "Edited", "Delivered"]),
];

/// Columns whose type was asked for.
const TYPES: &[(&str, &str)] = &[
    ("users.id", "uuid"),
    ("users.created_at", "timestamp with time zone"),
    ("users.zoho_contact_id", "text"),
    ("profiles_photographers.social_links", "jsonb"),
    ("profiles_photographers.training_progress", "jsonb"),
    ("profiles_photographers.gear_list", "jsonb"),
    ("profiles_photographers.availability_schedule", "jsonb"),
    ("profiles_photographers.background_check_status", "boolean"),
    ("athletes.dob", "date"),
    ("galleries.event_date", "date"),
    ("assignments.payout_rate", "numeric"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_table_column_and_label_of_the_seed_has_its_exact_name() {
    let system = System::start().await;

    let columns = system
        .rows(
            "select table_name::text, column_name::text, data_type::text
             from information_schema.columns where table_schema = 'public'",
            &[],
        )
        .await;
    let labels = system
        .rows(
            "select attrelid::regclass::text || '.' || attname as \"column\", array_agg(enumlabel::text order by enumsortorder)
             from pg_attribute join pg_enum on enumtypid = atttypid
             where attrelid::regclass::text = any ($1)
             group by 1",
            &[&TABLES.iter().map(|(table, _)| *table).collect::<Vec<_>>()],
        )
        .await;

    let types: BTreeMap<String, String> = columns
        .iter()
        .map(|row| (format!("{}.{}", row.get::<_, String>(0), row.get::<_, String>(1)), row.get(2)))
        .collect();
    let asked: BTreeSet<String> =
        TABLES.iter().flat_map(|(table, columns)| columns.iter().map(move |c| format!("{table}.{c}"))).collect();
    let missing: Vec<_> = asked.iter().filter(|column| !types.contains_key(*column)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for (column, kind) in TYPES {
        assert_eq!(types[*column], *kind, "{column}");
    }
    let labels: BTreeMap<String, Vec<String>> = labels
        .iter()
        .map(|row| (row.get(0), row.get(1)))
        // A profile's own constant, by which it is tied to its user.
        .filter(|(column, _): &(String, Vec<String>)| {
            !(column.starts_with("profiles_") && column.split('.').nth(1) == Some("role"))
        })
        .collect();
    let asked: BTreeMap<String, Vec<String>> = LABELS
        .iter()
        .map(|(column, labels)| ((*column).to_owned(), labels.iter().map(|label| (*label).to_owned()).collect()))
        .collect();
    assert_eq!(labels, asked);
    system.stop().await;
}
