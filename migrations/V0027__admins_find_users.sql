-- Admins find users: by the beginning of a name, and in lists by role, verification, level and ZIP. Each list is read in
-- the order of an index, so that a page costs the same however many users there are.

-- Newest first, ids being UUIDv7: admins, verified organisations, photographers of a level. Indexes on the id alone, each
-- of its rows: one on (level, id) costs the planner more than to read the primary key and leave out what does not fit, which
-- reads all of it where few fit. Parents, organisations and photographers as such are the keys of their profiles; those in a
-- ZIP are found by the index on service_region.
create index users_admins_idx on users (id) where role = 'admin';
create index profiles_organizations_verified_idx on profiles_organizations (user_id) where verified_at is not null;
create index profiles_photographers_level_1_idx
    on profiles_photographers (user_id) where certification_level = 'Level 1';
create index profiles_photographers_level_2_idx
    on profiles_photographers (user_id) where certification_level = 'Level 2';
create index profiles_photographers_master_idx
    on profiles_photographers (user_id) where certification_level = 'Master';

-- How many characters two texts have in common at their beginning.
--
-- A user has several names: what the user is called, "First Last", and the last name. A search that several of them begin
-- with must show the user once. Two names both begin with what is searched if that is not longer than their common
-- beginning, so the user is found by the later of them only if what is searched is longer. The length stands first in the
-- index of the later name: then no user who was found by another name has to be read and left out.
create function common_beginning(one text, other text) returns integer language plpgsql immutable strict parallel safe as $$
declare
    most constant integer := least(length(one), length(other));
    common integer := 0;
begin
    while common < most and substr(one, common + 1, 1) = substr(other, common + 1, 1) loop
        common := common + 1;
    end loop;
    return common;
end
$$;

-- Beginnings are ranges in the order of bytes (collate "C"), whatever the database's collation.
create index profiles_parents_name_idx
    on profiles_parents ((lower(first_name || ' ' || last_name) collate "C"), user_id);
create index profiles_parents_last_name_idx
    on profiles_parents (
        (common_beginning(lower(first_name || ' ' || last_name), lower(last_name))),
        (lower(last_name) collate "C"),
        user_id
    );

-- Within verified organisations and those that wait, and within a level: a search may be narrowed to them.
create index profiles_organizations_org_name_idx
    on profiles_organizations ((verified_at is not null), (lower(org_name) collate "C"), user_id);
create index profiles_organizations_name_idx
    on profiles_organizations (
        (verified_at is not null),
        (common_beginning(lower(org_name), lower(first_name || ' ' || last_name))),
        (lower(first_name || ' ' || last_name) collate "C"),
        user_id
    );
create index profiles_organizations_last_name_idx
    on profiles_organizations (
        (verified_at is not null),
        (greatest(
            common_beginning(lower(org_name), lower(last_name)),
            common_beginning(lower(first_name || ' ' || last_name), lower(last_name))
        )),
        (lower(last_name) collate "C"),
        user_id
    );

create index profiles_photographers_business_name_idx
    on profiles_photographers (certification_level, (lower(business_name) collate "C"), user_id);
create index profiles_photographers_name_idx
    on profiles_photographers (
        certification_level,
        (common_beginning(lower(business_name), lower(first_name || ' ' || last_name))),
        (lower(first_name || ' ' || last_name) collate "C"),
        user_id
    );
create index profiles_photographers_last_name_idx
    on profiles_photographers (
        certification_level,
        (greatest(
            common_beginning(lower(business_name), lower(last_name)),
            common_beginning(lower(first_name || ' ' || last_name), lower(last_name))
        )),
        (lower(last_name) collate "C"),
        user_id
    );
