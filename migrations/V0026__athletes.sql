-- No e-mail goes out for an athlete who is gone: alerts that have not been sent are deleted with the parent's last entry on
-- the organisation's roster, by the endpoint that removes it, and by the worker where it finds one that was made meanwhile.
grant delete on gallery_alerts to isoxp_api, isoxp_worker;
