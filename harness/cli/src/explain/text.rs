//! An explanation, as a terminal shows it.

use std::fmt::Write as _;

use super::{Cause, Explanation, actions::capital};

/// So many causes of one metric are told; `--format json` has all.
const CAUSES: usize = 8;

impl Explanation {
    /// The explanation as text.
    pub fn text(&self) -> String {
        let mut out = format!("{}  {}\n", self.case, self.title);
        let file = self.file.as_deref().map(|file| format!(", {file}")).unwrap_or_default();
        let _ = writeln!(out, "{}{file}\n", self.plan);
        let _ = writeln!(out, "Applies to {}.", self.applies);
        if !self.needs.is_empty() {
            let _ = writeln!(out, "Needs {}.", self.needs.join(", "));
        }
        if !self.requirements.is_empty() {
            let _ = writeln!(out, "Tests {}.", self.requirements.join(", "));
        }
        if let Some(disputed) = &self.disputed {
            let _ = writeln!(out, "Plan and TR-369 disagree: {disputed}");
        }
        if self.file.is_none() {
            let _ = writeln!(out, "\nNobody has automated it yet: nothing runs, and reports show it so.");
            return out;
        }
        steps(&mut out, "Setup: a case that does not get through it is inconclusive", &self.setup);
        steps(&mut out, "Procedure", &self.procedure);
        self.metrics(&mut out);
        self.universal(&mut out);
        steps(&mut out, "Clean-up, whatever happened", &self.cleanup);
        if !self.variables.is_empty() {
            out.push_str("\nWhere\n");
            for line in &self.variables {
                let _ = writeln!(out, "  {line}");
            }
        }
        out
    }

    fn metrics(&self, out: &mut String) {
        out.push_str("\nMetrics\n");
        for metric in &self.metrics {
            for (nth, line) in metric.holds.iter().enumerate() {
                if nth == 0 {
                    let _ = writeln!(out, "  {}. {}", metric.metric, capital(line));
                } else {
                    let _ = writeln!(out, "       {line}");
                }
            }
            if !metric.causes.is_empty() {
                out.push_str("     It usually fails because:\n");
                causes(out, "       ", &metric.causes);
            }
        }
    }

    fn universal(&self, out: &mut String) {
        if self.universal.is_empty() {
            return;
        }
        out.push_str("\nWhat holds for every exchange is judged here as well, and usually fails because:\n");
        for rule in &self.universal {
            let _ = writeln!(out, "  {}", rule.metric);
            causes(out, "    ", &rule.causes);
        }
    }
}

fn steps(out: &mut String, title: &str, steps: &[String]) {
    if !steps.is_empty() {
        let _ = writeln!(out, "\n{title}");
        for (nth, step) in (1..).zip(steps) {
            let _ = writeln!(out, "  {nth}. {step}");
        }
    }
}

fn causes(out: &mut String, indent: &str, causes: &[Cause]) {
    for Cause { fault, meaning, over, not_over } in causes.iter().take(CAUSES) {
        let over = match (over.as_slice(), not_over.as_slice()) {
            ([], []) => String::new(),
            ([], not_over) => format!(", not over {}", not_over.join(", ")),
            (over, _) => format!(", over {}", over.join(", ")),
        };
        let _ = writeln!(out, "{indent}- {meaning}{over} (--fault {fault})");
    }
    if let Some(more) = causes.len().checked_sub(CAUSES).filter(|more| *more > 0) {
        let _ = writeln!(out, "{indent}- and {more} more, which --format json has");
    }
}
