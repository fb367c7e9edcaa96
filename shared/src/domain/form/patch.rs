//! Reading a JSON Merge Patch (RFC 7396): a field that is missing stays as it is, `null` takes it away, and an object is
//! laid over the one that is there.

use std::str::FromStr;

use serde_json::{Map, Value};

use super::super::invalid::{FieldCode, Invalid};
use super::{Form, NOT_AN_OBJECT, is_blank};

/// What a patch says about one field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edit<T> {
    Keep,
    Clear,
    Set(T),
}

impl<T> Edit<T> {
    /// The same edit of another type.
    pub fn map<U>(self, value: impl FnOnce(T) -> U) -> Edit<U> {
        match self {
            Self::Keep => Edit::Keep,
            Self::Clear => Edit::Clear,
            Self::Set(set) => Edit::Set(value(set)),
        }
    }
}

impl Form<'_> {
    /// Text that can be taken away.
    pub fn edit<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str) -> Edit<T> {
        self.edited(field, |form| form.optional(field))
    }

    /// Text that can be changed and not taken away.
    pub fn edit_required<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str) -> Edit<T> {
        self.edited_required(field, |form| form.required(field))
    }

    /// `true` or `false`, which can be changed and not taken away.
    pub fn edit_flag(&mut self, field: &'static str) -> Edit<bool> {
        self.edited_required(field, |form| Some(form.flag(field)))
    }

    /// A list of texts, at most `most`, which takes the place of the former one.
    pub fn edit_list<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str, most: usize) -> Edit<Vec<T>> {
        self.edited(field, |form| Some(form.list(field, most)))
    }

    /// A JSON list kept as it is, at most `most` bytes, which takes the place of the former one.
    pub fn edit_any_list(&mut self, field: &'static str, most: usize) -> Edit<Value> {
        self.edited(field, |form| form.any_list(field, most))
    }

    /// A JSON object that is laid over `current`; what comes of it has at most `most` bytes.
    pub fn edit_any_object(&mut self, field: &'static str, current: &Value, most: usize) -> Edit<Value> {
        self.edited(field, |form| {
            let merged = form.laid_over(field, current)?;
            form.kept(field, &merged, most)
        })
    }

    /// An object that is laid over `current`; what comes of it is read by `read`, unless it says nothing new.
    pub fn edit_object<T>(
        &mut self,
        field: &'static str,
        current: &Value,
        read: impl Fn(&mut Form<'_>) -> Option<T>,
    ) -> Edit<T> {
        self.edited(field, |form| {
            let merged = form.laid_over(field, current)?;
            if merged == *current { None } else { form.nested(field, &merged, &read) }
        })
    }

    /// As [`Form::edit_object`], for a group of fields that can all be left blank, which takes it away.
    pub fn edit_group<T>(
        &mut self,
        field: &'static str,
        current: &Value,
        read: impl Fn(&mut Form<'_>) -> Option<T>,
    ) -> Edit<T> {
        let patch = self.object.get(field).and_then(Value::as_object);
        let left = patch.map(|patch| Value::Object(merged(current, patch)));
        if left.is_some_and(|left| left != *current && self.is_left_blank(&left)) {
            self.asked.push(field);
            return Edit::Clear;
        }
        self.edit_object(field, current, read)
    }

    /// A field that nobody changes here: whoever tries is told why.
    pub fn fixed(&mut self, field: &'static str, message: &'static str) {
        self.asked.push(field);
        if self.object.contains_key(field) {
            self.note(field, Invalid::new(FieldCode::Fixed, message));
        }
    }

    /// What cannot be read is noted in the form, and so it does not matter that it is kept.
    pub(super) fn edited<T>(&mut self, field: &'static str, read: impl FnOnce(&mut Self) -> Option<T>) -> Edit<T> {
        self.asked.push(field);
        match self.object.get(field) {
            None => Edit::Keep,
            Some(Value::Null) => Edit::Clear,
            Some(value) if self.blank_is_missing && is_blank(value) => Edit::Clear,
            Some(_) => read(self).map_or(Edit::Keep, Edit::Set),
        }
    }

    fn edited_required<T>(&mut self, field: &'static str, read: impl FnOnce(&mut Self) -> Option<T>) -> Edit<T> {
        self.asked.push(field);
        match self.object.get(field) {
            None => Edit::Keep,
            Some(Value::Null) => {
                self.note(field, Invalid::new(FieldCode::NotRemovable, "can be changed and not taken away"));
                Edit::Keep
            }
            Some(_) => read(self).map_or(Edit::Keep, Edit::Set),
        }
    }

    fn laid_over(&mut self, field: &'static str, current: &Value) -> Option<Value> {
        match self.object.get(field) {
            Some(Value::Object(patch)) => Some(Value::Object(merged(current, patch))),
            _ => self.reject_as(field, NOT_AN_OBJECT),
        }
    }
}

/// RFC 7396, section 2, for a patch that is an object.
fn merged(target: &Value, patch: &Map<String, Value>) -> Map<String, Value> {
    let mut merged = target.as_object().cloned().unwrap_or_default();
    for (name, value) in patch {
        let value = match value {
            Value::Null => {
                merged.remove(name);
                continue;
            }
            Value::Object(inner) => {
                let target = merged.get(name).unwrap_or(&Value::Null);
                Value::Object(self::merged(target, inner))
            }
            other => other.clone(),
        };
        merged.insert(name.clone(), value);
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::super::super::text::PersonName;
    use super::super::FieldError;
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396, appendix A, whose patch is an object.
    #[test]
    fn an_object_is_laid_over_another_as_the_rfc_does_it() {
        let examples = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!(["a", "b"]), json!({"a": "b", "c": null}), json!({"a": "b"})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];

        for (target, patch, expected) in examples {
            let patch = patch.as_object().unwrap();
            assert_eq!(Value::Object(merged(&target, patch)), expected, "{target} {patch:?}");
        }
    }

    #[test]
    fn missing_and_null_are_told_apart() {
        let body = json!({"b": null, "c": "Sheree", "d": null});
        let mut form = Form::of(&body).unwrap();

        let edits: Vec<Edit<PersonName>> = ["a", "b", "c"].map(|field| form.edit(field)).into();
        let required: Edit<PersonName> = form.edit_required("d");

        assert_eq!(edits, [Edit::Keep, Edit::Clear, Edit::Set("Sheree".parse().unwrap())]);
        assert_eq!(required, Edit::Keep);
        assert_eq!(
            form.into_errors(),
            [FieldError::new("/d", FieldCode::NotRemovable, "can be changed and not taken away")]
        );
    }

    #[test]
    fn what_a_patch_makes_of_an_object_is_judged_as_a_whole() {
        let current = json!({"name": "Sheree", "age": ""});
        let read = |body: Value| {
            let mut form = Form::of(&body).unwrap();
            let edit = form.edit_object("who", &current, |who| {
                let name = who.required::<PersonName>("name");
                who.required::<PersonName>("age");
                name
            });
            (edit, form.into_errors())
        };

        assert_eq!(read(json!({"who": {"age": ""}})), (Edit::Keep, vec![]));
        assert_eq!(read(json!({"who": {"age": "9"}})), (Edit::Set("Sheree".parse().unwrap()), vec![]));
        assert_eq!(
            read(json!({"who": {"name": "S"}})).1,
            [FieldError::new("/who/age", FieldCode::Empty, "must not be empty")]
        );
        assert_eq!(
            read(json!({"who": {"x": 1, "age": "9"}})).1,
            [FieldError::new("/who/x", FieldCode::UnknownField, "is not a field of this request")]
        );
        assert_eq!(
            read(json!({"who": []})).1,
            [FieldError::new("/who", FieldCode::NotAnObject, "must be a JSON object")]
        );
    }

    #[test]
    fn what_a_patch_leaves_blank_is_taken_away() {
        let current = json!({"street": "12 Elm St", "city": "Chicago"});
        let body = json!({"a": " ", "b": "", "list": "", "name": "", "group": {"street": "", "city": " "}, "part": {"street": ""}});
        let mut form = Form::filled_in(&body).unwrap();
        let street = |group: &mut Form<'_>| {
            group.optional::<PersonName>("city");
            group.required::<PersonName>("street")
        };

        let texts: [Edit<PersonName>; 2] = ["a", "b"].map(|field| form.edit(field));
        let list: Edit<Vec<PersonName>> = form.edit_list("list", 5);
        let name: Edit<PersonName> = form.edit_required("name");
        let groups = ["group", "part"].map(|field| form.edit_group(field, &current, street));

        assert_eq!((texts, list, name), ([Edit::Clear, Edit::Clear], Edit::Clear, Edit::Keep));
        assert_eq!(groups, [Edit::Clear, Edit::Keep]);
        let told = ["/name", "/part/street"].map(|place| FieldError::new(place, FieldCode::Empty, "must not be empty"));
        assert_eq!(form.finish(Some(())), Err(told.into()));
    }

    #[test]
    fn what_nobody_changes_here_says_why_even_as_null() {
        let body = json!({"role": null});
        let mut form = Form::of(&body).unwrap();

        form.fixed("role", "is decided");
        form.fixed("email", "is elsewhere");

        assert_eq!(form.finish(Some(())), Err(vec![FieldError::new("/role", FieldCode::Fixed, "is decided")]));
    }
}
