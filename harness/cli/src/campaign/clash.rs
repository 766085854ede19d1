//! Profiles that cannot be run at the same time.
//!
//! One decision behind it: it is told before anything runs, with both files and all clashes at once. Whoever comes second would find the
//! port taken, or take the other's EUT for its own.

use super::planned;
use crate::outcome::Error;
use std::{
    collections::BTreeSet,
    fmt::Write as _,
    path::{Path, PathBuf},
};
use uspec_testplan::{
    catalogue::Catalogue,
    profile::{Address, Broker, EutProfile, Mtp, Role, Transport},
    selection::Selection,
};

/// The hosts that mean this very one; they share its ports.
const LOCAL: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The hosts that mean every address of this one.
const ANY: [&str; 2] = ["0.0.0.0", "::"];

/// What an MTP needs for itself alone.
#[derive(Debug, PartialEq, Eq)]
enum Place<'a> {
    /// An address on which we listen.
    Listen(&'a Address),
    /// The address of an EUT that we call.
    Call(&'a Address),
    /// Our topic or destination on a broker that others use as well.
    Broker(&'a Address, &'a str),
    /// A UNIX domain socket, whoever listens on it.
    Socket(&'a Path),
}

/// Makes sure that these profiles, each from its file, can be run at the same time.
///
/// # Errors
/// The same file twice, two of the same name, two that need the same place; each with both files.
pub fn check(
    catalogue: &Catalogue,
    selection: &Selection,
    files: &[PathBuf],
    profiles: &[EutProfile],
) -> Result<(), Error> {
    let each: Vec<_> = files.iter().zip(profiles).collect();
    let mut told = String::new();
    for (index, one) in each.iter().enumerate() {
        for other in each.iter().skip(index.saturating_add(1)) {
            let clashes = clashes(catalogue, selection, one, other)?;
            for clash in clashes {
                let _ = writeln!(told, "error: {} and {}: {clash}", one.0.display(), other.0.display());
            }
        }
    }
    if told.is_empty() { Ok(()) } else { Err(Error::Message(told.trim_end().to_owned())) }
}

type Given<'a> = (&'a PathBuf, &'a EutProfile);

fn clashes(
    catalogue: &Catalogue,
    selection: &Selection,
    one: &Given<'_>,
    other: &Given<'_>,
) -> Result<Vec<String>, Error> {
    let real = |file: &PathBuf| file.canonicalize().unwrap_or_else(|_| file.clone());
    if real(one.0) == real(other.0) {
        return Ok(vec!["the same profile is given twice".to_owned()]);
    }
    let mut clashes = Vec::new();
    if one.1.name == other.1.name {
        clashes.push(format!("both have the name `{}`, by which reports tell EUTs apart", one.1.name));
    }
    let (left, right) = (used(catalogue, selection, one.1)?, used(catalogue, selection, other.1)?);
    let mut seen = BTreeSet::new();
    for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (*a, *b))) {
        let clash = Place::of(a).clash(&Place::of(b)).filter(|clash| seen.insert(clash.clone()));
        clashes.extend(clash.map(|clash| format!("{clash} (MTPs {} and {})", a.name, b.name)));
    }
    Ok(clashes)
}

/// The MTPs over which anything may run.
fn used<'a>(catalogue: &Catalogue, selection: &Selection, profile: &'a EutProfile) -> Result<Vec<&'a Mtp>, Error> {
    let plan = planned(catalogue, profile, selection, None)?;
    let names: BTreeSet<_> = plan.entries.iter().filter(|entry| entry.may_run()).map(|entry| &entry.mtp).collect();
    Ok(profile.mtps.iter().filter(|mtp| names.contains(&mtp.name)).collect())
}

impl<'a> Place<'a> {
    fn of(mtp: &'a Mtp) -> Self {
        match &mtp.transport {
            Transport::WebSocket(it) if it.role == Role::WeConnect => Self::Call(&it.address),
            Transport::WebSocket(it) => Self::Listen(&it.address),
            Transport::Mqtt(it) if it.broker == Broker::Beside => Self::Broker(&it.address, &it.controller_topic),
            Transport::Mqtt(it) => Self::Listen(&it.address),
            Transport::Stomp(it) if it.broker == Broker::Beside => {
                Self::Broker(&it.address, &it.controller_destination)
            }
            Transport::Stomp(it) => Self::Listen(&it.address),
            Transport::Uds(it) => Self::Socket(&it.path),
        }
    }

    /// What the two cannot share, in words.
    fn clash(&self, other: &Self) -> Option<String> {
        match (self, other) {
            // Port 0 is any free one.
            (Self::Listen(a), Self::Listen(b)) if a.port == b.port && a.port != 0 && overlap(&a.host, &b.host) => {
                let and = if a == b { String::new() } else { format!(" and {b}") };
                Some(format!("both would listen on {a}{and}"))
            }
            (Self::Call(a), Self::Call(b)) if same(a, b) => Some(format!("both would call the EUT at {a}")),
            (Self::Broker(a, x), Self::Broker(b, y)) if same(a, b) && x == y => {
                Some(format!("both would be reached at `{x}` on the broker at {a}"))
            }
            (Self::Socket(a), Self::Socket(b)) if a == b => Some(format!("both use the socket {}", a.display())),
            _ => None,
        }
    }
}

fn same(a: &Address, b: &Address) -> bool {
    a.port == b.port && same_host(&a.host, &b.host)
}

fn same_host(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b) || (LOCAL.contains(&a) && LOCAL.contains(&b))
}

fn overlap(a: &str, b: &str) -> bool {
    same_host(a, b) || ANY.contains(&a) || ANY.contains(&b)
}
