use super::part::{Part, Source};
use super::*;
use crate::services::workspace;

const SHARED_PART: &str = "\
# What all routes share.
openapi: 3.1.0
paths:
  # Each in its folder.

# What is sent.
webhooks: {}
components:
  schemas:
    Id: {type: string}
  responses:
    Internal: {description: \"No answer.\"}
";

const LIST: &str = "\
paths:
  /api/teams:
    get:
      operationId: list-teams
      # All of them.
      responses:
        \"200\": {$ref: \"#/components/schemas/Teams\"}

components:
  schemas:
    Teams: {type: array, items: {$ref: \"#/components/schemas/Id\"}}
";

const MAKE: &str = "\
# A route of its own.
paths:
  /api/teams:
    post:
      operationId: make-team
      responses:
        \"500\": {$ref: \"#/components/responses/Internal\"}
";

/// The document that functions of these folders make.
fn made(parts: &[(&str, &str)]) -> Result<String> {
    let shared = Source::parse(SHARED, SHARED_PART.to_owned())?;
    let parts = parts.iter().map(|(folder, text)| Part::parse(folder, (*text).to_owned()));
    compose::document(&shared, parts.collect::<Result<_>>()?)
}

/// Why they make none.
fn refused(parts: &[(&str, &str)]) -> String {
    format!("{:#}", made(parts).expect_err("these parts do not fit"))
}

#[test]
fn the_document_is_what_its_parts_make() {
    if let Err(error) = check(workspace::root()) {
        panic!("{error:#}");
    }
}

#[test]
fn parts_are_put_together_as_they_are_written() {
    let document = made(&[("make-team", MAKE), ("list-teams", LIST)]).unwrap();

    insta::assert_snapshot!(document, @r##"
    # Made by `cargo dev openapi` from shared/openapi.yaml and functions/*/openapi.yaml: change it there.
    openapi: 3.1.0
    paths:
      # Each in its folder.
      /api/teams:
        get:
          operationId: list-teams
          # All of them.
          responses:
            "200": {$ref: "#/components/schemas/Teams"}
        post:
          operationId: make-team
          responses:
            "500": {$ref: "#/components/responses/Internal"}

    # What is sent.
    webhooks: {}
    components:
      schemas:
        Id: {type: string}

        # ── list-teams ────────────────────────────────────────────────────────────────────────────────────────
        Teams: {type: array, items: {$ref: "#/components/schemas/Id"}}
      responses:
        Internal: {description: "No answer."}
    "##);
}

#[test]
fn the_names_of_folders_do_not_decide_on_the_order() {
    let elsewhere = LIST.replace("/api/teams", "/api/clubs").replace("list-teams", "z").replace("Teams", "Clubs");

    let one = made(&[("make-team", MAKE), ("list-teams", LIST), ("z", &elsewhere)]).unwrap();
    let other = made(&[("z", &elsewhere), ("list-teams", LIST), ("make-team", MAKE)]).unwrap();

    assert_eq!(one, other);
    assert!(one.find("/api/clubs") < one.find("/api/teams"));
}

#[test]
fn a_part_is_the_one_route_of_its_folder() {
    let list = |from: &str, to: &str| {
        assert!(LIST.contains(from), "{from}");
        refused(&[("list-teams", &LIST.replace(from, to))])
    };

    let refusals = [
        (
            list("operationId: list-teams", "operationId: list-clubs"),
            r#"the folder's name, list-teams, and is "list-clubs""#,
        ),
        (list("      operationId: list-teams\n", ""), r#"the folder's name, list-teams, and is """#),
        (list("paths:\n", "tags: []\npaths:\n"), "only paths and components may stand here, not tags"),
        (list("    get:", "    post: {operationId: list-teams}\n    get:"), "so /api/teams has one method"),
        (list("  /api/teams:", "  /api: {get: {}}\n  /api/teams:"), "so one path"),
        (list("    get:", "    parameters:"), "parameters is no method"),
        (list("    get:", "    get:\n      operationId: twice"), "operationId"),
        (list("    get:", "    get:\n   at: all"), "cannot be read"),
    ];

    for (refusal, expected) in refusals {
        assert!(refusal.contains("functions/list-teams/openapi.yaml") && refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn parts_that_do_not_fit_each_other_are_refused_by_name() {
    let again = LIST.replace("list-teams", "list-all-teams").replace("Teams", "AllTeams");
    let elsewhere = again.replace("/api/teams", "/api/all-teams");
    let cases = [
        (again.clone(), "get /api/teams stands in functions/list-teams/openapi.yaml and in functions/list-all-teams/"),
        (
            elsewhere.replace("AllTeams:", "Id:"),
            "schemas/Id stands in shared/openapi.yaml and in functions/list-all-teams/openapi.yaml",
        ),
        (
            elsewhere.replace("AllTeams:", "Teams:"),
            "schemas/Teams stands in functions/list-all-teams/openapi.yaml and in",
        ),
        (
            elsewhere.replace("/Id", "/Teams"),
            "list-all-teams/openapi.yaml refers to schemas/Teams of functions/list-teams/openapi.yaml: what two routes use",
        ),
        (elsewhere.replace("/Id", "/Club"), "refers to schemas/Club, which stands nowhere"),
        (
            elsewhere
                .replace("schemas:", "examples:")
                .replace("components/schemas/AllTeams", "components/examples/AllTeams"),
            "shared/openapi.yaml has no line for components/examples",
        ),
    ];

    assert!(made(&[("list-teams", LIST), ("list-all-teams", &elsewhere)]).is_ok());
    for (other, expected) in cases {
        let refusal = refused(&[("list-teams", LIST), ("list-all-teams", &other)]);
        assert!(refusal.contains(expected), "{expected:?} is not in {refusal:?}");
    }
}

#[test]
fn what_all_share_needs_nothing_that_one_part_defines() {
    let shared = SHARED_PART.replace("{type: string}", r##"{$ref: "#/components/schemas/Teams"}"##);
    let shared = Source::parse(SHARED, shared).unwrap();

    let refusal = compose::document(&shared, vec![Part::parse("list-teams", LIST.to_owned()).unwrap()]).unwrap_err();

    assert!(refusal.to_string().contains("shared/openapi.yaml refers to schemas/Teams of functions/list-teams"));
}

#[test]
fn text_that_would_mean_something_else_among_the_others_is_refused() {
    // In the document the alias of the first part comes after the anchor of the second one.
    let first = LIST.replace("    get:\n", "    get:\n      summary: &same A\n");
    let first = first.replace("Teams: {", "Teams: {description: *same, ");
    let second = MAKE.replace("    post:\n", "    post:\n      summary: &same B\n");
    let in_one_line = "paths: {/api/clubs: {get: {operationId: list-clubs}}}\n";

    let refusals = [
        (refused(&[("list-teams", &first), ("make-team", &second)]), "do not say what each of them says"),
        (refused(&[("list-clubs", in_one_line)]), "has to be written in lines of its own"),
    ];

    assert!(made(&[("list-teams", &first), ("make-team", MAKE)]).is_ok());
    for (refusal, expected) in refusals {
        assert!(refusal.contains(expected), "{refusal}");
    }
}

#[test]
fn a_changed_part_makes_the_document_stale_until_it_is_made_anew() {
    let root = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let file = root.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    };
    file(SHARED, SHARED_PART);
    file("functions/list-teams/openapi.yaml", LIST);
    file("functions/send-mail/Cargo.toml", "");
    file(DOCUMENT, "");

    let first = (write(root.path()).unwrap(), write(root.path()).unwrap());
    let fresh = check(root.path());
    file("functions/make-team/openapi.yaml", MAKE);
    let stale = check(root.path()).unwrap_err().to_string();
    let again = write(root.path()).unwrap();

    assert_eq!((first, again), ((true, false), true));
    fresh.unwrap();
    assert!(stale.ends_with("run cargo dev openapi"), "{stale}");
    check(root.path()).unwrap();
}
