//! The SQL of `shared::db`, found in its sources: no statement can be forgotten here, and a misspelt column fails before a
//! story needs it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use local::services::workspace;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, Item, Lit, LitStr, Token};
use tests::System;
use tokio_postgres::Client;
use tokio_postgres::types::{Oid, Type};

/// A `static` of type `Statement`.
pub(crate) struct Statement {
    /// Its file and its name.
    pub(crate) place: String,
    pub(crate) sql: String,
    /// As PostgreSQL spells them.
    pub(crate) types: Vec<String>,
}

fn sources() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![workspace::root().join("shared/src/db")];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
            let path = entry.expect("an entry can be read").path();
            if path.is_dir() { open.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    found
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The statements of a file.
///
/// # Panics
/// If one is made in a way that cannot be followed here: text comes as it stands, by `concat!`, or out of a macro of the
/// file that is nothing but text.
pub(crate) fn statements(path: &Path) -> Vec<Statement> {
    let text = text(path);
    let name = path.strip_prefix(workspace::root()).expect("it is in the workspace").display().to_string();
    let items = syn::parse_file(&text).unwrap_or_else(|error| panic!("{name}: {error}")).items;
    let known = Known::of(&items);
    let mut found = Vec::new();
    for item in &items {
        let Item::Static(item) = item else { continue };
        let Expr::Call(call) = &*item.expr else { continue };
        if !is_path(&call.func, "Statement") {
            continue;
        }
        let place = format!("{name}: {}", item.ident);
        let mut arguments = call.args.iter();
        let sql = arguments.next().and_then(|sql| known.text(sql));
        let types = arguments.next().and_then(|types| known.types(types));
        let (Some(sql), Some(types)) = (sql, types) else { panic!("{place} is made in a way that is not known here") };
        found.push(Statement { place, sql, types });
    }
    let made = text.matches("Statement::new(").count();
    assert_eq!(made, found.len(), "{name} makes statements elsewhere than in a `static` of its own");
    found
}

/// What the statements of a file are made of.
struct Known {
    macros: BTreeMap<String, String>,
    consts: BTreeMap<String, Expr>,
}

impl Known {
    fn of(items: &[Item]) -> Self {
        let mut known = Self { macros: BTreeMap::new(), consts: BTreeMap::new() };
        for item in items {
            match item {
                Item::Macro(item) => {
                    let name = item.ident.as_ref().map(ToString::to_string);
                    known.macros.extend(name.zip(item.mac.parse_body_with(body).ok()));
                }
                Item::Const(item) => drop(known.consts.insert(item.ident.to_string(), (*item.expr).clone())),
                _ => {}
            }
        }
        known
    }

    fn text(&self, expression: &Expr) -> Option<String> {
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value()),
                _ => None,
            },
            Expr::Macro(call) if call.mac.path.is_ident("concat") => {
                let pieces = call.mac.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated).ok()?;
                pieces.iter().map(|piece| self.text(piece)).collect()
            }
            Expr::Macro(call) => self.macros.get(&call.mac.path.get_ident()?.to_string()).cloned(),
            _ => None,
        }
    }

    fn types(&self, expression: &Expr) -> Option<Vec<String>> {
        match expression {
            Expr::Array(types) => types.elems.iter().map(type_name).collect(),
            Expr::Path(path) => self.types(self.consts.get(&path.path.get_ident()?.to_string())?),
            _ => None,
        }
    }
}

/// Of a macro that is nothing but text: `() => { "…" };`
fn body(input: ParseStream<'_>) -> syn::Result<String> {
    let (nothing, text);
    syn::parenthesized!(nothing in input);
    input.parse::<Token![=>]>()?;
    syn::braced!(text in input);
    input.parse::<Option<Token![;]>>()?;
    if !nothing.is_empty() {
        return Err(nothing.error("it takes something"));
    }
    Ok(text.parse::<LitStr>()?.value())
}

/// Whether it is something of this type.
fn is_path(expression: &Expr, of: &str) -> bool {
    let Expr::Path(path) = expression else { return false };
    path.path.segments.first().is_some_and(|first| first.ident == of)
}

/// `Type::UUID_ARRAY` is `uuid[]`.
fn type_name(expression: &Expr) -> Option<String> {
    let Expr::Path(path) = expression else { return None };
    let name = path.path.segments.last()?.ident.to_string().to_lowercase();
    Some(name.strip_suffix("_array").map_or(name.clone(), |element| format!("{element}[]")))
}

/// What speaks against a statement, prepared as the functions prepare it.
async fn problem(client: &Client, statement: &Statement) -> Option<String> {
    let oids = "select array(select name::regtype::oid from unnest($1::text[]) with ordinality as of (name, place) order by place)";
    let row = client.query_one(oids, &[&statement.types]).await.expect("these are types of PostgreSQL");
    let types: Vec<Type> = row.get::<_, Vec<Oid>>(0).into_iter().filter_map(Type::from_oid).collect();
    match client.prepare_typed(&statement.sql, &types).await {
        Ok(prepared) if prepared.params() == types => None,
        Ok(prepared) => Some(format!("has the parameters {:?}, and not {types:?}", prepared.params())),
        Err(error) => Some(said(&error)),
    }
}

fn said(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |error| error.message().to_owned())
}

/// Whether a role may run a statement: a plan is made for it, and its permissions are asked for, without running it.
async fn may(client: &Client, statement: &Statement) -> bool {
    let Statement { place, sql, types } = statement;
    let types = if types.is_empty() { String::new() } else { format!("({})", types.join(", ")) };
    let nulls = types.split(", ").filter(|kind| !kind.is_empty()).map(|_| "null").collect::<Vec<_>>().join(", ");
    let nulls = if nulls.is_empty() { nulls } else { format!("({nulls})") };
    client.batch_execute(&format!("deallocate all; prepare checked {types} as {sql}")).await.expect("it was prepared");
    match client.batch_execute(&format!("explain execute checked {nulls}")).await {
        Ok(()) => true,
        Err(error) => {
            let code = error.code().map(|code| code.code().to_owned());
            assert_eq!(code.as_deref(), Some("42501"), "{place} has no plan: {}", said(&error));
            false
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_statement_is_prepared_on_the_migrated_database_and_some_role_of_the_functions_may_run_it() {
    let system = System::start().await;
    let roles = [system.as_api().await, system.as_worker().await];
    for role in &roles {
        role.batch_execute("set plan_cache_mode = force_generic_plan").await.expect("a role may choose its plans");
    }
    let statements: Vec<Statement> = sources().iter().flat_map(|path| statements(path)).collect();
    assert!(statements.len() > 100, "the statements were found: {}", statements.len());

    let mut problems = Vec::new();
    for statement in &statements {
        if let Some(problem) = problem(&system.database, statement).await {
            problems.push(format!("{}: {problem}", statement.place));
        } else if !may(&roles[0], statement).await && !may(&roles[1], statement).await {
            problems.push(format!("{}: neither role of the functions may run it", statement.place));
        }
    }

    assert!(problems.is_empty(), "{}", problems.join("\n"));
    system.stop().await;
}

/// What the driver offers beside a `Session`, and where it has its reason: how a `Session` sends, the question whether an
/// idle connection lives, and a statement that the database itself has put together.
#[test]
fn nothing_is_sent_that_is_no_statement() {
    const SENDING: [&str; 9] = [
        ".query(",
        ".query_one(",
        ".query_opt(",
        ".query_raw(",
        ".query_typed(",
        ".execute(",
        ".batch_execute(",
        ".simple_query(",
        ".prepare",
    ];
    const ALLOWED: [&str; 3] = ["session.rs", "pool.rs", "roles.rs"];

    let sends = |path: &PathBuf| SENDING.iter().any(|method| text(path).contains(method));
    let names = |path: PathBuf| path.file_name().expect("a file has a name").to_string_lossy().into_owned();
    let mut senders: Vec<String> = sources().into_iter().filter(sends).map(names).collect();
    senders.sort_unstable();

    let mut allowed = ALLOWED.map(str::to_owned);
    allowed.sort_unstable();
    assert_eq!(senders, allowed);
}
