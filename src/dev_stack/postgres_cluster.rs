//! Data folder of PostgreSQL: location, owner and initialisation.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::data_dir::{DataDir, private_folder, write_private};
use super::postgres_install::reachable_install;
use super::programs::{self, PostgresPrograms};
use super::server_process::Launch;
use super::server_user::ServerUser;
use super::supervise::StopSignal;
use super::{StackError, StackOptions};

/// Name of the database in `Stack::postgres_url`.
pub(crate) const DATABASE: &str = "laureate";
/// Owner of the database. It is a superuser of this private server.
pub(crate) const ROLE: &str = "laureate";
const INIT_WITHIN: Duration = Duration::from_secs(180);
/// Folder for PostgreSQL's data if the current user is root and the data folder is in a private
/// folder such as `/root`.
const ROOTS_DATA: &str = "/var/lib/laureate";

/// Initialised data folder, with the other settings that a server for it needs.
#[derive(Debug)]
pub(crate) struct Cluster {
    pub data: PathBuf,
    pub programs: PostgresPrograms,
    pub user: Option<ServerUser>,
    pub password: String,
}

impl Cluster {
    pub async fn open(
        options: &StackOptions,
        data: &DataDir,
        supervisor: &Path,
    ) -> Result<Self, StackError> {
        let mut programs = programs::postgres(options.postgres_bin.as_deref())?;
        let home = data.root().join("postgres");
        let user = user_for(&home)?;
        if let Some(user) = user {
            programs.bin = reachable_install(&programs.bin, user)?;
        }
        let home = make_home(&home, user)?;
        let cluster = Self {
            data: home.join("data"),
            programs,
            user,
            password: data.secret("postgres-password")?,
        };
        if cluster.data.join("PG_VERSION").is_file() {
            cluster.check_version()?;
        } else {
            cluster.initialise(&home, data, supervisor).await?;
        }
        Ok(cluster)
    }

    fn check_version(&self) -> Result<(), StackError> {
        let file = self.data.join("PG_VERSION");
        let text = fs::read_to_string(&file).map_err(|source| io_error(&file, source))?;
        let found = text.trim();
        if found == self.programs.major.to_string() {
            return Ok(());
        }
        Err(StackError::OtherVersion {
            path: self.data.clone(),
            found: found.to_owned(),
            ours: self.programs.major,
        })
    }

    /// Initialises the data under a temporary name and renames the folder at the end. So a killed
    /// run leaves no incomplete data folder.
    async fn initialise(
        &self,
        home: &Path,
        data: &DataDir,
        supervisor: &Path,
    ) -> Result<(), StackError> {
        let unfinished = home.join("data.new");
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).map_err(|source| io_error(&unfinished, source))?;
        }
        let password_file = home.join("password");
        write_private(&password_file, &self.password)
            .and_then(|()| self.user.map_or(Ok(()), |user| user.own(&password_file)))
            .map_err(|source| io_error(&password_file, source))?;
        let mut command = vec![self.programs.bin.join("initdb").into()];
        command.extend(["-D".into(), unfinished.clone().into()]);
        command.extend(["--pwfile".into(), password_file.clone().into()]);
        command.extend(
            ["-U", ROLE, "-A", "scram-sha-256", "-E", "UTF8"].map(std::ffi::OsString::from),
        );
        // With these options, collation and case rules are the same on every machine, and upper()
        // and lower() support all letters.
        if self.programs.major >= 17 {
            command.extend(
                [
                    "--locale=C",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                ]
                .map(std::ffi::OsString::from),
            );
        } else {
            command.push("--locale=C.UTF-8".into());
        }
        if data.is_temporary() {
            command.push("--no-sync".into());
        }
        let initdb = Launch {
            name: "initdb",
            command,
            env: Vec::new(),
            log: data.root().join("postgres.log"),
            stop_signal: StopSignal::Terminate,
            grace: Duration::from_secs(5),
            user: self.user,
            supervisor,
        };
        initdb.start()?.finish(INIT_WITHIN).await?;
        fs::remove_file(&password_file).map_err(|source| io_error(&password_file, source))?;
        fs::rename(&unfinished, &self.data).map_err(|source| io_error(&self.data, source))
    }
}

/// Returns the user for the server. Existing data keeps its owner. For new data, it is the current
/// user, or an unprivileged account if the current user is root.
fn user_for(home: &Path) -> Result<Option<ServerUser>, StackError> {
    let ordinary = ServerUser::unless_ordinary()?;
    let Ok(owner) = ServerUser::owner_of(home) else {
        return Ok(ordinary);
    };
    match ordinary {
        None if owner.is_us() => Ok(None),
        None => Err(StackError::OtherOwner {
            path: home.to_path_buf(),
            uid: owner.uid,
        }),
        Some(_) if !owner.is_root() => Ok(Some(owner)),
        Some(account) => Ok(Some(account)),
    }
}

/// Creates the parent of the data folder. If PostgreSQL's user can't access `home`, the parent is
/// created elsewhere, and `home` becomes a link to it.
fn make_home(home: &Path, user: Option<ServerUser>) -> Result<PathBuf, StackError> {
    if let Some(user) = user
        && !home.exists()
        && !home.parent().is_some_and(|parent| user.reaches(parent))
    {
        let base = Path::new(ROOTS_DATA);
        private_folder(base)?;
        fs::set_permissions(base, Permissions::from_mode(0o711))
            .map_err(|source| io_error(base, source))?;
        let elsewhere = base.join(format!("postgres-{}", uuid::Uuid::new_v4().simple()));
        private_folder(&elsewhere)?;
        // A dangling link remains if the folder that it pointed to was removed.
        let _ = fs::remove_file(home);
        symlink(&elsewhere, home).map_err(|source| io_error(home, source))?;
    }
    private_folder(home)?;
    if let Some(user) = user {
        user.own(home).map_err(|source| io_error(home, source))?;
    }
    home.canonicalize().map_err(|source| io_error(home, source))
}

fn io_error(path: &Path, source: io::Error) -> StackError {
    StackError::Io {
        what: format!("cannot use {}", path.display()),
        source,
    }
}
