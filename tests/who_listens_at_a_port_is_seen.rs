//! Who listens at a port of 127.0.0.1 is found, with his process where it can be seen, and nobody else is.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/machine.rs"]
mod machine;

use std::io::{BufRead as _, BufReader};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use machine::{Machine, USER};
use saltbridge::host::{Holder, Listener, Named, listener_at, user_of_connection};

const PORT: u16 = 21730;

/// The states of proc_net(5) that are met here.
const LISTEN: &str = "0A";
const CONNECTED: &str = "01";
const WAITING: &str = "06";

/// An address as the kernel writes it on this machine.
fn written(address: &str) -> String {
    let words = match address.parse().unwrap() {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let words = words
        .chunks_exact(4)
        .map(|word| u32::from_ne_bytes(word.try_into().unwrap()));
    words.map(|word| format!("{word:08X}")).collect()
}

/// A line of the kernel's list.
fn line(address: &str, port: u16, state: &str, user: u32, inode: u64) -> String {
    let other = "0".repeat(written(address).len());
    format!(
        "   0: {}:{port:04X} {other}:0000 {state} 00000000:00000000 00:00000000 00000000 {user:5}        0 {inode} 1 \
         00000000739ef2f9 100 0 0 10 0\n",
        written(address)
    )
}

const HEADING: &str =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

/// A machine with these lines in its lists, and a process `python3` (300) that has the socket 77 open.
fn machine(v4: &[String], v6: &[String]) -> Machine {
    Machine::new()
        .put("proc/net/tcp", format!("{HEADING}{}", v4.concat()))
        .put("proc/net/tcp6", format!("{HEADING}{}", v6.concat()))
        .process(300, "python3", "socket:[77]")
}

fn ada() -> Named {
    Named {
        id: USER,
        name: "ada".to_owned(),
    }
}

#[test]
fn the_process_is_named_by_whichever_address_it_listens() {
    let process = Holder {
        pid: 300,
        name: "python3".to_owned(),
        same_user: true,
    };
    let expected = Listener {
        user: ada(),
        process: Some(process),
    };
    assert_eq!(expected.to_string(), "python3 (process 300)");
    for address in ["127.0.0.1", "0.0.0.0", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0"] {
        let line = line(address, PORT, LISTEN, USER, 77);
        let lists = if address.contains(':') {
            [vec![], vec![line]]
        } else {
            [vec![line], vec![]]
        };
        let machine = machine(&lists[0], &lists[1]);
        assert_eq!(machine.host().listener_at(PORT).as_ref(), Some(&expected), "{address}");
    }
}

#[test]
fn near_misses_are_others() {
    let others = [
        line("127.0.0.1", PORT + 1, LISTEN, USER, 77),
        line("127.0.0.1", PORT.swap_bytes(), LISTEN, USER, 77),
        line("127.0.0.1", PORT, CONNECTED, USER, 77),
        line("127.0.0.1", PORT, WAITING, USER, 0),
        line("127.0.0.2", PORT, LISTEN, USER, 77),
        line("1.0.0.127", PORT, LISTEN, USER, 77),
        line("192.0.2.1", PORT, LISTEN, USER, 77),
        // The port is that of the other end.
        format!("   0: {}:0016 {}:{PORT:04X} 0A 0:0 0:0 0 {USER} 0 77\n", written("127.0.0.1"), written("127.0.0.1")),
    ];
    let others_6 = ["::1", "::ffff:127.0.0.2", "::7f00:1", "2001:db8::1"];
    let others_6: Vec<_> = others_6
        .iter()
        .map(|address| line(address, PORT, LISTEN, USER, 77))
        .collect();
    let mut crowded = others.to_vec();
    assert_eq!(machine(&others, &others_6).host().listener_at(PORT), None);
    // Between all of them the right one is found.
    crowded.insert(4, line("127.0.0.1", PORT, LISTEN, 0, 5));
    let found = machine(&crowded, &others_6).host().listener_at(PORT).unwrap();
    assert_eq!(found.process, None);
}

#[test]
fn lines_that_make_no_sense_are_passed_over() {
    let good = line("127.0.0.1", PORT, LISTEN, USER, 77);
    let address = written("127.0.0.1");
    let bad = [
        "\n".to_owned(),
        "0:\n".to_owned(),
        good.replace(&address, &address[1..]),
        good.replace(&address, &format!("0{address}")),
        good.replace(&address, &format!("+{}", &address[1..])),
        good.replace(&address, "0100007é"),
        good.replace(&address, &address.repeat(4).replace('F', "G")),
        good.replace(":54E2 ", ":154E2 "),
        good.replace(":54E2 ", ":+4E2 "),
        good.replace(":54E2 ", ": "),
        good.replace(":54E2 ", " "),
        good.replace(&format!("{USER:5} "), "-1 "),
        good.replace(&format!("{USER:5} "), "4294967296 "),
        good.replace(" 77 ", " x "),
        good[..good.find(" 77 ").unwrap()].to_owned() + "\n",
        good.replace(" 0A ", " 0a0A "),
    ];
    for bad in &bad {
        assert_ne!(*bad, good);
        assert_eq!(
            machine(std::slice::from_ref(bad), std::slice::from_ref(bad))
                .host()
                .listener_at(PORT),
            None,
            "{bad}"
        );
        assert!(
            machine(&[bad.clone(), good.clone()], &[])
                .host()
                .listener_at(PORT)
                .is_some(),
            "{bad}"
        );
    }
    assert_eq!(Machine::new().host().listener_at(PORT), None, "no lists at all");
}

#[test]
fn the_nearer_address_comes_first() {
    for lists in [
        [vec![line("0.0.0.0", PORT, LISTEN, 0, 5), line("127.0.0.1", PORT, LISTEN, USER, 77)], vec![]],
        [vec![line("127.0.0.1", PORT, LISTEN, USER, 77)], vec![line("::", PORT, LISTEN, 0, 5)]],
    ] {
        let found = machine(&lists[0], &lists[1]).host().listener_at(PORT).unwrap();
        assert_eq!(found.process.unwrap().pid, 300);
    }
}

#[test]
fn where_no_process_is_seen_the_user_is_named() {
    // Another number that begins or ends alike, and a file of another kind.
    let hidden = |user| {
        machine(&[line("127.0.0.1", PORT, LISTEN, user, 7)], &[])
            .process(301, "near", "socket:[77]")
            .process(302, "near", "pipe:[7]")
            .process(303, "near", "socket:[7")
            .host()
            .listener_at(PORT)
            .unwrap()
    };
    let found = hidden(USER);
    assert_eq!((&found.user, &found.process), (&ada(), &None));
    assert_eq!(found.to_string(), "a program of the user ada");
    // A user without a name.
    assert_eq!(hidden(4711).to_string(), "a program of the user 4711");
}

#[test]
fn of_several_processes_with_one_socket_the_first_is_named_and_printable() {
    let machine = machine(&[line("127.0.0.1", PORT, LISTEN, USER, 77)], &[])
        .process(1000, "later", "socket:[77]")
        .process(29, "x\u{1b}[2J", "socket:[77]");
    assert_eq!(machine.host().listener_at(PORT).unwrap().to_string(), "x\\u{1b}[2J (process 29)");
}

/// A child of this process listens; a connection to it is not taken for it.
#[test]
fn a_real_listener_is_found() {
    let mut child = Command::new("python3")
        .args([
            "-c",
            "import socket, sys\n\
             s = socket.create_server(('127.0.0.1', 0))\n\
             print(s.getsockname()[1], flush=True)\n\
             sys.stdin.read()",
        ])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut port = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut port)
        .unwrap();
    let port = port.trim().parse().unwrap();
    let connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    let found = listener_at(port).unwrap();
    let process = found.process.unwrap();
    assert_eq!((process.pid, process.same_user), (child.id(), true));
    assert!(process.name.starts_with("python3"), "{process:?}");
    assert_eq!(found.user.id, rustix::process::geteuid().as_raw());
    assert_eq!(listener_at(connection.local_addr().unwrap().port()), None);
    drop(child.stdin.take());
    child.wait().unwrap();
    assert_eq!(listener_at(port), None);
    // This process itself.
    let own = TcpListener::bind("0.0.0.0:0").unwrap();
    let found = listener_at(own.local_addr().unwrap().port()).unwrap();
    assert_eq!(found.process.unwrap().pid, std::process::id());
}

/// A line of a connection.
fn connection(own: (&str, u16), other: (&str, u16), state: &str, user: u32) -> String {
    let place = |(address, port): (&str, u16)| format!("{}:{port:04X}", written(address));
    format!(
        "  12: {} {} {state} 00000000:00000000 00:00000000 00000000 {user:5}        0 4711 1 00000000739ef2f9 20 4 30 10 -1\n",
        place(own),
        place(other)
    )
}

#[test]
fn whose_a_connection_is() {
    const V4: &str = "127.0.0.1";
    const MAPPED: &str = "::ffff:127.0.0.1";
    let (from, to) = ((V4, 40000), (V4, PORT));
    let own = connection(from, to, CONNECTED, USER);
    let of = |v4: &[String], v6: &[String]| {
        let place = |(address, port): (&str, u16)| SocketAddr::new(address.parse().unwrap(), port);
        machine(v4, v6).host().user_of_connection(place(from), place(to))
    };
    assert_eq!(of(std::slice::from_ref(&own), &[]), Some(USER));
    let many: Vec<_> = (0..20_000)
        .map(|port| connection((V4, port), (V4, 80), CONNECTED, 0))
        .chain([own])
        .collect();
    assert_eq!(of(&many, &[]), Some(USER), "however many there are");
    let mapped = connection((MAPPED, 40000), (MAPPED, PORT), CONNECTED, USER);
    assert_eq!(of(&[], &[mapped]), Some(USER), "a socket of version 6 that speaks version 4");

    for (name, near) in [
        ("the other end", connection(to, from, CONNECTED, USER)),
        ("from another port", connection((V4, 40001), to, CONNECTED, USER)),
        ("to another port", connection(from, (V4, PORT + 1), CONNECTED, USER)),
        ("from another address", connection(("127.0.0.2", 40000), to, CONNECTED, USER)),
        ("closed", connection(from, to, WAITING, USER)),
        ("listening", line(V4, 40000, LISTEN, USER, 77)),
        ("cut", connection(from, to, CONNECTED, USER)[..60].to_owned()),
        ("nonsense", "what is this?\n".to_owned()),
    ] {
        assert_eq!(of(&[near], &[]), None, "{name}");
    }
}

#[test]
fn whose_a_connection_of_this_machine_is() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let stream = TcpStream::connect(to).unwrap();
    let from = stream.local_addr().unwrap();
    assert_eq!(user_of_connection(from, to), Some(rustix::process::geteuid().as_raw()));
    drop((stream, listener));
    assert_eq!(user_of_connection(from, to), None);
}
