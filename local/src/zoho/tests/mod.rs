//! The simulator held against what Zoho is known to do, over HTTP, as a client sees it.

mod campaigns;
mod coql;
mod faults;
mod harness;
mod limits;
mod notifications;
mod oauth;
mod people;
mod reads;
mod refusals;
mod restore;
mod switches;
mod tags;
mod variants;
mod violations;
mod watch;
mod writes;
