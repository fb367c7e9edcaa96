//! Who may call what: every route of the template as users of each role, as a stranger, and as a plugin.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use local::samconfig;
use local::services::workspace;
use local::template::Template;
use serde_json::{Value, json};
use tests::{Answer, System, fall_soccer, frank, sheree};

/// A route as the matrix calls it.
struct Row {
    route: &'static str,
    body: Value,
    /// What each role is answered, with ids that nobody has: a role that may is told so (404, 422) or served.
    roles: [(&'static str, &'static str); 4],
    scopes: &'static [&'static str],
}

const ADMINS_ONLY: &str = "403 not-an-admin";

fn row(route: &'static str, body: Value, [parent, org, photographer, admin]: [&'static str; 4]) -> Row {
    let roles = [("parent", parent), ("org", org), ("photographer", photographer), ("admin", admin)];
    Row { route, body, roles, scopes: &[] }
}

fn for_admins(route: &'static str, body: Value, admin: &'static str) -> Row {
    row(route, body, [ADMINS_ONLY, ADMINS_ONLY, ADMINS_ONLY, admin])
}

fn for_parents(parent: &'static str) -> [&'static str; 4] {
    [parent, "403 not-a-parent", "403 not-a-parent", "403 not-a-parent"]
}

/// The routes behind the authorizer.
fn matrix() -> Vec<Row> {
    let (null, empty) = (Value::Null, json!({}));
    let with = |scopes, row: Row| Row { scopes, ..row };
    vec![
        // An identity may register, with whatever role; another role than the user's is refused.
        row("POST /api/users", empty.clone(), ["422 invalid-fields"; 4]),
        row("POST /api/user/email", null.clone(), ["200"; 4]),
        with(&["profile:write", "athletes:read"], row("GET /api/user", null.clone(), ["200"; 4])),
        with(&["context:read"], row("GET /api/user/context", null.clone(), ["200"; 4])),
        with(
            &["profile:write"],
            row("PATCH /api/user/profile", empty.clone(), ["200", "200", "200", "403 no-profile"]),
        ),
        row("GET /api/organizations", null.clone(), ["422 invalid-fields"; 4]),
        with(&["athletes:read"], row("GET /api/athletes", null.clone(), for_parents("200"))),
        with(
            &["profile:write", "athletes:read"],
            row("POST /api/athletes", empty.clone(), for_parents("422 invalid-fields")),
        ),
        with(
            &["profile:write", "athletes:read"],
            row("PATCH /api/athletes/{id}", empty.clone(), for_parents("404 unknown-athlete")),
        ),
        with(&["profile:write"], row("DELETE /api/athletes/{id}", null.clone(), for_parents("404 unknown-athlete"))),
        row(
            "POST /api/rosters",
            empty.clone(),
            ["422 invalid-fields", "403 not-a-parent", "403 not-a-parent", "403 not-a-parent"],
        ),
        row(
            "POST /api/galleries",
            empty.clone(),
            ["403 not-yours", "422 invalid-fields", "422 invalid-fields", "422 invalid-fields"],
        ),
        with(&["galleries:read"], row("GET /api/hosts", null.clone(), ["200"; 4])),
        for_admins("GET /api/admin/integrations", null.clone(), "200"),
        for_admins("GET /api/admin/failures", null.clone(), "200"),
        for_admins("GET /api/admin/conflicts", null.clone(), "200"),
        for_admins("GET /api/admin/deliveries", null.clone(), "200"),
        for_admins("GET /api/admin/users", null.clone(), "200"),
        for_admins("POST /api/admin/tasks/replay", empty.clone(), "422 invalid-fields"),
        for_admins("POST /api/admin/deliveries/resend", empty.clone(), "422 invalid-fields"),
        for_admins("POST /api/admin/alerts/send", empty.clone(), "422 invalid-fields"),
        for_admins("PUT /api/admin/organizations/{id}/verification", null.clone(), "404 unknown-organization"),
        for_admins("DELETE /api/admin/organizations/{id}/verification", null.clone(), "404 unknown-organization"),
        for_admins("POST /api/admin/organizations/{id}/hand-over", empty.clone(), "404 unknown-organization"),
        // The last one: a user who is gone calls nothing.
        row("DELETE /api/user", null, ["204", "204", "204", "403 admins-stay"]),
    ]
}

/// The routes of the template: those behind the authorizer, and those for everyone.
fn routes() -> (BTreeSet<String>, BTreeSet<String>) {
    let root = workspace::root();
    let parameters = samconfig::parameters(&root.join("samconfig.toml"), "dev").expect("the stage is known");
    let template = Template::read(&root.join("template.yaml"), &parameters).expect("the template can be read");
    let routes = template.functions.into_iter().flat_map(|function| function.routes);
    let (behind, open): (Vec<_>, Vec<_>) = routes.partition(|route| route.authorized);
    let names = |routes: Vec<local::template::Route>| {
        routes.into_iter().map(|route| format!("{} {}", route.method, route.path)).collect()
    };
    (names(behind), names(open))
}

fn said(answer: &Answer) -> String {
    format!("{} {}", answer.status, answer.code()).trim().to_owned()
}

impl Row {
    async fn call(&self, system: &System, claims: &Value) -> Answer {
        let (method, path) = self.route.split_once(' ').expect("a method and a path");
        let path = path.replace("{id}", "01970000-0000-7000-8000-000000000001");
        let token = system.token_with(claims).await;
        let request = system.request(method, &path).bearer_auth(token);
        let request = if self.body.is_null() { request } else { request.json(&self.body) };
        tests::sent(request).await
    }
}

fn claims(sub: &str) -> Value {
    json!({ "sub": sub, "email": format!("{sub}@example.com"), "email_verified": true })
}

/// The token of a program that the identity provider knows by this id.
fn of_client(sub: &str, client: &str, scope: &str) -> Value {
    let mut claims = claims(sub);
    claims["azp"] = json!(client);
    claims["scope"] = json!(scope);
    claims
}

async fn cast() -> System {
    let first_party = BTreeMap::from([("FIRST_PARTY_CLIENTS".to_owned(), "web,app".to_owned())]);
    let system = System::with_variables(first_party).await;
    let school = system.school_of("org").await;
    system.register("parent", &sheree(&school.join_code)).await;
    system.register("photographer", &frank()).await;
    system.make_admin("admin").await;
    system.post("/api/galleries", "org", &fall_soccer("PD-1")).await;
    system.rows("delete from galleries", &[]).await;
    system
}

#[test]
fn every_route_is_in_the_matrix_and_those_for_everyone_are_known() {
    let (behind, open) = routes();

    let in_matrix: BTreeSet<String> = matrix().into_iter().map(|row| row.route.to_owned()).collect();
    assert_eq!(in_matrix, behind);
    let for_everyone = ["GET /api/health", "POST /api/webhooks/incoming", "POST /api/webhooks/incoming/test"];
    assert_eq!(open, for_everyone.map(str::to_owned).into());
}

#[test]
fn the_document_names_the_scopes_of_each_route() {
    let document = fs::read_to_string(workspace::root().join("docs/openapi.yaml")).expect("the document is there");
    let document: Value = serde_saphyr::from_str(&document).expect("it is YAML");

    for row in matrix() {
        let (method, path) = row.route.split_once(' ').expect("a method and a path");
        let operation = &document["paths"][path][method.to_lowercase()];
        let security = operation.get("security").unwrap_or(&document["security"]);
        assert_eq!(security, &json!([{ "identity": row.scopes }]), "{}", row.route);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn each_role_is_let_in_where_it_may_and_a_stranger_nowhere() {
    let system = cast().await;

    let (mut told, mut expected) = (Vec::new(), Vec::new());
    for row in matrix() {
        for (role, answer) in row.roles {
            told.push(format!("{} {role}: {}", row.route, said(&row.call(&system, &claims(role)).await)));
            expected.push(format!("{} {role}: {answer}", row.route));
        }
        let stranger = if row.route == "POST /api/users" { "422 invalid-fields" } else { "404 not-registered" };
        told.push(format!("{} stranger: {}", row.route, said(&row.call(&system, &claims("stranger")).await)));
        expected.push(format!("{} stranger: {stranger}", row.route));
    }

    assert_eq!(told, expected);
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_may_what_its_scopes_name_and_an_app_of_ours_all_that_its_user_may() {
    const ALL: &str = "context:read athletes:read galleries:read assignments:read referrals:read profile:write openid";
    let system = cast().await;

    for row in matrix() {
        let refused = "403 scope-missing";
        let others: Vec<&str> = ALL.split(' ').filter(|scope| !row.scopes.contains(scope)).collect();
        for (role, may) in row.roles {
            for scope in ["", &others.join(" ")] {
                let plugin = row.call(&system, &of_client(role, "chatbot", scope)).await;
                assert_eq!(said(&plugin), refused, "{} as {role} with {scope:?}", row.route);
            }
            // Of what a plugin may do, nothing is more than its user may.
            let plugin = row.call(&system, &of_client(role, "chatbot", ALL)).await;
            assert_eq!(said(&plugin), if row.scopes.is_empty() { refused } else { may }, "{} as {role}", row.route);
        }
    }
    for row in matrix() {
        for (role, may) in row.roles {
            let ours = row.call(&system, &of_client(role, "app", "")).await;
            assert_eq!(said(&ours), may, "{} as {role} in our app", row.route);
        }
    }
    system.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plugin_without_the_scope_for_athletes_reads_no_athletes_name() {
    let system = cast().await;
    let shown = async |scope: &str| {
        let token = system.token_with(&of_client("parent", "chatbot", scope)).await;
        tests::sent(system.request("GET", "/api/user/context").bearer_auth(token)).await.body
    };

    let without = shown("context:read").await;
    let with = shown("context:read athletes:read").await;

    assert_eq!(
        (&without["athletes"][0]["first_name"], &with["athletes"][0]["first_name"]),
        (&Value::Null, &json!("Jordan"))
    );
    assert_eq!(without["summary"], "Sheree, Parent of a Soccer Player");
    assert_eq!(with["summary"], "Sheree, Parent of Jordan, Soccer Player");
    assert!(!without.to_string().contains("Jordan"));
    system.stop().await;
}
