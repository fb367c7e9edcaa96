-- Live galleries come first in the context of a user, however many newer ones are announced: the newest twenty of each
-- owner that are live are read by an index of their own.
create index galleries_live_of_organization_idx on galleries (organization_id, id desc) where status = 'Live';
create index galleries_live_of_photographer_idx on galleries (photographer_id, id desc) where status = 'Live';
