//! `sync_conflicts`: both sides of the CRM had something to say; one value stands, and both are kept for an admin to see.

use tokio_postgres::types::Type;
use uuid::Uuid;

use super::session::Session;
use super::statement::Statement;
use crate::domain::UserId;
use crate::domain::event::CrmModule;
use crate::domain::merge::Conflict;
use crate::error::Error;

/// The longest value that is kept, in characters and in bytes: both values stand in one entry of a unique index, which has
/// room for 2,704 bytes.
const MOST: usize = 500;
const MOST_BYTES: usize = 1000;

/// Takes note of conflicts of those who (still) exist. The same one again is counted, except where each side keeps its own:
/// that is met whenever the record is looked at.
pub async fn note(session: &impl Session, conflicts: &[(UserId, CrmModule, &Conflict)]) -> Result<(), Error> {
    if conflicts.is_empty() {
        return Ok(());
    }
    let users: Vec<Uuid> = conflicts.iter().map(|(user, ..)| user.0).collect();
    let modules: Vec<&str> = conflicts.iter().map(|(_, module, _)| module.as_str()).collect();
    let fields: Vec<&str> = conflicts.iter().map(|(.., conflict)| conflict.unit.as_str()).collect();
    let ours: Vec<Option<String>> = conflicts.iter().map(|(.., conflict)| bounded(conflict.ours.as_deref())).collect();
    let theirs: Vec<Option<String>> =
        conflicts.iter().map(|(.., conflict)| bounded(conflict.theirs.as_deref())).collect();
    let kept: Vec<&str> = conflicts.iter().map(|(.., conflict)| conflict.kept.as_str()).collect();
    session.rows(&NOTE, [&users, &modules, &fields, &ours, &theirs, &kept]).await?;
    Ok(())
}

static NOTE: Statement<6> = Statement::new(
    "insert into sync_conflicts as noted (id, user_id, module, field, ours, theirs, kept)
     select new_uuid_v7(), conflict.*
     from unnest($1, $2, $3, $4, $5, $6) as conflict (user_id, module, field, ours, theirs, kept)
     where exists (select from users where users.id = conflict.user_id)
     on conflict on constraint sync_conflicts_each_once_key do update set
         times = noted.times + 1,
         noticed_at = now()
     where noted.kept not in ('both', 'shortened')",
    [Type::UUID_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY, Type::TEXT_ARRAY],
);

/// In one line, without what a text of the database does not take.
fn bounded(value: Option<&str>) -> Option<String> {
    value.map(|value| {
        let mut bytes = 0;
        let fits = |c: &char| {
            bytes += c.len_utf8();
            bytes <= MOST_BYTES
        };
        value.chars().filter(|c| !c.is_control()).take(MOST).take_while(fits).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_value_fits_the_index_in_any_script() {
        assert_eq!(bounded(Some(&"a\u{7}".repeat(600))).map(|kept| kept.len()), Some(500));
        assert_eq!(bounded(Some(&"漢".repeat(600))).map(|kept| kept.len()), Some(999));
    }
}
