//! The pure heart of the harness: test case, catalogue, EUT profile, plan, Trace, pattern, metric, judge, verdict, run report.
//!
//! One decision behind it: a case is data, and nothing in this crate can touch the world. The same Trace, judged twice,
//! gives the same Judgement; whoever disputes a verdict judges the same bytes again.
//!
//! | module | holds |
//! | --- | --- |
//! | [`case`] | the validated test case: steps, metrics, what it applies to |
//! | [`catalogue`] | every case of the plan, with its file where there is one |
//! | [`profile`] | what a person knows about the device under test |
//! | [`features`] | the plan's feature IDs, and how a device shows that it has them |
//! | [`survey`] | what a device showed of itself: its features, its elements, and the profile written from them |
//! | [`requirements`] | TR-369's requirements by number |
//! | [`plan_index`] | the index of TP-469 |
//! | [`secrets`] | what of a Trace no report may show |
//! | [`selection`] | which cases a person wants to run |
//! | [`mod@plan`] | what runs over which MTP, and why the rest does not |
//! | [`shard`] | which part of the plan is one machine's |
//! | [`diagnostic`] | what is wrong with a file that a person wrote |
//! | [`schema`] | the JSON Schemas of all formats |
//! | [`trace`] | what happened while a case ran, event by event |
//! | [`sighting`] | what an event of a Trace shows to patterns |
//! | [`verdict`] | outcome of a metric, verdict of a case, and what explains them |
//! | [`run_report`] | the value that every report format renders |
//! | [`template`] | variables inside strings |
//! | [`pattern`] | what a Message is expected to look like |
//! | [`rule`] | what patterns cannot say |
//! | [`judge`] | Trace in, Judgement out |
//! | [`exchange`] | a Trace in short lines for people |
//! | [`caption`] | what an event of a Trace is called in a diagram |

pub mod caption;
pub mod case;
pub mod catalogue;
pub mod diagnostic;
pub mod exchange;
pub mod features;
pub mod judge;
pub mod lexical;
mod lower;
mod model;
pub mod pattern;
pub mod plan;
pub mod plan_index;
pub mod problem;
pub mod profile;
mod raw;
pub mod requirements;
pub mod rule;
pub mod run_report;
pub mod schema;
pub mod secrets;
pub mod selection;
mod shape;
pub mod shard;
mod show;
pub mod sighting;
pub mod survey;
pub mod template;
#[cfg(test)]
mod testing;
pub mod trace;
mod universal;
pub mod verdict;
mod view;
mod yaml;
