-- What photographers earn, and the job board.

create type referral_action as enum ('Sign_Up', 'Gallery_Purchase', 'Booking');
create type commission_status as enum ('Pending', 'Paid');
create type job_status as enum ('Open', 'Assigned', 'Shot', 'Edited', 'Delivered');

create table referral_ledger (
    id uuid primary key,
    -- Money stays when the person goes.
    photographer_id uuid references profiles_photographers (user_id) on delete set null,
    referred_user_id uuid references users (id) on delete set null,
    action_type referral_action not null,
    commission_status commission_status not null default 'Pending',
    created_at timestamptz not null default now(),
    -- Who says so, and its own id for it ('isoxp' and the user for a sign-up; a host and its order):
    -- the pair is unique, so an order that is reported twice pays once.
    source text not null check (source <> ''),
    external_ref text not null check (external_ref <> ''),
    constraint referral_ledger_source_external_ref_key unique (source, external_ref),
    constraint referral_ledger_nobody_refers_himself check (photographer_id <> referred_user_id)
);
create unique index referral_ledger_one_sign_up_key on referral_ledger (referred_user_id) where action_type = 'Sign_Up';
create index referral_ledger_photographer_id_idx on referral_ledger (photographer_id, id desc);

create table assignments (
    id uuid primary key,
    organization_id uuid not null references profiles_organizations (user_id) on delete no action,
    assigned_photographer_id uuid references profiles_photographers (user_id) on delete set null,
    job_status job_status not null default 'Open',
    -- US dollars for the whole job.
    payout_rate numeric(10, 2) not null check (payout_rate >= 0),
    title text not null check (title <> ''),
    location_zip text not null check (location_zip ~ '^[0-9]{5}$'),
    starts_at timestamptz not null,
    created_at timestamptz not null default now(),
    -- Delivered may have lost its photographer: the work is done and his account may be gone.
    constraint assignments_status_matches_photographer check (
        case job_status
            when 'Open' then assigned_photographer_id is null
            when 'Delivered' then true
            else assigned_photographer_id is not null
        end
    )
);
create index assignments_organization_id_idx on assignments (organization_id, id desc);
create index assignments_assigned_photographer_id_idx on assignments (assigned_photographer_id, id desc);
create index assignments_open_idx on assignments (location_zip, id desc) where job_status = 'Open';

grant select, insert, update, delete on referral_ledger, assignments to isoxp_api;
grant select on referral_ledger, assignments to isoxp_worker;
