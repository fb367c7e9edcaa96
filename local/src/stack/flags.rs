//! Flips environment variables of the running functions, as a deployment with other parameters would.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::lambda::Lambda;
use crate::template::Function;

/// The variables of each function.
pub(super) type Environments = BTreeMap<String, BTreeMap<String, String>>;

/// Why a flag was not flipped.
#[derive(Debug, thiserror::Error)]
pub enum FlagError {
    #[error("no function has the variable {}; there are {}", .unknown.join(", "), .known.join(", "))]
    Unknown { unknown: Vec<String>, known: Vec<String> },
    /// What a deployment would refuse, or the functions at their start.
    #[error("{}", .0.join("; "))]
    NotAllowed(Vec<String>),
    #[error(transparent)]
    Redeploy(anyhow::Error),
}

/// The functions' variables, and the way to change them. Clones share them.
#[derive(Debug, Clone)]
pub struct Flags {
    lambda: Lambda,
    functions: Arc<[Function]>,
    environments: Arc<Mutex<Environments>>,
}

impl Flags {
    pub(super) fn new(lambda: Lambda, functions: &[Function], environments: Environments) -> Flags {
        Flags { lambda, functions: functions.into(), environments: Arc::new(Mutex::new(environments)) }
    }

    /// The flags of all functions with their values.
    pub async fn values(&self) -> BTreeMap<String, String> {
        flags_in(&*self.environments.lock().await)
    }

    /// Gives the variables new values in every function that has them, and returns when each invocation that starts
    /// from now on sees them. A variable that no function has, or a value that the template does not allow, changes
    /// nothing at all.
    pub async fn set(&self, values: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>, FlagError> {
        // Held over the redeployment, so that the last of two changes is the one in force.
        let mut environments = self.environments.lock().await;
        let mut changed = environments.clone();
        // What only a laptop has, like the address of AWS, is in no template.
        let own: BTreeSet<&str> = environments.values().flat_map(BTreeMap::keys).map(String::as_str).collect();
        check(&self.functions, &own, values)?;
        apply(&mut changed, values);
        let differs =
            |(function, variables): &(&String, &BTreeMap<_, _>)| environments.get(*function) != Some(*variables);
        let redeployed = changed.iter().filter(differs).map(|(name, variables)| (name.clone(), variables.clone()));
        self.lambda.redeploy(redeployed.collect()).await.map_err(FlagError::Redeploy)?;
        *environments = changed;
        Ok(flags_in(&environments))
    }
}

/// Refuses the values that the template's parameters would not take, with what they have to be. `own`: variables of
/// functions that are in no template.
pub(super) fn check(
    functions: &[Function],
    own: &BTreeSet<&str>,
    values: &BTreeMap<String, String>,
) -> Result<(), FlagError> {
    let known: BTreeSet<&str> = functions.iter().flat_map(Function::variable_names).collect();
    let is_known = |name: &str| known.contains(name) || own.contains(name);
    let unknown: Vec<String> = values.keys().filter(|name| !is_known(name)).cloned().collect();
    if !unknown.is_empty() {
        let known = known.into_iter().filter(|name| is_flag(name)).map(str::to_owned).collect();
        return Err(FlagError::Unknown { unknown, known });
    }
    let pairs = functions.iter().flat_map(|function| values.iter().map(move |(name, value)| (function, name, value)));
    let refused: BTreeSet<String> = pairs
        .filter_map(|(function, name, value)| {
            function.check_variable(name, value).err().map(|reason| format!("{name} {reason}"))
        })
        .collect();
    if refused.is_empty() { Ok(()) } else { Err(FlagError::NotAllowed(refused.into_iter().collect())) }
}

/// Overrides the variables in every function that has them.
pub(super) fn apply(environments: &mut Environments, values: &BTreeMap<String, String>) {
    for variables in environments.values_mut() {
        for (name, value) in values {
            if let Some(old) = variables.get_mut(name) {
                old.clone_from(value);
            }
        }
    }
}

/// Flags are the variables that switch something on, by the name they have, and the way that people take into the CRM.
fn flags_in(environments: &Environments) -> BTreeMap<String, String> {
    let variables = environments.values().flatten();
    variables.filter(|(name, _)| is_flag(name)).map(|(name, value)| (name.clone(), value.clone())).collect()
}

fn is_flag(name: &str) -> bool {
    name.starts_with("ENABLE_") || name == "ZOHO_SYNC_ROUTE"
}

#[cfg(test)]
mod tests {
    use super::super::parameters::Parameters;
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

        apply(&mut environments, &map([("ENABLE_ZOHO_SYNC", "true")]));

        assert_eq!(environments["sync-zoho"]["ENABLE_ZOHO_SYNC"], "true");
        assert_eq!(environments["migrate-database"], map([("STAGE", "dev")]));
        assert_eq!(flags_in(&environments), map([("ENABLE_ZOHO_SYNC", "true")]));
    }

    /// What is said about the values, for the functions of the project's template.
    fn said<const N: usize>(values: [(&str, &str); N]) -> Result<(), String> {
        let template = Parameters::of_stage("dev").unwrap().sketch().unwrap();
        check(&template.functions, &BTreeSet::new(), &map(values)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_variable_that_no_function_has_is_named_with_the_flags_that_there_are() {
        let unknown = said([("ENABLE_ZOHO", "true"), ("DATABASE_NAME", "other")]).unwrap_err();

        let flags = "ENABLE_EMAIL_ALERTS, ENABLE_ZOHO_SYNC, ZOHO_SYNC_ROUTE";
        assert_eq!(unknown, format!("no function has the variable ENABLE_ZOHO; there are {flags}"));
    }

    #[test]
    fn a_value_that_the_template_does_not_allow_is_refused_with_what_it_has_to_be() {
        for (name, value, what) in [
            ("ENABLE_ZOHO_SYNC", "yes", "has to be one of: true, false"),
            ("ENABLE_EMAIL_ALERTS", "True", "has to be one of: true, false"),
            ("ZOHO_SYNC_ROUTE", "make", "has to be one of: native, middleware"),
            ("DATABASE_TLS", "prefer", "has to be one of: verify-full, disable"),
            ("ZOHO_CREDIT_RESERVE", "1.5", "has to be a whole number"),
            ("ZOHO_CREDIT_RESERVE", "-1", "has to be a whole number"),
            ("DATABASE_PORT", "postgres", "has to be a number"),
            ("DATABASE_PORT", "inf", "has to be a number"),
            ("DATABASE_PORT", "70000", "has to be at most 65535"),
            ("EMAIL_CLAIM", "", "must not be empty: a function takes that for a variable that is not set"),
            ("SYNC_ZOHO_QUEUE_URL", "", "must not be empty: a function takes that for a variable that is not set"),
        ] {
            assert_eq!(said([(name, value)]), Err(format!("{name} {what}")), "{name}={value}");
        }
        assert_eq!(
            said([("ENABLE_ZOHO_SYNC", "1"), ("ZOHO_SYNC_ROUTE", "zapier"), ("ENABLE_EMAIL_ALERTS", "true")]),
            Err("ENABLE_ZOHO_SYNC has to be one of: true, false; \
                 ZOHO_SYNC_ROUTE has to be one of: native, middleware"
                .to_owned())
        );
    }

    #[tokio::test]
    async fn one_wrong_value_among_good_ones_changes_nothing() {
        let functions = Parameters::of_stage("dev").unwrap().sketch().unwrap().functions;
        let flags = Flags::new(Lambda::start(Vec::new()).await.unwrap(), &functions, environments());

        let refused = flags.set(&map([("ENABLE_ZOHO_SYNC", "true"), ("ENABLE_EMAIL_ALERTS", "yes")])).await;

        assert!(matches!(refused, Err(FlagError::NotAllowed(_))), "{refused:?}");
        assert_eq!(flags.values().await, map([("ENABLE_ZOHO_SYNC", "false")]));
    }

    #[test]
    fn what_the_template_allows_is_taken() {
        assert_eq!(said([("ENABLE_ZOHO_SYNC", "true"), ("ZOHO_SYNC_ROUTE", "middleware")]), Ok(()));
        assert_eq!(said([("ZOHO_CREDIT_RESERVE", "0"), ("DATABASE_PORT", "65535"), ("EMAIL_CLAIM", "mail")]), Ok(()));
        // What a deployment takes from a resource has no rule.
        assert_eq!(said([("SYNC_ZOHO_QUEUE_URL", "http://127.0.0.1:1/nowhere")]), Ok(()));
    }
}
