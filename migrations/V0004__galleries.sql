-- A gallery at a host (PhotoDay, GotPhoto, …) and the parents who asked for it before it existed.

create type gallery_status as enum ('Pre-Reg', 'Live', 'Archived');

create table galleries (
    id uuid primary key,
    host text not null check (host ~ '^[a-z0-9][a-z0-9-]{0,39}$'),
    external_host_id text not null check (external_host_id <> ''),
    -- The pictures outlive the photographer's account; an organisation with galleries cannot go.
    photographer_id uuid references profiles_photographers (user_id) on delete set null,
    organization_id uuid not null references profiles_organizations (user_id) on delete no action,
    title text not null check (title <> ''),
    event_date date not null,
    status gallery_status not null default 'Pre-Reg',
    public_url text,
    live_at timestamptz,
    archived_at timestamptz,
    created_at timestamptz not null default now(),
    constraint galleries_host_external_host_id_key unique (host, external_host_id),
    constraint galleries_live_has_its_moment check (status <> 'Live' or live_at is not null),
    constraint galleries_archived_has_its_moment check (status <> 'Archived' or archived_at is not null)
);
-- "The newest twenty" of an organisation: ids are UUIDv7, so their order is that of creation.
create index galleries_organization_id_idx on galleries (organization_id, id desc);
create index galleries_photographer_id_idx on galleries (photographer_id, id desc);

create table gallery_registrations (
    gallery_id uuid not null references galleries (id) on delete cascade,
    parent_id uuid not null references profiles_parents (user_id) on delete cascade,
    registered_at timestamptz not null default now(),
    primary key (gallery_id, parent_id)
);
create index gallery_registrations_parent_id_idx on gallery_registrations (parent_id);

grant select, insert, update, delete on galleries, gallery_registrations to isoxp_api;
grant select on galleries, gallery_registrations to isoxp_worker;
