//! What a machine can check of the house style.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Who may depend on whom; `(dev)` in tests only.
const EDGES: &[(&str, &[&str])] = &[
    ("actors/protocol", &[]),
    ("actors/pictures", &[]),
    ("storage", &["salon-protocol", "salon-storage (dev)"]),
    (
        "actors",
        &[
            "salon-pictures",
            "salon-protocol",
            "salon-storage",
            "salon-loadtest (dev)",
            "salon-storage (dev)",
        ],
    ),
    ("http", &["salon-actors", "salon-protocol", "salon-storage"]),
    (
        "engine",
        &["salon-actors", "salon-http", "salon-protocol", "salon-storage", "salon-loadtest (dev)"],
    ),
    ("loadtest", &["salon-protocol"]),
];

#[test]
fn crates_depend_on_each_other_as_designed() {
    for (folder, allowed) in EDGES {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        for (table, suffix) in [("dependencies", ""), ("dev-dependencies", " (dev)")] {
            let names = manifest.get(table).and_then(toml::Value::as_table);
            for name in names.into_iter().flat_map(|table| table.keys()) {
                let edge = format!("{name}{suffix}");
                let ours = name.starts_with("salon-");
                assert!(!ours || allowed.contains(&edge.as_str()), "{folder} depends on {edge}");
            }
        }
    }
}

#[test]
fn only_the_actors_know_actix() {
    // Of actix-web and its relatives http knows; of actors, only `actors`.
    for folder in ["actors/pictures", "actors/protocol", "storage", "http", "engine", "loadtest"] {
        let text = fs::read_to_string(root().join(folder).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let dependencies = manifest.get("dependencies").and_then(toml::Value::as_table).unwrap();
        assert!(!dependencies.contains_key("actix"), "{folder}");
    }
}

/// All files with an ending, but what was built or fetched.
fn files(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "target" && !name.to_string_lossy().starts_with('.') {
                files(&path, ending, found);
            }
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
}

#[test]
fn documents_name_files_that_exist() {
    let root = root();
    let mut documents = Vec::new();
    files(&root, "md", &mut documents);
    let mut missing = Vec::new();
    for document in &documents {
        let text = fs::read_to_string(document).unwrap();
        let here = document.parent().unwrap();
        for word in text.split(|c: char| c.is_whitespace() || "`()[]<>\"',;|".contains(c)) {
            let word = word.trim_end_matches(['.', ':']);
            // A path of ours: in a folder, with an ending that we use, without a placeholder.
            let ending = word.rsplit('.').next().unwrap_or_default();
            let ours = ["rs", "md", "toml", "sql", "json"].contains(&ending);
            let plain = word.chars().all(|c| c.is_ascii_alphanumeric() || "._-/".contains(c));
            if ours && plain && word.contains('/') && !word.starts_with('/') {
                let found = [here, root.as_path()].iter().any(|base| base.join(word).exists());
                if !found {
                    missing.push(format!("{}: {word}", document.display()));
                }
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn every_file_says_what_it_is() {
    let root = root();
    let mut sources = Vec::new();
    for (folder, _) in EDGES {
        files(&root.join(folder).join("src"), "rs", &mut sources);
        let tests = root.join(folder).join("tests");
        if tests.is_dir() {
            files(&tests, "rs", &mut sources);
        }
    }
    let silent: BTreeSet<_> = sources
        .into_iter()
        .filter(|path| !fs::read_to_string(path).unwrap().starts_with("//!"))
        .collect();
    assert!(silent.is_empty(), "{silent:#?}");
}

#[test]
fn migrations_come_in_pairs() {
    let names = |folder: &str| -> BTreeSet<String> {
        let folder = root().join("migrations").join(folder);
        let entries = fs::read_dir(folder).unwrap().flatten();
        entries.map(|entry| entry.file_name().into_string().unwrap()).collect()
    };
    assert_eq!(names("sqlite"), names("postgres"));
    assert!(!names("sqlite").is_empty());
}
