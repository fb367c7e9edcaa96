-- Strangers sign up: what they say about themselves reaches nobody before an admin has looked at it.

-- When an admin verified the organisation; null: nothing of it reaches parents, and nothing about children reaches it.
alter table profiles_organizations add column verified_at timestamptz;
-- Those that are there were let in by hand.
update profiles_organizations set verified_at = now();
-- Those that wait, the oldest first: ids are UUIDv7.
create index profiles_organizations_unverified_idx on profiles_organizations (user_id) where verified_at is null;

-- Whether the gallery went live while its organisation was not verified: `gallery.live` goes out once it is.
alter table galleries add column live_untold boolean not null default false;
grant update (live_untold) on galleries to isoxp_worker;
create index galleries_live_untold_idx on galleries (organization_id) where live_untold;

-- What admins did. It outlives them; nobody changes it.
create table audit (
    id uuid primary key,
    at timestamptz not null default now(),
    -- Not a foreign key: the act stays when its actor goes.
    actor_id uuid not null,
    -- The function that was called.
    action text not null check (action <> ''),
    -- The user, gallery, batch or delivery that it was about; null where it was about many.
    subject_id uuid,
    details jsonb not null default '{}' check (jsonb_typeof(details) = 'object')
);
create index audit_actor_id_idx on audit (actor_id, id desc);
create index audit_subject_id_idx on audit (subject_id, id desc) where subject_id is not null;

grant select, insert on audit to isoxp_api;

-- The staff of schools changes: the first verified identity with this address that signs up as `org` becomes the
-- organisation's login, within fourteen days. Asking again replaces what was asked; of several organisations that are handed
-- over to one address, the one that was asked last comes first.
create table hand_overs (
    organization_id uuid primary key references profiles_organizations (user_id) on delete cascade,
    email text not null,
    asked_at timestamptz not null default now(),
    constraint hand_overs_email_is_one_address check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254)
);
create index hand_overs_email_idx on hand_overs (lower(email));

grant select, insert, update, delete on hand_overs to isoxp_api;
