//! User that PostgreSQL runs as. PostgreSQL refuses to run as root, so if the current user is root,
//! it runs as an unprivileged account.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::Path;
use std::str::FromStr;

use rustix::process::geteuid;

use super::StackError;

/// Accounts that every system has, in order of preference.
const ACCOUNTS: [&str; 3] = ["nobody", "daemon", "bin"];

/// User and group ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ServerUser {
    pub uid: u32,
    pub gid: u32,
}

impl ServerUser {
    /// Returns an existing unprivileged account if the current user is root, otherwise `None`.
    pub fn unless_ordinary() -> Result<Option<Self>, StackError> {
        if !geteuid().is_root() {
            return Ok(None);
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        Self::choose(&passwd)
            .map(Some)
            .ok_or(StackError::NoOrdinaryUser)
    }

    fn choose(passwd: &str) -> Option<Self> {
        let accounts: Vec<(&str, Self)> = passwd.lines().filter_map(account).collect();
        ACCOUNTS
            .iter()
            .find_map(|wanted| accounts.iter().find(|(name, _)| name == wanted))
            .or_else(|| accounts.first())
            .map(|(_, user)| *user)
    }

    /// Returns the owner of an existing file or folder.
    pub fn owner_of(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self {
            uid: metadata.uid(),
            gid: metadata.gid(),
        })
    }

    pub fn is_root(self) -> bool {
        self.uid == 0
    }

    pub fn is_us(self) -> bool {
        self.uid == geteuid().as_raw()
    }

    /// Makes this user the owner of a file or folder.
    pub fn own(self, path: &Path) -> io::Result<()> {
        chown(path, Some(self.uid), Some(self.gid))
    }

    /// Returns true if this user may access `path` and every folder above it.
    pub fn reaches(self, path: &Path) -> bool {
        let Ok(path) = path.canonicalize() else {
            return false;
        };
        path.ancestors().all(|folder| self.may(folder, 0o1))
    }

    /// Returns true if this user has the permission `bits` (4 read, 2 write, 1 execute).
    pub fn may(self, path: &Path, bits: u32) -> bool {
        let Ok(metadata) = fs::metadata(path) else {
            return false;
        };
        let shift = if metadata.uid() == self.uid {
            6
        } else if metadata.gid() == self.gid {
            3
        } else {
            0
        };
        (metadata.permissions().mode() >> shift) & bits == bits
    }

    /// Switches this process to this user. The process must have a single thread.
    #[cfg(target_os = "linux")]
    pub fn assume(self) -> io::Result<()> {
        use rustix::process::{Gid, Uid};
        use rustix::thread::{set_thread_groups, set_thread_res_gid, set_thread_res_uid};
        let uid = Uid::from_raw(self.uid);
        let gid = Gid::from_raw(self.gid);
        set_thread_groups(&[gid])?;
        set_thread_res_gid(gid, gid, gid)?;
        set_thread_res_uid(uid, uid, uid)?;
        Ok(())
    }
}

fn account(line: &str) -> Option<(&str, ServerUser)> {
    let mut fields = line.split(':');
    let name = fields.next()?;
    let _ = fields.next()?;
    let uid = fields.next()?;
    let gid = fields.next()?;
    let user = ServerUser {
        uid: number(uid)?,
        gid: number(gid)?,
    };
    (!user.is_root()).then_some((name, user))
}

/// Parses a user or group id. macOS gives the id of `nobody` as -2, which is the 32-bit two's
/// complement.
fn number(text: &str) -> Option<u32> {
    let value: i64 = text.parse().ok()?;
    u32::try_from(value)
        .ok()
        .or_else(|| i32::try_from(value).ok().map(i32::cast_unsigned))
}

impl fmt::Display for ServerUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.uid, self.gid)
    }
}

impl FromStr for ServerUser {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (uid, gid) = text.split_once(':').ok_or(())?;
        Ok(Self {
            uid: uid.parse().map_err(|_| ())?,
            gid: gid.parse().map_err(|_| ())?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_nobody_is_preferred_and_root_is_never_chosen() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbin:x:2:2::/:\nnobody:*:-2:-2:n:/:/\n";
        let user = ServerUser::choose(passwd).unwrap();
        assert_eq!((user.uid, user.gid), (4_294_967_294, 4_294_967_294));
        assert_eq!(ServerUser::choose("root:x:0:0::/:/\n"), None);
        let other = ServerUser::choose("toor:x:0:0::/:/\nann:x:1000:100::/:/\n").unwrap();
        assert_eq!(other.to_string(), "1000:100");
    }

    #[test]
    fn private_folder_is_not_accessible_to_other_users() {
        let outer = tempfile::tempdir().unwrap();
        let inner = outer.path().join("inner");
        fs::create_dir(&inner).unwrap();
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o700)).unwrap();
        let stranger = ServerUser {
            uid: 12345,
            gid: 12345,
        };
        assert!(!stranger.reaches(&inner));
        fs::set_permissions(outer.path(), fs::Permissions::from_mode(0o711)).unwrap();
        fs::set_permissions(&inner, fs::Permissions::from_mode(0o755)).unwrap();
        assert!(stranger.reaches(&inner) || !stranger.reaches(&std::env::temp_dir()));
    }
}
