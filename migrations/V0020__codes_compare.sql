-- What a phone's keyboard, a PDF or a spreadsheet makes of a code is the same code: codes compare without format
-- characters, blanks and dashes of any kind, without regard to case, and with compatibility forms (full-width letters,
-- ligatures) written out. `domain::code::CodeKey` does the same in the functions, and a test holds the two against each
-- other.
create function code_key(code text) returns text language sql immutable parallel safe as $$
    select upper(regexp_replace(
        normalize(code collate "C", nfkc),
        '['
        -- dashes
        || '\u002D\u02D7\u058A\u05BE\u1400\u1806\u2010-\u2015\u2043\u2053\u207B\u208B\u2212\u2796\u2E17\u2E1A\u2E3A\u2E3B'
        || '\u2E40\u2E5D\u301C\u3030\u30A0\uFE31\uFE32\uFE58\uFE63\uFF0D\U00010EAD'
        -- white space, control and format characters, and others that show nothing
        || '\u0001-\u0020\u007F-\u00A0\u00AD\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u115F\u1160\u1680'
        || '\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u2800\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0'
        || '\uFFF0-\uFFFB\U000110BD\U000110CD\U00013430-\U0001343F\U0001BCA0-\U0001BCA3\U0001D173-\U0001D17A'
        || '\U000E0000-\U000E0FFF'
        || ']',
        '', 'g'
    ))
$$;

-- Codes that stand and compare equal from now on would each find the other's owner. Which one stays is a person's
-- decision, so the migration stops and names them.
do $$
declare
    collisions text;
begin
    select string_agg(codes, '; ' order by codes) into collisions
    from (
        select string_agg(referral_code, ' = ' order by referral_code) as codes
        from profiles_photographers group by code_key(referral_code) having count(*) > 1
        union all
        select string_agg(join_code, ' = ' order by join_code)
        from profiles_organizations group by code_key(join_code) having count(*) > 1
    ) as collision;
    if collisions is not null then
        raise exception 'These codes compare equal without dashes, blanks and case; change all but one of each, then migrate again: %',
            collisions;
    end if;
end
$$;

-- Beside the indexes on upper(…): functions of the version before name those in `on conflict` while they still run.
create unique index profiles_photographers_referral_code_key_key on profiles_photographers (code_key(referral_code));
create unique index profiles_organizations_join_code_key_key on profiles_organizations (code_key(join_code));
