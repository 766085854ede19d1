//! The templates in `ci/templates/` do what they say: every command line is one that the binary takes, and what a template runs ends with the
//! binary's exit code and leaves the JUnit report where the template publishes it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

use clap::{Parser as _, error::ErrorKind};
use rstest::rstest;
use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};
use uspec_cli::args::Cli;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(top().join(path)).unwrap()
}

/// A command line of a file, and whether it is only named, in backticks, and not to be run as it stands.
struct Line {
    text: String,
    named: bool,
}

/// Every command line of ours in a text: at the begin of a line, behind what a template puts before it, and in backticks.
fn command_lines(text: &str) -> Vec<Line> {
    let mut lines = Vec::new();
    for line in text.lines() {
        let bare = line.trim_start_matches([' ', '-']).trim_start_matches("run: ");
        if let Some(text) = ours(bare) {
            lines.push(Line { text, named: false });
        } else {
            let spans = line.split('`').skip(1).step_by(2).filter_map(ours);
            lines.extend(spans.map(|text| Line { text, named: true }));
        }
    }
    lines
}

/// A command line of ours, however it is started.
fn ours(line: &str) -> Option<String> {
    if let Some(list) = line.strip_prefix("command: [uspec, ") {
        return Some(format!("uspec {}", list.trim_end_matches(']').replace(", ", " ")));
    }
    let arguments = line.strip_prefix("cargo run ").and_then(|rest| rest.split_once("-- "));
    arguments.map(|(_, it)| format!("uspec {it}")).or_else(|| line.starts_with("uspec ").then(|| line.to_owned()))
}

/// The words that a shell would make of it, with something in the place of what it would put in.
fn words(line: &str) -> Vec<String> {
    let mut line =
        line.replace("$SELECT", "--chapter 7").replace("$((JOB_COMPLETION_INDEX + 1))", "1").replace("$SHARDS", "5");
    for end in [" > ", " 2> ", " || ", " | ", " & ", "; "] {
        line.truncate(line.find(end).unwrap_or(line.len()));
    }
    shlex::split(&line).unwrap()
}

#[rstest]
#[case("README.md", 10)]
#[case("harness/BENCH.md", 8)]
#[case("ci/templates/github-actions.yml", 2)]
#[case("ci/templates/gitlab-ci.yml", 2)]
#[case("ci/templates/Jenkinsfile", 2)]
#[case("ci/templates/kubernetes.yaml", 3)]
fn every_command_line_is_one_that_the_binary_takes(#[case] file: &str, #[case] at_least: usize) {
    let lines = command_lines(&read(file));
    assert!(lines.len() >= at_least, "{file} has only {} command lines", lines.len());
    for Line { text, named } in lines {
        let words = words(&text);
        let wrong = Cli::try_parse_from(&words).err().filter(|error| match error.kind() {
            ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => false,
            ErrorKind::MissingRequiredArgument => !named,
            _ => true,
        });
        assert!(wrong.is_none(), "{file}: {text}: {}", wrong.unwrap());
    }
}

/// A template: what it runs, and where it looks for the JUnit report.
struct Template {
    script: String,
    shell: &'static str,
    junit: String,
}

fn yaml(file: &str) -> Value {
    serde_yaml::from_str(&read(file)).unwrap()
}

fn github() -> Template {
    let template = yaml("ci/templates/github-actions.yml");
    let steps = template["jobs"]["conformance"]["steps"].as_array().unwrap();
    let step = |name: &str| steps.iter().find(|step| step["name"] == name).unwrap();
    let run = |name: &str| step(name)["run"].as_str().unwrap().to_owned();
    let publish = step("Publish the JUnit report");
    assert_eq!(publish["if"], "always()");
    Template {
        script: format!("{}\n{}", run("Start the Agent"), run("Judge it")),
        shell: "bash",
        junit: publish["with"]["report_paths"].as_str().unwrap().to_owned(),
    }
}

fn gitlab() -> Template {
    let job = &yaml("ci/templates/gitlab-ci.yml")["uspec"];
    let script: Vec<_> = job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_eq!(job["artifacts"]["when"], "always");
    assert_eq!(job["allow_failure"]["exit_codes"], serde_json::json!([3]), "what failed is no success");
    let junit = job["artifacts"]["reports"]["junit"].as_str().unwrap().to_owned();
    Template { script: script.join("\n"), shell: "bash", junit }
}

fn jenkins() -> Template {
    let text = read("ci/templates/Jenkinsfile");
    let script = text.split("'''").nth(1).unwrap().to_owned();
    let (_, always) = text.split_once("always {").unwrap();
    let junit = always.split_once("junit '").unwrap().1.split_once('\'').unwrap().0.to_owned();
    Template { script, shell: "sh", junit }
}

/// A place like the one in which a CI runs a template: uspec beside it or around it, its profile and Agent on a port of their own.
fn workspace(bench: &Bench) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    for files in ["ci/templates", "uspec/ci/templates"] {
        let files = folder.path().join(files);
        fs::create_dir_all(&files).unwrap();
        let settled = |name: &str| read(&format!("ci/templates/{name}")).replace("8080", &port);
        fs::write(files.join("eut.yaml"), format!("{}{}", settled("eut.yaml"), bench.profile)).unwrap();
        fs::write(files.join("agent.yaml"), format!("{}{}", settled("agent.yaml"), bench.agent)).unwrap();
    }
    folder
}

/// What is added to the template's profile and to its Agent.
struct Bench {
    profile: &'static str,
    agent: &'static str,
}

const GOOD: Bench = Bench { profile: "", agent: "" };
const FAULTY: Bench = Bench { profile: "", agent: "faults: [add-omits-unique-keys]\n" };
const WRONG: Bench = Bench { profile: "no_such_key: 1\n", agent: "" };
const ABSENT: Bench = Bench { profile: "timing: {connect: 50ms}\n", agent: "no_such_key: 1\n" };

/// Runs a script as a CI does, with everything that it starts in a group of its own, which ends with it.
fn run(template: &Template, folder: &Path) -> i32 {
    let binary = Path::new(env!("CARGO_BIN_EXE_uspec")).parent().unwrap();
    let path = format!("{}:{}", binary.display(), std::env::var("PATH").unwrap());
    let eut = if template.shell == "sh" { "ci/templates/eut.yaml" } else { "uspec/ci/templates/eut.yaml" };
    let mut command = Command::new(template.shell);
    command.args(["-ec", &template.script]).current_dir(folder).process_group(0);
    command.env("PATH", path).env("EUT", eut).env("SELECT", "1.1 --quiet").env("WORKSPACE", folder);
    command.env_remove("USPEC_EUT").env_remove("USPEC_TESTCASES").stdout(Stdio::null()).stderr(Stdio::null());
    let mut shell = command.spawn().unwrap();
    let group = format!("-{}", shell.id());
    let code = shell.wait().unwrap().code().unwrap();
    let _ = Command::new("kill").args(["--", &group]).stderr(Stdio::null()).status();
    code
}

#[rstest]
#[case::passed(&GOOD, 0)]
#[case::failed(&FAULTY, 1)]
#[case::nothing_run(&WRONG, 2)]
#[case::undecided(&ABSENT, 3)]
fn a_template_ends_with_the_exit_code_and_publishes_junit(
    #[case] bench: &Bench,
    #[case] code: i32,
    #[values(github(), gitlab(), jenkins())] template: Template,
) {
    let folder = workspace(bench);
    assert_eq!(run(&template, folder.path()), code, "{}", template.script);
    let junit = fs::read_to_string(folder.path().join(&template.junit));
    match code {
        2 => assert!(junit.is_err(), "nothing was run"),
        _ => assert!(junit.unwrap().contains("<testcase name=\"1.1 "), "the report is where the template looks"),
    }
}

/// The two Jobs, one after the other: both shards, each with its Agent, then what puts them together.
fn kubernetes(folder: &Path) -> Template {
    let text = read("ci/templates/kubernetes.yaml");
    let folder = folder.display().to_string();
    let text =
        text.replace("/etc/uspec", &format!("{folder}/ci/templates")).replace("/reports", &format!("{folder}/reports"));
    let jobs: Vec<Value> = text.split("\n---\n").map(|one| serde_yaml::from_str(one).unwrap()).collect();
    let pod = |job: usize| &jobs[job]["spec"]["template"]["spec"];
    let script = |job: usize| pod(job)["containers"][0]["args"][0].as_str().unwrap().to_owned();
    let words = pod(1)["initContainers"][0]["command"].as_array().unwrap().iter();
    let agent: Vec<_> = words.map(|word| word.as_str().unwrap()).collect();
    let shard = |index: u8| {
        format!(
            "export SHARDS=2 JOB_COMPLETION_INDEX={index}; {} > agent.log 2>&1 & {} 1.1 1.2 --quiet || true; kill $!\n",
            agent.join(" "),
            script(1)
        )
    };
    let script = format!("export SHARDS=2\n{}{}{}", shard(0), shard(1), script(2));
    Template { script, shell: "sh", junit: "reports/all/junit.xml".to_owned() }
}

#[rstest]
#[case::passed(&GOOD, 0)]
#[case::failed(&FAULTY, 1)]
fn the_shards_of_an_indexed_job_become_one_report(#[case] bench: &Bench, #[case] code: i32) {
    let folder = workspace(bench);
    let template = kubernetes(folder.path());
    assert_eq!(run(&template, folder.path()), code, "{}", template.script);
    let junit = fs::read_to_string(folder.path().join(&template.junit)).unwrap();
    for case in ["1.1", "1.2"] {
        assert_eq!(junit.matches(&format!("<testcase name=\"{case} ")).count(), 1, "{case} stands in it once");
    }
}
