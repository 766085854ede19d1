#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

use super::*;
use crate::{
    args::{CatalogueArgs, SelectArgs},
    bundled::{Bundled, Where},
    load,
};
use indicatif::InMemoryTerm;
use rstest::rstest;
use std::sync::mpsc::{Receiver, channel};

/// A case that passes, and one that fails with the fault below.
const CASES: [&str; 2] = ["1.24", "1.1"];
const FAULT: &str = "add-omits-unique-keys";

/// How the terminal is, what is written to it as lines, and its screen.
struct Terminal {
    progress: Progress,
    lines: Receiver<String>,
    screen: InMemoryTerm,
}

fn terminal(quiet: bool, brief: bool, colour: bool) -> Terminal {
    let screen = InMemoryTerm::new(10, 120);
    let (sender, lines) = channel();
    let target = ProgressDrawTarget::term_like(Box::new(screen.clone()));
    let bars = MultiProgress::with_draw_target(target);
    let out: Out = Box::new(move |text| sender.send(text.to_owned()).unwrap_or_default()); // nobody may be listening
    Terminal { progress: Progress(Arc::new(Inner { bars, quiet, brief, colour, out })), lines, screen }
}

/// The bundled Agent with the fault, judged in memory over these MTPs by the two cases.
fn run(eut: &Eut, mtps: &[&str]) {
    let (catalogue, profile) = (load::catalogue(&CatalogueArgs::default()).unwrap(), load::profile(None).unwrap());
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
    let select = SelectArgs { cases: words(&CASES), mtp: words(mtps), ..SelectArgs::default() };
    let selection = load::selection(&select).unwrap();
    let bundled = Bundled::new(&profile, &[FAULT.to_owned()], Where::Memory).unwrap();
    bundled
        .judge(&catalogue, &selection, &mut |event| {
            eut.show(&event);
            None
        })
        .unwrap();
}

fn text(lines: &Receiver<String>) -> String {
    lines.try_iter().collect()
}

#[test]
fn the_bar_counts_every_case_over_every_mtp_and_goes_at_the_end() {
    let Terminal { progress, screen, .. } = terminal(false, true, false);
    let eut = progress.eut(Some("Gateway\u{1b}[2J"));
    run(&eut, &["uds", "uds-server"]);
    // Draws what it has, however short ago the last drawing was.
    eut.bar.abandon();
    let shown = screen.contents();
    assert!(shown.contains("Gateway\\x1b[2J: [====================] 4/4  "), "{shown}");
    assert!(shown.contains(" left)  2 pass, 2 fail  1.24 [uds-server] "), "{shown}");
    drop(eut);
    assert_eq!(screen.contents(), "", "the summary stands alone");
}

#[test]
fn what_is_planned_is_counted_before_anything_ran() {
    let Terminal { progress, .. } = terminal(false, false, false);
    let eut = progress.eut(None);
    for (mtp, cases) in [("a", 5), ("b", 7), ("b", 6)] {
        eut.show(&Event::Planned { mtp, cases });
    }
    assert_eq!((eut.bar.length(), eut.bar.position()), (Some(11), 0), "what is known later counts");
}

#[rstest]
#[case::every_line(false, false, &["waiting for the EUT", "pass         1.24", "fail         1.1 "])]
#[case::beside_a_bar(false, true, &["waiting for the EUT", "fail         1.1 "])]
#[case::quiet(true, false, &[])]
fn a_line_a_case_unless_the_bar_tells_it(#[case] quiet: bool, #[case] brief: bool, #[case] wanted: &[&str]) {
    let Terminal { progress, lines, .. } = terminal(quiet, brief, false);
    run(&progress.eut(Some("Gateway")), &["websocket"]);
    let text = text(&lines);
    assert_eq!(text.lines().count(), wanted.len(), "{text}");
    for word in wanted {
        assert!(text.contains(word), "{word} is missing: {text}");
    }
    assert!(text.lines().all(|line| line.starts_with("Gateway: ") && !line.contains('\u{1b}')), "{text}");
}

#[test]
fn with_colours_a_line_has_that_of_its_verdict() {
    let Terminal { progress, lines, .. } = terminal(false, false, true);
    run(&progress.eut(None), &["websocket"]);
    let text = text(&lines);
    for (word, start) in [("waiting", ""), ("pass ", "\u{1b}[32m"), ("fail ", "\u{1b}[31m")] {
        let line = text.lines().find(|line| line.contains(word)).unwrap();
        assert!(line.starts_with(start) && line.ends_with("\u{1b}[0m") != start.is_empty(), "{line:?}");
    }
}

#[test]
fn several_tasks_can_show_at_once() {
    fn shared<T: Send + Sync>(_: &T) {}
    let Terminal { progress, lines, .. } = terminal(false, false, false);
    shared(&progress);
    std::thread::scope(|scope| {
        for name in ["A", "B"] {
            let progress = &progress;
            scope.spawn(move || {
                let eut = progress.eut(Some(name));
                shared(&eut);
                run(&eut, &["websocket"]);
                assert_eq!((eut.bar.length(), eut.bar.position()), (Some(2), 2));
            });
        }
    });
    let text = text(&lines);
    for name in ["A: ", "B: "] {
        assert_eq!(text.lines().filter(|line| line.starts_with(name)).count(), 3, "{text}");
    }
}
