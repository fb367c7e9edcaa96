-- Nobody takes a link away since 0016: it goes with its user, which needs no grant.
revoke delete on zoho_links from isoxp_api, isoxp_worker;
