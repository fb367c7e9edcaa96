//! `POST /coql`: reads what is stored, at once, unlike `search`.

mod filter;
mod lexer;
mod parser;
mod query;

use serde_json::{Map, Value, json};

use super::{
    call::Call,
    fields::{Kind, Module},
    records::{Record, shown_field},
    reply::Reply,
    world::World,
};
use filter::Filter;
use query::{Condition, Direction, Query, Test};

/// Columns of one query.
const COLUMNS: usize = 50;
/// Rows that can be reached with an offset.
const REACH: usize = 10_000;

pub(super) fn answer(world: &World, call: &Call) -> Result<Reply, Reply> {
    let body = call.object()?;
    let text = body.get("select_query").and_then(Value::as_str).ok_or_else(|| {
        Reply::bad_request("MANDATORY_NOT_FOUND", "mandatory key not found", json!({ "api_name": "select_query" }))
    })?;
    let query = parser::parse(text, &world.settings)?;
    let module: Module = query
        .module
        .parse()
        .map_err(|()| Reply::bad_request("INVALID_MODULE", "the given module is not supported in api", json!({})))?;
    check(world, module, &query)?;
    let condition = with_filters(world, module, &query.condition)?;
    let passes = |record: &&Record| holds(world, module, record, &condition);
    let mut found: Vec<_> = world.table(module).iter().filter(passes).collect();
    sort(world, module, &mut found, &query);
    Ok(page(world, module, &found, &query))
}

/// Columns and bounds of a query that is well-formed.
fn check(world: &World, module: Module, query: &Query) -> Result<(), Reply> {
    let limit_exceeded = |details: Value| Reply::bad_request("LIMIT_EXCEEDED", "limit exceeded", details);
    if query.columns.len() > COLUMNS {
        return Err(limit_exceeded(json!({ "clause": "select", "limit": COLUMNS })));
    }
    for (position, column) in query.columns.iter().enumerate() {
        kind_of(world, module, column).ok_or_else(|| unknown_column(column))?;
        if query.columns[..position].contains(column) {
            let details = json!({ "column_name": column });
            return Err(Reply::bad_request("DUPLICATE_DATA", "duplicate select column", details));
        }
    }
    for (column, _) in &query.order {
        kind_of(world, module, column).ok_or_else(|| unknown_column(column))?;
    }
    if query.limit == Some(0) {
        return Err(Reply::bad_request("INVALID_DATA", "limit should be greater than 0", json!({})));
    }
    let rows = world.settings.coql_row_limit;
    if query.limit.is_some_and(|limit| limit > rows) {
        return Err(limit_exceeded(json!({ "clause": "limit", "limit": rows })));
    }
    if query.offset.saturating_add(limit(world, query)) > REACH {
        return Err(limit_exceeded(json!({ "clause": "offset", "limit": REACH })));
    }
    Ok(())
}

/// Every condition must make sense, also where no record ever comes to it.
fn with_filters(world: &World, module: Module, condition: &Condition<Test>) -> Result<Condition<Filter>, Reply> {
    let inner = |condition| with_filters(world, module, condition).map(Box::new);
    Ok(match condition {
        Condition::Both(left, right) => Condition::Both(inner(left)?, inner(right)?),
        Condition::Either(left, right) => Condition::Either(inner(left)?, inner(right)?),
        Condition::Test { column, test } => {
            let kind = kind_of(world, module, column).ok_or_else(|| unknown_column(column))?;
            Condition::Test { column: column.clone(), test: Filter::new(kind, column, test)? }
        }
    })
}

fn holds(world: &World, module: Module, record: &Record, condition: &Condition<Filter>) -> bool {
    match condition {
        Condition::Both(left, right) => holds(world, module, record, left) && holds(world, module, record, right),
        Condition::Either(left, right) => holds(world, module, record, left) || holds(world, module, record, right),
        Condition::Test { column, test } => test.passes(&value_of(world, module, record, column)),
    }
}

fn sort(world: &World, module: Module, records: &mut [&Record], query: &Query) {
    // The id decides between equals, so that an answer is the same every time. Zoho promises no such thing.
    records.sort_by(|left, right| {
        let by_columns = query.order.iter().map(|(column, direction)| {
            let kind = kind_of(world, module, column).unwrap_or(Kind::Text(0));
            let value = |record: &Record| value_of(world, module, record, column);
            let ordering = filter::order(kind, &value(left), &value(right));
            if *direction == Direction::Descending { ordering.reverse() } else { ordering }
        });
        by_columns.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then).then_with(|| left.id.cmp(&right.id))
    });
}

fn page(world: &World, module: Module, found: &[&Record], query: &Query) -> Reply {
    let limit = limit(world, query);
    let rows: Vec<Value> =
        found.iter().skip(query.offset).take(limit).map(|record| row(world, module, record, query)).collect();
    if rows.is_empty() {
        return Reply::no_content();
    }
    let more = found.len() > query.offset.saturating_add(limit);
    Reply::ok(json!({ "info": { "count": rows.len(), "more_records": more }, "data": rows }))
}

fn limit(world: &World, query: &Query) -> usize {
    query.limit.unwrap_or_else(|| world.settings.coql_row_limit.min(200))
}

/// The columns that were asked for, and the id, which is always there. A lookup is its id alone.
fn row(world: &World, module: Module, record: &Record, query: &Query) -> Value {
    let mut row = Map::new();
    row.insert("id".to_owned(), record.id.clone().into());
    for column in &query.columns {
        let value = value_of(world, module, record, column);
        let shown = match kind_of(world, module, column) {
            Some(Kind::Lookup(_) | Kind::Person) if !value.is_null() => json!({ "id": value }),
            _ => value,
        };
        row.insert(column.clone(), shown);
    }
    Value::Object(row)
}

/// The type of a column, which is a field or, behind a lookup, a field of the other module.
fn kind_of(world: &World, module: Module, column: &str) -> Option<Kind> {
    let kind = match column.split_once('.') {
        None => module.kind(column, &world.options),
        Some((lookup, field)) => match module.kind(lookup, &world.options)? {
            Kind::Lookup(target) => target.kind(field, &world.options),
            _ => None,
        },
    };
    // Tags cannot be queried.
    kind.filter(|kind| *kind != Kind::Tags)
}

/// A column's value for comparison: a lookup or a person is its id.
fn value_of(world: &World, module: Module, record: &Record, column: &str) -> Value {
    if let Some((lookup, field)) = column.split_once('.') {
        let Some(Kind::Lookup(target)) = module.kind(lookup, &world.options) else { return Value::Null };
        let other = record.text(lookup).and_then(|id| world.table(target).get(id));
        return other.map_or(Value::Null, |other| value_of(world, target, other, field));
    }
    match shown_field(world, module, record, column) {
        Value::Object(object) => object.get("id").cloned().unwrap_or_default(),
        value => value,
    }
}

fn unknown_column(column: &str) -> Reply {
    Reply::bad_request("INVALID_QUERY", "column given seems to be invalid", json!({ "column_name": column }))
}
