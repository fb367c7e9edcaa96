//! COQL.

use serde_json::{Value, json};

use super::harness::{Answer, Zoho};

async fn with_people() -> Zoho {
    let zoho = Zoho::new().await;
    let account = json!({ "data": [{ "Account_Name": "Lincoln High" }] });
    let account = zoho.post("/crm/v8/Accounts", account).await.id(0);
    zoho.upsert_contacts(json!([
        { "First_Name": "Sheree", "Last_Name": "Lane", "Email": "sheree@example.com", "ISO_User_ID": "user-1" },
        { "First_Name": "Cathy", "Last_Name": "Reed", "Email": "cathy@example.com", "Account_Name": { "id": account } },
        { "First_Name": "Frank", "Last_Name": "Diaz", "Phone": "O'1" },
    ]))
    .await;
    zoho
}

fn names(answer: &Answer) -> Vec<&str> {
    answer.items().map(|row| row["First_Name"].as_str().unwrap()).collect()
}

fn query(condition: &str) -> String {
    format!("select First_Name from Contacts where {condition} order by First_Name asc")
}

#[tokio::test]
async fn conditions_choose_rows() {
    let zoho = with_people().await;
    let cases: [(&str, &[&str]); 12] = [
        ("Email = 'SHEREE@example.com'", &["Sheree"]),
        ("Email != 'sheree@example.com'", &["Cathy"]),
        ("Email in ('sheree@example.com', 'cathy@example.com', 'x@example.com')", &["Cathy", "Sheree"]),
        ("Email not in ('sheree@example.com')", &["Cathy"]),
        ("Last_Name like 'La%'", &["Sheree"]),
        ("Email like '%example%'", &["Cathy", "Sheree"]),
        ("ISO_User_ID is not null", &["Sheree"]),
        ("ISO_User_ID is null and (Email is null or Last_Name = 'Lane')", &["Frank"]),
        (
            "((First_Name = 'Frank' or First_Name = 'Cathy') and Email is not null) or First_Name = 'Sheree'",
            &["Cathy", "Sheree"],
        ),
        ("Phone = 'O''1'", &["Frank"]),
        ("Modified_Time > '2020-01-01T00:00:00+10:00' and Last_Name != 'Reed'", &["Frank", "Sheree"]),
        ("Account_Name.Account_Name = 'lincoln high'", &["Cathy"]),
    ];

    for (condition, expected) in cases {
        let answer = zoho.coql(&query(condition)).await;
        assert_eq!(answer.status, 200, "{condition}: {answer:?}");
        assert_eq!(names(&answer), expected, "{condition}");
    }
    assert_eq!(zoho.coql(&query("Modified_Time > '2999-01-01T00:00:00Z'")).await.status, 204);
}

#[tokio::test]
async fn a_bound_counts_where_the_operator_says_so() {
    let zoho = with_people().await;
    let state = zoho.state().await;
    let id = |place: usize| state["contacts"][place]["id"].as_str().unwrap();
    let cases: [(String, &[&str]); 9] = [
        (format!("id < '{}'", id(1)), &["Sheree"]),
        (format!("id <= '{}'", id(1)), &["Cathy", "Sheree"]),
        (format!("id > '{}'", id(1)), &["Frank"]),
        (format!("id >= '{}'", id(1)), &["Cathy", "Frank"]),
        (format!("id between '{}' and '{}'", id(0), id(1)), &["Cathy", "Sheree"]),
        (format!("id in ('{}', '{}')", id(0), id(2)), &["Frank", "Sheree"]),
        (format!("id not in ('{}', '{}')", id(0), id(2)), &["Cathy"]),
        // Null is neither among the values nor outside of them.
        ("Email not in ('cathy@example.com', 'frank@example.com')".to_owned(), &["Sheree"]),
        ("Phone not like 'P%'".to_owned(), &["Frank"]),
    ];

    for (condition, expected) in cases {
        let answer = zoho.coql(&query(&condition)).await;
        assert_eq!(names(&answer), expected, "{condition}: {answer:?}");
    }
}

#[tokio::test]
async fn a_quote_is_escaped_in_one_way_and_the_other_one_is_refused() {
    let zoho = with_people().await;
    let asked = ["Phone = 'O''1'", r"Phone = 'O\'1'", "(Phone like 'O%' and Phone like '%1')"];
    for (escape, expected) in [("double", [200, 400, 200]), ("backslash", [400, 200, 200])] {
        zoho.settings(json!({ "coql_escape": escape })).await;

        for (condition, expected) in asked.into_iter().zip(expected) {
            let answer = zoho.coql(&query(condition)).await;
            assert_eq!(answer.status, expected, "{escape}, {condition}: {answer:?}");
        }
    }
}

#[tokio::test]
async fn rows_show_their_columns_the_id_and_lookups_by_id() {
    let zoho = with_people().await;

    let answer = zoho.coql("SELECT Email, Account_Name FROM Contacts WHERE First_Name = 'Cathy' LIMIT 1").await;

    let state = zoho.state().await;
    let row = json!({
        "id": state["contacts"][1]["id"], "Email": "cathy@example.com", "Account_Name": { "id": state["accounts"][0]["id"] },
    });
    assert_eq!(answer.body, json!({ "data": [row], "info": { "count": 1, "more_records": false } }));
}

#[tokio::test]
async fn order_limit_and_offset_cut_pages() {
    let zoho = with_people().await;
    let page = async |tail: &str| {
        let answer = zoho.coql(&format!("select First_Name from Contacts where id is not null order by {tail}")).await;
        (
            answer.items().map(|row| row["First_Name"].clone()).collect::<Vec<Value>>(),
            answer.body["info"]["more_records"] == true,
        )
    };

    assert_eq!(page("First_Name desc limit 2").await, (vec![json!("Sheree"), json!("Frank")], true));
    assert_eq!(page("First_Name desc limit 2 offset 2").await, (vec![json!("Cathy")], false));
    assert_eq!(page("First_Name desc limit 2, 5").await, (vec![json!("Cathy")], false));
    assert_eq!(page("Email asc, First_Name asc limit 1").await, (vec![json!("Frank")], true));
}

#[tokio::test]
async fn what_zoho_does_not_understand_is_refused_with_its_code() {
    let zoho = with_people().await;
    zoho.grant_search_and_every_module().await;
    let many = |n: usize| vec!["'x'"; n].join(",");
    let cases = [
        ("select First_Name from Contacts".to_owned(), "SYNTAX_ERROR"),
        ("select First_Name Contacts where id is null".to_owned(), "SYNTAX_ERROR"),
        ("select First_Name from Contacts where Email = 'x".to_owned(), "SYNTAX_ERROR"),
        // A third condition without parentheses.
        (query("Email = 'a' and Email = 'b' and Email = 'c'"), "SYNTAX_ERROR"),
        (query("Email = 'a' or Email = 'b' or Email = 'c'"), "SYNTAX_ERROR"),
        (query("Nickname = 'x'"), "INVALID_QUERY"),
        ("select Nickname from Contacts where id is null".to_owned(), "INVALID_QUERY"),
        (query("First_Name > 'x'"), "INVALID_QUERY"),
        (query("Modified_Time > 'yesterday'"), "INVALID_QUERY"),
        (query("Modified_Time like '2026%'"), "INVALID_QUERY"),
        ("select Email, Email from Contacts where id is null".to_owned(), "DUPLICATE_DATA"),
        ("select id from Leads where id is null".to_owned(), "INVALID_MODULE"),
        ("select id from Contacts where id is null limit 0".to_owned(), "INVALID_DATA"),
        ("select id from Contacts where id is null limit 201".to_owned(), "LIMIT_EXCEEDED"),
        (query(&format!("Email in ({})", many(51))), "LIMIT_EXCEEDED"),
    ];

    for (query, code) in cases {
        let answer = zoho.coql(&query).await;
        assert_eq!((answer.status, &answer.body["code"]), (400, &json!(code)), "{query}: {answer:?}");
    }
    assert_eq!(zoho.coql(&query(&format!("Email in ({})", many(50)))).await.status, 204);
    assert_eq!(zoho.post("/crm/v8/coql", json!({})).await.body["code"], "MANDATORY_NOT_FOUND");
}

#[tokio::test]
async fn a_syntax_error_names_its_place() {
    let zoho = with_people().await;

    let answer = zoho.coql("select id\nfrom Contacts where Email ~ 'x'").await;

    assert_eq!(answer.body["details"], json!({ "line": 2, "column": 27, "near": "~" }));
}
