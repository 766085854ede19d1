//! Renders a [`RunReport`](uspec_testplan::run_report::RunReport): JUnit, JSON, HTML, text. Pure: values in, strings out.
//!
//! One decision behind it: whatever the EUT sent reaches a report only through [`text::visible`], and every format is a
//! function of the run report alone, so that golden samples can hold it.
//!
//! | module | renders |
//! | --- | --- |
//! | [`junit`] | JUnit XML that dashboards and CI systems read |
//! | [`json`] | the run report itself, and its schema |
//! | [`html`] | one page for people over one or several EUTs, self-contained |
//! | [`pcapng`] | a Trace as a capture for Wireshark and the like |
//! | [`summary`] | a few lines for the terminal |

pub mod coverage;
pub mod html;
pub mod json;
pub mod junit;
pub mod pcapng;
pub mod summary;
pub mod text;
