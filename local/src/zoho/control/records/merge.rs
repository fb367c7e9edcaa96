//! `POST /_control/merge`: a salesperson finds that some records are one.

use std::sync::Arc;

use axum::{Json, extract::State};
use chrono::SubsecRound;
use serde::Deserialize;

use super::{Answer, bad, body, exists, module};
use crate::zoho::{
    delete as removal,
    fields::Module,
    records::{self, SALESPERSON},
    watch::Cause,
    world::Shared,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Merge {
    module: String,
    master: String,
    others: Vec<String>,
}

/// The others vanish. What the master leaves blank is filled from them, in their order, our id included; tags and, of an
/// Account, its Contacts are the master's afterwards.
pub(in crate::zoho::control) async fn merge(State(shared): State<Arc<Shared>>, text: String) -> Answer {
    let merge: Merge = body(&text)?;
    let module = module(&merge.module)?;
    let mut world = shared.lock();
    let mut master = exists(&world, module, &merge.master)?.clone();
    if merge.others.is_empty() || merge.others.contains(&merge.master) {
        return Err(bad("others names at least one record, and not the master."));
    }
    for id in &merge.others {
        let other = exists(&world, module, id)?.clone();
        for (name, value) in other.fields {
            master.fields.entry(name).or_insert(value);
        }
        for tag in other.tags {
            if !master.tags.contains(&tag) && master.tags.len() < world.settings.record_tag_limit {
                master.tags.push(tag);
            }
        }
    }
    master.modified = world.now.trunc_subsecs(0);
    master.modified_by = SALESPERSON;
    for id in &merge.others {
        if module == Module::Accounts {
            removal::point_contacts(&mut world, id, Some(&master.id));
        }
        removal::remove(&mut world, module, id, SALESPERSON, false);
    }
    world.put(module, &master);
    let shown = records::shown(&world, module, &master);
    shared.finish(world, Cause::Person);
    Ok(Json(shown))
}
