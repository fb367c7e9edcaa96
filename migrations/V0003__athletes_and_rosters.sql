-- The children, and the link from an organisation to the parents who must hear about its galleries.

create table athletes (
    id uuid primary key,
    parent_id uuid not null references profiles_parents (user_id) on delete cascade,
    first_name text not null check (first_name <> ''),
    last_name text not null check (last_name <> ''),
    dob date check (dob > date '1900-01-01'),
    sport_primary text check (sport_primary <> '')
);
create index athletes_parent_id_idx on athletes (parent_id);

create table roster_entries (
    organization_id uuid not null references profiles_organizations (user_id) on delete cascade,
    athlete_id uuid not null references athletes (id) on delete cascade,
    joined_at timestamptz not null default now(),
    primary key (organization_id, athlete_id)
);
create index roster_entries_athlete_id_idx on roster_entries (athlete_id);

grant select, insert, update, delete on athletes, roster_entries to isoxp_api;
grant select on athletes, roster_entries to isoxp_worker;
