//! File systems for faults: a small one that can be filled, and an empty folder that can't be
//! written.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Size of one write when the disk is filled.
const CHUNK: usize = 64 * 1024;

/// Mounted file system. It is unmounted when this value is dropped.
pub struct SmallDisk {
    path: PathBuf,
}

impl SmallDisk {
    /// Mounts a file system of `size` MiB on a new folder. Returns `None` if that is not permitted.
    pub fn mount(path: &Path, size: u32) -> Option<Self> {
        fs::create_dir(path).expect("a new folder");
        let mut mount = Command::new("mount");
        mount.args([
            "-t",
            "tmpfs",
            "-o",
            &format!("size={size}m,mode=700"),
            "tmpfs",
        ]);
        let mounted = mount.arg(path).output();
        mounted.is_ok_and(|mount| mount.status.success()).then(|| {
            let path = path.to_owned();
            Self { path }
        })
    }

    /// Fills the disk.
    pub fn fill(&self) {
        use std::io::Write;
        let mut ballast = fs::File::create(self.ballast()).expect("created");
        while ballast.write(&[0; CHUNK]).is_ok_and(|length| length > 0) {}
    }

    /// Frees the disk after [`Self::fill`].
    pub fn free(&self) {
        fs::remove_file(self.ballast()).expect("it was filled");
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        unmount(&self.path);
    }
}

/// Empty folder that can't be written.
pub struct EmptyFolder {
    path: PathBuf,
}

impl EmptyFolder {
    pub fn new(path: &Path) -> Self {
        fs::create_dir(path).expect("a new folder");
        fs::set_permissions(path, Permissions::from_mode(0o555)).expect("permitted");
        // Permissions don't apply to root, who may mount instead.
        mount("ro", path);
        let writable = fs::write(path.join("file"), "").is_ok();
        assert!(!writable, "{} can be written", path.display());
        Self { path: path.into() }
    }

    pub fn remove(self) {
        unmount(&self.path);
        fs::remove_dir(&self.path).expect("removed");
    }
}

/// Mounts a file system in memory. Returns false if that is not permitted.
fn mount(options: &str, path: &Path) -> bool {
    let mut mount = Command::new("mount");
    mount
        .args(["-t", "tmpfs", "-o", options, "tmpfs"])
        .arg(path);
    mount.output().is_ok_and(|mount| mount.status.success())
}

fn unmount(path: &Path) {
    let _ = Command::new("umount").arg("-l").arg(path).output();
}
