-- Whoever was linked when her task for the CRM came up on the route over middleware: nobody has told the CRM what had changed,
-- and it is told once the route is native.
alter table users add column left_to_middleware boolean not null default false;
create index users_left_to_middleware on users (id) where left_to_middleware;
grant update (left_to_middleware) on users to isoxp_worker;
