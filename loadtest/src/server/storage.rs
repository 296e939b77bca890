//! The server's files, seen from outside.
//!
//! Owns      the size at which a full disk is played.
//! Promises  reads sizes only.
//! Does not  change anything in the data directory.

use std::fs;
use std::path::Path;

/// The size in bytes beyond which no file may grow when the disk is to be full now: the write-ahead
/// log as it is, or the smallest database when there is none. `None`: there is no database yet.
///
/// A limit of the file size fails every write that ends beyond it, so with the log's size no commit
/// can be appended; checkpoints into a larger database fail as well.
pub fn full_at_bytes(data_dir: &Path) -> Option<u64> {
    let mut sizes = Vec::new();
    collect(data_dir, &mut sizes);
    let wal = sizes.iter().filter(|(name, size)| name.ends_with("-wal") && *size > 0);
    if let Some((_, size)) = wal.max_by_key(|(_, size)| *size) {
        return Some(*size);
    }
    let is_database = |name: &str| {
        [".db", ".sqlite", ".sqlite3", ".log"].iter().any(|ending| name.ends_with(ending))
    };
    let databases = sizes.iter().filter(|(name, size)| is_database(name) && *size > 0);
    databases.map(|(_, size)| *size).min()
}

fn collect(dir: &Path, sizes: &mut Vec<(String, u64)>) {
    let Ok(entries) = fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        match entry.metadata() {
            Ok(data) if data.is_dir() => collect(&entry.path(), sizes),
            Ok(data) => sizes.push((entry.file_name().to_string_lossy().into_owned(), data.len())),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_counts_before_the_database() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(full_at_bytes(dir.path()), None);
        fs::create_dir(dir.path().join("inner")).unwrap();
        fs::write(dir.path().join("inner/salon.db"), [0; 50]).unwrap();
        assert_eq!(full_at_bytes(dir.path()), Some(50));
        fs::write(dir.path().join("inner/salon.db-wal"), [0; 70]).unwrap();
        assert_eq!(full_at_bytes(dir.path()), Some(70));
    }
}
