//! The command line. `--help` teaches by example.

mod campaign;
mod completions;
mod diff;
mod doctor;
mod evidence;
mod explain;
mod init;
mod man;
mod merge;

pub use campaign::CampaignArgs;
pub use completions::CompletionsArgs;
pub use diff::DiffArgs;
pub use doctor::DoctorArgs;
pub use evidence::EvidenceArgs;
pub use explain::ExplainArgs;
pub use init::{InitArgs, InitBroker, InitMtp, InitRole};
pub use man::ManArgs;
pub use merge::MergeArgs;

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Exit codes, as the help prints them.
const EXIT_CODES: &str = "\
Exit codes:
  0    every case that ran passed
  1    at least one case failed: the EUT's fault
  2    nothing was run, or nothing against one of several EUTs: wrong usage, bad input, or an environment that does not allow it
       (a port in use, a missing file)
  3    no case failed, but at least one is inconclusive, flaky, or met an error of ours
  130  interrupted; the reports hold what ran";

/// Conformance test harness for USP Agents (TR-369), with the cases of TP-469.
#[derive(Debug, Parser)]
#[command(name = "uspec", version, after_help = EXIT_CODES, arg_required_else_help = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run test cases against a device, or against the bundled Agent.
    Run(RunArgs),
    /// List the catalogue, with what would become of every case.
    List(ListArgs),
    /// Check test cases and EUT profiles, and report everything that is wrong with them at once.
    Check(CheckArgs),
    /// Wait for a device and write its EUT profile, with the settings of the Agent that go with it.
    Init(Box<InitArgs>),
    /// Judge stored Traces again, or a whole run, and say whether the verdicts are the same.
    Judge(JudgeArgs),
    /// Say what is different in another run: new fails first.
    Diff(DiffArgs),
    /// Say what a case is about: purpose, procedure, metrics, and what usually makes it fail.
    Explain(ExplainArgs),
    /// Put the reports of a run's shards together.
    Merge(MergeArgs),
    /// Bring a device up step by step, and say what is wrong at the first step that is broken.
    Doctor(DoctorArgs),
    /// Run the bundled Agent on real sockets, to try the harness or an own Controller.
    Agent(AgentArgs),
    /// Write certificates and keys for a bench: an authority, right identities and wrong ones.
    Pki(PkiArgs),
    /// Write the generated files of the source tree: the JSON Schemas, and the README's table of coverage.
    Schema(SchemaArgs),
    /// Write what a shell needs to complete the command line.
    Completions(CompletionsArgs),
    /// Write manual pages.
    Man(ManArgs),
}

/// Which cases.
#[derive(Debug, Clone, Default, Args)]
pub struct SelectArgs {
    /// Case ids or globs, such as `1.1`, `1.4*`, `2.*`.
    #[arg(value_name = "CASE")]
    pub cases: Vec<String>,
    /// Only cases of this chapter of the plan.
    #[arg(long, value_name = "N")]
    pub chapter: Vec<u16>,
    /// Only cases that need this TP-469 feature ID.
    #[arg(long, value_name = "ID")]
    pub feature: Vec<u16>,
    /// Only cases that test this TR-369 requirement, such as `R-ADD.1`.
    #[arg(long, value_name = "R")]
    pub requirement: Vec<String>,
    /// Only cases with this tag.
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Only over this MTP of the profile, by its name; `all` for every one, as without the option.
    #[arg(long, value_name = "NAME")]
    pub mtp: Vec<String>,
}

/// From where the catalogue comes.
#[derive(Debug, Clone, Default, Args)]
pub struct CatalogueArgs {
    /// A folder of test cases that replaces the built-in catalogue.
    #[arg(long, value_name = "DIR", env = "USPEC_TESTCASES")]
    pub testcases: Option<PathBuf>,
}

/// Arguments of `uspec run`.
#[allow(clippy::struct_excessive_bools)] // each is a switch of the command line
#[derive(Debug, Args)]
#[command(after_help = format!("\
Examples:
  uspec run                               every case against the bundled Agent, in memory, without real waits
  uspec run --real                        the same over loopback sockets in real time
  uspec run --eut my-device.yaml          every applicable case against the device of this profile
  uspec run --eut my-device.yaml '1.4*'   only 1.4 and 1.40 to 1.49
  uspec run --mtp websocket-server-tls    only over this MTP of the profile
  uspec run --fault add-creates-despite-error 1.3 the bundled Agent with a fault, to see a failure
  uspec run --eut my-device.yaml --dry-run        what would run, and why the rest would not
  uspec run --eut one.yaml --eut two.yaml         two devices at the same time, one report each and one over both
  uspec run --eut my-device.yaml --shard 2/5      the second of five shares, for `uspec merge`
  uspec run --eut my-device.yaml --resume         goes on after an interruption
  uspec run --eut my-device.yaml --rerun-failed   repeats once what does not pass; a later pass is flaky

Reports go to reports/out/: junit.xml, run.json, report.html, and the evidence for them: one Trace a case under traces/, the same
octets for Wireshark under captures/, and SHA256SUMS over all files. Traces and captures hold what crossed the connections as it was,
passwords included; the reports show no secrets.
With several EUTs, each has a folder of its own there, named by its profile, and one junit.xml and one report.html stand above.

{EXIT_CODES}"))]
pub struct RunArgs {
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// From where the catalogue comes.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// The EUT profile. Without it, the bundled Agent is judged. Several are judged at the same time.
    #[arg(long, value_name = "FILE", env = "USPEC_EUT")]
    pub eut: Vec<PathBuf>,
    /// How the run is divided, continued and repeated.
    #[command(flatten)]
    pub campaign: CampaignArgs,
    /// What it keeps as evidence.
    #[command(flatten)]
    pub evidence: EvidenceArgs,
    /// Judge the bundled Agent over loopback sockets in real time instead of in memory.
    #[arg(long, conflicts_with = "eut")]
    pub real: bool,
    /// A named fault for the bundled Agent (`uspec agent --list-faults` lists them).
    #[arg(long, value_name = "NAME", conflicts_with = "eut")]
    pub fault: Vec<String>,
    /// Only say what would run, and why the rest would not.
    #[arg(long)]
    pub dry_run: bool,
    /// Run nothing over an MTP where the profile and the device's GetSupportedDMResp contradict each other; a warning otherwise.
    #[arg(long)]
    pub strict_profile: bool,
    /// Write the session secrets of every TLS connection to tls-keys.log beside the reports, for Wireshark and the like.
    #[arg(long)]
    pub tls_key_log: bool,
    /// Where the reports go. What an earlier run has left there is replaced; where no run was, nobody's file is.
    #[arg(long, value_name = "DIR", default_value = "reports/out")]
    pub out: PathBuf,
    /// Put before the path in `[[ATTACHMENT|…]]`; by default the reports folder as given with --out.
    #[arg(long, value_name = "PREFIX")]
    pub attachment_base: Option<String>,
    /// Print nothing but the summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// How a listing is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Arguments of `uspec list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec list                               every case of the catalogue
  uspec list --chapter 1 --format json     id, title, decision, requirements, features and metrics, for programs
  uspec list --mtp websocket               over one MTP of the profile
  uspec list --eut my-device.yaml          with the decision for this device
  uspec list --coverage                    what the whole catalogue covers, as tables in Markdown")]
pub struct ListArgs {
    /// Which cases.
    #[command(flatten)]
    pub select: SelectArgs,
    /// From where the catalogue comes.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// The EUT profile for which the decisions are made; the bundled Agent's when not given.
    #[arg(long, value_name = "FILE")]
    pub eut: Option<PathBuf>,
    /// Instead of the cases, how many of the plan's cases are automated and of TR-369's requirements tested.
    #[arg(long, conflicts_with_all = ["cases", "chapter", "feature", "requirement", "tag", "mtp", "eut"])]
    pub coverage: bool,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Arguments of `uspec check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec check                              the built-in catalogue
  uspec check testcases                    a folder of test cases
  uspec check my-device.yaml 1.10.yaml     single files: EUT profiles or test cases")]
pub struct CheckArgs {
    /// Files or folders; the built-in catalogue when none is given.
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Arguments of `uspec judge`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec judge reports/out                                every Trace of a run: are the verdicts the same, are the files whole?
  uspec judge reports/out/traces/1.10-websocket.jsonl    the verdict again, from the same bytes
  uspec judge --testcases my-cases reports/out/traces/*  with corrected metrics

Exit codes for a run's folder:
  0    every file is as it was, and every verdict is the same; what is inconclusive without a Trace is not compared, and told
  1    a verdict or the outcome of a metric differs from that of the run
  2    a file is missing (SHA256SUMS too), was changed, was cut or cannot be read, or a pass or a fail has no Trace; what can be
       judged is judged and told all the same
For Traces: as `uspec run`.")]
pub struct JudgeArgs {
    /// Folders of runs, or Traces.
    #[arg(value_name = "FOLDER|TRACE", required = true)]
    pub traces: Vec<PathBuf>,
    /// From where the catalogue comes.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Arguments of `uspec agent`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec agent --connect ws://127.0.0.1:8080/usp    connects to a Controller, as most devices do
  uspec agent --listen ws://127.0.0.1:8081/usp     waits for a Controller
  uspec agent --connect wss://localhost:8443/usp --certificate agent.pem --key agent.key --trust ca.pem
                                                   over TLS; `uspec pki` writes such files
  uspec agent --config agent.yaml                  with everything that a configuration can say, other MTPs too;
                                                   fixtures/agent/every-mtp.yaml shows it
  uspec agent --list-faults                        names and meanings of the faults it can have")]
pub struct AgentArgs {
    /// A configuration in YAML; the other options change it.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The Controller's WebSocket URL to connect to, `ws://` or `wss://`.
    #[arg(long, value_name = "URL", required_unless_present_any = ["listen", "list_faults", "config"])]
    pub connect: Option<String>,
    /// The WebSocket URL to listen on, `ws://` or `wss://`.
    #[arg(long, value_name = "URL", conflicts_with = "connect")]
    pub listen: Option<String>,
    /// The Agent's Endpoint ID; `proto::uspec-agent` when neither this nor the configuration names one.
    #[arg(long, value_name = "ID")]
    pub endpoint_id: Option<String>,
    /// The Endpoint ID of the Controller of --connect or --listen.
    #[arg(long, value_name = "ID", default_value = "proto::uspec-controller")]
    pub controller: String,
    /// The Agent's certificate (PEM), for `wss://`.
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// The certificates that it trusts (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub trust: Option<PathBuf>,
    /// Where its data model is kept over a restart; in memory when not given.
    #[arg(long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// A fault to have; may stand more than once.
    #[arg(long, value_name = "NAME")]
    pub fault: Vec<String>,
    /// List the faults and end.
    #[arg(long)]
    pub list_faults: bool,
}

/// Arguments of `uspec pki`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec pki pki                                                     for the bundled Agent, on this very host
  uspec pki --eut os::012345-1 --host bench.example,192.0.2.7 pki   for a device that reaches us by these names

Nothing is overwritten. A year later, or for another host, write into another folder.")]
pub struct PkiArgs {
    /// The EUT's Endpoint ID, for its own certificate.
    #[arg(long, value_name = "ID", default_value = "proto::uspec-agent")]
    pub eut: String,
    /// Our Controller's Endpoint ID, as the EUT profile has it.
    #[arg(long, value_name = "ID", default_value = "proto::uspec-controller")]
    pub controller: String,
    /// Our second Controller's Endpoint ID, as the EUT profile has it.
    #[arg(long, value_name = "ID", default_value = uspec_testplan::profile::DEFAULT_SECOND)]
    pub second: String,
    /// Names and addresses that the certificates are for: those of the harness, and of the EUT where it listens.
    #[arg(long, value_name = "HOST", value_delimiter = ',', default_value = "localhost,127.0.0.1,::1")]
    pub host: Vec<String>,
    /// The folder; made if it is not there.
    #[arg(value_name = "OUT")]
    pub out: PathBuf,
}

/// Arguments of `uspec schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Write nothing; fail when a file is not as it would be written.
    #[arg(long)]
    pub check: bool,
    /// The project's top folder.
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub root: PathBuf,
}
