//! The gallery hosts that this system knows, as the setting `GALLERY_HOSTS` names them:
//! `photoday:webhook,manual:by-hand`.

use std::str::FromStr;

use serde::Serialize;

use super::labels::Publishes;
use super::text::HostName;

/// The hosts in the order of the setting: at least one, each of them once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GalleryHosts(Vec<GalleryHost>);

/// A host, and how its galleries are published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GalleryHost {
    pub name: HostName,
    pub publishes: Publishes,
}

impl GalleryHosts {
    /// How the galleries of a host are published; `None` for a host that the setting does not name.
    pub fn get(&self, name: &HostName) -> Option<Publishes> {
        self.0.iter().find(|host| host.name == *name).map(|host| host.publishes)
    }

    /// All of them, in the order of the setting.
    pub fn all(&self) -> &[GalleryHost] {
        &self.0
    }
}

impl FromStr for GalleryHosts {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim().is_empty() {
            return Err("it must name at least one host, like photoday:webhook".to_owned());
        }
        let mut hosts: Vec<GalleryHost> = Vec::new();
        for entry in text.split(',') {
            let host: GalleryHost = entry.parse()?;
            if hosts.iter().any(|known| known.name == host.name) {
                return Err(format!("it names {:?} twice", host.name.as_str()));
            }
            hosts.push(host);
        }
        Ok(Self(hosts))
    }
}

impl FromStr for GalleryHost {
    type Err = String;

    /// To the letter: neither blanks nor capitals are corrected here, since a deployment does not pass on a corrected text.
    fn from_str(entry: &str) -> Result<Self, Self::Err> {
        let (name, publishes) = entry
            .split_once(':')
            .ok_or_else(|| format!("{entry:?} must be a host's name and how it publishes, like photoday:webhook"))?;
        let named = name.parse().ok().filter(|host: &HostName| host.as_str() == name);
        let name = named.ok_or_else(|| {
            format!("{name:?} must be a host's name: 1 to 40 lower-case letters, digits or hyphens, no hyphen first")
        })?;
        let publishes = publishes
            .parse()
            .map_err(|_| format!("{:?} must publish by webhook or by-hand, not by {publishes:?}", name.as_str()))?;
        Ok(Self { name, publishes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As `template.yaml` has it, where nobody sets another one.
    const USUAL: &str = "photoday:webhook,gotphoto:webhook,shootproof:by-hand,manual:by-hand";

    fn refused(text: &str) -> String {
        text.parse::<GalleryHosts>().expect_err(text)
    }

    #[test]
    fn hosts_are_known_by_name_with_how_they_publish() {
        let hosts: GalleryHosts = USUAL.parse().unwrap();

        let get = |name: &str| hosts.get(&name.parse().unwrap());
        assert_eq!((get("photoday"), get("gotphoto")), (Some(Publishes::Webhook), Some(Publishes::Webhook)));
        assert_eq!((get("shootproof"), get("manual")), (Some(Publishes::ByHand), Some(Publishes::ByHand)));
        assert_eq!(get("smugmug"), None);
    }

    #[test]
    fn hosts_keep_the_order_of_the_setting() {
        let hosts: GalleryHosts = "zenfolio:webhook,manual:by-hand".parse().unwrap();

        let shown = serde_json::to_value(hosts.all()).unwrap();
        let expected = r#"[{"name":"zenfolio","publishes":"webhook"},{"name":"manual","publishes":"by-hand"}]"#;
        assert_eq!(shown.to_string(), expected);
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_refused_with_what_is_wrong() {
        let name = "must be a host's name: 1 to 40 lower-case letters, digits or hyphens, no hyphen first";
        let long = "x".repeat(41);
        for (text, problem) in [
            ("", "it must name at least one host, like photoday:webhook".to_owned()),
            ("  ", "it must name at least one host, like photoday:webhook".to_owned()),
            ("photoday", r#""photoday" must be a host's name and how it publishes, like photoday:webhook"#.to_owned()),
            ("photoday:webhook,", r#""" must be a host's name and how it publishes, like photoday:webhook"#.to_owned()),
            ("PhotoDay:webhook", format!(r#""PhotoDay" {name}"#)),
            ("photoday:webhook, manual:by-hand", format!(r#"" manual" {name}"#)),
            (":webhook", format!(r#""" {name}"#)),
            ("-photoday:webhook", format!(r#""-photoday" {name}"#)),
            (&format!("{long}:webhook"), format!(r#""{long}" {name}"#)),
            ("photoday:", r#""photoday" must publish by webhook or by-hand, not by """#.to_owned()),
            ("photoday:Webhook", r#""photoday" must publish by webhook or by-hand, not by "Webhook""#.to_owned()),
            ("photoday:e-mail", r#""photoday" must publish by webhook or by-hand, not by "e-mail""#.to_owned()),
            ("a:b:webhook", r#""a" must publish by webhook or by-hand, not by "b:webhook""#.to_owned()),
            ("photoday:webhook,manual:by-hand,photoday:by-hand", r#"it names "photoday" twice"#.to_owned()),
        ] {
            assert_eq!(refused(text), problem, "{text:?}");
        }
    }
}
