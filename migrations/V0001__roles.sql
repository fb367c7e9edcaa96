-- The two roles that the functions log in with. isoxp_migrator owns every table and is the one who
-- runs this file; it is made by whoever makes the database.
--
-- A role belongs to the whole cluster, a migration to one database: so the roles may exist already.
-- Passwords are not here: migrate-database sets them from the secrets.
do $$
begin
    if not exists (select from pg_roles where rolname = 'isoxp_api') then
        create role isoxp_api login;
        -- Timeouts stand on the roles and not in the sessions, because RDS Proxy pins a connection
        -- that sends SET. An endpoint has 10 s in all.
        alter role isoxp_api set statement_timeout = '5s';
        alter role isoxp_api set lock_timeout = '3s';
        alter role isoxp_api set idle_in_transaction_session_timeout = '10s';
    end if;
    if not exists (select from pg_roles where rolname = 'isoxp_worker') then
        create role isoxp_worker login;
        alter role isoxp_worker set statement_timeout = '60s';
        alter role isoxp_worker set lock_timeout = '10s';
        alter role isoxp_worker set idle_in_transaction_session_timeout = '60s';
    end if;
end
$$;

grant usage on schema public to isoxp_api, isoxp_worker;
