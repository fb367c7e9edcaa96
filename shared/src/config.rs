//! Settings, read once at start. A missing or wrong one stops the start with a sentence that names it;
//! nothing is guessed.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;

use serde::Serialize;

/// The process's environment, as a value that tests can make.
#[derive(Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

/// Names alone: among the values are the credentials that Lambda gives a function.
impl std::fmt::Debug for Environment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// A setting that has to be corrected before the function can start.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    #[error("the environment variable {0} is not set")]
    Missing(String),
    #[error("the environment variable {name} {problem}")]
    Wrong { name: String, problem: String },
    #[error("the secret in {name} {problem}")]
    WrongSecret { name: String, problem: String },
}

impl Environment {
    pub fn of_process() -> Self {
        Self(std::env::vars().collect())
    }

    pub fn required(&self, name: &str) -> Result<&str, ConfigError> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
            .ok_or_else(|| ConfigError::Missing(name.to_owned()))
    }

    /// Empty where it is not set.
    pub fn optional(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &str) -> Result<T, ConfigError> {
        self.required(name)?.parse().map_err(|problem: T::Err| ConfigError::Wrong {
            name: name.to_owned(),
            problem: format!("cannot be used: {problem}"),
        })
    }

    /// `true` or `false`, nothing else: a flag that is misspelt must not read as "off".
    pub fn flag(&self, name: &str) -> Result<bool, ConfigError> {
        match self.required(name)? {
            "true" => Ok(true),
            "false" => Ok(false),
            other => Err(ConfigError::Wrong {
                name: name.to_owned(),
                problem: format!("must be true or false, not {other:?}"),
            }),
        }
    }
}

/// How people get into the CRM: `ZOHO_SYNC_ROUTE`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Route {
    /// `sync-zoho` makes their Contacts.
    Native,
    /// Make or Zapier make them, on `user.created`, and send `crm.contact.linked` back.
    Middleware,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "native" => Ok(Self::Native),
            "middleware" => Ok(Self::Middleware),
            other => Err(format!("it must be native or middleware, not {other:?}")),
        }
    }
}

impl<const N: usize> From<[(&str, &str); N]> for Environment {
    fn from(variables: [(&str, &str); N]) -> Self {
        Self(variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_is_true_or_false_and_nothing_else() {
        let environment = Environment::from([("A", "true"), ("B", "false"), ("C", "TRUE"), ("D", "")]);

        assert_eq!(environment.flag("A"), Ok(true));
        assert_eq!(environment.flag("B"), Ok(false));
        assert_eq!(
            environment.flag("C").unwrap_err().to_string(),
            "the environment variable C must be true or false, not \"TRUE\""
        );
        assert_eq!(environment.flag("D").unwrap_err().to_string(), "the environment variable D is not set");
    }

    #[test]
    fn a_route_is_native_or_middleware_and_nothing_else() {
        let environment = Environment::from([("A", "native"), ("B", "middleware"), ("C", "Make"), ("D", "")]);

        assert_eq!(environment.parsed("A"), Ok(Route::Native));
        assert_eq!(environment.parsed("B"), Ok(Route::Middleware));
        assert_eq!(
            environment.parsed::<Route>("C").unwrap_err().to_string(),
            "the environment variable C cannot be used: it must be native or middleware, not \"Make\""
        );
        assert_eq!(environment.parsed::<Route>("D"), Err(ConfigError::Missing("D".to_owned())));
    }
}
