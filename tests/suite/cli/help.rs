//! Help, completions and manual pages.

use std::process::Command;

use clap::CommandFactory;
use laureate::cli::Cli;

use crate::support::laureate;

fn output(arguments: &[&str]) -> String {
    let output = Command::new(laureate())
        .args(arguments)
        .env_clear()
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(0), "{arguments:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

/// Returns every visible subcommand, as the list of words that call it.
fn subcommands() -> Vec<Vec<String>> {
    fn collect(command: &clap::Command, path: &[String], all: &mut Vec<Vec<String>>) {
        for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set()) {
            let path: Vec<_> = path
                .iter()
                .cloned()
                .chain([sub.get_name().to_owned()])
                .collect();
            collect(sub, &path, all);
            all.push(path);
        }
    }
    let mut all = Vec::new();
    collect(&Cli::command(), &[], &mut all);
    all
}

#[test]
fn help_of_the_program_matches_the_snapshot() {
    insta::assert_snapshot!("help", output(&["--help"]));
}

#[test]
fn help_of_each_subcommand_matches_the_snapshot() {
    let all = subcommands();
    assert!(all.len() > 20, "{all:?}");
    for path in all {
        let arguments: Vec<&str> = path.iter().map(String::as_str).chain(["--help"]).collect();
        insta::assert_snapshot!(format!("help_{}", path.join("_")), output(&arguments));
    }
}

#[test]
fn every_option_has_a_help_text() {
    fn check(command: &clap::Command) {
        for argument in command.get_arguments() {
            let explained = argument
                .get_help()
                .is_some_and(|help| !help.to_string().is_empty());
            assert!(explained, "{} {}", command.get_name(), argument.get_id());
        }
        command.get_subcommands().for_each(check);
    }
    check(&Cli::command());
}

#[test]
fn completions_contain_each_subcommand() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = output(&["completions", shell]);
        for path in subcommands() {
            let name = path.last().expect("never empty");
            assert!(script.contains(name.as_str()), "{shell}: {name}");
        }
        assert!(
            script.contains("--nats-monitor") || script.contains("nats-monitor"),
            "{shell}"
        );
        assert!(!script.contains("--personal-data"), "{shell}");
    }
}

#[test]
fn bash_accepts_the_completions() {
    let script = format!("{}\ncomplete -p laureate", output(&["completions", "bash"]));
    let bash = Command::new("bash")
        .arg("-c")
        .arg(script)
        .output()
        .expect("bash is there");
    let said = String::from_utf8_lossy(&bash.stdout).into_owned();
    assert!(
        bash.status.success() && said.contains("_laureate"),
        "{said}"
    );
}

#[test]
fn each_subcommand_has_a_manual_page() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let pages = folder.path().join("man1");
    output(&["man", "--out", &pages.to_string_lossy()]);
    for path in subcommands() {
        let name = format!("laureate-{}.1", path.join("-"));
        let page = std::fs::read_to_string(pages.join(&name))
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(
            page.contains(".SH NAME") && page.contains(".SH SYNOPSIS"),
            "{name}"
        );
    }
    assert!(!pages.join("laureate-with-servers.1").exists(), "hidden");
    let main = output(&["man"]);
    assert_eq!(
        std::fs::read_to_string(pages.join("laureate.1")).expect("the main page"),
        main
    );
    assert!(main.contains("Exit codes"), "{main}");
}
