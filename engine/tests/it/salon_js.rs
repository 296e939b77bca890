//! The client library for browsers, Node.js and WeChat, by its own tests, against this binary.
//!
//! They are in `http/web/tests/` and run with Node.js alone. `TEST_REQUIRE=node` makes it an error
//! when that is not there.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::server::SALON;

/// The first version whose test runner can do what the tests ask of it.
const NODE_MAJOR_MIN: u32 = 20;

/// The major version of the Node.js in the path.
fn node_major() -> Result<u32, String> {
    let output = Command::new("node").arg("--version").output().map_err(|why| why.to_string())?;
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let major =
        version.trim_start_matches('v').split('.').next().and_then(|word| word.parse().ok());
    major.filter(|major| *major >= NODE_MAJOR_MIN).ok_or_else(|| format!("version {version:?}"))
}

/// Those of the page have its name in theirs, and run in a test of their own. By name: what `node --test` makes of a folder differs between versions.
fn tests(page: bool) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../http/web/tests");
    let entries = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path());
    let ours = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        name.ends_with(".test.mjs") && name.contains("page") == page
    };
    let mut tests: Vec<_> = entries.filter(ours).collect();
    tests.sort();
    tests
}

#[test]
fn the_client_library() {
    run(false);
}

/// Runs the tests of the page, or all others.
pub(crate) fn run(page: bool) {
    if let Err(why) = node_major() {
        let required = std::env::var("TEST_REQUIRE").unwrap_or_default();
        assert!(!required.contains("node"), "Node.js {NODE_MAJOR_MIN} is required: {why}");
        eprintln!("SKIPPED: no Node.js {NODE_MAJOR_MIN} or newer ({why})");
        return;
    }
    let tests = tests(page);
    assert!(!tests.is_empty());
    let mut node = Command::new("node");
    // One after the other: each starts servers of its own, and other tests run beside them.
    node.args(["--test", "--test-concurrency=1"]).args(&tests).env("SALON_BINARY", SALON);
    let (done, said) = crate::server::run(node);
    assert!(done, "{said}");
}
