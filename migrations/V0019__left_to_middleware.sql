-- Whose task for the CRM was completed on the route over middleware, because there is, or was, a record of hers: nobody has told
-- the CRM what had changed, and it is told once the route is native.
alter table users add column left_to_middleware boolean not null default false;
create index users_left_to_middleware on users (id) where left_to_middleware;
grant update (left_to_middleware) on users to isoxp_worker;
