//! Paths of nodes. Source: `PathUtils.validatePath`.

use zab_wire::ErrorCode;

/// The key under which a path is stored: the root's is empty.
pub(super) fn normal(path: &str) -> &str {
    if path == "/" { "" } else { path }
}

/// The parent's key and the node's name; `None` for the root and for what has no slash.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    normal(path).rsplit_once('/')
}

/// Whether a tree can hold a node like this below its root. No version of ZooKeeper names one
/// otherwise; which characters it forbids besides differs between versions.
pub(super) fn names_a_child(path: &str) -> bool {
    let bad_part = |part: &str| part.is_empty() || part == "." || part == "..";
    let parts = path.strip_prefix('/');
    parts.is_some_and(|parts| !parts.split('/').any(bad_part)) && !path.contains('\0')
}

/// Whether a client may name a node like this.
///
/// # Errors
/// [`ErrorCode::BadArguments`] if the path is empty or relative, ends in a slash, has an empty,
/// `.` or `..` part, or a character that ZooKeeper does not allow.
pub(super) fn validate(path: &str) -> Result<(), ErrorCode> {
    if path == "/" {
        return Ok(());
    }
    if !names_a_child(path) || path.chars().any(forbidden) {
        return Err(ErrorCode::BadArguments);
    }
    Ok(())
}

/// Control characters, private use and specials. Java looks at UTF-16 units, so that every
/// character beyond the first plane is forbidden by its surrogates.
fn forbidden(character: char) -> bool {
    matches!(
        character,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{e000}'..='\u{f8ff}' | '\u{fff0}'..
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths_are_valid() {
        for path in ["/", "/a", "/a/b.c", "/a/...", "/zookeeper/config", "/ä/中 x"] {
            assert_eq!(validate(path), Ok(()), "{path:?}");
        }
    }

    #[test]
    fn what_zookeeper_refuses_is_refused() {
        let bad = ["", "a", "/a/", "//", "/a//b", "/.", "/a/..", "/a/./b", "/\0", "/\u{1f}"];
        for path in bad.into_iter().chain(["/\u{7f}", "/\u{f000}", "/\u{ffff}", "/\u{1f600}"]) {
            assert_eq!(validate(path), Err(ErrorCode::BadArguments), "{path:?}");
        }
    }

    #[test]
    fn the_root_is_the_parent_of_the_first_level() {
        assert_eq!(split("/a"), Some(("", "a")));
        assert_eq!(split("/a/b"), Some(("/a", "b")));
        assert_eq!(split("/"), None);
    }
}
