//! Text without what cannot be seen and what turns the text around it: the characters that chats, PDFs and spreadsheets
//! carry along, and those that hide something from a reader. Nothing else is changed: names stay as they were typed.

use icu_properties::props::{
    CanonicalCombiningClass, DefaultIgnorableCodePoint, GeneralCategory, GeneralCategoryGroup, NoncharacterCodePoint,
    VariationSelector,
};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Symbols by their category, and white on white: the blank of Braille, and the null notehead of music.
const BLANK_SYMBOLS: [char; 2] = ['\u{2800}', '\u{1d159}'];
/// Zero-width (non-)joiners: part of how Persian and Indian names and families of emoji are written.
const JOINERS: [char; 2] = ['\u{200c}', '\u{200d}'];

/// What a character does in a line.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Shown,
    Blank,
    Joiner,
    /// Says how the character before it is drawn.
    Selector,
    /// Neither seen nor needed.
    Nothing,
}

impl Role {
    fn of(c: char) -> Self {
        if c.is_whitespace() || BLANK_SYMBOLS.contains(&c) {
            Self::Blank
        } else if JOINERS.contains(&c) {
            Self::Joiner
        } else if CodePointSetData::new::<VariationSelector>().contains(c) {
            Self::Selector
        } else if is_invisible(c) {
            Self::Nothing
        } else {
            Self::Shown
        }
    }
}

/// Bidirectional controls, soft hyphens, tag characters and the like have the property `Default_Ignorable_Code_Point`.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        || CodePointSetData::new::<NoncharacterCodePoint>().contains(c)
        || matches!(c, '\u{fff9}'..='\u{fffb}')
}

/// One line of what can be seen of a text, its white space folded. A joiner stays between two visible characters and
/// where a virama asks for it, a variation selector after a visible character.
pub(super) fn plain(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let (mut before, mut joiner, mut blank) = (Role::Blank, None, false);
    for c in text.chars() {
        let role = Role::of(c);
        match role {
            Role::Nothing => continue,
            Role::Joiner if !matches!(before, Role::Shown | Role::Selector) => continue,
            Role::Joiner if line.ends_with(is_virama) => line.push(c),
            Role::Joiner => joiner = Some(c),
            Role::Selector if before != Role::Shown => continue,
            Role::Selector => line.push(c),
            Role::Blank => (joiner, blank) = (None, true),
            Role::Shown => {
                if blank && !line.is_empty() {
                    line.push(' ');
                }
                line.extend(joiner.take());
                line.push(c);
                blank = false;
            }
        }
        before = role;
    }
    line
}

fn is_virama(c: char) -> bool {
    CodePointMapData::<CanonicalCombiningClass>::new().get(c) == CanonicalCombiningClass::Virama
}

/// Whether a reader sees anything: an accent without a letter does not count.
pub(super) fn shows_something(text: &str) -> bool {
    let category = CodePointMapData::<GeneralCategory>::new();
    text.chars().any(|c| Role::of(c) == Role::Shown && !GeneralCategoryGroup::Mark.contains(category.get(c)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_cannot_be_seen_is_dropped() {
        let dropped = "\u{ad}\u{34f}\u{61c}\u{115f}\u{180e}\u{200b}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\
            \u{2060}\u{2061}\u{2066}\u{2067}\u{2068}\u{2069}\u{206a}\u{3164}\u{feff}\u{ffa0}\u{fff9}\u{fffb}\u{fffe}\u{0}\u{7}\
            \u{1d173}\u{e0001}\u{e0041}\u{e007f}";
        for c in dropped.chars() {
            assert_eq!(plain(&format!("{c}Sa{c}m{c}")), "Sam", "U+{:04X}", u32::from(c));
            assert!(!shows_something(&c.to_string()), "U+{:04X}", u32::from(c));
        }
    }

    #[test]
    fn white_space_of_any_kind_is_one_blank() {
        for blank in
            [" ", "\u{a0}", "\u{2003}", "\u{202f}", "\u{3000}", "\u{2800}", "\t\n", "\u{2028}", " \u{200b} ", "\u{85}"]
        {
            assert_eq!(plain(&format!("{blank}Mary{blank}Ann{blank}")), "Mary Ann", "{blank:?}");
            assert!(!shows_something(blank), "{blank:?}");
        }
    }

    #[test]
    fn names_stay_as_they_were_typed() {
        for name in [
            "Zoë",
            "Zoe\u{308}",
            "O’Brien-Łuć",
            "Nguyễn Thị",
            "مریم\u{200c}السادات",
            "שָׂרָה",
            "ක්\u{200d}ෂ",
            "അനില്\u{200d}",
            "👨\u{200d}👩\u{200d}👧",
            "❤\u{fe0f}\u{200d}🔥",
            "1\u{fe0f}\u{20e3}",
            "👋🏽",
            "🇺🇸",
            "𝒜da",
            "葛\u{e0100}城",
            "<3 & $[x]",
            "+",
        ] {
            assert_eq!(plain(name), name);
            assert!(shows_something(name), "{name}");
        }
    }

    #[test]
    fn a_joiner_or_a_selector_with_nothing_to_join_is_dropped() {
        for (typed, shown) in [
            ("\u{200d}Sam\u{200d}", "Sam"),
            ("Sam\u{200c} \u{200d}Lane", "Sam Lane"),
            ("a\u{200d}\u{200d}\u{200c}b", "a\u{200d}b"),
            ("a\u{200d}\u{200b}b", "a\u{200d}b"),
            ("a\u{200d}\u{fe0f}b", "a\u{200d}b"),
            ("❤\u{fe0f}\u{fe0f}", "❤\u{fe0f}"),
            ("\u{fe0f}Sam \u{e0101}", "Sam"),
        ] {
            assert_eq!(plain(typed), shown, "{typed:?}");
        }
        assert!(!shows_something("\u{200d}\u{fe0f}\u{301}"));
    }

    proptest! {
        #[test]
        fn what_is_plain_stays_as_it_is(text in "([a ]|\\PC|\u{200d}|\u{200c}|\u{fe0f}|\u{94d}|\u{200b}|\u{2800}|\\p{Cf}){0,12}") {
            let once = plain(&text);

            prop_assert_eq!(plain(&once), once.clone());
            prop_assert!(once.chars().count() <= text.chars().count());
        }
    }
}
