// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of containers by their ids, in the files that container engines keep.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// The most that is read of a file; larger ones name nobody.
const MOST_BYTES: u64 = 16 << 20;

/// Where container engines keep what they know.
#[derive(Debug, Clone)]
pub(super) struct Engines {
    /// Docker's directories of containers, one for each by its id.
    docker: PathBuf,
    /// The files of containers/storage, which Podman and CRI-O use.
    storage: Vec<PathBuf>,
}

impl Engines {
    /// Those of the machine, or of what lies below another root. Where root's containers are, and those of users.
    pub(super) fn below(root: &Path) -> Self {
        let mut stores = vec![root.join("var/lib/containers/storage")];
        for home in entries(&root.join("home")).chain([root.join("root")]) {
            stores.push(home.join(".local/share/containers/storage"));
        }
        // A directory for each driver: overlay-containers, vfs-containers.
        let stores = stores.iter().flat_map(|store| entries(store));
        let stores = stores.filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.as_encoded_bytes().ends_with(b"-containers")
        });
        let files = stores.flat_map(|store| {
            ["containers.json", "volatile-containers.json"].map(|file| store.join(file))
        });
        Self {
            storage: files.filter(|file| file.is_file()).collect(),
            docker: root.join("var/lib/docker/containers"),
        }
    }

    /// What the container of this id is called; nothing where no file tells that may be read.
    pub(super) fn names(&self, id: &str) -> Vec<String> {
        let mut names = Vec::new();
        let config = read(&self.docker.join(id).join("config.v2.json"));
        if let Some(name) = config.as_ref().and_then(|config| config["Name"].as_str()) {
            // Docker writes a slash before it.
            names.push(name.strip_prefix('/').unwrap_or(name).to_owned());
        }
        for file in &self.storage {
            let stored = read(file);
            let all = stored.as_ref().and_then(Value::as_array);
            let this = all.into_iter().flatten().filter(|one| one["id"] == id);
            let called = this.filter_map(|one| one["names"].as_array()).flatten();
            names.extend(called.filter_map(|name| name.as_str().map(str::to_owned)));
        }
        names
    }
}

fn entries(directory: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    entries.map(|entry| entry.path())
}

fn read(path: &Path) -> Option<Value> {
    let mut text = Vec::new();
    let file = File::open(path).ok()?;
    file.take(MOST_BYTES).read_to_end(&mut text).ok()?;
    serde_json::from_slice(&text).ok()
}

#[cfg(test)]
mod tests {
    use super::Engines;
    use std::fs;

    #[test]
    fn each_engine_names_its_own() {
        let root = tempfile::tempdir().unwrap();
        let put = |path: &str, text: &str| {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        put(
            "var/lib/docker/containers/aa/config.v2.json",
            r#"{"StreamConfig":{},"ID":"aa","Name":"/web","State":{"Pid":7}}"#,
        );
        put(
            "var/lib/containers/storage/overlay-containers/containers.json",
            r#"[{"id":"bb","names":["db","base"],"layer":"x"},{"id":"cc"}]"#,
        );
        put(
            "home/one/.local/share/containers/storage/vfs-containers/volatile-containers.json",
            r#"[{"id":"dd","names":["rootless"]}]"#,
        );
        put(
            "root/.local/share/containers/storage/vfs-containers/containers.json",
            "no JSON",
        );
        let engines = Engines::below(root.path());
        assert_eq!(engines.names("aa"), ["web"]);
        assert_eq!(engines.names("bb"), ["db", "base"]);
        assert_eq!(engines.names("dd"), ["rootless"]);
        assert!(engines.names("cc").is_empty() && engines.names("ee").is_empty());
    }
}
