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

-- One sign-up is credited for an e-mail address, for ever: it outlives its user, so whoever deletes the account and signs up
-- again earns nobody a second commission. The SHA-256 of `sign-up-credit:` and the address in lower case (ASCII letters, as
-- in email_sha256), which joins with no other hash kept here.
create function sign_up_credit_sha256(email text) returns bytea language sql immutable parallel safe as $$
    select sha256(convert_to('sign-up-credit:' || lower(email collate "C"), 'UTF8'))
$$;
create table sign_up_credits (
    email_hash bytea primary key check (length(email_hash) = 32)
);
insert into sign_up_credits (email_hash)
select distinct sign_up_credit_sha256(users.email)
from referral_ledger join users on users.id = referral_ledger.referred_user_id
where referral_ledger.action_type = 'Sign_Up';

grant select, insert on sign_up_credits to isoxp_api;
