//! Who listens at a port of this machine's loopback.
//!
//! The kernel lists the sockets with their users (proc_net(5): `/proc/net/tcp`, `/proc/net/tcp6`); which process has one
//! open stands in the folders of the processes alone, and those of other users show it to nobody.

use std::fmt;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::{Holder, Host, Named};

/// The state of a socket that waits for connections (`TCP_LISTEN`).
const LISTEN: &str = "0A";

/// Who listens at a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// The user whose socket it is.
    pub user: Named,
    /// The process that has it open, if it may be looked into: not one of another user, nor one that forbids it, as
    /// saltbridge itself does.
    pub process: Option<Holder>,
}

/// `python3 (process 4711)`, or `a program of the user ada`.
impl fmt::Display for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.process {
            Some(Holder { pid, name, .. }) => write!(f, "{name} (process {pid})"),
            None => write!(f, "a program of the user {}", self.user.name),
        }
    }
}

/// Who listens at this port of 127.0.0.1, on this machine. Nothing is connected to. It takes some milliseconds.
pub fn listener_at(port: u16) -> Option<Listener> {
    Host::new("/").listener_at(port)
}

/// The user whose program has a connection of this machine open at its end `from`, to `to`. Nobody, if it cannot be seen:
/// because it was closed already, for one.
pub fn user_of_connection(from: SocketAddr, to: SocketAddr) -> Option<u32> {
    Host::new("/").user_of_connection(from, to)
}

impl Host {
    /// The user at the end `from` of a connection to `to`.
    pub fn user_of_connection(&self, from: SocketAddr, to: SocketAddr) -> Option<u32> {
        // To the end: it may stand behind thousands.
        let files = ["proc/net/tcp", "proc/net/tcp6"].map(|path| File::open(self.path(path)).ok());
        let lines = files
            .into_iter()
            .flatten()
            .flat_map(|file| BufReader::new(file).lines());
        let mut ends = lines.map_while(Result::ok).filter_map(|line| End::of(&line));
        ends.find(|end| (end.own, end.other) == (from, to)).map(|end| end.user)
    }

    /// Who takes the connections to this port of 127.0.0.1: who listens at that address, or else at every one. Nobody, if
    /// it cannot be seen.
    pub fn listener_at(&self, port: u16) -> Option<Listener> {
        // Those that listen stand before all others, so a limit to what is read cuts off none of them.
        let texts = ["proc/net/tcp", "proc/net/tcp6"].map(|path| self.text(path).unwrap_or_default());
        let sockets = texts.iter().flat_map(|text| text.lines()).filter_map(Socket::listening);
        let found = sockets
            .filter(|socket| socket.port == port)
            .filter(Socket::is_in_the_way);
        // The nearer address gets the connection.
        let socket = found.min_by_key(|socket| socket.address.is_unspecified())?;
        Some(Listener {
            user: self.named("etc/passwd", socket.user),
            process: self.owner_of(socket.inode),
        })
    }

    /// The process that has a socket open, that with the smallest number of several.
    fn owner_of(&self, inode: u64) -> Option<Holder> {
        let person = self.person().unwrap_or_default();
        let wanted = format!("socket:[{inode}]");
        let names = self.names("proc").into_iter();
        let mut processes: Vec<u32> = names.filter_map(|name| name.to_str()?.parse().ok()).collect();
        processes.sort_unstable();
        let has_it = |pid: &u32| {
            let folder = format!("proc/{pid}/fd");
            let mut files = self.names(&folder).into_iter();
            files.any(|file| {
                let link = self.path(Path::new(&folder).join(file));
                std::fs::read_link(link).is_ok_and(|target| target.as_os_str() == wanted.as_str())
            })
        };
        let pid = processes.into_iter().find(has_it)?;
        Some(self.holder(pid, &person))
    }
}

/// The state of a socket that is connected (`TCP_ESTABLISHED`).
const ESTABLISHED: &str = "01";

/// One end of a connection.
struct End {
    own: SocketAddr,
    other: SocketAddr,
    user: u32,
}

impl End {
    /// From a line of the kernel's list, if that end is connected.
    fn of(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let place = |text: &str| {
            let (address, port) = text.split_once(':')?;
            Some(SocketAddr::new(address_of(address)?, number_of(port, 4)?.try_into().ok()?))
        };
        let (own, other) = (place(fields.nth(1)?)?, place(fields.next()?)?);
        let is_connected = fields.next()? == ESTABLISHED;
        is_connected.then_some(())?;
        Some(Self {
            own,
            other,
            user: fields.nth(3)?.parse().ok()?,
        })
    }
}

/// A socket that waits for connections.
struct Socket {
    address: IpAddr,
    port: u16,
    user: u32,
    /// Its number in the kernel.
    inode: u64,
}

impl Socket {
    /// From a line of the kernel's list: number, own address, other address, state, queues, timer, retransmissions, user,
    /// timeouts, inode. Nothing if it does not listen, or the line is another one.
    fn listening(line: &str) -> Option<Self> {
        let mut fields = line.split_whitespace();
        let (address, port) = fields.nth(1)?.split_once(':')?;
        if fields.nth(1)? != LISTEN {
            return None;
        }
        Some(Self {
            address: address_of(address)?,
            port: number_of(port, 4)?.try_into().ok()?,
            user: fields.nth(3)?.parse().ok()?,
            inode: fields.nth(1)?.parse().ok()?,
        })
    }

    fn is_in_the_way(&self) -> bool {
        self.address == Ipv4Addr::LOCALHOST || self.address.is_unspecified()
    }
}

/// An address as the kernel writes it: words of four bytes, each as the number that the machine takes it for. One of
/// version 4 inside version 6 is given as what it is.
fn address_of(digits: &str) -> Option<IpAddr> {
    let word = |digits| number_of(digits, 8).map(u32::to_ne_bytes);
    if digits.len() != 32 {
        return Some(Ipv4Addr::from(word(digits)?).into());
    }
    let mut bytes = [0; 16];
    for (index, place) in bytes.chunks_exact_mut(4).enumerate() {
        place.copy_from_slice(&word(digits.get(8 * index..8 * (index + 1))?)?);
    }
    Some(IpAddr::from(Ipv6Addr::from(bytes)).to_canonical())
}

/// A number of exactly so many hexadecimal digits.
fn number_of(digits: &str, count: usize) -> Option<u32> {
    // A sign is none of them.
    let is_number = digits.len() == count && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_number.then(|| u32::from_str_radix(digits, 16).ok())?
}
