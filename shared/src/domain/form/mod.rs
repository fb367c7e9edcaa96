//! Reading a JSON object into domain types and finding every problem at once, each with its JSON pointer
//! (RFC 6901), so that a person corrects her form in one go.

#[cfg(test)]
mod codes;
mod links;
mod patch;

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::Serialize;
use serde_json::{Map, Value};

use super::invalid::{FieldCode, Invalid};
use super::text;

pub use patch::Edit;

/// One thing to correct: where it stands, what is wrong with it for a program, and what to do for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// RFC 6901, like `/athletes/0/dob`.
    pointer: String,
    code: FieldCode,
    message: Cow<'static, str>,
}

impl FieldError {
    pub fn new(pointer: impl Into<String>, code: FieldCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self { pointer: pointer.into(), code, message: message.into() }
    }
}

impl Display for FieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.pointer, self.message)
    }
}

const NOT_AN_OBJECT: Invalid = Invalid::constant(FieldCode::NotAnObject, "must be a JSON object");
const NOT_A_LIST: Invalid = Invalid::constant(FieldCode::NotAList, "must be a list");
const NOT_TEXT: Invalid = Invalid::constant(FieldCode::NotText, "must be text");

/// A JSON object while it is read. Ask for each field once, then [`Form::finish`]: what nobody asked for
/// is unknown and refused by name.
#[derive(Debug)]
pub struct Form<'a> {
    object: &'a Map<String, Value>,
    pointer: String,
    asked: Vec<&'static str>,
    errors: Vec<FieldError>,
    /// Whether a text without anything to see is the same as none.
    blank_is_missing: bool,
}

impl<'a> Form<'a> {
    /// The whole body.
    ///
    /// # Errors
    /// A body that is not an object.
    pub fn of(body: &'a Value) -> Result<Self, FieldError> {
        match body {
            Value::Object(object) => Ok(Self::at(object, String::new())),
            _ => Err(FieldError::new("", NOT_AN_OBJECT.code, NOT_AN_OBJECT.message)),
        }
    }

    /// The whole body, as a page sends it which a person has filled in: a field left blank is one left out. For what an
    /// admin asks for that would widen a blank filter to everything.
    ///
    /// # Errors
    /// A body that is not an object.
    pub fn filled_in(body: &'a Value) -> Result<Self, FieldError> {
        Self::of(body).map(|form| Self { blank_is_missing: true, ..form })
    }

    fn at(object: &'a Map<String, Value>, pointer: String) -> Self {
        Self { object, pointer, asked: Vec::new(), errors: Vec::new(), blank_is_missing: false }
    }

    /// Text that must be there.
    pub fn required<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str) -> Option<T> {
        match self.given(field) {
            None => self.reject(field, FieldCode::Required, "is required"),
            Some(value) => self.parse(field, value),
        }
    }

    /// Text that may be missing or null.
    pub fn optional<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str) -> Option<T> {
        let value = self.get(field)?;
        self.parse(field, value)
    }

    /// `true` or `false`; missing is `false`.
    pub fn flag(&mut self, field: &'static str) -> bool {
        match self.get(field) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => self.reject(field, FieldCode::NotABoolean, "must be true or false").unwrap_or_default(),
        }
    }

    /// A whole number in `range`, which may be missing or null.
    pub fn number(&mut self, field: &'static str, range: &RangeInclusive<i64>) -> Option<i64> {
        let value = self.get(field)?;
        value.as_i64().filter(|number| range.contains(number)).or_else(|| {
            let is_whole = value.is_i64() || value.is_u64();
            let code = if is_whole { FieldCode::OutOfRange } else { FieldCode::NotAWholeNumber };
            self.reject(field, code, format!("must be a whole number from {} to {}", range.start(), range.end()))
        })
    }

    /// A list of texts, at most `most`; missing is empty.
    pub fn list<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &'static str, most: usize) -> Vec<T> {
        let mut list = Vec::new();
        for (index, value) in self.items(field, most).iter().enumerate() {
            if self.blank_is_missing && is_blank(value) {
                continue;
            }
            match value.as_str().map(str::parse) {
                Some(Ok(item)) => list.push(item),
                Some(Err(problem)) => self.note(&format!("{field}/{index}"), problem),
                None => self.note(&format!("{field}/{index}"), NOT_TEXT),
            }
        }
        list
    }

    /// A list of objects, at most `most`, each read by `read`; missing is empty.
    pub fn objects<T>(
        &mut self,
        field: &'static str,
        most: usize,
        read: impl Fn(&mut Form<'_>) -> Option<T>,
    ) -> Vec<T> {
        let mut list = Vec::new();
        for (index, value) in self.items(field, most).iter().enumerate() {
            list.extend(self.nested(&format!("{field}/{index}"), value, &read));
        }
        list
    }

    /// An object that may be missing or null, read by `read`.
    pub fn object<T>(&mut self, field: &'static str, read: impl Fn(&mut Form<'_>) -> Option<T>) -> Option<T> {
        let value = self.get(field).filter(|value| !self.is_left_blank(value))?;
        self.nested(field, value, &read)
    }

    /// A text, or an object read by `read`; may be missing or null.
    pub fn text_or_object<T>(
        &mut self,
        field: &'static str,
        read: impl Fn(&mut Form<'_>) -> Option<T>,
    ) -> Option<Result<&'a str, T>> {
        match self.get(field)? {
            Value::String(text) => Some(Ok(text)),
            other => self.nested(field, other, &read).map(Err),
        }
    }

    /// A JSON object kept as it is, at most `most` bytes; missing is `None`.
    pub fn any_object(&mut self, field: &'static str, most: usize) -> Option<Value> {
        self.any(field, most, NOT_AN_OBJECT, Value::is_object)
    }

    /// A JSON array kept as it is, at most `most` bytes; missing is `None`.
    pub fn any_list(&mut self, field: &'static str, most: usize) -> Option<Value> {
        self.any(field, most, NOT_A_LIST, Value::is_array)
    }

    /// Whether the body has this text, as it is, in a field.
    pub fn says(&self, field: &str, text: &Value) -> bool {
        text.is_string() && self.object.get(field) == Some(text)
    }

    /// Notes a problem that only the caller can see.
    pub fn reject<T>(&mut self, field: &str, code: FieldCode, message: impl Into<Cow<'static, str>>) -> Option<T> {
        self.reject_as(field, Invalid::new(code, message))
    }

    /// Notes the problem that a checked type has with the field's text.
    pub fn reject_as<T>(&mut self, field: &str, problem: impl Into<Invalid>) -> Option<T> {
        self.note(field, problem);
        None
    }

    /// All problems, or `value` if there are none; fields that were never asked for are problems, too.
    ///
    /// # Errors
    /// Everything that has to be corrected.
    pub fn finish<T>(mut self, value: Option<T>) -> Result<T, Vec<FieldError>> {
        self.refuse_unknown();
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => Err(self.errors),
        }
    }

    /// The problems so far, without a look at unknown fields.
    pub fn into_errors(self) -> Vec<FieldError> {
        self.errors
    }

    fn nested<T>(&mut self, place: &str, value: &Value, read: &impl Fn(&mut Form<'_>) -> Option<T>) -> Option<T> {
        let Value::Object(object) = value else {
            return self.reject_as(place, NOT_AN_OBJECT);
        };
        let form = Form::at(object, format!("{}/{place}", self.pointer));
        let mut form = Form { blank_is_missing: self.blank_is_missing, ..form };
        let read = read(&mut form);
        form.refuse_unknown();
        self.errors.append(&mut form.errors);
        read
    }

    fn any(&mut self, field: &'static str, most: usize, unfit: Invalid, fits: fn(&Value) -> bool) -> Option<Value> {
        let value = self.get(field)?;
        if !fits(value) {
            return self.reject_as(field, unfit);
        }
        self.kept(field, value, most)
    }

    /// The value as it is, if the database can hold it.
    fn kept(&mut self, field: &'static str, value: &Value, most: usize) -> Option<Value> {
        // jsonb has no character U+0000 (PostgreSQL, "JSON Types").
        if has_nul(value) {
            return self.reject(field, FieldCode::ControlCharacters, "must not contain the character U+0000");
        }
        if value.to_string().len() > most {
            return self.reject(field, FieldCode::TooLarge, format!("must have at most {most} bytes"));
        }
        Some(value.clone())
    }

    fn items(&mut self, field: &'static str, most: usize) -> &'a [Value] {
        match self.get(field) {
            None => &[],
            Some(Value::Array(items)) if items.len() <= most => items,
            Some(Value::Array(_)) => {
                let message = format!("must have at most {most} entries");
                self.reject(field, FieldCode::TooMany, message).unwrap_or_default()
            }
            Some(_) => self.reject_as(field, NOT_A_LIST).unwrap_or_default(),
        }
    }

    /// Null is the same as missing, and so is a blank text where a person fills in.
    fn get(&mut self, field: &'static str) -> Option<&'a Value> {
        self.given(field).filter(|value| !(self.blank_is_missing && is_blank(value)))
    }

    fn given(&mut self, field: &'static str) -> Option<&'a Value> {
        self.asked.push(field);
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// A field, or a group of fields, in which nothing was filled in.
    fn is_left_blank(&self, value: &Value) -> bool {
        let is_empty = |value: &Value| value.is_null() || is_blank(value);
        let is_empty_group = |group: &Map<String, Value>| !group.is_empty() && group.values().all(is_empty);
        self.blank_is_missing && (is_blank(value) || value.as_object().is_some_and(is_empty_group))
    }

    fn parse<T: FromStr<Err: Into<Invalid>>>(&mut self, field: &str, value: &Value) -> Option<T> {
        match value.as_str().map(str::parse) {
            Some(Ok(parsed)) => Some(parsed),
            Some(Err(problem)) => self.reject_as(field, problem),
            None => self.reject_as(field, NOT_TEXT),
        }
    }

    fn note(&mut self, place: &str, problem: impl Into<Invalid>) {
        let Invalid { code, message } = problem.into();
        self.errors.push(FieldError::new(format!("{}/{place}", self.pointer), code, message));
    }

    fn refuse_unknown(&mut self) {
        let unknown: Vec<_> = self.object.keys().filter(|key| !self.asked.contains(&key.as_str())).take(20).collect();
        for key in unknown {
            let unknown = Invalid::new(FieldCode::UnknownField, "is not a field of this request");
            self.note(&escaped(key), unknown);
        }
    }
}

/// A name that is the caller's own text: bounded, and escaped as RFC 6901 wants it.
fn escaped(name: &str) -> String {
    name.chars().take(60).collect::<String>().replace('~', "~0").replace('/', "~1")
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_some_and(text::is_blank)
}

fn has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(has_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || has_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::PersonName;
    use super::*;
    use serde_json::json;

    fn problems(body: &Value) -> Vec<FieldError> {
        let mut form = Form::of(body).unwrap();
        let name = form.required::<PersonName>("name");
        form.objects("children", 2, |child| child.required::<PersonName>("name"));
        form.list::<PersonName>("tags", 2);
        form.finish(name).err().unwrap_or_default()
    }

    #[test]
    fn every_problem_is_found_at_once_with_its_place() {
        let body = json!({"children": [{"name": ""}, 7], "tags": ["a", 1], "a/b": 1});

        let found = problems(&body);

        let places: Vec<_> = found.iter().map(|problem| &*problem.pointer).collect();
        assert_eq!(places, ["/name", "/children/0/name", "/children/1", "/tags/1", "/a~1b"]);
    }

    #[test]
    fn an_unknown_field_of_a_nested_object_is_refused_by_name() {
        let found = problems(&json!({"name": "x", "children": [{"name": "y", "nmae": "z"}]}));

        let unknown = FieldError::new("/children/0/nmae", FieldCode::UnknownField, "is not a field of this request");
        assert_eq!(found, [unknown]);
    }

    #[test]
    fn a_flag_and_a_number_are_what_json_has_for_them() {
        let (body, wrong) = (json!({"all": true, "most": 7}), json!({"all": "true", "most": 0}));
        let mut form = Form::of(&body).unwrap();
        let mut wrong = Form::of(&wrong).unwrap();

        assert_eq!((form.flag("all"), form.flag("none"), form.number("most", &(1..=9))), (true, false, Some(7)));
        assert_eq!((wrong.flag("all"), wrong.number("most", &(1..=9))), (false, None));
        let messages: Vec<_> = wrong.into_errors().into_iter().map(|error| error.message).collect();
        assert_eq!(messages, ["must be true or false", "must be a whole number from 1 to 9"]);
    }

    #[test]
    fn what_a_person_leaves_blank_is_left_out() {
        let body = json!({
            "name": "Sheree", "a": "", "b": " \u{a0}", "c": "\u{200b}", "list": ["", "Soccer", " "], "no_list": "",
            "group": {"x": "", "y": null}, "half": {"name": "", "y": "1"},
        });
        let read = |form: &mut Form<'_>| {
            let texts: Vec<Option<PersonName>> = ["a", "b", "c"].map(|field| form.optional(field)).into();
            let lists: [Vec<PersonName>; 2] = ["list", "no_list"].map(|field| form.list(field, 5));
            let group = form.object("group", |group| group.required::<PersonName>("x"));
            let half = form.object("half", |half| half.required::<PersonName>("name").or(half.optional("y")));
            (texts, lists.map(|list| list.len()), group, half)
        };
        let (mut filled_in, mut strict) = (Form::filled_in(&body).unwrap(), Form::of(&body).unwrap());

        assert_eq!(read(&mut filled_in), (vec![None, None, None], [1, 0], None, "1".parse().ok()));
        assert_eq!(filled_in.into_errors(), [FieldError::new("/half/name", FieldCode::Empty, "must not be empty")]);
        read(&mut strict);
        let places: Vec<String> = strict.into_errors().into_iter().map(|error| error.pointer).collect();
        assert_eq!(places[..4], ["/a", "/b", "/list/0", "/list/2"], "a filter that is blank is wrong, not absent");
    }

    #[test]
    fn only_the_character_is_refused_which_the_database_cannot_hold() {
        let kept = |value: Value| {
            let body = json!({ "any": value });
            let mut form = Form::of(&body).unwrap();
            let kept = form.any_list("any", 1000);
            form.finish(kept)
        };
        let typed = json!(["\\u0000", {"\\u0000": "\\\\u0000"}]);

        assert_eq!(kept(typed.clone()), Ok(typed));
        for nul in [json!(["\0"]), json!([{"a": ["b\0"]}]), json!([{"a\0": 1}]), json!(["\\\0"])] {
            assert_eq!(kept(nul).unwrap_err()[0].message, "must not contain the character U+0000");
        }
    }

    #[test]
    fn a_list_that_is_too_long_is_one_problem() {
        let found = problems(&json!({"name": "x", "tags": ["a", "b", "c"]}));

        assert_eq!(found, [FieldError::new("/tags", FieldCode::TooMany, "must have at most 2 entries")]);
    }
}
