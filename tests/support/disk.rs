//! A small disk in memory, in a mount namespace of its own, which goes away with it.
#![allow(dead_code, unreachable_pub, missing_docs, clippy::unwrap_used)]

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// The ways to a mount namespace: one that anybody may make, and one for root where users may not make any.
pub const MOUNT_NAMESPACES: [&[&str]; 2] = [&["--user", "--map-root-user", "--mount"], &["--mount"]];

/// A tmpfs. Another process holds it; this one reaches it through that one's root in /proc.
pub struct Disk {
    holder: Child,
    root: PathBuf,
    _mount_point: tempfile::TempDir,
}

impl Disk {
    /// With these mount options; or why there can be none.
    pub fn mount(options: &str) -> Result<Self, String> {
        let mut reasons = Vec::new();
        for way in MOUNT_NAMESPACES {
            match Self::mount_in(way, options) {
                Ok(disk) => return Ok(disk),
                Err(reason) => reasons.push(reason),
            }
        }
        Err(reasons.join("; "))
    }

    fn mount_in(way: &[&str], options: &str) -> Result<Self, String> {
        let mount_point = tempfile::tempdir().unwrap();
        // It ends when its standard input does, at the latest with this process.
        let script = "mount -t tmpfs -o \"$1\" none \"$2\" && echo mounted && exec cat";
        let mut holder = Command::new("unshare")
            .args(way)
            .args(["sh", "-c", script, "sh", options])
            .arg(mount_point.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| format!("unshare: {error}"))?;
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line != "mounted\n" {
            let mut reason = String::new();
            holder.stderr.take().unwrap().read_to_string(&mut reason).unwrap();
            holder.wait().unwrap();
            return Err(reason.trim().to_owned());
        }
        let inside = mount_point.path().strip_prefix("/").unwrap();
        Ok(Self {
            root: PathBuf::from(format!("/proc/{}/root", holder.id())).join(inside),
            holder,
            _mount_point: mount_point,
        })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// In bytes.
    pub fn free(&self) -> u64 {
        let stat = rustix::fs::statvfs(&self.root).unwrap();
        stat.f_bfree * stat.f_frsize
    }

    /// How many files can still be made.
    pub fn free_names(&self) -> u64 {
        rustix::fs::statvfs(&self.root).unwrap().f_ffree
    }

    /// Leaves no more than this free, by a file `filler`.
    pub fn leave(&self, bytes: u64) {
        let filler = fs::File::create(self.root.join("filler")).unwrap();
        let size = self.free().saturating_sub(bytes);
        if size > 0 {
            rustix::fs::fallocate(&filler, rustix::fs::FallocateFlags::empty(), 0, size).unwrap();
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}
