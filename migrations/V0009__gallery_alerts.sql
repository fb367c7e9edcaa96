-- "Your photos are ready": one alert for each parent and gallery, sent in batches. The database makes these
-- ids itself, because one statement makes a hundred thousand of them.

-- A UUIDv7 (RFC 9562, 5.7): 48 bits of milliseconds, then a random version-4 UUID's bits with the version changed.
create function new_uuid_v7() returns uuid language sql volatile parallel safe as $$
    select encode(
        set_byte(
            overlay(
                uuid_send(gen_random_uuid())
                placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3)
                from 1 for 6
            ),
            6,
            (get_byte(uuid_send(gen_random_uuid()), 6) & 15) | 112
        ),
        'hex'
    )::uuid
$$;

-- held: the flag was off, or the gallery not live any more; an admin may still send it.
-- sending: the call may have left. uncertain: no answer came; a receipt proves that it went.
create type alert_status as enum
    ('held', 'queued', 'sending', 'uncertain', 'sent', 'delivered', 'bounced', 'suppressed');
create type batch_status as enum ('queued', 'held', 'sending', 'uncertain', 'sent', 'skipped');

-- One transmission of Zoho Campaigns: its id is the transmission's name.
create table alert_batches (
    id uuid primary key,
    gallery_id uuid not null references galleries (id) on delete cascade,
    status batch_status not null default 'queued',
    created_at timestamptz not null default now(),
    sending_at timestamptz,
    sent_at timestamptz,
    transmission_id text
);
create index alert_batches_gallery_id_idx on alert_batches (gallery_id);
create index alert_batches_open_idx on alert_batches (sending_at) where status in ('sending', 'uncertain');

create table gallery_alerts (
    gallery_id uuid not null references galleries (id) on delete cascade,
    parent_id uuid not null references profiles_parents (user_id) on delete cascade,
    -- What a receipt names.
    id uuid not null,
    batch_id uuid references alert_batches (id) on delete set null,
    status alert_status not null,
    created_at timestamptz not null default now(),
    delivered_at timestamptz,
    -- Once, never twice.
    primary key (gallery_id, parent_id),
    constraint gallery_alerts_id_key unique (id)
);
create index gallery_alerts_batch_id_idx on gallery_alerts (batch_id);
create index gallery_alerts_parent_id_idx on gallery_alerts (parent_id);

-- Addresses that must not be written to. Only the hash is kept, so that it survives an erasure without
-- remembering whom.
create table email_suppressions (
    email_sha256 bytea primary key check (length(email_sha256) = 32),
    reason text not null check (reason in ('bounce', 'spam', 'unsubscribe')),
    created_at timestamptz not null default now()
);

insert into task_kinds (kind) values ('fan-out-gallery'), ('send-alerts');

grant select, update on alert_batches, gallery_alerts to isoxp_api;
grant select, insert on email_suppressions to isoxp_api;
grant select, insert, update on alert_batches, gallery_alerts to isoxp_worker;
grant select on email_suppressions to isoxp_worker;
