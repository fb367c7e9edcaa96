//! Which stories the convergence test tells: `cargo dev test` hands this to the tests' processes.

use std::fmt;
use std::str::FromStr;

use anyhow::Context;

use super::workspace;

/// The environment variable that says which.
pub const VARIABLE: &str = "ISOXP_SEEDS";

/// The module of the convergence test within its executable, which `cargo dev test --seed` runs alone.
pub const MODULE: &str = "crm::convergence";

/// The stories to tell, each by its seed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seeds {
    /// Those that every run tells.
    #[default]
    Few,
    /// Those of a long run.
    Many,
    /// From one to another, both among them; a story that is told again stands alone.
    These(u64, u64),
}

impl Seeds {
    /// What `cargo dev test` was asked for.
    pub fn from_environment() -> anyhow::Result<Seeds> {
        let Some(text) = workspace::variable(VARIABLE) else { return Ok(Seeds::default()) };
        let text = text.to_string_lossy();
        text.parse().with_context(|| format!("{VARIABLE} is few, many, a number or a range like 3-9, not {text:?}"))
    }

    /// The seeds in their order.
    pub fn list(self) -> Vec<u64> {
        match self {
            Seeds::Few => (1..=20).collect(),
            Seeds::Many => (1..=2000).collect(),
            Seeds::These(first, last) => (first..=last).collect(),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seeds::Few => f.write_str("few"),
            Seeds::Many => f.write_str("many"),
            Seeds::These(first, last) if first == last => write!(f, "{first}"),
            Seeds::These(first, last) => write!(f, "{first}-{last}"),
        }
    }
}

impl FromStr for Seeds {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(match text {
            "few" => Seeds::Few,
            "many" => Seeds::Many,
            numbers => {
                let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
                Seeds::These(first.parse()?, last.parse()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_read_as_they_are_written() {
        for seeds in [Seeds::Few, Seeds::Many, Seeds::These(17, 17), Seeds::These(17, 20)] {
            assert_eq!(seeds.to_string().parse(), Ok(seeds));
        }
        assert!("some".parse::<Seeds>().is_err());
    }

    #[test]
    fn a_normal_run_tells_twenty_stories_and_a_long_one_two_thousand() {
        let told = [Seeds::Few, Seeds::Many, Seeds::These(7, 7), Seeds::These(8, 10)].map(|seeds| seeds.list().len());

        assert_eq!(told, [20, 2000, 1, 3]);
    }
}
