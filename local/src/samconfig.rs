//! The parameters of a stage, out of `samconfig.toml`: the same that `sam deploy --config-env` would use.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use toml::{Table, Value};

/// The values that `[<stage>.deploy.parameters] parameter_overrides` gives, by parameter.
pub fn parameters(file: &Path, stage: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let content = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    parse(&content, stage).with_context(|| format!("reading the stage {stage} in {}", file.display()))
}

/// The stages that have parameters of their own.
pub fn stages(file: &Path) -> anyhow::Result<Vec<String>> {
    let content = std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    let stages: Table = content.parse().with_context(|| format!("reading {}", file.display()))?;
    Ok(stages.into_iter().filter(|(_, settings)| overrides(settings).is_some()).map(|(name, _)| name).collect())
}

fn parse(content: &str, stage: &str) -> anyhow::Result<BTreeMap<String, String>> {
    let stages: Table = content.parse()?;
    let Some(settings) = stages.get(stage) else {
        let known: Vec<_> =
            stages.iter().filter(|(_, value)| value.is_table()).map(|(name, _)| name.as_str()).collect();
        bail!("there is no such stage; there are {}", known.join(", "));
    };
    let pairs = match overrides(settings) {
        None => Vec::new(),
        Some(Value::String(line)) => words(line)?,
        Some(Value::Array(list)) => list
            .iter()
            .map(|entry| entry.as_str().map(unquoted).context("parameter_overrides holds something else than text"))
            .collect::<Result<_, _>>()?,
        Some(_) => bail!("parameter_overrides is neither a text nor a list"),
    };
    pairs
        .into_iter()
        .map(|pair| match pair.split_once('=') {
            Some((name, value)) => Ok((name.to_owned(), value.to_owned())),
            None => bail!("`{pair}` in parameter_overrides is not of the form Name=Value"),
        })
        .collect()
}

/// Settings of all commands come under `global`; a command's own win.
fn overrides(settings: &Value) -> Option<&Value> {
    ["deploy", "global"].iter().find_map(|command| settings.get(command)?.get("parameters")?.get("parameter_overrides"))
}

/// Splits at blanks outside of quotes, and takes the quotes away: `A=1 B="x y"`.
fn words(line: &str) -> anyhow::Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '"' | '\'') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, c) if c.is_whitespace() => words.extend(word.take()),
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    if quote.is_some() {
        bail!("a quote in parameter_overrides is not closed");
    }
    words.extend(word);
    Ok(words)
}

/// An entry of a list is one pair whatever it holds; only quotes around its whole value go.
fn unquoted(entry: &str) -> String {
    let Some((name, value)) = entry.split_once('=') else { return entry.to_owned() };
    let inner = ['"', '\''].iter().find_map(|&quote| value.strip_prefix(quote)?.strip_suffix(quote));
    format!("{name}={}", inner.unwrap_or(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(content: &str) -> BTreeMap<String, String> {
        parse(content, "dev").unwrap()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> BTreeMap<String, String> {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn a_list_gives_its_pairs() {
        let content = r#"
            version = 0.1
            [dev.deploy.parameters]
            parameter_overrides = ["Stage=dev", "CorsOrigins=http://localhost:5173,http://b", "Name=\"two words\"", "Empty="]
        "#;

        let parameters = parsed(content);

        let origins = "http://localhost:5173,http://b";
        assert_eq!(
            parameters,
            pairs([("Stage", "dev"), ("CorsOrigins", origins), ("Name", "two words"), ("Empty", "")])
        );
    }

    #[test]
    fn a_line_is_split_at_blanks_outside_of_quotes() {
        let content = r#"
            [dev.deploy.parameters]
            parameter_overrides = "Stage=dev  Name=\"two words\" Query='a=b'"
        "#;

        assert_eq!(parsed(content), pairs([("Stage", "dev"), ("Name", "two words"), ("Query", "a=b")]));
    }

    #[test]
    fn what_all_commands_share_is_used_where_deploy_has_nothing() {
        let content = "[dev.global.parameters]\nparameter_overrides = ['Stage=dev']\n[dev.deploy.parameters]\n";

        assert_eq!(parsed(content), pairs([("Stage", "dev")]));
    }

    #[test]
    fn a_stage_without_overrides_has_none() {
        assert_eq!(parsed("[dev.deploy.parameters]\n"), BTreeMap::new());
    }

    #[test]
    fn an_unknown_stage_is_refused_with_the_known_ones() {
        let error = parse("version = 0.1\n[dev]\n[prod]\n", "stagging").unwrap_err();

        assert_eq!(error.to_string(), "there is no such stage; there are dev, prod");
    }

    #[test]
    fn a_pair_without_a_sign_and_an_open_quote_are_refused() {
        for overrides in [r#"["Stage"]"#, r#""Stage=\"dev""#] {
            let content = format!("[dev.deploy.parameters]\nparameter_overrides = {overrides}\n");

            assert!(parse(&content, "dev").is_err(), "{overrides}");
        }
    }
}
