//! `uspec pki`: what it writes is usable, and it overwrites nothing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};
use uspec_mtp::tls::{CertificateAuthority, EndpointMatch, PeerCertificate, TlsMaterial};

const HOSTS: &str = "bench.example,192.0.2.7";

fn pki(arguments: &[&str], out: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_uspec")).arg("pki").args(arguments).arg(out).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn every_file_is_written_usable_and_named() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().join("pki");
    let output = pki(&["--eut", "os::012345-1", "--controller", "self::c", "--host", HOSTS], &folder);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let identities = [
        ("controller", "self::c", EndpointMatch::Urn, false),
        ("second", "self::uspec-second", EndpointMatch::Urn, false),
        ("agent", "os::012345-1", EndpointMatch::Urn, false),
        ("controller-expired", "self::c", EndpointMatch::Urn, false),
        ("controller-not-yet-valid", "self::c", EndpointMatch::Urn, false),
        ("controller-wrong-name", "self::c", EndpointMatch::Other, false),
        ("controller-untrusted", "self::c", EndpointMatch::Urn, false),
        ("controller-self-signed", "self::c", EndpointMatch::Urn, true),
        ("controller-alternate", "self::c", EndpointMatch::Urn, true),
    ];
    let issuer = PeerCertificate::read(
        CertificateAuthority::from_pem(
            &fs::read_to_string(folder.join("ca.pem")).unwrap(),
            &fs::read_to_string(folder.join("ca.key")).unwrap(),
        )
        .unwrap()
        .certificate_der(),
    );
    for (name, id, stands, self_signed) in identities {
        let (certificate, key) = (folder.join(format!("{name}.pem")), folder.join(format!("{name}.key")));
        let read = TlsMaterial::from_pem_files(&certificate, &key, Some(&folder.join("ca.pem"))).unwrap();
        let read = PeerCertificate::read(read.certificate_der());
        assert_eq!((read.stands_for(id), read.self_signed), (stands, self_signed), "{name}");
        assert_eq!((&*read.dns_names[0], &*read.addresses[0]), ("bench.example", "192.0.2.7"), "{name}");
        let by_the_authority = !self_signed && name != "controller-untrusted";
        assert_eq!(read.issuer == issuer.subject, by_the_authority, "{name}: {}", read.issuer);
    }
    let said = text(&output);
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(said.contains(&name), "{name} is not explained:\n{said}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 22);
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let out = tempfile::tempdir().unwrap();
    assert!(pki(&[], out.path()).status.success());
    for entry in fs::read_dir(out.path()).unwrap() {
        let path = entry.unwrap().path();
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o077;
        if path.extension().unwrap() == "key" {
            assert_eq!(mode, 0, "{}", path.display());
        }
    }
}

#[test]
fn nothing_is_overwritten_and_every_problem_is_told_at_once() {
    let out = tempfile::tempdir().unwrap();
    for name in ["ca.pem", "second.key", "controller-wrong-name.key"] {
        fs::write(out.path().join(name), "mine").unwrap();
    }
    let wrong =
        ["--eut", "nonsense", "--controller", "self::uspec-second", "--host", "localhost,not a host,münchen.example"];
    let output = pki(&wrong, out.path());
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    let said = text(&output);
    for part in [
        "ca.pem",
        "second.key",
        "controller-wrong-name.key",
        "--eut: ",
        "both self::uspec-second",
        "`not a host`",
        "`münchen.example`",
    ] {
        assert!(said.contains(part), "{part} is missing in:\n{said}");
    }
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 3, "something was written");
    assert_eq!(fs::read_to_string(out.path().join("ca.pem")).unwrap(), "mine");
}

#[test]
fn a_file_in_place_of_the_folder_is_told() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("file");
    fs::write(&file, "").unwrap();
    let output = pki(&[], &file);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output));
    assert!(text(&output).contains("no folder"), "{}", text(&output));
}
