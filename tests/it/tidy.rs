//! Habits of the code base that a compiler does not see: who may name whom, how long a file may
//! be, which settings files can be read.

use perennial_tests::workspace::{files, root};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const SERVICES: [&str; 4] = ["identity", "feedback", "loyalty", "notification"];

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn rust_files() -> Vec<PathBuf> {
    let mut all = files("crates", &["rs"]);
    all.extend(files("tests", &["rs"]));
    all
}

/// The crates of ours that a Cargo.toml names in one of its sections.
fn ours(package: &str, section: &str) -> BTreeSet<String> {
    let manifest: toml::Table = read(&root().join(package).join("Cargo.toml")).parse().unwrap();
    let names = manifest.get(section).and_then(toml::Value::as_table).into_iter().flatten();
    names.filter(|(name, _)| name.starts_with("perennial")).map(|(name, _)| name.clone()).collect()
}

#[test]
fn crates_name_only_those_below_them() {
    let below = |names: &[&str]| -> BTreeSet<String> {
        names.iter().map(|name| format!("perennial-{name}")).collect()
    };
    assert_eq!(ours("crates/proto", "dependencies"), below(&[]));
    // A caller depends on the contracts, not on the services.
    assert_eq!(ours("crates/client", "dependencies"), below(&["proto"]));
    assert_eq!(ours("crates/platform", "dependencies"), below(&["proto"]));
    for service in SERVICES {
        let package = format!("crates/{service}");
        assert_eq!(ours(&package, "dependencies"), below(&["proto", "platform"]), "{service}");
        assert_eq!(ours(&package, "dev-dependencies"), below(&["testkit"]), "{service}");
    }
}

/// Code of a file, without comments and without its tests.
fn code(path: &Path) -> String {
    let text = read(path);
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// `src/<layer>.rs` and everything in `src/<layer>/` of a service.
fn layer(service: &str, layer: &str) -> Vec<PathBuf> {
    let mut all = files(&format!("crates/{service}/src/{layer}"), &["rs"]);
    let top = root().join(format!("crates/{service}/src/{layer}.rs"));
    all.extend(Some(top).filter(|path| path.is_file()));
    all
}

#[test]
fn layers_name_only_those_below_them() {
    // Layer, and what its code must not contain.
    let arrows: [(&str, &[&str]); 3] = [
        (
            "domain",
            &[
                "async ",
                "sea_orm",
                "tonic",
                "prost",
                "perennial_proto",
                "perennial_platform::clock",
                "perennial_platform::db",
                "Utc::now",
                "crate::app",
                "crate::store",
                "crate::grpc",
                "crate::jobs",
                "Uuid::new_v4",
                "Uuid::now_v7",
            ],
        ),
        ("store", &["crate::app", "crate::grpc", "crate::jobs", "tonic::"]),
        ("app", &["crate::grpc", "crate::jobs"]),
    ];
    let mut wrong = Vec::new();
    let mut looked_at = 0;
    for service in SERVICES {
        for (name, forbidden) in arrows {
            for path in layer(service, name) {
                looked_at += 1;
                let code = code(&path);
                for word in forbidden.iter().filter(|word| code.contains(*word)) {
                    wrong.push(format!("{}: {word}", path.display()));
                }
            }
        }
    }
    assert!(looked_at > 60, "only {looked_at} files");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_are_of_human_size() {
    let mut lengths: Vec<(usize, PathBuf)> =
        rust_files().into_iter().map(|path| (read(&path).lines().count(), path)).collect();
    lengths.sort();
    let (longest, path) = lengths.last().unwrap();
    assert!(*longest <= 500, "{} has {longest} lines", path.display());
    let median = lengths[lengths.len() / 2].0;
    println!("{} files, median {median} lines, longest {longest}", lengths.len());
    assert!(median <= 150, "the median file has {median} lines");
}

#[test]
fn every_module_says_what_it_is_for() {
    let silent: Vec<String> = rust_files()
        .into_iter()
        .filter(|path| path.components().any(|part| part.as_os_str() == "src"))
        .filter(|path| !path.ends_with("tests.rs"))
        .filter(|path| {
            let text = read(path);
            !text.starts_with("//!") && !text.starts_with("#![doc = include_str!")
        })
        .map(|path| path.display().to_string())
        .collect();
    assert!(silent.is_empty(), "without a first line //!:\n{}", silent.join("\n"));
}

#[test]
fn every_service_has_the_same_skeleton() {
    for service in SERVICES {
        for part in ["README.md", "src/lib.rs", "src/config.rs", "tests/it/main.rs"] {
            let path = root().join(format!("crates/{service}/{part}"));
            assert!(path.is_file(), "{} is missing", path.display());
        }
        for name in ["domain", "app", "store", "grpc"] {
            assert!(!layer(service, name).is_empty(), "{service} has no {name}");
        }
    }
}

#[test]
fn settings_in_deploy_can_be_read() {
    for path in files("deploy", &["toml"]) {
        let problem = toml::from_str::<perennial::config::Config>(&read(&path)).err();
        assert!(problem.is_none(), "{}: {problem:?}", path.display());
    }
    for path in files("deploy", &["json"]) {
        let problem = serde_json::from_str::<serde_json::Value>(&read(&path)).err();
        assert!(problem.is_none(), "{}: {problem:?}", path.display());
    }
}
