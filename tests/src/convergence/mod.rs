//! The proof that both sides of the CRM come to agree. From a seed a story is written: sign-ups, edits of both sides,
//! faults, deaths, lost and doubled messages. It is played on the running system; when all is quiet again, the end is held
//! against what was said. Nothing here knows the product's own code: only its API, its database and Zoho's records.

mod athletes;
mod between;
mod blame;
mod dice;
mod ending;
mod fault;
mod lost;
mod model;
mod operator;
mod ours;
mod patch;
mod pushed;
mod quiet;
mod runner;
mod sales;
mod settings;
mod stage;
mod story;
mod tagged;
mod trouble;
mod unit;
mod verdict;
mod words;
mod writer;

pub use runner::{Telling, tell_all};
pub use story::Story;
