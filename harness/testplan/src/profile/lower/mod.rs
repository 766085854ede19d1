//! From a profile as written to a profile that makes sense.

mod mtp;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    ANY, Control, DEFAULT_PROGRAM, DEFAULT_SECOND, ELEMENTS, EutProfile, FeaturePolicy, KnownFailing, Means, Mtp,
    Timing, raw,
};
use crate::{
    case::EutAction,
    diagnostic::{Mistake, Problems},
    raw::text,
    yaml::{Node, Span},
};

/// What can be done to the device, by its key.
const ACTIONS: [(EutAction, &str); 5] = [
    (EutAction::Reboot, "reboot"),
    (EutAction::PowerCycle, "power_cycle"),
    (EutAction::FactoryReset, "factory_reset"),
    (EutAction::Start, "start"),
    (EutAction::Stop, "stop"),
];

/// Checks everything that can be read. `None` comes with a problem.
pub(super) fn lower(tree: &Node, folder: &Path, problems: &mut Problems) -> Option<EutProfile> {
    let mut context = Context { folder, problems };
    let mtps = context.mtps(tree);
    let known_failing = context.known_failing(&mtps, tree);
    let elements = context.elements(tree);
    let features = context.features(tree);
    let control = context.control(tree);
    let controller = endpoint_id(tree, "controller");
    let second = second(tree);
    let at = |key: &str| tree.get("controller").map_or(tree.span, |node| node.value_span(key));
    for (key, id) in [("endpoint_id", controller.as_deref()), ("second", Some(second.as_str()))] {
        if id == Some(ANY) {
            context.problems.at(at(key), "our own Endpoint ID cannot be `any`");
        }
    }
    if controller.as_ref() == Some(&second) {
        let mistake = Mistake::at(at("second"), "both Controllers have the same Endpoint ID");
        context.problems.add(mistake.help("the device tells them apart by it: give the second one an ID of its own"));
    }
    let eut = endpoint_id(tree, "eut")?;
    Some(EutProfile {
        // The text is not seen here.
        hash: String::new(),
        name: tree.get("name")?.text()?.to_owned(),
        eut_endpoint_id: (eut != ANY).then_some(eut),
        controller_endpoint_id: controller?,
        second_endpoint_id: second,
        mtps,
        features,
        usp_versions: tree.read_key("usp_versions").unwrap_or_default(),
        plan: tree.read_key("plan").map(|text::PlanRevision(revision)| revision),
        elements,
        control,
        timing: timing(&tree.read_key("timing").unwrap_or_default()),
        known_failing,
    })
}

struct Context<'a> {
    folder: &'a Path,
    problems: &'a mut Problems,
}

impl Context<'_> {
    /// The file, relative to the profile.
    fn file(&mut self, path: &Path, at: Span) -> PathBuf {
        let resolved = self.folder.join(path);
        if !resolved.is_file() {
            let mistake = Mistake::at(at, format!("there is no file {}", resolved.display()));
            self.problems.add(mistake.help("paths are relative to the profile"));
        }
        resolved
    }

    fn features(&mut self, tree: &Node) -> FeaturePolicy {
        match tree.read_key("features") {
            None | Some(raw::Features::Word(raw::AutoWord::Auto)) => FeaturePolicy::default(),
            Some(raw::Features::List(ids)) => FeaturePolicy::List(ids),
            Some(raw::Features::Adjusted(adjusted)) => {
                for id in adjusted.claim.iter().filter(|id| adjusted.deny.contains(id)) {
                    let at = tree.get("features").map_or(tree.span, |node| node.key_span("deny"));
                    self.problems.at(at, format!("the feature {id} is both claimed and denied"));
                }
                if adjusted.auto {
                    FeaturePolicy::Auto { claim: adjusted.claim, deny: adjusted.deny }
                } else {
                    FeaturePolicy::List(adjusted.claim)
                }
            }
        }
    }

    /// The elements that the profile replaces.
    fn elements(&mut self, tree: &Node) -> BTreeMap<String, String> {
        let entries = tree.get("elements").map(Node::entries).unwrap_or_default();
        for entry in entries.iter().filter(|entry| super::element_named(&entry.key).is_none()) {
            let names: Vec<_> = ELEMENTS.iter().map(|it| it.name).collect();
            let mistake = Mistake::at(entry.key_span, format!("no case knows an element `{}`", entry.key));
            let help = format!("the elements are {}", names.join(", "));
            self.problems.add(mistake.nearest(&entry.key, names).help(help));
        }
        entries.iter().filter_map(|entry| Some((entry.key.clone(), entry.value.text()?.to_owned()))).collect()
    }

    fn control(&mut self, tree: &Node) -> Control {
        let mut control = Control::default();
        let Some(node) = tree.get("control") else { return control };
        for (action, key) in ACTIONS {
            let Some(means) = node.read_key(key) else { continue };
            let means = match means {
                raw::Means::Word(raw::UspWord::Usp) => Means::Usp,
                raw::Means::Program(program) => self.program(program, node.get(key).unwrap_or(node)),
            };
            if means == Means::Usp && !matches!(action, EutAction::Reboot | EutAction::FactoryReset) {
                let mistake = Mistake::at(node.value_span(key), format!("USP has no command for `{key}`"));
                self.problems.add(mistake.help("write {program: [name, argument]}"));
            }
            control.means.insert(action, means);
        }
        control
    }

    /// A program named by a path is relative to the profile; a bare name is left to the search path.
    fn program(&mut self, raw: raw::Program, node: &Node) -> Means {
        let mut argv = raw.program;
        if let Some(program) = argv.first_mut()
            && program.contains('/')
        {
            let at = node.get("program").and_then(|list| list.items().first()).map_or(node.span, |item| item.span);
            *program = self.file(Path::new(program), at).display().to_string();
        }
        let within = raw.within.and_then(|it| it.get()).unwrap_or(DEFAULT_PROGRAM);
        Means::Program { argv, within }
    }

    fn known_failing(&mut self, mtps: &[Mtp], tree: &Node) -> Vec<KnownFailing> {
        let nodes = tree.get("known_failing").map(Node::items).unwrap_or_default();
        let mut entries = Vec::new();
        for node in nodes {
            let Some(entry) = node.read::<raw::KnownFailing>() else { continue };
            let until = entry.until.map(|text::Day(day)| day.parse::<jiff::civil::Date>());
            if let Some(Err(_)) = until {
                self.problems.at(node.value_span("until"), "there is no such day");
            }
            if let Some(name) = entry.mtp.as_ref().filter(|name| mtps.iter().all(|mtp| mtp.name != **name)) {
                let names = mtps.iter().map(|mtp| mtp.name.as_str());
                let mistake = Mistake::at(node.value_span("mtp"), format!("the profile has no MTP `{name}`"));
                self.problems.add(mistake.nearest(name, names));
            }
            if let Ok(case) = entry.case.0.parse() {
                let until = until.and_then(Result::ok);
                entries.push(KnownFailing { case, mtp: entry.mtp, reason: entry.reason, until });
            }
        }
        entries
    }
}

fn endpoint_id(tree: &Node, key: &str) -> Option<String> {
    Some(tree.get(key)?.get("endpoint_id")?.text()?.to_owned())
}

/// The second Controller's Endpoint ID.
fn second(tree: &Node) -> String {
    let given = tree.get("controller").and_then(|node| node.get("second")).and_then(Node::text);
    given.unwrap_or(DEFAULT_SECOND).to_owned()
}

fn timing(raw: &raw::Timing) -> Timing {
    let default = Timing::default();
    let or = |given: &Option<text::Duration>, default: Duration| {
        given.as_ref().and_then(text::Duration::get).unwrap_or(default)
    };
    Timing {
        response: or(&raw.response, default.response),
        connect: or(&raw.connect, default.connect),
        boot: or(&raw.boot, default.boot),
        silence: or(&raw.silence, default.silence),
        tolerance: or(&raw.tolerance, default.tolerance),
        pace: or(&raw.pace, default.pace),
    }
}
