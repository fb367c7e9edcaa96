//! What the database itself refuses, whoever asks: the rules that no code of ours can forget.

use tests::System;
use tokio_postgres::Client;
use uuid::Uuid;

/// People who exist before anything is tried.
const PEOPLE: &str = "
    insert into users (id, email, auth_provider_id, role) values
        ('00000000-0000-7000-8000-000000000001', 'sheree@example.com', 'sheree', 'parent'),
        ('00000000-0000-7000-8000-000000000002', 'cathy@example.com', 'cathy', 'org'),
        ('00000000-0000-7000-8000-000000000003', 'frank@example.com', 'frank', 'photographer'),
        ('00000000-0000-7000-8000-000000000004', 'nobody@example.com', 'nobody', 'parent');
    insert into profiles_parents (user_id, first_name, last_name)
        values ('00000000-0000-7000-8000-000000000001', 'Sheree', 'Lane');
    insert into profiles_organizations (user_id, first_name, last_name, org_name, org_type, join_code)
        values ('00000000-0000-7000-8000-000000000002', 'Cathy', 'Reed', 'Lincoln High', 'School', 'LINCOLN-7Q2M');
    insert into profiles_photographers (user_id, first_name, last_name, business_name, referral_code)
        values ('00000000-0000-7000-8000-000000000003', 'Frank', 'Diaz', 'Frank Shoots LLC', 'FRANK2024');";

/// Writes the short names of [`PEOPLE`] out as their ids.
fn named(sql: &str) -> String {
    [(":sheree", 1), (":cathy", 2), (":frank", 3), (":nobody", 4), (":new", 9)]
        .iter()
        .fold(sql.to_owned(), |sql, (name, n)| sql.replace(name, &format!("'00000000-0000-7000-8000-00000000000{n}'")))
}

async fn with_people() -> System {
    let system = System::start().await;
    system.database.batch_execute(PEOPLE).await.expect("the people can be made");
    system
}

/// Why a statement is refused: the name of the error's class and, where there is one, the constraint's.
async fn refusal(client: &Client, sql: &str) -> String {
    let error = client.batch_execute(&named(sql)).await.expect_err(sql);
    let error = error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error:?}"));
    let class = match error.code().code() {
        "23502" => "not null",
        "23503" => "foreign key",
        "23505" => "unique",
        "23514" => "check",
        "22P02" => "no such label",
        "428C9" => "generated",
        "42501" => "permission",
        other => other,
    };
    match error.constraint().or(error.column()) {
        Some(name) => format!("{class} {name}"),
        None => class.to_owned(),
    }
}

async fn refused(client: &Client, cases: &[(&str, &str)]) {
    for (sql, why) in cases {
        assert_eq!(refusal(client, sql).await, *why, "{sql}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_belongs_to_a_user_of_its_kind_and_is_the_only_one() {
    let system = with_people().await;
    let photographer =
        "insert into profiles_photographers (user_id, first_name, last_name, business_name, referral_code)";
    let org = "insert into profiles_organizations (user_id, first_name, last_name, org_name, org_type, join_code)";
    let parent = "insert into profiles_parents (user_id, first_name, last_name)";

    refused(
        &system.database,
        &[
            (
                &format!("{photographer} values (:nobody, 'A', 'B', 'C', 'CODE1')"),
                "foreign key profiles_photographers_user_id_role_fkey",
            ),
            (
                &format!("{photographer} values (:sheree, 'A', 'B', 'C', 'CODE1')"),
                "foreign key profiles_photographers_user_id_role_fkey",
            ),
            (
                &format!("{org} values (:frank, 'A', 'B', 'C', 'Club', 'CODE1')"),
                "foreign key profiles_organizations_user_id_role_fkey",
            ),
            (&format!("{parent} values (:cathy, 'A', 'B')"), "foreign key profiles_parents_user_id_role_fkey"),
            (&format!("{parent} values (:sheree, 'A', 'B')"), "unique profiles_parents_pkey"),
            (&format!("{parent} values (:new, 'A', 'B')"), "foreign key profiles_parents_user_id_role_fkey"),
            ("update profiles_parents set role = 'org'", "generated"),
            (
                "update users set role = 'photographer' where id = :sheree",
                "foreign key profiles_parents_user_id_role_fkey",
            ),
            (&format!("{photographer} values (:frank, 'A', 'B', 'C', 'CODE1')"), "unique profiles_photographers_pkey"),
        ],
    )
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_athlete_has_a_parent() {
    let system = with_people().await;
    let athlete = "insert into athletes (id, first_name, last_name, parent_id)";

    refused(
        &system.database,
        &[
            (&format!("{athlete} values (:new, 'Jordan', 'Lane', null)"), "not null parent_id"),
            (&format!("{athlete} values (:new, 'Jordan', 'Lane', :new)"), "foreign key athletes_parent_id_fkey"),
            (&format!("{athlete} values (:new, 'Jordan', 'Lane', :cathy)"), "foreign key athletes_parent_id_fkey"),
            (&format!("{athlete} values (:new, 'Jordan', 'Lane', :nobody)"), "foreign key athletes_parent_id_fkey"),
        ],
    )
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_credited_twice_and_nobody_refers_himself() {
    let system = with_people().await;
    let ledger =
        "insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref)";
    let paid = format!(
        "{ledger} values (gen_random_uuid(), :frank, :sheree, 'Sign_Up', 'isoxp', 'sheree'),
             (gen_random_uuid(), :frank, :sheree, 'Gallery_Purchase', 'photoday', 'SB1'),
             (gen_random_uuid(), :frank, :sheree, 'Gallery_Purchase', 'gotphoto', 'SB1')"
    );
    system.database.batch_execute(&named(&paid)).await.unwrap();

    refused(
        &system.database,
        &[
            (
                &format!("{ledger} values (:new, :frank, :sheree, 'Gallery_Purchase', 'photoday', 'SB1')"),
                "unique referral_ledger_source_external_ref_key",
            ),
            (
                &format!("{ledger} values (:new, :frank, :nobody, 'Booking', 'photoday', 'SB1')"),
                "unique referral_ledger_source_external_ref_key",
            ),
            (
                &format!("{ledger} values (:new, :frank, :sheree, 'Sign_Up', 'isoxp', 'other')"),
                "unique referral_ledger_one_sign_up_key",
            ),
            (
                &format!("{ledger} values (:new, :frank, :frank, 'Booking', 'isoxp', 'own')"),
                "check referral_ledger_nobody_refers_himself",
            ),
            (
                &format!("{ledger} values (:new, :sheree, :frank, 'Booking', 'isoxp', 'b')"),
                "foreign key referral_ledger_photographer_id_fkey",
            ),
        ],
    )
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_assignment_has_a_photographer_exactly_while_somebody_works_on_it() {
    let system = with_people().await;
    let assignment = "insert into assignments
        (id, organization_id, payout_rate, title, location_zip, starts_at, job_status, assigned_photographer_id)
        values (gen_random_uuid(), :cathy, 250.00, 'Fall Soccer', '60601', now()";
    let check = "check assignments_status_matches_photographer";

    refused(
        &system.database,
        &[
            (&format!("{assignment}, 'Open', :frank)"), check),
            (&format!("{assignment}, 'Assigned', null)"), check),
            (&format!("{assignment}, 'Shot', null)"), check),
            (&format!("{assignment}, 'Edited', null)"), check),
            (&format!("{assignment}, 'Assigned', :sheree)"), "foreign key assignments_assigned_photographer_id_fkey"),
        ],
    )
    .await;
    for fine in ["'Open', null", "'Assigned', :frank", "'Shot', :frank", "'Edited', :frank", "'Delivered', null"] {
        system.database.batch_execute(&named(&format!("{assignment}, {fine})"))).await.expect(fine);
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_a_code_and_an_identity_are_unique_without_regard_to_case() {
    let system = with_people().await;
    let user = "insert into users (id, role, email, auth_provider_id) values (:new, 'parent'";

    refused(
        &system.database,
        &[
            (&format!("{user}, 'Sheree@Example.COM', 'other')"), "unique users_email_key"),
            (&format!("{user}, 'other@example.com', 'sheree')"), "unique users_auth_provider_id_key"),
            (&format!("{user}, 'not an address', 'other')"), "check users_email_is_one_address"),
            ("update users set zoho_contact_id = '1'", "unique users_zoho_contact_id_key"),
            (
                "insert into users (id, role, email, auth_provider_id) values (:new, 'photographer', 'p@example.com', 'p');
                 insert into profiles_photographers (user_id, first_name, last_name, business_name, referral_code)
                     values (:new, 'A', 'B', 'C', 'frank2024')",
                "unique profiles_photographers_referral_code_key",
            ),
            (
                "insert into users (id, role, email, auth_provider_id) values (:new, 'org', 'o@example.com', 'o');
                 insert into profiles_organizations (user_id, first_name, last_name, org_name, org_type, join_code)
                     values (:new, 'A', 'B', 'C', 'Club', 'Lincoln-7q2m')",
                "unique profiles_organizations_join_code_key",
            ),
        ],
    )
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailing_address_has_its_five_parts_as_text_and_nothing_else() {
    let system = with_people().await;
    let good = r#"{"street": "12 Elm St", "city": "Chicago", "state": "IL", "postal_code": "60601", "country": "US"}"#;
    let set = |address: &str| format!("update profiles_parents set mailing_address = '{address}'");
    let shape = "check profiles_parents_mailing_address_shape";

    refused(
        &system.database,
        &[
            (&set(&good.replace(r#", "country": "US""#, "")), shape),
            (&set(&good.replace(r#""60601""#, "60601")), shape),
            (&set(&good.replace(r#""IL""#, "null")), shape),
            (&set(&good.replace(r#""US""#, r#""US", "floor": "3""#)), shape),
            (&set(r#""12 Elm St, Chicago""#), shape),
            (&set(r#"["street", "city", "state", "postal_code", "country"]"#), shape),
        ],
    )
    .await;
    system.database.batch_execute(&set(good)).await.unwrap();
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn defaults_are_those_of_a_beginner() {
    let system = with_people().await;
    let gallery = "insert into galleries (id, host, external_host_id, organization_id, title, event_date)
        values (:new, 'photoday', 'PD-1', :cathy, 'Fall Soccer', '2026-10-03')";
    system.database.batch_execute(&named(gallery)).await.unwrap();

    let frank = system
        .rows(
            "select certification_level::text, paywall_tier::text, background_check_status, social_links::text,
                 training_progress::text, gear_list::text, availability_schedule::text
             from profiles_photographers",
            &[],
        )
        .await;
    let status: String = system.value("select status::text from galleries", &[]).await;

    assert_eq!(frank[0].get::<_, &str>(0), "Level 1");
    assert_eq!(frank[0].get::<_, &str>(1), "Free");
    assert!(!frank[0].get::<_, bool>(2));
    assert_eq!([3, 4, 5, 6].map(|column| frank[0].get::<_, String>(column)), ["{}", "{}", "[]", "{}"]);
    assert_eq!(status, "Pre-Reg");
    let id: Uuid = system.value("select id from galleries", &[]).await;
    assert_eq!(id.get_version_num(), 7);
    system.stop().await;
}

/// A checked text that is accepted must be storable: compare a rule that is new here with that of its type.
#[tokio::test(flavor = "multi_thread")]
async fn the_limits_that_the_database_sets_to_typed_texts_are_those_that_their_types_know() {
    let system = System::start().await;

    let rules = system
        .rows(
            "select conrelid::regclass || ': ' || pg_get_constraintdef(oid)
             from pg_constraint
             where contype = 'c'
                 and conrelid::regclass::text
                     in ('users', 'profiles_parents', 'profiles_organizations', 'profiles_photographers', 'athletes', 'galleries')
                 and pg_get_constraintdef(oid) !~ 'jsonb_typeof|status'
             order by 1",
            &[],
        )
        .await;
    // The table of migrations is refinery's own.
    let narrow = system
        .count(
            "information_schema.columns
             where table_schema = 'public' and table_name !~ '^refinery' and character_maximum_length is not null",
        )
        .await;

    let rules: Vec<String> = rules.iter().map(|row| row.get(0)).collect();
    insta::assert_snapshot!(rules.join("\n"), @r"
    athletes: CHECK ((dob > '1900-01-01'::date))
    athletes: CHECK ((first_name <> ''::text))
    athletes: CHECK ((last_name <> ''::text))
    athletes: CHECK ((sport_primary <> ''::text))
    galleries: CHECK ((external_host_id <> ''::text))
    galleries: CHECK ((host ~ '^[a-z0-9][a-z0-9-]{0,39}$'::text))
    galleries: CHECK ((title <> ''::text))
    profiles_organizations: CHECK ((first_name <> ''::text))
    profiles_organizations: CHECK ((last_name <> ''::text))
    profiles_organizations: CHECK ((org_name <> ''::text))
    profiles_parents: CHECK ((first_name <> ''::text))
    profiles_parents: CHECK ((last_name <> ''::text))
    profiles_photographers: CHECK ((business_name <> ''::text))
    profiles_photographers: CHECK ((first_name <> ''::text))
    profiles_photographers: CHECK ((last_name <> ''::text))
    users: CHECK (((email ~ '^[^@[:space:]]+@[^@[:space:]]+$'::text) AND (length(email) <= 254)))
    ");
    assert_eq!(narrow, 0, "no column has a length of its own");
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_compare_without_dashes_blanks_format_characters_and_case() {
    let system = with_people().await;
    let typed = [
        "lincoln-7q2m",
        "\u{a0}Lincoln \u{2013} 7Q2M\u{3000}\r\n",
        "\u{2068}LINCOLN\u{2212}7Q2M\u{2069}\u{feff}",
        "LIN\u{200b}COLN\u{2060}7Q\u{ad}2M\u{fe0f}\u{e0020}",
        "\u{ff2c}\u{ff49}\u{ff2e}\u{ff23}\u{ff2f}\u{ff2c}\u{ff2e}\u{ff0d}\u{ff17}\u{ff31}\u{ff12}\u{ff2d}",
    ];

    for text in typed {
        let found =
            system.rows("select from profiles_organizations where code_key(join_code) = code_key($1)", &[&text]).await;
        assert_eq!(found.len(), 1, "{text:?}");
    }
    for other in ["LINCOLN-7Q2N", "L\u{cd}NCOLN-7Q2M", "LINCOLN.7Q2M", "LINCOLN-7Q2M\u{1f600}"] {
        let found =
            system.rows("select from profiles_organizations where code_key(join_code) = code_key($1)", &[&other]).await;
        assert_eq!(found.len(), 0, "{other:?}");
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_that_stand_and_compare_equal_stop_the_migration_by_name() {
    let system = with_people().await;
    let others = "
        drop index profiles_photographers_referral_code_key_key;
        drop index profiles_organizations_join_code_key_key;
        drop function code_key;
        delete from refinery_schema_history where version >= 20;
        insert into users (id, email, auth_provider_id, role) values (:new, 'fred@example.com', 'fred', 'photographer');
        insert into profiles_photographers (user_id, first_name, last_name, business_name, referral_code)
            values (:new, 'Fred', 'Diaz', 'Fred Shoots', 'FRANK-2024');";
    system.database.batch_execute(&named(others)).await.expect("it is as before the migration");
    let migration = include_str!("../../../migrations/V0020__codes_compare.sql");

    let stopped = system.invoke("migrate-database", &serde_json::json!({})).await;
    let left = system.count("pg_proc where proname = 'code_key'").await;
    system.rows("update profiles_photographers set referral_code = 'FRED-2024' where first_name = 'Fred'", &[]).await;
    system.database.batch_execute(migration).await.expect("no two codes compare equal any more");

    assert!(stopped["applied"].is_null(), "{stopped}");
    assert!(system.logs().contains("FRANK-2024 = FRANK2024"), "nobody is told which codes they are: {stopped}");
    assert_eq!(left, 0);
    refused(
        &system.database,
        &[(
            "update profiles_photographers set referral_code = 'F-RANK 2024' where first_name = 'Fred'",
            "unique profiles_photographers_referral_code_key_key",
        )],
    )
    .await;
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sign_ups_that_were_credited_before_the_migration_are_credited_no_second_time() {
    let system = with_people().await;
    let before = "
        drop table wrong_join_codes, sign_up_credits;
        drop function sign_up_credit_sha256;
        insert into referral_ledger (id, photographer_id, referred_user_id, action_type, source, external_ref) values
            (gen_random_uuid(), :frank, :sheree, 'Sign_Up', 'isoxp', 'sheree'),
            (gen_random_uuid(), :frank, null, 'Sign_Up', 'isoxp', 'somebody who is gone'),
            (gen_random_uuid(), :frank, :cathy, 'Gallery_Purchase', 'photoday', 'SB1');
        update users set email = 'Sheree@Example.com' where email = 'sheree@example.com'";
    system.database.batch_execute(&named(before)).await.unwrap();

    system
        .database
        .batch_execute(include_str!("../../../migrations/V0021__misuse_of_codes.sql"))
        .await
        .expect("it is applied");

    let credit = "sign_up_credits where email_hash = sha256(convert_to('sign-up-credit:sheree@example.com', 'UTF8'))";
    assert_eq!((system.count(credit).await, system.count("sign_up_credits").await), (1, 1));
    system.stop().await;
}
