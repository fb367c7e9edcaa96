//! Users as admins find them: by what is known of a user, and in lists. Every page is read in the order of an index.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::super::column::stored;
use super::super::session::Session;
use super::super::statement::Statement;
use crate::domain::user_search::{Known, Narrowed, Order, Search};
use crate::domain::{CertificationLevel, CodeKey, CrmId, Line, Role, UserId, ZipCode};
use crate::error::Error;

/// A user as the API shows one to admins.
#[derive(Serialize)]
pub struct FoundUser {
    pub id: UserId,
    pub email: String,
    pub role: Role,
    /// "First Last" of a parent, the name of an organisation or a business; an admin has none.
    pub name: Option<String>,
    pub created_at: DateTime<Utc>,
    /// Of an organisation.
    pub verified_at: Option<DateTime<Utc>>,
    pub zoho_contact_id: Option<String>,
    pub zoho_account_id: Option<String>,
    #[serde(skip)]
    place: UserPlace,
}

/// Without the names.
impl std::fmt::Debug for FoundUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "FoundUser({})", self.id)
    }
}

impl FoundUser {
    pub fn place(&self) -> UserPlace {
        self.place.clone()
    }
}

/// Where a user stands in the order of a list.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UserPlace {
    /// Among the newest first.
    Newest(Uuid),
    /// Among the oldest first.
    Oldest(Uuid),
    /// Among those that are meant by an address, an id or a code; they come before those who are found by a name.
    Exact(Uuid),
    /// By the name, in lower case, that the search is the beginning of.
    Named(String, Uuid),
}

/// Without the name.
impl std::fmt::Debug for UserPlace {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("UserPlace(redacted)")
    }
}

impl UserPlace {
    /// The order in which it is a place.
    pub fn order(&self) -> Order {
        match self {
            Self::Newest(_) => Order::Newest,
            Self::Oldest(_) => Order::Oldest,
            Self::Exact(_) | Self::Named(..) => Order::Name,
        }
    }

    fn id(&self) -> Uuid {
        match self {
            Self::Newest(id) | Self::Oldest(id) | Self::Exact(id) | Self::Named(_, id) => *id,
        }
    }

    fn name(&self) -> Option<&str> {
        if let Self::Named(name, _) = self { Some(name) } else { None }
    }
}

/// The users who come after a place, `most` of them. The place is one in the order of this search.
pub async fn users(
    session: &impl Session,
    wanted: &Search,
    after: Option<&UserPlace>,
    most: i64,
) -> Result<Vec<FoundUser>, Error> {
    let Some(narrowed) = &wanted.narrowed else { return Ok(Vec::new()) };
    if let Some(known) = &wanted.known {
        return named(session, known, narrowed, after, most).await;
    }
    let from = after.map(UserPlace::id);
    let rows = match narrowed {
        Narrowed::ToRole(role) => session.rows(&OF_ROLE, [&role.map(Role::as_str), &from, &most]).await?,
        Narrowed::ToOrganizations { verified: true } => session.rows(&VERIFIED, [&from, &most]).await?,
        Narrowed::ToOrganizations { verified: false } => session.rows(&UNVERIFIED, [&from, &most]).await?,
        Narrowed::ToLevel(level) => session.rows(&OF_LEVEL, [&level.as_str(), &from, &most]).await?,
        Narrowed::ToZip { zip, level } => {
            let level = level.map(CertificationLevel::as_str);
            session.rows(&IN_ZIP, [&zip.as_str(), &level, &from, &most]).await?
        }
    };
    let place = if wanted.order() == Order::Oldest { UserPlace::Oldest } else { UserPlace::Newest };
    rows.iter().map(|row| from_row(row, place(row.get("id")))).collect()
}

/// Joins what is shown of each user of a page: `page` has their ids. `limit 1` keeps it a look-up for each of them, which
/// costs the same however many users there are.
macro_rules! shown {
    () => {
        "cross join lateral (
             select users.email, users.role::text as role, users.created_at, users.zoho_contact_id,
                 coalesce(parent.first_name || ' ' || parent.last_name, org.org_name, photographer.business_name)
                     as name,
                 org.verified_at, org.zoho_account_id
             from users
             left join profiles_parents as parent on parent.user_id = users.id
             left join profiles_organizations as org on org.user_id = users.id
             left join profiles_photographers as photographer on photographer.user_id = users.id
             where users.id = page.id
             limit 1
         ) as shown
         "
    };
}

/// Of each role the first are taken out of its index.
pub(super) static OF_ROLE: Statement<3> = Statement::new(
    concat!(
        "select page.id, shown.*
         from (
             select mine.id
             from (
                 (
                     select user_id as id from profiles_parents
                     where coalesce($1, 'parent') = 'parent' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
                 union all
                 (
                     select user_id as id from profiles_organizations
                     where coalesce($1, 'org') = 'org' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
                 union all
                 (
                     select user_id as id from profiles_photographers
                     where coalesce($1, 'photographer') = 'photographer' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
                 union all
                 (
                     select id as id from users
                     where role = 'admin' and coalesce($1, 'admin') = 'admin' and id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by id desc
                     limit $3
                 )
             ) as mine
             order by mine.id desc
             limit $3
         ) as page
         ",
        shown!(),
        "order by page.id desc",
    ),
    [Type::TEXT, Type::UUID, Type::INT8],
);

pub(super) static VERIFIED: Statement<2> = Statement::new(
    concat!(
        "select page.id, shown.*
         from (
             select user_id as id from profiles_organizations
             where verified_at is not null and user_id < coalesce($1, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
             order by user_id desc
             limit $2
         ) as page
         ",
        shown!(),
        "order by page.id desc",
    ),
    [Type::UUID, Type::INT8],
);

/// Those that wait, the oldest first.
pub(super) static UNVERIFIED: Statement<2> = Statement::new(
    concat!(
        "select page.id, shown.*
         from (
             select user_id as id from profiles_organizations
             where verified_at is null and user_id > coalesce($1, '00000000-0000-0000-0000-000000000000')
             order by user_id
             limit $2
         ) as page
         ",
        shown!(),
        "order by page.id",
    ),
    [Type::UUID, Type::INT8],
);

pub(super) static OF_LEVEL: Statement<3> = Statement::new(
    concat!(
        "select page.id, shown.*
         from (
             select mine.id
             from (
                 (
                     select user_id as id from profiles_photographers
                     where certification_level = 'Level 1' and $1 = 'Level 1' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
                 union all
                 (
                     select user_id as id from profiles_photographers
                     where certification_level = 'Level 2' and $1 = 'Level 2' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
                 union all
                 (
                     select user_id as id from profiles_photographers
                     where certification_level = 'Master' and $1 = 'Master' and user_id < coalesce($2, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
                     order by user_id desc
                     limit $3
                 )
             ) as mine
             order by mine.id desc
             limit $3
         ) as page
         ",
        shown!(),
        "order by page.id desc",
    ),
    [Type::TEXT, Type::UUID, Type::INT8],
);

/// Materialised: so the index on ZIPs is what is read, and all photographers only in a ZIP that nearly all of them serve.
pub(super) static IN_ZIP: Statement<4> = Statement::new(
    concat!(
        "with there as materialized (
             select user_id, certification_level from profiles_photographers where service_region @> array[$1]
         )
         select page.id, shown.*
         from (
             select user_id as id from there
             where certification_level = coalesce($2::text::certification_level, certification_level)
               and user_id < coalesce($3, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
             order by user_id desc
             limit $4
         ) as page
         ",
        shown!(),
        "order by page.id desc",
    ),
    [Type::TEXT, Type::TEXT, Type::UUID, Type::INT8],
);

async fn named(
    session: &impl Session,
    known: &Known,
    narrowed: &Narrowed,
    after: Option<&UserPlace>,
    most: i64,
) -> Result<Vec<FoundUser>, Error> {
    let (email, id, text) = match known {
        Known::Email(email) => (Some(email.as_str()), None, None),
        Known::Id(id) => (None, Some(id.0), None),
        Known::Text(text) => (None, None, Some(text)),
    };
    let code = text.and_then(|text| CodeKey::of(text.as_str()));
    let record = text.and_then(|text| text.as_str().parse::<CrmId>().ok());
    let rows = session
        .rows(
            &NAMED,
            [
                &email,
                &id,
                &code.as_ref().map(CodeKey::as_str),
                &record.as_ref().map(CrmId::as_str),
                &text.map(Line::as_str),
                &narrowed.role().map(Role::as_str),
                &narrowed.verified(),
                &narrowed.zip().map(ZipCode::as_str),
                &narrowed.level().map(CertificationLevel::as_str),
                &after.and_then(UserPlace::name),
                &after.map(UserPlace::id),
                &most,
            ],
        )
        .await?;
    let place = |row: &Row| match row.get::<_, Option<String>>("key") {
        Some(key) => UserPlace::Named(key, row.get("id")),
        None => UserPlace::Exact(row.get("id")),
    };
    rows.iter().map(|row| from_row(row, place(row))).collect()
}

/// Of `key` and `user_id`, those whose key begins with $5 and that come after the place of $10 and $11. As many as the
/// largest page asks for, in a number that the planner sees: one that expects more compiles the statement (JIT), which takes
/// a second.
macro_rules! begins {
    () => {
        "(key, user_id) > (
             greatest($10 collate \"C\", lower($5)),
             case when $10 is null then '00000000-0000-0000-0000-000000000000' else $11 end
         )
         and key < lower($5) || chr(1114111)
         and user_id <> all (array(select id from exact))
         order by key, user_id
         limit 101"
    };
}

/// The numbers of characters that a name may have in common with one that comes before it: fewer than are searched, or the
/// user is found by that name. Counted by the characters themselves, of which the planner expects ten, and not by
/// `generate_series`, of which it expects a thousand.
macro_rules! fewer {
    () => {
        "unnest(string_to_array(lower($5), null)) with ordinality as searched (letter, characters)"
    };
}

/// Those who are meant exactly by $1 to $4, and then those one of whose names begins with $5, by that name. Of each name the
/// first are taken out of its index, within each level and each state of verification. $6 to $9 narrow the search: to
/// $7 only organisations, to $8 and $9 only photographers.
pub(super) static NAMED: Statement<12> = Statement::new(
    concat!(
        "with exact as materialized (
             select id from users where lower(email) = lower($1)
             union
             select id from users where id = $2
             union
             select user_id from profiles_photographers where code_key(referral_code) = $3
             union
             select user_id from profiles_organizations where code_key(join_code) = $3
             union
             select id from users where zoho_contact_id = $4
             union
             select user_id from profiles_organizations where zoho_account_id = $4
         ),
         there as materialized (
             select user_id, certification_level, lower(business_name) as business,
                 lower(first_name || ' ' || last_name) as person, lower(last_name) as last
             from profiles_photographers
             where $8 is not null and service_region @> array[$8]
         )
         select page.id, page.key, shown.*
         from (
             select found.*
             from (
                 (
                     select users.id, null collate \"C\" as key
                     from exact
                     cross join lateral (select id, role from users where id = exact.id limit 1) as users
                     left join profiles_organizations as org on org.user_id = exact.id
                     left join profiles_photographers as photographer on photographer.user_id = exact.id
                     where $10 is null and users.id > coalesce($11, '00000000-0000-0000-0000-000000000000')
                       and users.role = coalesce($6::text::user_role, users.role)
                       and ($7 is null or (org.verified_at is not null) = $7)
                       and ($8 is null or photographer.service_region @> array[$8])
                       and ($9 is null or photographer.certification_level = $9::text::certification_level)
                 )
                 union all
                 (
                     select named.user_id, named.key
                     from (select) as once
                     cross join lateral (
                         (
                             select user_id, key from (
                                 select user_id, lower(first_name || ' ' || last_name) collate \"C\" as key
                                 from profiles_parents
                             ) as parent
                             where ", begins!(), "
                         )
                         union all
                         (
                             select later.*
                             from ", fewer!(), "
                             cross join lateral (
                                 select user_id, key from (
                                     select user_id, lower(last_name) collate \"C\" as key,
                                         common_beginning(lower(first_name || ' ' || last_name), lower(last_name))
                                             as common
                                     from profiles_parents
                                 ) as parent
                                 where common = searched.characters - 1 and ", begins!(), "
                             ) as later
                         )
                     ) as named
                     where coalesce($6, 'parent') = 'parent'
                 )
                 union all
                 (
                     select named.user_id, named.key
                     from unnest(array[true, false]) as state (verified)
                     cross join lateral (
                         (
                             select user_id, key from (
                                 select user_id, lower(org_name) collate \"C\" as key, verified_at is not null as verified
                                 from profiles_organizations
                             ) as org
                             where verified = state.verified and ", begins!(), "
                         )
                         union all
                         (
                             select later.*
                             from ", fewer!(), "
                             cross join lateral (
                                 select user_id, key from (
                                     select user_id, lower(first_name || ' ' || last_name) collate \"C\" as key,
                                         verified_at is not null as verified,
                                         common_beginning(lower(org_name), lower(first_name || ' ' || last_name))
                                             as common
                                     from profiles_organizations
                                 ) as org
                                 where verified = state.verified and common = searched.characters - 1 and ", begins!(), "
                             ) as later
                         )
                         union all
                         (
                             select later.*
                             from ", fewer!(), "
                             cross join lateral (
                                 select user_id, key from (
                                     select user_id, lower(last_name) collate \"C\" as key,
                                         verified_at is not null as verified,
                                         greatest(
                                             common_beginning(lower(org_name), lower(last_name)),
                                             common_beginning(
                                                 lower(first_name || ' ' || last_name), lower(last_name)
                                             )
                                         ) as common
                                     from profiles_organizations
                                 ) as org
                                 where verified = state.verified and common = searched.characters - 1 and ", begins!(), "
                             ) as later
                         )
                     ) as named
                     where coalesce($6, 'org') = 'org' and state.verified = coalesce($7, state.verified)
                 )
                 union all
                 (
                     select named.user_id, named.key
                     from unnest(enum_range(null::certification_level)) as wanted (level)
                     cross join lateral (
                         (
                             select user_id, key from (
                                 select user_id, lower(business_name) collate \"C\" as key, certification_level as level
                                 from profiles_photographers
                             ) as photographer
                             where level = wanted.level and ", begins!(), "
                         )
                         union all
                         (
                             select later.*
                             from ", fewer!(), "
                             cross join lateral (
                                 select user_id, key from (
                                     select user_id, lower(first_name || ' ' || last_name) collate \"C\" as key,
                                         certification_level as level,
                                         common_beginning(lower(business_name), lower(first_name || ' ' || last_name))
                                             as common
                                     from profiles_photographers
                                 ) as photographer
                                 where level = wanted.level and common = searched.characters - 1 and ", begins!(), "
                             ) as later
                         )
                         union all
                         (
                             select later.*
                             from ", fewer!(), "
                             cross join lateral (
                                 select user_id, key from (
                                     select user_id, lower(last_name) collate \"C\" as key, certification_level as level,
                                         greatest(
                                             common_beginning(lower(business_name), lower(last_name)),
                                             common_beginning(
                                                 lower(first_name || ' ' || last_name), lower(last_name)
                                             )
                                         ) as common
                                     from profiles_photographers
                                 ) as photographer
                                 where level = wanted.level and common = searched.characters - 1 and ", begins!(), "
                             ) as later
                         )
                     ) as named
                     where coalesce($6, 'photographer') = 'photographer' and $8 is null
                       and wanted.level = coalesce($9::text::certification_level, wanted.level)
                 )
                 union all
                 (
                     select user_id, key from (
                         select user_id,
                             case
                                 when starts_with(business, lower($5)) then business
                                 when starts_with(person, lower($5)) then person
                                 when starts_with(last, lower($5)) then last
                             end collate \"C\" as key
                         from there
                         where certification_level = coalesce($9::text::certification_level, certification_level)
                     ) as photographer
                     where ", begins!(), "
                 )
             ) as found
             order by found.key nulls first, found.id
             limit $12
         ) as page
         ",
        shown!(),
        "order by page.key nulls first, page.id",
    ),
    [
        Type::TEXT,
        Type::UUID,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::BOOL,
        Type::TEXT,
        Type::TEXT,
        Type::TEXT,
        Type::UUID,
        Type::INT8,
    ],
);

fn from_row(row: &Row, place: UserPlace) -> Result<FoundUser, Error> {
    Ok(FoundUser {
        id: UserId(row.get("id")),
        email: row.get("email"),
        role: stored(row, "role")?,
        name: row.get("name"),
        created_at: row.get("created_at"),
        verified_at: row.get("verified_at"),
        zoho_contact_id: row.get("zoho_contact_id"),
        zoho_account_id: row.get("zoho_account_id"),
        place,
    })
}
