//! The folders that saltbridge uses are the user's own: the right one is taken, made for him alone where it is missing,
//! and refused where others could change it or, where secrets lie, read it.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::fs::{Permissions, create_dir, create_dir_all, metadata, set_permissions, write};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;
use saltbridge::fault::{Class, Fault as _};
use saltbridge::own_folders::{NoFolder, OwnFolders};

fn mode(path: &Path) -> u32 {
    metadata(path).unwrap().permissions().mode() & 0o7777
}

fn folder(path: &Path, mode: u32) {
    create_dir_all(path).unwrap();
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn named_by(variables: &[(&str, &Path)]) -> OwnFolders {
    OwnFolders::named_by(
        variables
            .iter()
            .map(|(name, path)| ((*name).into(), path.as_os_str().to_owned())),
    )
}

/// A home and a folder beside it, both the user's.
struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        folder(&place.home(), 0o755);
        folder(&place.beside(), 0o700);
        place
    }

    fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    fn beside(&self) -> PathBuf {
        self.0.path().join("beside")
    }
}

/// Whether a login has made a folder that comes before the one in the home.
fn has_login() -> bool {
    Path::new(&format!("/run/user/{}", geteuid().as_raw())).exists()
}

#[test]
fn locks_and_socket_lie_in_the_runtime_folder() {
    let place = Place::new();
    let runtime = place.beside();
    let folders = named_by(&[("XDG_RUNTIME_DIR", &runtime), ("HOME", &place.home())]);
    assert_eq!(folders.locks(), Ok(runtime.join("saltbridge")));
    assert_eq!(folders.socket(), Ok(runtime.join("saltbridge.sock")));
    assert_eq!(mode(&runtime.join("saltbridge")), 0o700);
    assert!(!runtime.join("saltbridge.sock").exists(), "it is for the bridge to make");
    assert!(!place.home().join(".cache").exists());
    // And again, where it is there.
    assert_eq!(folders.locks(), Ok(runtime.join("saltbridge")));
}

#[test]
fn without_a_runtime_folder_they_lie_in_the_home() {
    if has_login() {
        return;
    }
    let place = Place::new();
    let (missing, open, file) =
        (place.beside().join("missing"), place.beside().join("open"), place.beside().join("file"));
    folder(&open, 0o777);
    write(&file, "").unwrap();
    // One in which the name is taken by something else.
    let taken = place.beside().join("taken");
    folder(&taken, 0o700);
    write(taken.join("saltbridge"), "").unwrap();
    for runtime in [&missing, &open, &file, &taken, Path::new("relative"), Path::new(""), Path::new("/proc")] {
        let folders = named_by(&[("XDG_RUNTIME_DIR", runtime), ("HOME", &place.home())]);
        let cache = place.home().join(".cache/saltbridge");
        assert_eq!(folders.locks(), Ok(cache.clone()), "{}", runtime.display());
        assert_eq!(folders.socket(), Ok(cache.join("saltbridge.sock")), "{}", runtime.display());
        assert_eq!((mode(&cache), mode(cache.parent().unwrap())), (0o700, 0o700));
    }
    assert!(!missing.exists() && !open.join("saltbridge").exists());
    assert_eq!(mode(&open), 0o777, "no permission is changed");
}

#[test]
fn without_any_folder_of_ones_own_there_is_none() {
    if !has_login() {
        let place = Place::new();
        let missing = place.home().join("missing");
        assert_eq!(named_by(&[]).locks(), Err(NoFolder::NoHome));
        assert_eq!(named_by(&[("HOME", Path::new("relative"))]).socket(), Err(NoFolder::NoHome));
        let fault = named_by(&[("HOME", &missing)]).locks().unwrap_err();
        assert!(fault.to_string().contains("missing"), "{fault}");
        assert!(!missing.exists());
    }
    assert_eq!(named_by(&[]).state(), Err(NoFolder::NoHome));
}

#[test]
fn what_is_kept_lies_in_the_state_folder() {
    let place = Place::new();
    let of_home = named_by(&[("HOME", &place.home())]);
    let kept = place.home().join(".local/state/saltbridge");
    assert_eq!(of_home.state(), Ok(kept.clone()));
    for made in kept.ancestors().take(3) {
        assert_eq!(mode(made), 0o700, "{}", made.display());
    }
    assert_eq!(mode(&place.home()), 0o755);
    assert_eq!(of_home.state(), Ok(kept));
    // A relative name counts for nothing (XDG Base Directory Specification).
    let relative = named_by(&[("HOME", &place.home()), ("XDG_STATE_HOME", Path::new("state"))]);
    assert_eq!(relative.state(), of_home.state());
    // One that is named is made with its parents.
    let named = place.beside().join("a/b");
    let folders = named_by(&[("HOME", &place.home()), ("XDG_STATE_HOME", &named)]);
    assert_eq!(folders.state(), Ok(named.join("saltbridge")));
    for made in [named.join("saltbridge"), named.clone(), place.beside().join("a")] {
        assert_eq!(mode(&made), 0o700, "{}", made.display());
    }
}

#[test]
fn what_others_can_change_or_read_is_refused_with_the_command_that_mends_it() {
    // Which folder, its permissions, and what is said of it.
    for (which, bits, said, help) in [
        ("saltbridge", 0o755, "can be read by others", "chmod go= "),
        ("saltbridge", 0o710, "can be read by others", "chmod go= "),
        ("saltbridge", 0o704, "can be read by others", "chmod go= "),
        ("saltbridge", 0o770, "can be written to by others", "chmod go= "),
        ("saltbridge", 0o702, "can be written to by others", "chmod go= "),
        ("", 0o775, "can be written to by others", "chmod go-w "),
        ("", 0o1777, "can be written to by others", "chmod go-w "),
    ] {
        let place = Place::new();
        let state = place.beside();
        create_dir(state.join("saltbridge")).unwrap();
        set_permissions(state.join("saltbridge"), Permissions::from_mode(0o700)).unwrap();
        let wrong = if which.is_empty() {
            state.clone()
        } else {
            state.join(which)
        };
        set_permissions(&wrong, Permissions::from_mode(bits)).unwrap();
        let fault = named_by(&[("XDG_STATE_HOME", &state)]).state().unwrap_err();
        assert_eq!(fault.to_string(), format!("{} {said}", wrong.display()), "{bits:o}");
        let explanation = fault.explain();
        assert_eq!((explanation.code, explanation.class), ("no-own-folder", Class::System));
        assert!(explanation.help.ends_with(&format!("{help}{}", wrong.display())), "{}", explanation.help);
        assert_eq!(mode(&wrong), bits, "it is for the person to change");
        // That is true: what it says helps.
        let by_hand = if help.contains('=') { bits & 0o700 } else { bits & 0o755 };
        set_permissions(&wrong, Permissions::from_mode(by_hand)).unwrap();
        assert!(named_by(&[("XDG_STATE_HOME", &state)]).state().is_ok());
    }
}

#[test]
fn other_peoples_folders_and_other_files_are_refused() {
    let place = Place::new();
    let state = place.beside();
    let folders = named_by(&[("XDG_STATE_HOME", &state)]);
    write(state.join("saltbridge"), "").unwrap();
    let file = printable(&state.join("saltbridge"));
    assert_eq!(folders.state(), Err(NoFolder::OtherFile { folder: file }));
    std::fs::remove_file(state.join("saltbridge")).unwrap();

    // A link is what it leads to: to one's own folder, to nowhere, to another's.
    let elsewhere = place.home().join("elsewhere");
    folder(&elsewhere, 0o700);
    symlink(&elsewhere, state.join("saltbridge")).unwrap();
    assert!(folders.state().is_ok());
    std::fs::remove_dir(&elsewhere).unwrap();
    assert!(matches!(folders.state(), Err(NoFolder::Failed { .. })));
    if !geteuid().is_root() {
        let of_root = named_by(&[("XDG_STATE_HOME", Path::new("/usr"))]).state();
        assert_eq!(
            of_root,
            Err(NoFolder::Foreign {
                folder: "/usr".to_owned()
            })
        );
        return;
    }
    std::os::unix::fs::chown(&state, Some(65_534), None).unwrap();
    assert_eq!(
        folders.state(),
        Err(NoFolder::Foreign {
            folder: printable(&state)
        })
    );
}

#[test]
fn a_name_with_escape_sequences_is_made_printable() {
    let place = Place::new();
    let strange = place.beside().join("x\u{1b}[2J");
    folder(&strange, 0o777);
    let fault = named_by(&[("XDG_STATE_HOME", &strange)]).state().unwrap_err();
    for said in [fault.to_string(), fault.explain().help.into_owned()] {
        assert!(said.contains("x\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
    }
}

fn printable(path: &Path) -> String {
    saltbridge::text::printable_path(path)
}
