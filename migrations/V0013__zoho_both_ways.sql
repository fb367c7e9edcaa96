-- Both sides of the CRM are kept equal: what each link last agreed on, what was lost in a conflict, what is still to be
-- erased over there, how far changes have been read, and what the calls cost.

-- A person's Contact, and an organisation's Account beside it. Which record it is stands in users.zoho_contact_id and
-- profiles_organizations.zoho_account_id.
alter table zoho_links
    add column module text not null default 'Contacts' check (module in ('Contacts', 'Accounts')),
    -- Zoho's Modified_Time of the record when both sides agreed.
    add column modified_at timestamptz,
    -- Deleted or merged over there: nobody makes it again unless an admin says so.
    add column gone_at timestamptz,
    -- How often in a row our word had to go back, so that a rule in the CRM which always says otherwise is not fought.
    add column corrections integer not null default 0,
    add column corrected_at timestamptz;
alter table zoho_links drop constraint zoho_links_pkey, add primary key (user_id, module);
alter table zoho_links alter column module drop default;

-- Both sides had something to say about a field; one value stands, and both are kept here for an admin to see.
create table sync_conflicts (
    id uuid primary key,
    user_id uuid not null references users (id) on delete cascade,
    module text not null check (module in ('Contacts', 'Accounts')),
    field text not null,
    ours text,
    theirs text,
    -- both: theirs cannot be stored here and is not written over.
    kept text not null check (kept in ('ours', 'theirs', 'both')),
    noticed_at timestamptz not null default now(),
    times integer not null default 1,
    constraint sync_conflicts_values_are_bounded check (length(ours) <= 500 and length(theirs) <= 500),
    constraint sync_conflicts_each_once_key unique nulls not distinct (user_id, module, field, ours, theirs, kept)
);
create index sync_conflicts_noticed_at_idx on sync_conflicts (noticed_at desc, id desc);
create index sync_conflicts_user_id_idx on sync_conflicts (user_id, noticed_at desc, id desc);

-- Records that are gone over there are told to admins among the conflicts.
create index zoho_links_gone_at_idx on zoho_links (gone_at desc, user_id desc, module desc) where gone_at is not null;

-- Somebody who is gone here and may still stand over there. No foreign key: it outlives the user.
create table erasures (
    user_id uuid primary key,
    zoho_contact_id text,
    zoho_account_id text,
    requested_at timestamptz not null default now(),
    erased_at timestamptz
);
-- Whoever is deleted: what still names her is found at once.
create index webhook_inbox_subject_idx on webhook_inbox (subject) where payload is not null;
create index referral_ledger_referred_user_id_idx on referral_ledger (referred_user_id) where referred_user_id is not null;
create index erasures_erased_at_idx on erasures (erased_at) where erased_at is not null;

-- How far changes over there have been read. The time is Zoho's; what was changed in that very second is read again.
create table zoho_cursors (
    module text primary key check (module in ('Contacts', 'Accounts')),
    modified_to timestamptz,
    deleted_to timestamptz,
    ran_at timestamptz
);
insert into zoho_cursors (module) values ('Contacts'), ('Accounts');

-- The channel by which Zoho tells us of changes.
create table zoho_watch (
    only_one boolean primary key default true check (only_one),
    channel_id bigint not null,
    -- Of the token that Zoho sends along, to see when it was rotated.
    token_sha256 bytea not null check (length(token_sha256) = 32),
    notify_url text not null,
    expires_at timestamptz not null,
    checked_at timestamptz not null default now()
);

-- Calls and credits by minute, and what Zoho says remains (it says so only once half of the day's credits are gone).
create table zoho_usage (
    minute timestamptz primary key,
    calls integer not null,
    credits integer not null
);
create table zoho_budget (
    only_one boolean primary key default true check (only_one),
    credits_remaining bigint,
    noted_at timestamptz
);
insert into zoho_budget default values;

-- The SHA-256 of the credentials with which the token was got, of those which they have replaced, and of those with which
-- it is being got. And of the secret, names of fields included, with which Zoho has refused us: a kind that pauses for it
-- goes on when the secret is another one.
alter table zoho_token
    add column credentials_sha256 bytea check (length(credentials_sha256) = 32),
    add column superseded_sha256 bytea check (length(superseded_sha256) = 32),
    add column superseded_at timestamptz,
    add column refreshing_sha256 bytea check (length(refreshing_sha256) = 32);
alter table task_kinds add column refused_credentials bytea check (length(refused_credentials) = 32);

-- What has changed over there was kept until now, and is read from here on.
update task_kinds set paused_until = null, reason = null where kind = 'pull-zoho';

-- How many people still wait for their Contact is watched while a backfill runs.
create index users_unlinked_idx on users (id) where zoho_contact_id is null and role <> 'admin';

-- Whose last year at school it is, is asked every day, and whose it was.
create index athletes_dob_idx on athletes (dob) where dob is not null;
create function has_senior_tag(tags text[]) returns boolean language sql immutable parallel safe as $$
    select exists (select from unnest(tags) as tag where tag like 'Senior %')
$$;
create index zoho_links_senior_idx on zoho_links (user_id) where has_senior_tag(tags);

grant update (first_name, last_name, phone_number, mailing_address) on profiles_parents to isoxp_worker;
grant update (first_name, last_name, org_name) on profiles_organizations to isoxp_worker;
grant update (first_name, last_name) on profiles_photographers to isoxp_worker;
grant select, insert, update, delete on sync_conflicts to isoxp_worker;
grant select on sync_conflicts to isoxp_api;
grant select, insert on erasures to isoxp_api;
grant select, update, delete on erasures to isoxp_worker;
grant select, update on zoho_cursors to isoxp_worker;
grant select, insert, update on zoho_watch to isoxp_worker;
grant select, insert, update, delete on zoho_usage to isoxp_worker;
grant select, update on zoho_budget to isoxp_worker;
grant update (refused_credentials) on task_kinds to isoxp_worker, isoxp_api;
grant select on zoho_cursors, zoho_watch, zoho_usage, zoho_budget to isoxp_api;
-- What was agreed on stays the workers' own.
grant select (user_id, module, gone_at), delete on zoho_links to isoxp_api;
