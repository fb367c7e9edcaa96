//! Flips environment variables of the running functions, as a deployment with other parameters would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::lambda::Lambda;

/// The variables of each function.
pub(super) type Environments = BTreeMap<String, BTreeMap<String, String>>;

/// Why a flag was not flipped.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    #[error("no function has the variable {}; there are {}", .unknown.join(", "), .known.join(", "))]
    Unknown { unknown: Vec<String>, known: Vec<String> },
    #[error(transparent)]
    Redeploy(anyhow::Error),
}

/// The functions' variables, and the way to change them. Clones share them.
#[derive(Debug, Clone)]
pub struct Flags {
    lambda: Lambda,
    environments: Arc<Mutex<Environments>>,
}

impl Flags {
    pub(super) fn new(lambda: Lambda, environments: Environments) -> Flags {
        Flags { lambda, environments: Arc::new(Mutex::new(environments)) }
    }

    /// The flags of all functions with their values.
    pub async fn values(&self) -> BTreeMap<String, String> {
        flags_in(&*self.environments.lock().await)
    }

    /// Gives the variables new values in every function that has them, and returns when each invocation that starts
    /// from now on sees them. A variable that no function has changes nothing at all.
    pub async fn set(&self, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, FlagError> {
        // Held over the redeployment, so that the last of two changes is the one in force.
        let mut environments = self.environments.lock().await;
        let mut changed = environments.clone();
        apply(&mut changed, values)?;
        let differs =
            |(function, variables): &(&String, &BTreeMap<_, _>)| environments.get(*function) != Some(*variables);
        let redeployed = changed.iter().filter(differs).map(|(name, variables)| (name.clone(), variables.clone()));
        self.lambda.redeploy(redeployed.collect()).await.map_err(FlagError::Redeploy)?;
        *environments = changed;
        Ok(flags_in(&environments))
    }
}

/// Overrides the variables in every function that has them.
pub(super) fn apply(environments: &mut Environments, values: &BTreeMap<String, String>) -> Result<(), FlagError> {
    let known: BTreeSet<&String> = environments.values().flat_map(BTreeMap::keys).collect();
    let unknown: Vec<String> = values.keys().filter(|name| !known.contains(name)).cloned().collect();
    if !unknown.is_empty() {
        let known = flags_in(environments).into_keys().collect();
        return Err(FlagError::Unknown { unknown, known });
    }
    for variables in environments.values_mut() {
        for (name, value) in values {
            if let Some(old) = variables.get_mut(name) {
                old.clone_from(value);
            }
        }
    }
    Ok(())
}

/// Flags are the variables that switch something on, by the name they have, and the way that people take into the CRM.
fn flags_in(environments: &Environments) -> BTreeMap<String, String> {
    let variables = environments.values().flatten();
    let flags = variables.filter(|(name, _)| name.starts_with("ENABLE_") || *name == "ZOHO_SYNC_ROUTE");
    flags.map(|(name, value)| (name.clone(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    fn environments() -> Environments {
        BTreeMap::from([
            ("sync-zoho".to_owned(), map([("ENABLE_ZOHO_SYNC", "false"), ("STAGE", "dev")])),
            ("migrate-database".to_owned(), map([("STAGE", "dev")])),
        ])
    }

    #[test]
    fn a_flag_changes_in_the_functions_that_have_it_and_appears_in_no_other() {
        let mut environments = environments();

        apply(&mut environments, &map([("ENABLE_ZOHO_SYNC", "true")])).unwrap();

        assert_eq!(environments["sync-zoho"]["ENABLE_ZOHO_SYNC"], "true");
        assert_eq!(environments["migrate-database"], map([("STAGE", "dev")]));
        assert_eq!(flags_in(&environments), map([("ENABLE_ZOHO_SYNC", "true")]));
    }

    #[test]
    fn a_flag_that_no_function_has_changes_nothing_and_is_named() {
        let mut changed = environments();

        let error = apply(&mut changed, &map([("ENABLE_ZOHO", "true"), ("STAGE", "prod")])).unwrap_err();

        assert_eq!(error.to_string(), "no function has the variable ENABLE_ZOHO; there are ENABLE_ZOHO_SYNC");
        assert_eq!(changed, environments());
    }
}
