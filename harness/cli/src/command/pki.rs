//! `uspec pki`: a test PKI in files, for a bench whose device needs certificates installed.

use crate::{
    args::PkiArgs,
    outcome::{Error, Exit},
};
use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    net::IpAddr,
    path::{Path, PathBuf},
};
use uspec_mtp::tls::{IdentityKind, Pki, TlsError};
use uspec_usp::endpoint_id::EndpointId;

/// Runs the command.
///
/// # Errors
/// Everything that is wrong with the arguments or in the way, at once; nothing is written then.
pub fn run(args: &PkiArgs) -> Result<Exit, Error> {
    let problems = problems(args);
    if !problems.is_empty() {
        return Err(Error::Message(problems.join("\n")));
    }
    let files = files(args).map_err(|cause| Error::new("the certificates", &cause))?;
    write(&args.out, &files)?;
    println!("Written to {}:", args.out.display());
    for file in &files {
        println!("  {:<30} {}", file.name, file.purpose);
    }
    println!("\n{}", advice(args));
    Ok(Exit::Good)
}

/// One file to be written.
struct File {
    name: String,
    purpose: String,
    text: String,
    /// A private key: for its owner's eyes only.
    secret: bool,
}

/// Everything, in memory.
fn files(args: &PkiArgs) -> Result<Vec<File>, TlsError> {
    let pki = Pki::generate()?;
    let authority = pki.authority();
    let mut files = vec![
        public("ca", "the authority: install it as trust anchor of the EUT".to_owned(), authority.certificate_pem()),
        secret(
            "ca",
            "its key; with it the harness issues further certificates on the fly".to_owned(),
            authority.key_pem(),
        ),
    ];
    let mut add = |name: &str, whose: &str, kind, id: &str| -> Result<(), TlsError> {
        let identity = pki.issue(kind, id, &args.host)?;
        files.push(public(name, format!("{whose}, {}", describe(kind)), identity.chain_pem()));
        files.push(secret(name, "its key".to_owned(), identity.key_pem()));
        Ok(())
    };
    let controller = format!("our Controller {}", args.controller);
    add("controller", &controller, IdentityKind::Trusted, &args.controller)?;
    add("second", &format!("our second Controller {}", args.second), IdentityKind::Trusted, &args.second)?;
    add("agent", &format!("the EUT {}", args.eut), IdentityKind::Trusted, &args.eut)?;
    for kind in wrong_kinds() {
        add(&name_of(kind), &controller, kind, &args.controller)?;
    }
    Ok(files)
}

/// Every kind but the right one.
fn wrong_kinds() -> impl Iterator<Item = IdentityKind> {
    IdentityKind::ALL.into_iter().filter(|kind| *kind != IdentityKind::Trusted)
}

fn name_of(kind: IdentityKind) -> String {
    format!("controller-{}", kind.name().replace('_', "-"))
}

/// The names of all files, as [`files`] makes them.
fn names() -> impl Iterator<Item = String> {
    let right = ["ca", "controller", "second", "agent"].map(str::to_owned);
    right.into_iter().chain(wrong_kinds().map(name_of)).flat_map(|name| [format!("{name}.pem"), format!("{name}.key")])
}

fn public(name: &str, purpose: String, text: String) -> File {
    File { name: format!("{name}.pem"), purpose, text, secret: false }
}

fn secret(name: &str, purpose: String, text: String) -> File {
    File { name: format!("{name}.key"), purpose, text, secret: true }
}

fn describe(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Trusted => "issued by the authority",
        IdentityKind::Expired => "wrong: no longer valid",
        IdentityKind::NotYetValid => "wrong: not yet valid",
        IdentityKind::WrongName => "wrong: with another Endpoint ID in subjectAltName",
        IdentityKind::WrongHost => "wrong: with another Endpoint ID and another host in subjectAltName",
        IdentityKind::Untrusted => "wrong: issued by an authority that nobody trusts",
        IdentityKind::SelfSigned => "self-signed",
        IdentityKind::Alternate => "self-signed, to replace another",
    }
}

/// Everything that keeps it from being done.
fn problems(args: &PkiArgs) -> Vec<String> {
    let mut problems = Vec::new();
    let ids = [("--eut", &args.eut), ("--controller", &args.controller), ("--second", &args.second)];
    for (option, id) in ids {
        if let Err(cause) = EndpointId::parse(id) {
            problems.push(format!("error: {option}: {cause}"));
        }
    }
    for (index, (option, id)) in ids.iter().enumerate() {
        if let Some((other, _)) = ids.iter().take(index).find(|(_, earlier)| earlier == id) {
            problems
                .push(format!("error: {option} and {other} are both {id}; no two Endpoints may share one (R-ARC.2)"));
        }
    }
    for host in args.host.iter().filter(|host| !is_host(host)) {
        problems.push(format!("error: --host: `{host}` is neither a DNS name nor an IP address"));
    }
    if args.out.exists() && !args.out.is_dir() {
        problems.push(format!("error: {} is there already, and no folder", args.out.display()));
    }
    for path in names().map(|name| args.out.join(name)).filter(|path| path.exists()) {
        problems.push(format!("error: {} is there already; nothing is overwritten", path.display()));
    }
    problems
}

/// Whether it can stand in a certificate: an address, or labels of letters, digits and hyphens (RFC 1123).
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.len() < 64
            && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || octet == b'-')
    };
    host.parse::<IpAddr>().is_ok() || (host.len() < 254 && host.split('.').all(is_label))
}

/// Writes all files, or takes back those that were written.
fn write(folder: &Path, files: &[File]) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|cause| Error::file("made", folder, &cause))?;
    let mut written: Vec<PathBuf> = Vec::new();
    for file in files {
        let path = folder.join(&file.name);
        if let Err(cause) = write_one(&path, file) {
            for path in &written {
                // What cannot be removed stays; the error that follows says where to look.
                let _ = fs::remove_file(path);
            }
            return Err(Error::file("written", &path, &cause));
        }
        written.push(path);
    }
    Ok(())
}

fn write_one(path: &Path, file: &File) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    // A file that has appeared since the check is not overwritten either.
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if file.secret { 0o600 } else { 0o644 });
    }
    options.open(path)?.write_all(file.text.as_bytes())
}

fn advice(args: &PkiArgs) -> String {
    let at = |name: &str| args.out.join(name).display().to_string();
    format!(
        "On the EUT: {agent} with {agent_key} as its identity, {ca} as trust anchor (an Agent that wants one file: put both together).\n\
         In the EUT profile, paths relative to the profile:\n  \
         tls: {{certificate: {controller}, key: {controller_key}, trust: {ca}, ca: {{certificate: {ca}, key: {ca_key}}}}}\n\
         What is right is valid for a year and for these hosts: {hosts}. For tests only: the keys lie in the clear.",
        agent = at("agent.pem"),
        agent_key = at("agent.key"),
        ca = at("ca.pem"),
        ca_key = at("ca.key"),
        controller = at("controller.pem"),
        controller_key = at("controller.key"),
        hosts = args.host.join(", "),
    )
}
