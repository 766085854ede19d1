//! The questions of `uspec init`, and the MTP that the answers make.
//!
//! One decision behind it: a question is asked only when no option answers it and somebody is there to be asked. Whether an answer makes
//! sense is decided by the reader of profiles, so that there is one judge of it.

use crate::{
    args::{InitArgs, InitBroker, InitMtp, InitRole},
    outcome::Error,
};
use clap::ValueEnum;
use std::{
    io::{BufRead, Write},
    path::{Path, PathBuf},
};
use uspec_testplan::profile::{
    Address, Broker, Mqtt, MqttVersion, Mtp, Role, Stomp, Tls, TlsFiles, Transport, Uds, WebSocket,
};

/// How often a question is put again after an answer that is none.
const TRIES: usize = 3;

/// Somebody who can be asked, or not.
pub(super) struct Person<R, W> {
    /// Their answers.
    pub(super) answers: R,
    /// Where the questions go.
    pub(super) questions: W,
    /// Whether anybody is there.
    pub(super) present: bool,
}

/// The MTP that options and answers describe. Its files are as a profile in `folder` writes them.
///
/// # Errors
/// Something that has no default was neither given nor can be asked, or an answer is none.
pub(super) fn mtp<R: BufRead, W: Write>(
    args: &InitArgs,
    folder: &Path,
    person: &mut Person<R, W>,
) -> Result<Mtp, Error> {
    let mtp = choice(person, "--mtp", "Which MTP?", args.mtp, None)?;
    let tls = tls(args, folder);
    if mtp == InitMtp::Uds && tls.is_some() {
        return Err(Error::Message(
            "error: there is no TLS over a UNIX domain socket: leave out --pki, --certificate, --key, --trust"
                .to_owned(),
        ));
    }
    let (base, transport) = match mtp {
        InitMtp::Websocket => ("websocket", Transport::WebSocket(web_socket(args, person, tls)?)),
        InitMtp::Mqtt5 => ("mqtt5", Transport::Mqtt(mqtt(args, person, MqttVersion::V5, tls)?)),
        InitMtp::Mqtt311 => ("mqtt311", Transport::Mqtt(mqtt(args, person, MqttVersion::V311, tls)?)),
        InitMtp::Stomp => ("stomp", Transport::Stomp(stomp(args, person, tls)?)),
        InitMtp::Uds => uds(args, person, folder)?,
    };
    let name = if transport.tls().is_some() { format!("{base}-tls") } else { base.to_owned() };
    Ok(Mtp { name, transport })
}

fn web_socket<R: BufRead, W: Write>(
    args: &InitArgs,
    person: &mut Person<R, W>,
    tls: Option<Tls>,
) -> Result<WebSocket, Error> {
    let role = role(args, person)?;
    let address = match role {
        Role::EutConnects => ask(person, "Where does uspec listen?", args.address.as_ref(), "0.0.0.0:8080")?,
        Role::WeConnect => {
            needed(person, "--address", "Where does the device listen (host:port)?", args.address.as_ref())?
        }
    };
    let path = ask(person, "The path of the WebSocket's URL?", args.path.as_ref(), "/usp")?;
    Ok(WebSocket { role, address: parsed(&address)?, path, tls })
}

fn mqtt<R: BufRead, W: Write>(
    args: &InitArgs,
    person: &mut Person<R, W>,
    version: MqttVersion,
    tls: Option<Tls>,
) -> Result<Mqtt, Error> {
    let port = if tls.is_some() { 8883 } else { 1883 };
    let (broker, address) = brokered(args, person, port)?;
    Ok(Mqtt {
        version,
        broker,
        address,
        controller_topic: ask(
            person,
            "The topic at which the device reaches uspec?",
            args.controller_topic.as_ref(),
            "usp/controller",
        )?,
        agent_topic: Some(ask(
            person,
            "The topic at which the device is reached?",
            args.agent_topic.as_ref(),
            "usp/agent",
        )?),
        username: args.username.clone(),
        password: args.password.clone(),
        tls,
    })
}

fn stomp<R: BufRead, W: Write>(args: &InitArgs, person: &mut Person<R, W>, tls: Option<Tls>) -> Result<Stomp, Error> {
    let port = if tls.is_some() { 61614 } else { 61613 };
    let (broker, address) = brokered(args, person, port)?;
    Ok(Stomp {
        broker,
        address,
        controller_destination: ask(
            person,
            "The destination at which the device reaches uspec?",
            args.controller_topic.as_ref(),
            "/queue/usp-controller",
        )?,
        agent_destination: Some(ask(
            person,
            "The destination at which the device is reached?",
            args.agent_topic.as_ref(),
            "/queue/usp-agent",
        )?),
        username: args.username.clone(),
        password: args.password.clone(),
        virtual_host: args.virtual_host.clone(),
        tls,
    })
}

fn uds<R: BufRead, W: Write>(
    args: &InitArgs,
    person: &mut Person<R, W>,
    folder: &Path,
) -> Result<(&'static str, Transport), Error> {
    let role = role(args, person)?;
    let path = match role {
        Role::EutConnects => {
            ask(person, "The path at which uspec listens?", args.path.as_ref(), "uspec-controller.sock")?
        }
        Role::WeConnect => needed(person, "--path", "The path at which the device listens?", args.path.as_ref())?,
    };
    let name = if role == Role::WeConnect { "uds-server" } else { "uds" };
    Ok((name, Transport::Uds(Uds { role, path: as_written(Path::new(&path), folder) })))
}

fn role<R: BufRead, W: Write>(args: &InitArgs, person: &mut Person<R, W>) -> Result<Role, Error> {
    let question = "Who connects?";
    Ok(match choice(person, "--role", question, args.role, Some(InitRole::EutConnects))? {
        InitRole::EutConnects => Role::EutConnects,
        InitRole::WeConnect => Role::WeConnect,
    })
}

fn brokered<R: BufRead, W: Write>(
    args: &InitArgs,
    person: &mut Person<R, W>,
    port: u16,
) -> Result<(Broker, Address), Error> {
    if args.role == Some(InitRole::WeConnect) {
        let text = "error: --role we-connect: over a broker both sides connect; --broker beside joins one that is there already";
        return Err(Error::Message(text.to_owned()));
    }
    let question = "Whose broker is it?";
    let broker = match choice(person, "--broker", question, args.broker, Some(InitBroker::BuiltIn))? {
        InitBroker::BuiltIn => Broker::BuiltIn,
        InitBroker::Beside => Broker::Beside,
    };
    let address = match broker {
        Broker::BuiltIn => ask(person, "Where does uspec listen?", args.address.as_ref(), &format!("0.0.0.0:{port}"))?,
        Broker::Beside => needed(person, "--address", "Where is the broker (host:port)?", args.address.as_ref())?,
    };
    Ok((broker, parsed(&address)?))
}

fn tls(args: &InitArgs, folder: &Path) -> Option<Tls> {
    let written = |path: &Path| as_written(path, folder);
    if let Some(pki) = &args.pki {
        let file = |name: &str| written(&pki.join(name));
        return Some(Tls::Files(TlsFiles {
            identity: Some((file("controller.pem"), file("controller.key"))),
            trust: Some(file("ca.pem")),
            authority: Some((file("ca.pem"), file("ca.key"))),
        }));
    }
    let identity = args
        .certificate
        .as_deref()
        .zip(args.key.as_deref())
        .map(|(certificate, key)| (written(certificate), written(key)));
    let trust = args.trust.as_deref().map(written);
    (identity.is_some() || trust.is_some()).then_some(Tls::Files(TlsFiles { identity, trust, authority: None }))
}

/// A path, relative to here, as a profile in `folder` writes it.
fn as_written(path: &Path, folder: &Path) -> PathBuf {
    if path.is_absolute() || folder == Path::new("") || folder == Path::new(".") {
        return path.to_owned();
    }
    match path.strip_prefix(folder) {
        Ok(rest) => rest.to_owned(),
        Err(_) => std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
    }
}

fn parsed(text: &str) -> Result<Address, Error> {
    let wrong = || {
        Error::Message(format!("error: `{text}` is no address: write HOST:PORT, such as 0.0.0.0:8080 or [::1]:8080"))
    };
    let (host, port) = text.trim().rsplit_once(':').ok_or_else(wrong)?;
    let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(Address { host: host.to_owned(), port: port.parse().map_err(|_| wrong())? })
}

/// One of several words.
fn choice<T: ValueEnum, R: BufRead, W: Write>(
    person: &mut Person<R, W>,
    option: &str,
    question: &str,
    given: Option<T>,
    default: Option<T>,
) -> Result<T, Error> {
    if let Some(given) = given {
        return Ok(given);
    }
    let word = |value: &T| value.to_possible_value().map(|it| it.get_name().to_owned()).unwrap_or_default();
    let words: Vec<_> = T::value_variants().iter().map(word).collect();
    if !person.present {
        return default.ok_or_else(|| {
            Error::Message(format!("error: nobody can be asked here: give {option}, one of {}", words.join(", ")))
        });
    }
    let question = format!("{question} {}", words.join(", "));
    for _ in 0..TRIES {
        let answer = said(person, &question, default.as_ref().map(word).as_deref())?;
        if let Ok(value) = T::from_str(&answer, true) {
            return Ok(value);
        }
        let _ = writeln!(person.questions, "`{answer}` is none of them.");
    }
    Err(Error::Message(format!("error: no answer to {option}: give one of {}", words.join(", "))))
}

/// A text that has a default.
fn ask<R: BufRead, W: Write>(
    person: &mut Person<R, W>,
    question: &str,
    given: Option<&String>,
    default: &str,
) -> Result<String, Error> {
    match given {
        Some(given) => Ok(given.clone()),
        None if person.present => said(person, question, Some(default)),
        None => Ok(default.to_owned()),
    }
}

/// A text that only the person knows.
fn needed<R: BufRead, W: Write>(
    person: &mut Person<R, W>,
    option: &str,
    question: &str,
    given: Option<&String>,
) -> Result<String, Error> {
    if let Some(given) = given {
        return Ok(given.clone());
    }
    for _ in 0..if person.present { TRIES } else { 0 } {
        let answer = said(person, question, None)?;
        if !answer.is_empty() {
            return Ok(answer);
        }
    }
    Err(Error::Message(format!("error: give {option}: only you know it")))
}

/// One line of the person's; the default for an empty one.
fn said<R: BufRead, W: Write>(
    person: &mut Person<R, W>,
    question: &str,
    default: Option<&str>,
) -> Result<String, Error> {
    let shown = default.map(|it| format!(" [{it}]")).unwrap_or_default();
    // A question that cannot be shown is answered by nobody; the answer then tells.
    let _ = write!(person.questions, "{question}{shown} ").and_then(|()| person.questions.flush());
    let mut line = String::new();
    let read = person.answers.read_line(&mut line).map_err(|cause| Error::new("your answer", &cause))?;
    let answer = line.trim();
    match default {
        Some(default) if answer.is_empty() => Ok(default.to_owned()),
        None if read == 0 => Err(Error::Message("error: the answers ended before the questions".to_owned())),
        _ => Ok(answer.to_owned()),
    }
}

#[cfg(test)]
mod tests;
