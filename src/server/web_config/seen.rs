//! Files as they were when they were read, to notice that they changed.

use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Larger files are no certificates and no users.
const MOST_BYTES: u64 = 1024 * 1024;
/// Time stamps of files are as coarse as the kernel's clock tick: what was written just before it
/// was read may be written again within the same tick.
const TICK: Duration = Duration::from_millis(50);

/// What tells one content of a file from another without reading it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    /// `None` when there is no such file, or it cannot be asked.
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }

    /// Whether a later change would surely have another stamp.
    fn is_settled(&self) -> bool {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let (seconds, nanoseconds) = self.changed.max(self.modified);
        let then = u64::try_from(seconds)
            .ok()
            .and_then(|seconds| Some(Duration::new(seconds, u32::try_from(nanoseconds).ok()?)));
        // A time in the future settles nothing, and neither does one that is no time.
        then.and_then(|then| now.checked_sub(then)).is_some_and(|age| age > TICK)
    }
}

/// The files that were read, and those that should have been.
#[derive(Debug, Default)]
pub(super) struct Seen(Vec<(PathBuf, Option<Stamp>, bool)>);

impl Seen {
    /// Reads a file and remembers it.
    pub(super) fn read(&mut self, path: &Path) -> std::io::Result<Vec<u8>> {
        let stamp = Stamp::of(path);
        let settled = stamp.as_ref().is_none_or(Stamp::is_settled);
        self.0.push((path.to_owned(), stamp, settled));
        if !std::fs::metadata(path)?.is_file() {
            return Err(std::io::Error::other("no regular file"));
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MOST_BYTES + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > MOST_BYTES {
            return Err(std::io::Error::other(format!("larger than {MOST_BYTES} bytes")));
        }
        Ok(bytes)
    }

    /// Whether the other one found the same files.
    pub(super) fn is_the_same(&self, other: &Self) -> bool {
        let stamps = |seen: &Self| -> Vec<_> {
            seen.0.iter().map(|(path, stamp, _)| (path.clone(), *stamp)).collect()
        };
        stamps(self) == stamps(other)
    }

    /// Whether one of them may be another by now.
    pub(super) fn may_have_changed(&self) -> bool {
        self.0.iter().any(|(path, stamp, settled)| !settled || Stamp::of(path) != *stamp)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_seen_however_it_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        let mut seen = Seen::default();
        assert!(seen.read(&path).is_err());
        assert!(!seen.may_have_changed(), "there is still no file");

        std::fs::write(&path, "one").unwrap();
        assert!(seen.may_have_changed(), "there is one");

        // Written a moment ago: nothing can tell a second change within the tick.
        let mut fresh = Seen::default();
        assert_eq!(fresh.read(&path).unwrap(), b"one");
        assert!(fresh.may_have_changed(), "not settled");

        std::thread::sleep(TICK + Duration::from_millis(20));
        let mut settled = Seen::default();
        settled.read(&path).unwrap();
        assert!(!settled.may_have_changed());

        // The same length, and a time stamp from before.
        std::fs::write(&path, "two").unwrap();
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(long_ago).unwrap();
        assert!(settled.may_have_changed());
    }
}
