//! Data folder of a stack: `nats/`, `postgres/`, `mail/` and the server logs. A lock file prevents
//! two stacks from using the folder at the same time. The kernel releases the lock when the process
//! ends, even if it is killed.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::process::geteuid;

use super::StackError;
use super::server_user::ServerUser;

const LOCK: &str = "lock";
const TEMPORARY: &str = "laureate-stack-";
/// Prefix of folders that are still being created, here and in `postgres_install`.
pub(crate) const UNFINISHED: &str = "laureate-new-";

/// Locked data folder. A temporary folder is removed when this value is dropped.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    temporary: bool,
    _lock: File,
}

impl DataDir {
    /// Opens or creates a permanent folder.
    pub fn open(path: &Path) -> Result<Self, StackError> {
        let failed = |source| StackError::Io {
            what: format!("cannot use the data folder {}", path.display()),
            source,
        };
        make(path).map_err(failed)?;
        let root = path.canonicalize().map_err(failed)?;
        let Some(lock) = lock(&root).map_err(failed)? else {
            let mut pid = String::new();
            if let Ok(file) = File::open(root.join(LOCK)) {
                let _ = file.take(20).read_to_string(&mut pid);
            }
            return Err(StackError::InUse { path: root, pid });
        };
        Ok(Self {
            root,
            temporary: false,
            _lock: lock,
        })
    }

    /// Creates a folder for one run, and removes the folders of killed runs. If `user` is given,
    /// the folder is accessible to that user.
    pub fn temporary(user: Option<ServerUser>) -> Result<Self, StackError> {
        let parent = temp_parent(user);
        let failed = |source| StackError::Io {
            what: format!("cannot make a temporary folder in {}", parent.display()),
            source,
        };
        sweep(&parent);
        let id = uuid::Uuid::new_v4().simple();
        let unfinished = parent.join(format!("{UNFINISHED}{id}"));
        let root = parent.join(format!("{TEMPORARY}{id}"));
        make(&unfinished).map_err(failed)?;
        // A folder with the final name is always locked, so that no other run mistakes it for a
        // leftover.
        let lock = lock(&unfinished)
            .map_err(failed)?
            .ok_or_else(|| failed(io::ErrorKind::WouldBlock.into()))?;
        fs::rename(&unfinished, &root).map_err(failed)?;
        let root = root.canonicalize().map_err(failed)?;
        Ok(Self {
            root,
            temporary: true,
            _lock: lock,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    pub fn is_temporary(&self) -> bool {
        self.temporary
    }

    /// Returns a private subfolder. Creates it if it doesn't exist.
    pub fn folder(&self, name: &str) -> Result<PathBuf, StackError> {
        let path = self.root.join(name);
        private_folder(&path)?;
        Ok(path)
    }

    /// Returns a secret of this folder: 32 hex digits that only the current user can read. Creates
    /// it on first use.
    pub fn secret(&self, name: &str) -> Result<String, StackError> {
        let path = self.root.join(name);
        let failed = |source| StackError::Io {
            what: format!("cannot use {}", path.display()),
            source,
        };
        match fs::read_to_string(&path) {
            Ok(secret) if secret.len() == 32 => return Ok(secret),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        let secret = uuid::Uuid::new_v4().simple().to_string();
        write_private(&path, &secret).map_err(failed)?;
        Ok(secret)
    }
}

impl Drop for DataDir {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_dir_all(&self.root)
        {
            tracing::warn!(%error, path = %self.root.display(), "cannot remove the temporary data folder");
        }
    }
}

/// Creates a folder that only the current user can read. Does nothing if it exists.
pub(crate) fn private_folder(path: &Path) -> Result<(), StackError> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|source| StackError::Io {
            what: format!("cannot make the folder {}", path.display()),
            source,
        })
}

/// Writes a file that only the current user can read. A reader gets either the complete old text or
/// the complete new text.
pub(crate) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let _ = fs::remove_file(&new);
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&new)?
        .write_all(text.as_bytes())?;
    fs::rename(new, path)
}

/// Creates a private folder if it doesn't exist. If the current user is root, PostgreSQL's user may
/// pass through the folder but not list it.
fn make(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)?;
    if geteuid().is_root() && fs::metadata(path)?.uid() == 0 {
        fs::set_permissions(path, Permissions::from_mode(0o711))?;
    }
    Ok(())
}

fn lock(folder: &Path) -> io::Result<Option<File>> {
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(folder.join(LOCK))?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(error),
    }
    file.set_len(0)?;
    file.write_all(std::process::id().to_string().as_bytes())?;
    Ok(Some(file))
}

/// Returns the system's temporary folder, or another folder if `user` can't access that one.
pub(crate) fn temp_parent(user: Option<ServerUser>) -> PathBuf {
    let usual = std::env::temp_dir();
    let Some(user) = user else { return usual };
    [usual.clone(), "/var/tmp".into(), "/tmp".into()]
        .into_iter()
        .find(|folder| user.reaches(folder))
        .unwrap_or(usual)
}

/// Removes the folders of killed runs: temporary folders that no process has locked (their servers
/// ended with the run), and incomplete folders that are older than 1 h.
fn sweep(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else {
        return;
    };
    for entry in entries.flatten() {
        // `DirEntry::metadata` does not follow links, so a planted link is skipped.
        let Ok(metadata) = entry.metadata() else {
            continue;
        };
        if !metadata.is_dir() || metadata.uid() != geteuid().as_raw() {
            continue;
        }
        let path = entry.path();
        let name = entry.file_name();
        let name = name.as_encoded_bytes();
        if name.starts_with(TEMPORARY.as_bytes()) && path.join(LOCK).exists() {
            if let Ok(Some(_lock)) = lock(&path) {
                let _ = fs::remove_dir_all(path);
            }
        } else if name.starts_with(UNFINISHED.as_bytes()) && is_old(&metadata) {
            let _ = fs::remove_dir_all(path);
        }
    }
}

fn is_old(metadata: &fs::Metadata) -> bool {
    let age = metadata
        .modified()
        .ok()
        .and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age > Duration::from_secs(3600))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    #[test]
    fn second_open_of_a_data_folder_fails_with_the_pid_of_the_holder() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let error = DataDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn secret_is_created_once_and_is_readable_only_by_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let secret = data.secret("key").unwrap();
        assert_eq!(data.secret("key").unwrap(), secret);
        let mode = fs::metadata(folder.path().join("key"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn sweep_removes_only_unlocked_or_old_stack_folders() {
        let parent = tempfile::tempdir().unwrap();
        for name in [
            "laureate-stack-held",
            "laureate-stack-left",
            "other",
            "laureate-new-1",
        ] {
            fs::create_dir(parent.path().join(name)).unwrap();
            fs::write(parent.path().join(name).join(LOCK), "").unwrap();
        }
        let old = parent.path().join("laureate-new-2");
        fs::create_dir(&old).unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(7200);
        File::open(&old).unwrap().set_modified(long_ago).unwrap();
        let held = lock(&parent.path().join("laureate-stack-held")).unwrap();
        sweep(parent.path());
        drop(held);
        assert!(parent.path().join("laureate-stack-held").exists());
        assert!(!parent.path().join("laureate-stack-left").exists());
        assert!(parent.path().join("other").exists());
        assert!(parent.path().join("laureate-new-1").exists());
        assert!(!old.exists());
    }
}
