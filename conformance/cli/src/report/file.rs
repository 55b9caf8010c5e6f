//! Files of results: whole or not there, whatever ends this process.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Whether a file can be written there.
///
/// # Errors
/// When it cannot; what is there stays as it is.
pub(super) fn can_write(path: &Path) -> io::Result<()> {
    match place(path)? {
        Place::File(path) => beside(&path).map(drop),
        Place::Other => fs::OpenOptions::new().write(true).open(path).map(drop),
    }
}

/// Writes a file and gives it its name at the end. What is no file, such as a pipe or a device, is
/// written as it is.
///
/// # Errors
/// When it cannot be written; an earlier file of that name is then still there.
pub(super) fn write(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    match place(path)? {
        Place::File(path) => {
            let mut out = io::BufWriter::new(beside(&path)?);
            fill(&mut out)?;
            let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        }
        Place::Other => fill(&mut fs::OpenOptions::new().write(true).open(path)?),
    }
}

/// A file that gets its name when all is in it, and that name, without symbolic links to it.
///
/// # Errors
/// When it cannot be written, or is no file.
pub(super) fn begin(path: &Path) -> io::Result<(NamedTempFile, PathBuf)> {
    match place(path)? {
        Place::File(path) => Ok((beside(&path)?, path)),
        Place::Other => Err(io::Error::other("it is to be a file")),
    }
}

/// What a path leads to.
enum Place {
    /// A file, or nothing yet; the path without symbolic links to it.
    File(PathBuf),
    /// A pipe, a device.
    Other,
}

fn place(path: &Path) -> io::Result<Place> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(io::ErrorKind::IsADirectory.into()),
        Ok(found) if found.is_file() => {
            writable(&found)?;
            Ok(Place::File(path.canonicalize()?))
        }
        Ok(_) => Ok(Place::Other),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Place::File(path.to_owned())),
        Err(error) => Err(error),
    }
}

/// A file that may not be written is not to be replaced either.
fn writable(found: &Metadata) -> io::Result<()> {
    if found.permissions().readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    Ok(())
}

/// A file in the same folder, with the permissions of any new file.
fn beside(path: &Path) -> io::Result<NamedTempFile> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // The message is to name the file that was asked for, not the one with a name by chance.
    fs::metadata(folder)?;
    let mode = Permissions::from_mode(0o666);
    let file = tempfile::Builder::new().permissions(mode).prefix(".zabcheck").tempfile_in(folder);
    file.map_err(|error| io::Error::from(error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_there_whole_or_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let (path, link) = (folder.path().join("file"), folder.path().join("link"));
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        write(&path, |out| out.write_all(b"one")).expect("written");
        let failed = write(&path, |out| {
            out.write_all(b"half")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert_eq!(failed.map_err(|error| error.kind()), Err(io::ErrorKind::StorageFull));
        assert_eq!(fs::read(&path).expect("the file"), b"one");
        write(&link, |out| out.write_all(b"two")).expect("written");
        assert_eq!(fs::read(&path).expect("the file"), b"two");
        assert!(link.is_symlink());
        assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 2, "nothing is left");
        write(Path::new("/dev/null"), |out| out.write_all(b"three")).expect("written");
        assert!(!Path::new("/dev/null").is_file(), "a device stays what it is");
    }
}
