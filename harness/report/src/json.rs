//! The run report as JSON, and the JSON Schema of it.

use uspec_testplan::run_report::RunReport;

/// The run report as JSON, ending in a line feed.
pub fn render(report: &RunReport) -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(report)?;
    text.push('\n');
    Ok(text)
}

/// The JSON Schema of what [`render`] writes, ending in a line feed.
pub fn schema() -> Result<String, serde_json::Error> {
    let mut text = serde_json::to_string_pretty(&schemars::schema_for!(RunReport))?;
    text.push('\n');
    Ok(text)
}
