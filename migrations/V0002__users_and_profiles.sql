-- Who can log in, and what belongs to each kind of person. Ids are UUIDv7 made by the application.

create type user_role as enum ('admin', 'parent', 'org', 'photographer');
create type org_type as enum ('School', 'League', 'Club');
create type certification_level as enum ('Level 1', 'Level 2', 'Master');
create type paywall_tier as enum ('Free', 'Member', 'CDM_Pro');

create table users (
    id uuid primary key,
    email text not null,
    auth_provider_id text not null,
    role user_role not null,
    created_at timestamptz not null default now(),
    zoho_contact_id text,
    constraint users_auth_provider_id_key unique (auth_provider_id),
    constraint users_email_is_one_address check (email ~ '^[^@[:space:]]+@[^@[:space:]]+$' and length(email) <= 254),
    -- What the profiles refer to, so that a profile's kind cannot differ from its user's role.
    constraint users_id_role_key unique (id, role)
);
create unique index users_email_key on users (lower(email));
create unique index users_zoho_contact_id_key on users (zoho_contact_id) where zoho_contact_id is not null;

-- Each profile carries its role as a generated constant and refers to (id, role): a photographer's
-- profile on a parent's account cannot exist, and neither can a second profile of a kind.

create table profiles_parents (
    user_id uuid primary key,
    role user_role not null generated always as ('parent'::user_role) stored,
    first_name text not null check (first_name <> ''),
    last_name text not null check (last_name <> ''),
    phone_number text,
    mailing_address jsonb,
    -- As she typed it, also when no photographer has this code (yet).
    referred_by_code text,
    sport_interests text[] not null default '{}',
    foreign key (user_id, role) references users (id, role) on update no action on delete cascade,
    constraint profiles_parents_mailing_address_shape check (
        mailing_address is null
        or (
            jsonb_typeof(mailing_address) = 'object'
            and mailing_address ?& array['street', 'city', 'state', 'postal_code', 'country']
            and mailing_address - array['street', 'city', 'state', 'postal_code', 'country'] = '{}'
            and jsonb_typeof(mailing_address -> 'street') = 'string'
            and jsonb_typeof(mailing_address -> 'city') = 'string'
            and jsonb_typeof(mailing_address -> 'state') = 'string'
            and jsonb_typeof(mailing_address -> 'postal_code') = 'string'
            and jsonb_typeof(mailing_address -> 'country') = 'string'
        )
    )
);

create table profiles_organizations (
    user_id uuid primary key,
    role user_role not null generated always as ('org'::user_role) stored,
    first_name text not null check (first_name <> ''),
    last_name text not null check (last_name <> ''),
    org_name text not null check (org_name <> ''),
    org_type org_type not null,
    tax_id text,
    zoho_account_id text,
    referred_by_code text,
    -- What parents type to put their athletes on this organisation's roster.
    join_code text not null,
    foreign key (user_id, role) references users (id, role) on update no action on delete cascade
);
create unique index profiles_organizations_join_code_key on profiles_organizations (upper(join_code));
create unique index profiles_organizations_zoho_account_id_key
    on profiles_organizations (zoho_account_id) where zoho_account_id is not null;

create table profiles_photographers (
    user_id uuid primary key,
    role user_role not null generated always as ('photographer'::user_role) stored,
    first_name text not null check (first_name <> ''),
    last_name text not null check (last_name <> ''),
    business_name text not null check (business_name <> ''),
    website_url text,
    social_links jsonb not null default '{}' check (jsonb_typeof(social_links) = 'object'),
    referral_code text not null,
    certification_level certification_level not null default 'Level 1',
    paywall_tier paywall_tier not null default 'Free',
    training_progress jsonb not null default '{}' check (jsonb_typeof(training_progress) = 'object'),
    service_region text[] not null default '{}',
    background_check_status boolean not null default false,
    gear_list jsonb not null default '[]' check (jsonb_typeof(gear_list) = 'array'),
    availability_schedule jsonb not null default '{}' check (jsonb_typeof(availability_schedule) = 'object'),
    foreign key (user_id, role) references users (id, role) on update no action on delete cascade
);
create unique index profiles_photographers_referral_code_key on profiles_photographers (upper(referral_code));
create index profiles_photographers_service_region_idx on profiles_photographers using gin (service_region);

grant select, insert, update, delete
    on users, profiles_parents, profiles_organizations, profiles_photographers to isoxp_api;
-- Workers read people and write back what the other side gave us, nothing else.
grant select on users, profiles_parents, profiles_organizations, profiles_photographers to isoxp_worker;
grant update (zoho_contact_id) on users to isoxp_worker;
grant update (zoho_account_id) on profiles_organizations to isoxp_worker;
