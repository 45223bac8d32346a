//! Password hashes with argon2id (RFC 9106). They are computed on blocking threads, a limited
//! number at a time. A new password is also checked there, and rejected if it is easy to guess or
//! known from a breach.

mod breached;
mod guessable;

use std::sync::Arc;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use thiserror::Error;
use tokio::sync::Semaphore;

use crate::domain::Personal;
use crate::http::settings::PasswordSettings;

pub use breached::{BadList, BreachedPasswords};

/// Longest time that a password waits for a slot.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone)]
pub struct Passwords {
    argon2: Argon2<'static>,
    slots: Arc<Semaphore>,
    /// Hash that is verified if the user does not exist, so that the response takes the same time
    /// as for an existing user.
    nobody: Arc<str>,
    breached: Option<BreachedPasswords>,
}

/// Reason why a password was not hashed, verified or accepted. The text does not contain the
/// password.
#[derive(Debug, Error)]
pub enum PasswordError {
    /// The argon2 parameters are invalid.
    #[error("the password parameters can't be used: {0}")]
    Parameters(String),
    /// No slot became free in time, because too many passwords are being hashed or verified.
    #[error("too many passwords are being checked at once")]
    Busy,
    /// A new password is rejected. The text says why.
    #[error("{0}")]
    NotTaken(&'static str),
    /// The list of breached passwords can't be read.
    #[error("the list of breached passwords can't be read: {0}")]
    List(std::io::Error),
    /// The hash can't be computed or parsed.
    #[error("the password can't be hashed or its hash can't be read: {0}")]
    Hash(String),
}

impl Passwords {
    /// Creates a hasher. It computes new hashes with the parameters in `settings`, and verifies an
    /// existing hash with the parameters stored in that hash. New passwords that are in `breached`
    /// are rejected.
    ///
    /// # Errors
    /// The argon2 parameters in `settings` are out of range.
    pub fn new(
        settings: PasswordSettings,
        breached: Option<BreachedPasswords>,
    ) -> Result<Self, PasswordError> {
        let params = Params::new(
            settings.memory_kib,
            settings.iterations,
            settings.lanes,
            None,
        )
        .map_err(|error| PasswordError::Parameters(error.to_string()))?;
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let nobody = hash(&argon2, b"nobody has this password")?.into();
        Ok(Self {
            argon2,
            slots: Arc::new(Semaphore::new(settings.max_concurrent)),
            nobody,
            breached,
        })
    }

    /// Returns the hash of a new password as a PHC string.
    ///
    /// # Errors
    /// The password is easy to guess or known from a breach, no slot became free within 5 s, or
    /// hashing failed.
    pub async fn hash_new(
        &self,
        password: Personal<String>,
    ) -> Result<Personal<String>, PasswordError> {
        let argon2 = self.argon2.clone();
        let breached = self.breached.clone();
        self.blocking(move || {
            let password = password.reveal_str();
            if guessable::is_guessable(password) {
                return Err(PasswordError::NotTaken(
                    "can be guessed easily; use a longer one",
                ));
            }
            let is_breached = breached
                .map(|list| list.contains(password.as_bytes()))
                .transpose();
            if is_breached.map_err(PasswordError::List)? == Some(true) {
                let known =
                    "is known from a breach of another site; use one that you use nowhere else";
                return Err(PasswordError::NotTaken(known));
            }
            hash(&argon2, password.as_bytes()).map(Personal::new)
        })
        .await
    }

    /// Returns true if `password` matches the hash `expected`. If `expected` is `None`, takes the
    /// same time and returns false.
    ///
    /// # Errors
    /// No slot became free within 5 s, or the hash is not a PHC string.
    pub async fn verify(
        &self,
        password: Personal<String>,
        expected: Option<Personal<String>>,
    ) -> Result<bool, PasswordError> {
        let argon2 = self.argon2.clone();
        let known = expected.is_some();
        let expected = expected.map_or_else(|| self.nobody.to_string(), Personal::into_revealed);
        self.blocking(move || {
            let parsed = PasswordHash::new(&expected)
                .map_err(|error| PasswordError::Hash(error.to_string()))?;
            Ok(argon2
                .verify_password(password.reveal_str().as_bytes(), &parsed)
                .is_ok()
                && known)
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PasswordError> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let slot = tokio::time::timeout(MAX_WAIT, self.slots.clone().acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return Err(PasswordError::Busy);
        };
        // The task owns the slot. If the client disconnects, the slot stays taken until the hash
        // has been computed.
        let done = tokio::task::spawn_blocking(move || (work(), drop(slot)).0).await;
        done.map_err(|error| PasswordError::Hash(error.to_string()))?
    }
}

fn hash(argon2: &Argon2<'_>, password: &[u8]) -> Result<String, PasswordError> {
    let hash = argon2
        .hash_password(password)
        .map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;

    use super::*;

    fn passwords(max_concurrent: usize) -> Passwords {
        let cheap = PasswordSettings {
            memory_kib: 8,
            iterations: 1,
            lanes: 1,
            max_concurrent,
        };
        Passwords::new(cheap, None).unwrap()
    }

    fn text(text: &str) -> Personal<String> {
        text.to_owned().into()
    }

    #[tokio::test]
    async fn only_the_correct_password_matches_its_hash() {
        let passwords = passwords(2);
        let hash = passwords.hash_new(text("Correct-horse-1")).await.unwrap();
        assert!(hash.reveal_str().starts_with("$argon2id$v=19$m=8,t=1,p=1$"));
        assert!(
            passwords
                .verify(text("Correct-horse-1"), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(text("correct-horse-1"), Some(hash))
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(text("nobody has this password"), None)
                .await
                .unwrap()
        );
    }

    #[tokio::test]
    async fn guessable_or_breached_new_password_is_rejected() {
        let refused = |refused: Result<Personal<String>, PasswordError>| match refused {
            Err(PasswordError::NotTaken(why)) => why,
            other => panic!("{other:?}"),
        };
        assert!(refused(passwords(1).hash_new(text("Iloveyou2")).await).contains("guessed"));
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let sha1 =
            ring::digest::digest(&ring::digest::SHA1_FOR_LEGACY_USE_ONLY, b"Correct-horse-1");
        std::io::Write::write_all(
            &mut file,
            format!("{}:1\n", HEXLOWER.encode(sha1.as_ref())).as_bytes(),
        )
        .unwrap();
        let breached = Some(BreachedPasswords::open(file.path()).unwrap());
        let passwords = Passwords {
            breached,
            ..passwords(1)
        };
        assert!(refused(passwords.hash_new(text("Correct-horse-1")).await).contains("breach"));
        assert!(passwords.hash_new(text("Correct-horse-2")).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn password_check_without_a_free_slot_is_busy() {
        let passwords = passwords(1);
        let held = passwords.slots.clone().acquire_owned().await.unwrap();
        let refused = passwords.verify(text("Correct-horse-1"), None).await;
        assert!(matches!(refused, Err(PasswordError::Busy)));
        drop(held);
        assert!(
            passwords
                .verify(text("Correct-horse-1"), None)
                .await
                .is_ok()
        );
    }
}
