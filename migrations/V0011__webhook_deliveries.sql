-- What we tell others: events, and their deliveries to each endpoint.

-- The endpoints of the secret, without their addresses and keys, and how they are doing.
create table webhook_endpoints (
    name text primary key,
    -- The types of events that it wants.
    events text[] not null,
    -- A new address deserves a new chance: an endpoint whose URL has changed is not disabled any more.
    url_sha256 bytea not null check (length(url_sha256) = 32),
    removed_at timestamptz,
    disabled_at timestamptz,
    disabled_reason text,
    -- It has asked to be spared until then (429, 502, 503, 504, or no answer), so many times in a row.
    paused_until timestamptz,
    throttles integer not null default 0,
    last_success_at timestamptz,
    failing_since timestamptz,
    constraint webhook_endpoints_disabled_for_a_reason check ((disabled_at is null) = (disabled_reason is null))
);

-- What happened, and to whom or what. The body is rendered from the present when it is sent.
create table webhook_events (
    -- `webhook-id` is msg_ and this, for every endpoint and every attempt.
    id uuid primary key,
    type text not null,
    user_id uuid references users (id) on delete cascade,
    gallery_id uuid references galleries (id) on delete cascade,
    referral_id uuid references referral_ledger (id) on delete cascade,
    occurred_at timestamptz not null default now(),
    constraint webhook_events_has_one_subject check (num_nonnulls(user_id, gallery_id, referral_id) = 1)
);
create index webhook_events_user_id_idx on webhook_events (user_id, type, occurred_at desc) where user_id is not null;
create index webhook_events_gallery_id_idx on webhook_events (gallery_id) where gallery_id is not null;
create index webhook_events_referral_id_idx on webhook_events (referral_id) where referral_id is not null;
create index webhook_events_occurred_at_idx on webhook_events (occurred_at);

-- skipped: the endpoint was disabled or removed before it took the event.
create type delivery_status as enum ('pending', 'delivered', 'failed', 'skipped');

create table webhook_deliveries (
    -- The key of its task.
    id uuid primary key,
    event_id uuid not null references webhook_events (id) on delete cascade,
    endpoint text not null references webhook_endpoints (name),
    status delivery_status not null default 'pending',
    -- Calls that were made since it was last asked for.
    attempts integer not null default 0,
    last_attempt_at timestamptz,
    -- The HTTP status, where there was an answer.
    last_status integer,
    last_error text,
    -- The beginning of the answer, for whoever looks for the reason.
    last_answer text check (octet_length(last_answer) <= 4096),
    delivered_at timestamptz,
    constraint webhook_deliveries_once_for_each_endpoint_key unique (event_id, endpoint),
    constraint webhook_deliveries_delivered_has_its_moment check ((status = 'delivered') = (delivered_at is not null))
);
create index webhook_deliveries_endpoint_idx on webhook_deliveries (endpoint, id desc);
create index webhook_deliveries_open_idx on webhook_deliveries (endpoint) where status = 'pending';
-- What endpoints have answered is dropped after a while: it may quote people.
create index webhook_deliveries_last_answer_idx on webhook_deliveries (last_attempt_at) where last_answer is not null;

insert into task_kinds (kind) values ('deliver-webhook'), ('deliver-user-webhook');

grant select, insert on webhook_events, webhook_deliveries to isoxp_api, isoxp_worker;
grant select on webhook_endpoints to isoxp_api;
grant update (disabled_at, disabled_reason, paused_until, throttles, failing_since) on webhook_endpoints to isoxp_api;
grant update on webhook_deliveries to isoxp_api, isoxp_worker;
grant select, insert, update on webhook_endpoints to isoxp_worker;
