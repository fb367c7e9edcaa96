//! Links of a profile, by the name of the site: `{"instagram": "@frank_shoots"}`.

use serde_json::Value;

use super::super::invalid::FieldCode;
use super::super::text::Link;
use super::{Edit, Form, NOT_AN_OBJECT, NOT_TEXT, is_blank};

/// Each wrong one is a problem of its own in the answer.
const MOST_LINKS: usize = 50;

impl Form<'_> {
    /// An object of links, at most `most` bytes; missing is `None`. A link that is null or blank is left out.
    pub fn links(&mut self, field: &'static str, most: usize) -> Option<Value> {
        let value = self.get(field)?;
        self.laid_links(field, value, &Value::Null, most)
    }

    /// Links that are laid over the `current` ones: null or blank takes one away. What stands already is not judged
    /// again.
    pub fn edit_links(&mut self, field: &'static str, current: &Value, most: usize) -> Edit<Value> {
        self.edited(field, |form| {
            let value = form.get(field)?;
            form.laid_links(field, value, current, most)
        })
    }

    fn laid_links(&mut self, field: &'static str, links: &Value, current: &Value, most: usize) -> Option<Value> {
        let Value::Object(links) = links else { return self.reject_as(field, NOT_AN_OBJECT) };
        if links.len() > MOST_LINKS {
            return self.reject(field, FieldCode::TooMany, format!("must have at most {MOST_LINKS} links"));
        }
        let problems = self.errors.len();
        let mut laid = current.as_object().cloned().unwrap_or_default();
        for (name, link) in links {
            match self.link(field, name, link, current) {
                Some(link) => drop(laid.insert(name.clone(), link)),
                None => drop(laid.remove(name)),
            }
        }
        if self.errors.len() > problems { None } else { self.kept(field, &Value::Object(laid), most) }
    }

    fn link(&mut self, field: &'static str, name: &str, link: &Value, current: &Value) -> Option<Value> {
        if link.is_null() || is_blank(link) {
            return None;
        }
        if current.get(name) == Some(link) {
            return Some(link.clone());
        }
        match link.as_str().map(str::parse::<Link>) {
            Some(Ok(link)) => Some(Value::from(link.as_str())),
            Some(Err(problem)) => self.reject_as(&Self::place(field, name), problem),
            None => self.reject_as(&Self::place(field, name), NOT_TEXT),
        }
    }

    fn place(field: &str, name: &str) -> String {
        format!("{field}/{}", super::escaped(name))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::super::FieldError;
    use super::*;

    const TOLD: (FieldCode, &str) =
        (FieldCode::NotALink, "must be a link that starts with https://, or a handle like @frank_shoots");
    const NO_TEXT: (FieldCode, &str) = (FieldCode::NotText, "must be text");

    fn read(links: &Value) -> Result<Value, Vec<FieldError>> {
        let body = json!({ "links": links });
        let mut form = Form::filled_in(&body).unwrap();
        let read = form.links("links", 200);
        form.finish(read)
    }

    fn edited(patch: &Value, current: &Value) -> (Edit<Value>, Vec<FieldError>) {
        let body = json!({ "links": patch });
        let mut form = Form::filled_in(&body).unwrap();
        let edit = form.edit_links("links", current, 200);
        (edit, form.into_errors())
    }

    #[test]
    fn links_are_https_or_handles_and_each_wrong_one_is_told() {
        let typed = json!({
            "instagram": "@frank_shoots", "x": " frank ", "linkedin": "HTTPS://LinkedIn.com/in/frank", "tiktok": "",
            "facebook": null, "flickr": "flickr.com/photos/frank",
        });
        let wrong = json!({"a/b": "javascript:alert(1)", "c": 7, "d": {"e": "@f"}});

        let expected = json!({
            "instagram": "@frank_shoots", "x": "frank", "linkedin": "https://linkedin.com/in/frank",
            "flickr": "https://flickr.com/photos/frank",
        });
        assert_eq!(read(&typed), Ok(expected));
        let told = [("/links/a~1b", TOLD), ("/links/c", NO_TEXT), ("/links/d", NO_TEXT)];
        assert_eq!(read(&wrong), Err(told.map(|(place, (code, why))| FieldError::new(place, code, why)).into()));
        assert_eq!(
            read(&json!({"n": "x".repeat(60), "m": "x".repeat(60), "o": "x".repeat(60)})).unwrap_err(),
            [FieldError::new("/links", FieldCode::TooLarge, "must have at most 200 bytes")]
        );
    }

    #[test]
    fn what_stood_before_the_rule_stays_until_it_is_taken_away() {
        let current = json!({"old": "http://frank.example", "more": {"y": "2"}, "x": "@f"});

        let (kept, _) = edited(&json!({"old": "http://frank.example", "instagram": "@frank"}), &current);
        let (less, _) = edited(&json!({"old": " ", "more": null, "x": ""}), &current);
        let (wrong, told) = edited(&json!({"old": "http://other.example"}), &current);

        let expected = json!({"old": "http://frank.example", "more": {"y": "2"}, "x": "@f", "instagram": "@frank"});
        assert_eq!(kept, Edit::Set(expected));
        assert_eq!(less, Edit::Set(json!({})));
        assert_eq!((wrong, told), (Edit::Keep, vec![FieldError::new("/links/old", TOLD.0, TOLD.1)]));
        assert_eq!(edited(&json!(""), &current).0, Edit::Clear);
        assert_eq!(
            edited(&json!([]), &current).1,
            [FieldError::new("/links", FieldCode::NotAnObject, "must be a JSON object")]
        );
    }

    #[test]
    fn fifty_links_are_the_most() {
        let links = |count: usize| (0..count).map(|n| (n.to_string(), Value::from(7))).collect::<Value>();

        let fifty = read(&links(50)).unwrap_err();
        let more = read(&links(51)).unwrap_err();

        assert_eq!(fifty.len(), 50);
        assert_eq!(more, [FieldError::new("/links", FieldCode::TooMany, "must have at most 50 links")]);
    }

    #[test]
    fn a_name_is_kept_only_if_the_database_can_hold_it() {
        let nul = Map::from_iter([("a\0".to_owned(), json!("@f"))]);

        assert_eq!(
            read(&Value::Object(nul)),
            Err(vec![FieldError::new("/links", FieldCode::ControlCharacters, "must not contain the character U+0000")])
        );
    }
}
