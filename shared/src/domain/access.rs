//! Who may call what: one row for each function that answers requests. Its route stands in the template.

use std::str::FromStr;

use super::labels::Role;
use super::text::Subject;

/// A function's row.
#[derive(Debug)]
pub struct Access {
    pub function: &'static str,
    pub who: Who,
    /// What a plugin's token must name, all of it. Empty: first-party clients only.
    pub scopes: &'static [Scope],
}

/// Who may call a function.
#[derive(Debug)]
pub enum Who {
    /// The route has no authorizer; what is sent proves itself, or is for everyone.
    Everyone,
    /// An identity that the identity provider has verified, registered or not.
    Identity,
    /// Users of these roles; others are refused.
    Users { roles: &'static [(Role, Whose)], others: Refusal },
}

/// Whose rows a role reads and changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The user's own, or those that a row of the user's gives a right to (a roster entry, an assignment).
    Own,
    /// Everyone's.
    All,
}

/// What a user is told whose role does not fit.
#[derive(Debug)]
pub struct Refusal {
    pub code: &'static str,
    pub detail: &'static str,
}

/// What a plugin may be allowed to do for a user (OAuth).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    ContextRead,
    AthletesRead,
    GalleriesRead,
    AssignmentsRead,
    ReferralsRead,
    ProfileWrite,
}

impl Scope {
    pub const ALL: [Self; 6] = [
        Self::ContextRead,
        Self::AthletesRead,
        Self::GalleriesRead,
        Self::AssignmentsRead,
        Self::ReferralsRead,
        Self::ProfileWrite,
    ];

    /// As it stands in a token's `scope`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ContextRead => "context:read",
            Self::AthletesRead => "athletes:read",
            Self::GalleriesRead => "galleries:read",
            Self::AssignmentsRead => "assignments:read",
            Self::ReferralsRead => "referrals:read",
            Self::ProfileWrite => "profile:write",
        }
    }
}

const NOT_AN_ADMIN: Refusal =
    Refusal { code: "not-an-admin", detail: "Only admins may. Ask whoever operates this system to make you one." };
const NOT_A_PARENT: Refusal =
    Refusal { code: "not-a-parent", detail: "Only parents may: sign in as the parent whose athletes these are." };
const NO_PROFILE: Refusal = Refusal {
    code: "no-profile",
    detail: "An admin has no profile. Sign in as the parent, organisation or photographer whose profile it is.",
};
const ADMINS_STAY: Refusal = Refusal {
    code: "admins-stay",
    detail: "An admin's account is not deleted here. Ask whoever operates this system.",
};
const MAKES_NO_GALLERIES: Refusal = Refusal {
    code: "not-yours",
    detail: "Organisations register galleries of their own, photographers those of organisations that they work for.",
};

const EVERY_ROLE: &[(Role, Whose)] =
    &[(Role::Parent, Whose::Own), (Role::Org, Whose::Own), (Role::Photographer, Whose::Own), (Role::Admin, Whose::Own)];
const WITH_A_PROFILE: &[(Role, Whose)] =
    &[(Role::Parent, Whose::Own), (Role::Org, Whose::Own), (Role::Photographer, Whose::Own)];
const ADMINS: &[(Role, Whose)] = &[(Role::Admin, Whose::All)];
const PARENTS: &[(Role, Whose)] = &[(Role::Parent, Whose::Own)];

const fn everyone(function: &'static str) -> Access {
    Access { function, who: Who::Everyone, scopes: &[] }
}

const fn admins(function: &'static str) -> Access {
    Access { function, who: Who::Users { roles: ADMINS, others: NOT_AN_ADMIN }, scopes: &[] }
}

const fn users(
    function: &'static str,
    roles: &'static [(Role, Whose)],
    others: Refusal,
    scopes: &'static [Scope],
) -> Access {
    Access { function, who: Who::Users { roles, others }, scopes }
}

/// Every role may, so nobody is told this.
const NOBODY: Refusal = Refusal { code: "not-yours", detail: "Your role may not do this." };

/// The table.
pub static ACCESS: &[Access] = &[
    everyone("get-health"),
    everyone("receive-webhook"),
    everyone("test-webhook"),
    Access { function: "register-user", who: Who::Identity, scopes: &[] },
    users("get-user-context", EVERY_ROLE, NOBODY, &[Scope::ContextRead]),
    users("get-user", EVERY_ROLE, NOBODY, &[Scope::ProfileWrite, Scope::AthletesRead]),
    users("confirm-email", EVERY_ROLE, NOBODY, &[]),
    users("list-hosts", EVERY_ROLE, NOBODY, &[Scope::GalleriesRead]),
    users("update-profile", WITH_A_PROFILE, NO_PROFILE, &[Scope::ProfileWrite]),
    users("delete-user", WITH_A_PROFILE, ADMINS_STAY, &[]),
    users("find-organization", EVERY_ROLE, NOBODY, &[]),
    users("list-athletes", PARENTS, NOT_A_PARENT, &[Scope::AthletesRead]),
    users("add-athlete", PARENTS, NOT_A_PARENT, &[Scope::ProfileWrite, Scope::AthletesRead]),
    users("update-athlete", PARENTS, NOT_A_PARENT, &[Scope::ProfileWrite, Scope::AthletesRead]),
    users("remove-athlete", PARENTS, NOT_A_PARENT, &[Scope::ProfileWrite]),
    users("join-roster", PARENTS, NOT_A_PARENT, &[]),
    users(
        "create-gallery",
        &[(Role::Org, Whose::Own), (Role::Photographer, Whose::Own), (Role::Admin, Whose::All)],
        MAKES_NO_GALLERIES,
        &[],
    ),
    admins("get-integrations"),
    admins("list-failures"),
    admins("list-conflicts"),
    admins("list-deliveries"),
    admins("list-users"),
    admins("replay-tasks"),
    admins("resend-deliveries"),
    admins("send-held-alerts"),
    admins("verify-organization"),
    admins("unverify-organization"),
    admins("hand-over"),
];

impl Access {
    /// The row of a function. `None`: it answers no requests, or was forgotten, and then must not start.
    pub fn of(function: &str) -> Option<&'static Self> {
        ACCESS.iter().find(|access| access.function == function)
    }

    /// Whose rows a user of this role may touch, or why none.
    ///
    /// # Errors
    /// The refusal, for a role that is not in the row.
    pub fn of_role(&self, role: Role) -> Result<Whose, &Refusal> {
        match &self.who {
            Who::Users { roles, others } => {
                roles.iter().find(|(allowed, _)| *allowed == role).map(|(_, whose)| *whose).ok_or(others)
            }
            Who::Everyone | Who::Identity => Ok(Whose::Own),
        }
    }
}

/// The sender of a request, after its token was verified and before the database was asked which user that is.
#[derive(Clone, Debug)]
pub struct Caller {
    pub subject: Subject,
    pub access: &'static Access,
    pub client: Client,
}

/// The program that sent a request for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Client {
    /// One of ours: may do all that its user may.
    FirstParty,
    /// May do what its token names.
    Plugin(Vec<Scope>),
}

impl Client {
    /// `named`: the client that the token was made for. A provider whose tokens name none (Firebase) knows no plugins.
    pub fn of(named: Option<&str>, scope: Option<&str>, first_party: &FirstPartyClients) -> Self {
        if named.is_none_or(|client| first_party.0.iter().any(|ours| ours == client)) {
            return Self::FirstParty;
        }
        let named: Vec<&str> = scope.unwrap_or_default().split_whitespace().collect();
        Self::Plugin(Scope::ALL.into_iter().filter(|scope| named.contains(&scope.as_str())).collect())
    }

    /// Whether it may do what needs all of these; what needs none is for first-party clients only.
    pub fn may(&self, scopes: &[Scope]) -> bool {
        match self {
            Self::FirstParty => true,
            Self::Plugin(granted) => !scopes.is_empty() && scopes.iter().all(|scope| granted.contains(scope)),
        }
    }
}

/// The clients of ours by the ids that the identity provider gave them. Empty is possible: then every token that names a
/// client is a plugin's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstPartyClients(Vec<String>);

impl FromStr for FirstPartyClients {
    type Err = std::convert::Infallible;

    /// Separated by commas.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.split(',').map(str::trim).filter(|client| !client.is_empty()).map(str::to_owned).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(named: Option<&str>, scope: Option<&str>) -> Client {
        Client::of(named, scope, &" web, app ,".parse().unwrap())
    }

    #[test]
    fn a_function_has_one_row() {
        let mut functions: Vec<&str> = ACCESS.iter().map(|access| access.function).collect();
        functions.sort_unstable();
        let all = functions.len();
        functions.dedup();

        assert_eq!(functions.len(), all);
        assert!(Access::of("sync-zoho").is_none());
    }

    #[test]
    fn a_token_that_names_no_client_or_one_of_ours_is_first_party() {
        for named in [None, Some("web"), Some("app")] {
            assert_eq!(client(named, None), Client::FirstParty, "{named:?}");
        }
        for named in ["chatbot", "", "WEB", "web,app"] {
            assert_eq!(client(Some(named), None), Client::Plugin(vec![]), "{named:?}");
        }
        let forgotten = Client::of(Some("web"), Some("openid"), &"".parse().unwrap());
        assert_eq!(forgotten, Client::Plugin(vec![]), "with the setting forgotten a token can do nothing");
    }

    #[test]
    fn a_plugin_may_do_what_its_scopes_name_and_nothing_that_needs_none() {
        let plugin = client(Some("chatbot"), Some("openid context:read  athletes:read context:readers"));

        assert_eq!(plugin, Client::Plugin(vec![Scope::ContextRead, Scope::AthletesRead]));
        assert!(plugin.may(&[Scope::ContextRead]) && plugin.may(&[Scope::ContextRead, Scope::AthletesRead]));
        assert!(!plugin.may(&[Scope::ProfileWrite]) && !plugin.may(&[Scope::AthletesRead, Scope::ProfileWrite]));
        assert!(!plugin.may(&[]), "what no scope names is for first-party clients only");
        assert!(client(None, None).may(&[]));
    }

    #[test]
    fn a_role_that_is_not_in_the_row_is_refused() {
        let join_roster = Access::of("join-roster").unwrap();

        assert_eq!(join_roster.of_role(Role::Parent).unwrap(), Whose::Own);
        assert_eq!(join_roster.of_role(Role::Admin).unwrap_err().code, "not-a-parent");
    }
}
