// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that filters name by what they are: units of systemd, and containers.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::containers::Engines;
use super::mounts;
use super::paths::walk;
use crate::error::{Error, Result};
use crate::event::belonging::{SHORT_ID, container, is_unit, unit};
use crate::text::near::near;
use crate::trace::options::Filter;
use crate::trace::set::Set;

/// What a filter calls cgroups by.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Name {
    /// The whole name of a unit.
    Unit(Vec<u8>),
    /// What a container is called, or how its id begins.
    Container(Vec<u8>),
}

/// What the filters of a trace call cgroups by, and what is known of those that there are.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    names: Set<Name>,
    mount: PathBuf,
    engines: Engines,
    /// What the containers are called whose cgroups are there, by their ids: so that files are read once for each.
    called: HashMap<Vec<u8>, Vec<String>>,
}

/// One look at all cgroups.
#[derive(Debug, Default)]
struct Look {
    wanted: Vec<PathBuf>,
    excluded: Vec<PathBuf>,
    /// The names that some cgroup has.
    met: Vec<Name>,
    /// All units that there are.
    units: Vec<Vec<u8>>,
    called: HashMap<Vec<u8>, Vec<String>>,
}

impl Named {
    /// What a filter calls cgroups by; `None` where it does not.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::error::Kind::Usage) where no cgroup v2 is mounted.
    pub(crate) fn of(filter: &Filter) -> Result<Option<Self>> {
        let units = filter.unit.map(|name| Name::Unit(whole_unit(name)));
        let containers = filter.container.map(|name| Name::Container(name.clone()));
        let names = Set::together(&[units, containers]);
        if names.is_empty() {
            return Ok(None);
        }
        let mount = mounts().into_iter().next().ok_or_else(|| {
            Error::usage(
                "--unit and --container name cgroups (v2), and no cgroup v2 is mounted here",
            )
            .help("mount -t cgroup2 none DIRECTORY")
        })?;
        Ok(Some(Self {
            names,
            mount,
            engines: Engines::below(Path::new("/")),
            called: HashMap::new(),
        }))
    }

    /// Whether any of the names is of something wanted, and of something left out.
    pub(crate) fn sides(&self) -> [bool; 2] {
        [self.names.wanted(), self.names.excluded()].map(|names| !names.is_empty())
    }

    /// The directories of the cgroups that are there now.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::error::Kind::Usage) for a wanted name that none has.
    pub(crate) fn first(&mut self) -> Result<Set<PathBuf>> {
        let look = self.look();
        let mut wanted = self.names.wanted().iter();
        if let Some(missing) = wanted.find(|name| !look.met.contains(name)) {
            return Err(missing.is_nowhere(&look));
        }
        let mut set = Set::any(look.wanted);
        look.excluded.into_iter().for_each(|path| set.exclude(path));
        self.called = look.called;
        Ok(set)
    }

    /// The same later, whether or not there are any: each with whether it is left out.
    pub(crate) fn again(&mut self) -> impl Iterator<Item = (PathBuf, bool)> + use<> {
        let look = self.look();
        self.called = look.called;
        let wanted = look.wanted.into_iter().map(|path| (path, false));
        wanted.chain(look.excluded.into_iter().map(|path| (path, true)))
    }

    fn look(&self) -> Look {
        let mut look = Look::default();
        walk(&self.mount, &mut |_, path| {
            let name = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
            let below = path.strip_prefix(b"/").unwrap_or(path);
            self.judge(&mut look, name, || {
                self.mount.join(OsStr::from_bytes(below))
            });
            true
        });
        look
    }

    /// Takes down what a cgroup is to these names.
    fn judge(&self, look: &mut Look, name: &[u8], path: impl Fn() -> PathBuf) {
        let (unit, container) = (unit(name), container(name));
        if let Some(unit) = unit {
            look.units.push(unit.to_vec());
        }
        if let Some(id) = container {
            let called = match self.called.get(id) {
                Some(called) => called.clone(),
                None => self.engines.names(&String::from_utf8_lossy(id)),
            };
            look.called.insert(id.to_vec(), called);
        }
        let called = container.and_then(|id| look.called.get(id));
        let is = |name: &Name| match name {
            Name::Unit(wanted) => unit == Some(wanted),
            Name::Container(wanted) => {
                container.is_some_and(|id| id.starts_with(wanted))
                    || called
                        .is_some_and(|called| called.iter().any(|name| name.as_bytes() == wanted))
            }
        };
        let met = |names: &[Name]| names.iter().filter(|name| is(name)).cloned().collect();
        let wanted: Vec<Name> = met(self.names.wanted());
        let excluded: Vec<Name> = met(self.names.excluded());
        for (met, paths) in [(&wanted, &mut look.wanted), (&excluded, &mut look.excluded)] {
            // What lies below one that was met is in it already: the walk goes from the top.
            if !met.is_empty() {
                let path = path();
                if !paths.iter().any(|above| path.starts_with(above)) {
                    paths.push(path);
                }
            }
        }
        look.met.extend(wanted);
    }
}

/// `ssh` means `ssh.service`, as for systemctl(1).
fn whole_unit(name: &[u8]) -> Vec<u8> {
    let end: &[u8] = if is_unit(name) { b"" } else { b".service" };
    [name, end].concat()
}

impl Name {
    /// That no cgroup is what it says, and what there is that may be meant.
    fn is_nowhere(&self, look: &Look) -> Error {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        match self {
            Self::Unit(name) => {
                let close = near(name, look.units.iter().map(Vec::as_slice));
                let close: Vec<_> = close.into_iter().map(shown).collect();
                let help = match close.as_slice() {
                    [] => "systemd-cgls shows the units that have cgroups; what has not begun yet has none".to_owned(),
                    close => format!("close to it are {}", close.join(", ")),
                };
                let name = shown(name);
                Error::usage(format!("--unit: there is no cgroup of a unit {name}")).help(help)
            }
            Self::Container(name) => {
                let mut known: Vec<_> = look.called.iter().collect();
                let all = known.iter().flat_map(|(_, called)| called.iter());
                let close = near(name, all.map(|called| called.as_bytes()));
                // Those that are called something like it come first, then the others that are called something.
                known.sort_unstable_by_key(|(id, called)| {
                    let is_close = called
                        .iter()
                        .any(|called| close.contains(&called.as_bytes()));
                    (!is_close, called.is_empty(), *id)
                });
                let shown_one = |(id, called): &(&Vec<u8>, &Vec<String>)| {
                    let id = shown(id.get(..SHORT_ID).unwrap_or(id));
                    match called.as_slice() {
                        [] => id,
                        called => format!("{id} ({})", called.join(", ")),
                    }
                };
                let first: Vec<_> = known.iter().take(MOST_SHOWN).map(shown_one).collect();
                let help = match known.len() {
                    0 => "there is no container's cgroup at all; docker ps and podman ps show containers that run".to_owned(),
                    1..=MOST_SHOWN => format!("there are {}", first.join(", ")),
                    count => format!("there are {} and {} more", first.join(", "), count - MOST_SHOWN),
                };
                let name = shown(name);
                Error::usage(format!(
                    "--container: there is no cgroup of a container that is called {name}, or whose id begins so"
                ))
                .help(help)
            }
        }
    }
}

/// How many containers are named where one is not found.
const MOST_SHOWN: usize = 5;

#[cfg(test)]
mod tests {
    use super::{Look, Name, Named};
    use crate::trace::cgroups::containers::Engines;
    use crate::trace::set::Set;
    use std::collections::HashMap;
    use std::fs;
    use std::path::{Path, PathBuf};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn named(root: &Path, wanted: &[Name], excluded: &[Name]) -> Named {
        let mut names = Set::any(wanted.to_vec());
        excluded.iter().for_each(|name| names.exclude(name.clone()));
        Named {
            names,
            mount: root.join("mount"),
            engines: Engines::below(root),
            called: HashMap::new(),
        }
    }

    #[test]
    fn names_are_looked_up_in_the_hierarchy() {
        let root = tempfile::tempdir().unwrap();
        let make = |below: &str| {
            let path = root.path().join("mount").join(below.replace("ID", ID));
            fs::create_dir_all(&path).unwrap();
            path
        };
        let ssh = make("system.slice/ssh.service");
        let again = make("user.slice/user@1.service/ssh.service");
        let docker = make("system.slice/docker-ID.scope");
        make("system.slice/docker-ID.scope/docker/ID");
        let config = root.path().join("var/lib/docker/containers").join(ID);
        fs::create_dir_all(&config).unwrap();
        fs::write(config.join("config.v2.json"), r#"{"Name":"/web"}"#).unwrap();
        let unit = |name: &str| Name::Unit(super::whole_unit(name.as_bytes()));
        let container = |name: &str| Name::Container(name.as_bytes().to_vec());
        let found = |wanted: &[Name], excluded: &[Name]| {
            let set = named(root.path(), wanted, excluded).first()?;
            let sorted = |paths: &[PathBuf]| {
                let mut paths = paths.to_vec();
                paths.sort();
                paths
            };
            Ok::<_, crate::error::Error>([sorted(set.wanted()), sorted(set.excluded())])
        };
        assert_eq!(found(&[unit("ssh")], &[]).unwrap()[0], [ssh.clone(), again]);
        // What lies below another is in it.
        for name in ["web", "0123", ID] {
            assert_eq!(
                found(&[container(name)], &[]).unwrap()[0],
                std::slice::from_ref(&docker)
            );
        }
        let both = found(&[unit("system.slice")], &[container("web"), unit("none")]).unwrap();
        assert_eq!(both, [vec![ssh.parent().unwrap().to_owned()], vec![docker]]);
        let told = |name| found(&[name], &[]).unwrap_err();
        let error = told(unit("shs"));
        assert_eq!(error.exit_status(), 2);
        assert!(format!("{error:?}").contains("ssh.service"), "{error:?}");
        assert!(format!("{:?}", told(container("wev"))).contains("0123456789ab (web)"));
    }

    #[test]
    fn a_container_that_comes_later_is_found() {
        let root = tempfile::tempdir().unwrap();
        let mut named = named(root.path(), &[], &[Name::Container(b"01".to_vec())]);
        assert!(named.first().unwrap().is_empty());
        let path = root.path().join("mount/docker").join(ID);
        fs::create_dir_all(&path).unwrap();
        assert!(named.again().eq([(path, true)]));
        assert!(Look::default().met.is_empty());
    }
}
