//! The page around the data: the template, filled, with style and script inside and the policy that allows only these.

use super::{
    HtmlError, TraceSource,
    clean::{clean, embedded},
    index::Index,
};
use crate::summary::{Counts, length};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use minijinja::{AutoEscape, Environment, Value, context, value::Serde};
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use uspec_testplan::run_report::{EutInfo, RunInfo, RunPart, RunReport};

const TEMPLATE: &str = include_str!("../../../../reports/templates/report.html");

/// The style sheet, part by part.
const STYLE: &[&str] = &[
    include_str!("../../../../reports/templates/css/base.css"),
    include_str!("../../../../reports/templates/css/matrix.css"),
    include_str!("../../../../reports/templates/css/result.css"),
    include_str!("../../../../reports/templates/css/ladder.css"),
    include_str!("../../../../reports/templates/css/print.css"),
];

/// The script, part by part; what the last one calls is defined in those before it.
const SCRIPT: &[&str] = &[
    include_str!("../../../../reports/templates/js/dom.js"),
    include_str!("../../../../reports/templates/js/verdict.js"),
    include_str!("../../../../reports/templates/js/data.js"),
    include_str!("../../../../reports/templates/js/filters.js"),
    include_str!("../../../../reports/templates/js/matrix.js"),
    include_str!("../../../../reports/templates/js/attention.js"),
    include_str!("../../../../reports/templates/js/findings.js"),
    include_str!("../../../../reports/templates/js/lifelines.js"),
    include_str!("../../../../reports/templates/js/ladder.js"),
    include_str!("../../../../reports/templates/js/octets.js"),
    include_str!("../../../../reports/templates/js/inspector.js"),
    include_str!("../../../../reports/templates/js/result.js"),
    include_str!("../../../../reports/templates/js/printing.js"),
    include_str!("../../../../reports/templates/js/main.js"),
];

/// What stands at the top of the page of one EUT.
#[derive(Serialize)]
struct Head<'a> {
    eut: &'a EutInfo,
    run: &'a RunInfo,
    length: String,
    started: String,
    /// Which shard of a run it is.
    shard: Option<String>,
    /// The runs of which it was put together, in words.
    parts: Vec<String>,
    /// The page of this EUT alone, relative to this one.
    own: Option<String>,
    mtps: Vec<(&'a str, String)>,
}

/// Where the details stand. Nothing that is filled in can look like it, because a `<` is escaped everywhere.
const DETAILS: &str = "<!-- details -->";

/// The page before its details, and behind them: they are written one at a time, because all of them are large.
pub(super) fn page(
    reports: &[&RunReport],
    traces: &dyn TraceSource,
    index: &Index<'_>,
) -> Result<(String, String), HtmlError> {
    let style = STYLE.join("\n");
    let script = SCRIPT.join("\n");
    let mut environment = Environment::new();
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_template("report.html", TEMPLATE)?;
    let each = reports.iter().enumerate();
    let heads = each.map(|(place, report)| clean(&head(report, traces.page(place)))).collect::<Result<Vec<_>, _>>()?;
    let page = environment.get_template("report.html")?.render(context! {
        heads => Value::from(Serde(heads)),
        counts => Value::from(Serde(counts(reports))),
        style_hash => hash(&style),
        script_hash => hash(&script),
        style => Value::from_safe_string(style),
        script => Value::from_safe_string(script),
        index => Value::from_safe_string(embedded(&clean(index)?)),
        details => Value::from_safe_string(DETAILS.to_owned()),
    })?;
    let (before, after) = page.split_once(DETAILS).unwrap_or((&page, ""));
    Ok((before.to_owned(), after.to_owned()))
}

fn head(report: &RunReport, own: Option<String>) -> Head<'_> {
    let run = &report.run;
    let mtps = report.mtps.iter().map(|mtp| (mtp.name.as_str(), mtp.words())).collect();
    let shard = run.identity.shard.map(|shard| shard.to_string());
    let (started, parts) = (moment(run.started), run.parts.iter().map(part).collect());
    Head { eut: &report.eut, run, length: length(run), started, shard, parts, own, mtps }
}

fn part(part: &RunPart) -> String {
    let shard = part.shard.map(|shard| format!("shard {shard}, ")).unwrap_or_default();
    format!("{shard}{} on {}, {}", moment(part.started), part.host, part.id)
}

/// A timestamp without the fractions of its second.
fn moment(timestamp: jiff::Timestamp) -> String {
    timestamp.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// How many results came to which end, over all reports; for whoever reads the page without its script.
fn counts(reports: &[&RunReport]) -> Vec<(&'static str, usize)> {
    let each: Vec<_> = reports.iter().map(|report| Counts::of(report)).collect();
    let sum = |of: fn(&Counts) -> usize| each.iter().map(of).sum();
    vec![
        ("pass", sum(|it| it.pass)),
        ("fail", sum(|it| it.fail)),
        ("inconclusive", sum(|it| it.inconclusive)),
        ("error", sum(|it| it.error)),
        ("not run", sum(|it| it.not_run)),
    ]
}

/// What a content security policy calls this text.
fn hash(text: &str) -> String {
    format!("'sha256-{}'", BASE64_STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A browser hashes what it parsed: a carriage return or the end of the element would make that another text.
    #[test]
    fn style_and_script_are_parsed_as_they_are_written() {
        let text = [STYLE.join("\n"), SCRIPT.join("\n")].concat();
        assert!(!text.contains('\r') && !text.contains('\0'));
        for end in ["</script", "</style", "<!--", "<script"] {
            assert!(!text.to_lowercase().contains(end), "{end}");
        }
    }

    /// What would turn text into markup or into a program, and what would load something.
    #[test]
    fn the_script_makes_only_text_of_data() {
        let text = SCRIPT.join("\n");
        let forbidden = [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "Function(",
            "DOMParser",
            "createContextualFragment",
            "srcdoc",
            "fetch(",
            "XMLHttpRequest",
            "import(",
            "setHTML",
        ];
        for word in forbidden {
            assert!(!text.contains(word), "{word}");
        }
    }
}
