//! Log of the program during the demo. It is written to a file in the data folder, so that it does
//! not disturb the progress display. Warnings are counted.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::{Event, Level, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

/// Maximum size of the buffer until the file is known, in bytes. Further output is lost.
const MAX_BUFFER: usize = 1 << 20;

/// Log of this run. Cloning is cheap.
#[derive(Clone, Default)]
pub struct DemoLog(Arc<Inner>);

#[derive(Default)]
struct Inner {
    warnings: AtomicU64,
    target: Mutex<Target>,
}

enum Target {
    /// Buffer, because the data folder does not exist yet.
    Memory(Vec<u8>),
    File(File, PathBuf),
}

impl Default for Target {
    fn default() -> Self {
        Self::Memory(Vec::new())
    }
}

impl DemoLog {
    /// Starts to collect the logs of this process.
    ///
    /// # Errors
    /// Fails if another subscriber is installed, or if the directives are invalid.
    pub fn install(directives: &str) -> anyhow::Result<Self> {
        let log = Self::default();
        let lines = fmt::layer().with_ansi(false).with_writer(log.clone());
        let filter = EnvFilter::try_new(directives)?;
        tracing_subscriber::registry()
            .with(filter)
            .with(lines)
            .with(log.clone())
            .try_init()?;
        Ok(log)
    }

    /// Writes the buffered output to a file, and all further output as well.
    ///
    /// # Errors
    /// Fails if the file can't be written.
    pub fn write_to(&self, path: &Path) -> io::Result<()> {
        let mut file = File::options().create(true).append(true).open(path)?;
        let mut target = self.target();
        if let Target::Memory(held) = &*target {
            file.write_all(held)?;
        }
        *target = Target::File(file, path.to_path_buf());
        Ok(())
    }

    /// Returns the number of warnings and errors so far.
    pub fn warnings(&self) -> u64 {
        self.0.warnings.load(Ordering::Relaxed)
    }

    /// Copies the log to `path`, because the data folder is about to be removed.
    ///
    /// # Errors
    /// Fails if the log can't be read, or if the copy can't be written.
    pub fn copy_to(&self, path: &Path) -> io::Result<()> {
        match &*self.target() {
            Target::Memory(held) => std::fs::write(path, held),
            Target::File(_, from) => std::fs::copy(from, path).map(drop),
        }
    }

    fn target(&self) -> MutexGuard<'_, Target> {
        self.0.target.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Subscriber> Layer<S> for DemoLog {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        // More severe levels are smaller.
        if *event.metadata().level() <= Level::WARN {
            self.0.warnings.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl<'a> fmt::MakeWriter<'a> for DemoLog {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Write for DemoLog {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.target() {
            Target::Memory(held) => {
                let room = MAX_BUFFER.saturating_sub(held.len()).min(bytes.len());
                held.extend_from_slice(&bytes[..room]);
            }
            Target::File(file, _) => file.write_all(bytes)?,
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_are_counted_and_lines_before_the_file_is_set_are_kept() {
        let log = DemoLog::default();
        let lines = fmt::layer().with_ansi(false).with_writer(log.clone());
        let subscriber = tracing_subscriber::registry().with(lines).with(log.clone());
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("laureate.log");
        let copy = folder.path().join("copy.log");
        tracing::subscriber::with_default(subscriber, || {
            tracing::info!("early");
            tracing::warn!("odd");
            log.write_to(&path).expect("a writable folder");
            tracing::error!("late");
        });
        assert_eq!(log.warnings(), 2);
        log.copy_to(&copy).expect("a writable folder");
        for file in [path, copy] {
            let text = std::fs::read_to_string(file).expect("the log");
            assert!(
                ["early", "odd", "late"]
                    .iter()
                    .all(|word| text.contains(word)),
                "{text}"
            );
        }
    }
}
