-- What we know about Zoho: the access token that all workers share, and what both sides agreed on.

-- One row, once there is a token. Zoho gives ten tokens in ten minutes and locks out who asks for more, so a
-- refresh is a short lease on this row (no lock is held during the call).
create table zoho_token (
    only_one boolean primary key default true check (only_one),
    access_token text not null default '',
    api_domain text,
    expires_at timestamptz not null default '-infinity',
    version bigint not null default 0,
    refreshing_until timestamptz not null default '-infinity'
);
insert into zoho_token default values;

create table zoho_links (
    user_id uuid primary key references users (id) on delete cascade,
    -- The fields on which both sides last agreed, by our names; a field on which they differ is not here.
    base jsonb not null check (jsonb_typeof(base) = 'object'),
    tags text[] not null default '{}',
    synced_at timestamptz not null default now(),
    version bigint not null default 1
);

grant select, update on zoho_token to isoxp_worker;
grant select, insert, update, delete on zoho_links to isoxp_worker;
