//! Apache ZooKeeper, as it is: Debian's package, or the jars of another release in a folder.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::Launch;
use crate::target::{Life, Setup, Target};

/// Where Debian's packages `zookeeper` and `libzookeeper-java` put it.
const DEBIAN: &str = "/usr/share/java";
/// What has to stand on the class path there; the rest is in the manifest of the first.
const DEBIAN_JARS: [&str; 3] = ["zookeeper.jar", "slf4j-log4j12.jar", "log4j-1.2.jar"];
/// The class that is started.
const MAIN: &str = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
/// `tickTime` in milliseconds: short, so that failures are noticed soon.
const TICK_MS: u32 = 500;

/// How its log is written to standard output, for both libraries that releases use: the property, a
/// file in the server's folder, and its content.
const LOGGING: [(&str, &str, &str); 2] = [
    (
        "log4j.configuration",
        "log4j.properties",
        "log4j.rootLogger=INFO, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\n\
         log4j.appender.out.layout=org.apache.log4j.PatternLayout\n\
         log4j.appender.out.layout.ConversionPattern=%d{ISO8601} [%t] %-5p %c{1} - %m%n\n",
    ),
    (
        "log4j2.configurationFile",
        "log4j2.properties",
        "rootLogger.level=info\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\n\
         appender.out.name=out\nappender.out.layout.type=PatternLayout\n\
         appender.out.layout.pattern=%d [%t] %-5p %c{1} - %m%n\n",
    ),
];

/// Apache ZooKeeper.
#[derive(Clone, Debug)]
pub struct ApacheServer {
    java: PathBuf,
    class_path: OsString,
    release: String,
}

/// Why it cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ApacheError {
    /// There is no Java.
    #[error("there is no java in PATH: install a runtime (apt-get install default-jre-headless)")]
    NoJava,
    /// Debian's package is not installed.
    #[error(
        "there is no {}: install Apache ZooKeeper (apt-get install zookeeper), or give the folder \
         with the jars of a release with --zookeeper-jars", .0.display()
    )]
    NotInstalled(PathBuf),
    /// The folder holds no ZooKeeper.
    #[error(
        "there is no zookeeper-*.jar in {}: expected the jars of a release, such as those in the \
         folder lib of its archive", .0.display()
    )]
    NoJars(PathBuf),
}

impl ApacheServer {
    /// The release that Debian's package brings, or the one whose jars lie in a folder.
    ///
    /// # Errors
    /// When Java or ZooKeeper is not there.
    pub fn find(jars: Option<&Path>) -> Result<Self, ApacheError> {
        let java = which::which("java").map_err(|_| ApacheError::NoJava)?;
        let jars = match jars {
            Some(folder) => all_jars(folder)?,
            None => debian_jars(Path::new(DEBIAN))?,
        };
        let release = jars.iter().find_map(|jar| release_of(jar)).or_else(debian_release);
        let release = release.unwrap_or_else(|| "of an unknown release".to_owned());
        let mut class_path = OsString::new();
        for jar in &jars {
            if !class_path.is_empty() {
                class_path.push(":");
            }
            class_path.push(jar);
        }
        Ok(Self { java, class_path, release })
    }
}

/// The jars of a folder, those of ZooKeeper among them.
fn all_jars(folder: &Path) -> Result<Vec<PathBuf>, ApacheError> {
    let none = || ApacheError::NoJars(folder.to_owned());
    let folder = folder.canonicalize().map_err(|_| none())?;
    let entries = fs::read_dir(&folder).map_err(|_| none())?;
    let is_jar = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "jar");
    let mut jars: Vec<PathBuf> =
        entries.filter_map(|entry| Some(entry.ok()?.path())).filter(is_jar).collect();
    jars.sort();
    if jars.iter().any(|jar| release_of(jar).is_some()) { Ok(jars) } else { Err(none()) }
}

fn debian_jars(folder: &Path) -> Result<Vec<PathBuf>, ApacheError> {
    let found = DEBIAN_JARS.map(|name| folder.join(name));
    match found.iter().find(|jar| !jar.is_file()) {
        Some(missing) => Err(ApacheError::NotInstalled(missing.clone())),
        None => Ok(found.to_vec()),
    }
}

/// The release of Debian's package: beside `zookeeper.jar` lies one with the release in its name.
fn debian_release() -> Option<String> {
    fs::read_dir(DEBIAN).ok()?.find_map(|entry| release_of(&entry.ok()?.path()))
}

/// The release of a file `zookeeper-3.8.0.jar`.
fn release_of(jar: &Path) -> Option<String> {
    let name = jar.file_name()?.to_str()?.strip_prefix("zookeeper-")?.strip_suffix(".jar")?;
    name.starts_with(|c: char| c.is_ascii_digit()).then(|| name.to_owned())
}

impl Target for ApacheServer {
    fn software(&self) -> String {
        format!("Apache ZooKeeper {}", self.release)
    }

    fn config(&self, setup: &Setup<'_>) -> String {
        // No reconfiguration: then the addresses in votes are ignored, which lead around nobody.
        format!(
            "tickTime={TICK_MS}\ninitLimit=50\nsyncLimit={}\ndataDir={}\nclientPort={}\n\
             clientPortAddress={}\nmaxSessionTimeout=60000\nadmin.enableServer=false\n\
             4lw.commands.whitelist=*\nstandaloneEnabled=false\nmaxClientCnxns=0\n{}",
            setup.sync_limit,
            setup.folder.join("data").display(),
            setup.client.port(),
            setup.client.ip(),
            setup.server_lines(),
        )
    }

    fn files(&self) -> Vec<(&'static str, &'static str)> {
        LOGGING.iter().map(|(_, name, content)| (*name, *content)).collect()
    }

    fn launch(&self, life: &Life<'_>) -> Launch {
        let mut args: Vec<OsString> = [
            "-Xmx256m",
            "-XX:+UseSerialGC",
            "-XX:TieredStopAtLevel=1",
            "-Djava.net.preferIPv4Stack=true",
            // A follower that is far behind gets a snapshot, not the log.
            "-Dzookeeper.snapshotSizeFactor=-1",
        ]
        .map(OsString::from)
        .to_vec();
        for (key, file) in LOGGING.map(|(key, name, _)| (key, life.folder.join(name))) {
            let mut arg = OsString::from(format!("-D{key}=file:"));
            arg.push(file);
            args.push(arg);
        }
        args.extend(["-cp".into(), self.class_path.clone(), MAIN.into(), "zoo.cfg".into()]);
        Launch {
            name: format!("server {}", life.server),
            program: self.java.clone(),
            args,
            folder: life.folder.to_owned(),
            log: "log".into(),
        }
    }

    fn writes_traces(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::debian_jars;

    #[test]
    fn a_package_that_is_not_there_is_told_with_what_to_install() {
        let folder = tempfile::TempDir::new().expect("a folder");
        let told = debian_jars(folder.path()).expect_err("it is empty").to_string();
        assert!(told.contains("apt-get install zookeeper"), "{told}");
        assert!(told.contains("--zookeeper-jars"), "{told}");
    }
}
