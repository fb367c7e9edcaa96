-- What keeps codes from being tried out and from being cashed in twice.

-- Join codes that an identity has typed and that no organisation has: after ten in an hour no other is tried. By the hash of
-- the identity and not by the user, so that deleting the account and signing up again does not begin anew; that of
-- `wrong-join-code:` and the identity, which joins with no other hash kept here. The sweep drops what is an hour old.
create table wrong_join_codes (
    identity_sha256 bytea not null check (length(identity_sha256) = 32),
    tried_at timestamptz not null default now()
);
create index wrong_join_codes_identity_idx on wrong_join_codes (identity_sha256, tried_at desc);
create index wrong_join_codes_tried_at_idx on wrong_join_codes (tried_at);

grant select, insert on wrong_join_codes to isoxp_api;
grant select, delete on wrong_join_codes to isoxp_worker;
