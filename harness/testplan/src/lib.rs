//! The pure heart of the harness: test case, catalogue, EUT profile, plan, Trace, pattern, metric, judge, verdict, run report.
//!
//! One decision behind it: a case is data, and nothing in this crate can touch the world. The same Trace, judged twice,
//! gives the same Judgement; whoever disputes a verdict judges the same bytes again.
//!
//! | module | holds |
//! | --- | --- |
//! | [`case`] | the validated test case: steps, metrics, what it applies to |
//! | [`trace`] | what happened while a case ran, event by event |
//! | [`verdict`] | outcome of a metric, verdict of a case, and what explains them |
//! | [`run_report`] | the value that every report format renders |
//! | [`template`] | variables inside strings |
//! | [`pattern`] | what a Message is expected to look like |
//! | [`rule`] | what patterns cannot say |
//! | [`judge`] | Trace in, Judgement out |

pub mod case;
pub mod judge;
pub mod lexical;
pub mod pattern;
pub mod problem;
pub mod rule;
pub mod run_report;
mod show;
pub mod template;
pub mod trace;
pub mod verdict;
