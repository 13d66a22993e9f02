//! No answer whatever, broken off or not, makes the client panic or take for a signature what is none.
#![allow(missing_docs, clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/stage.rs"]
mod stage;
mod support;

use std::ffi::OsStr;
use std::sync::{Arc, LazyLock, Mutex};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use saltbridge::ethereum::{Address, DerivationPath, Signature, personal_message_hash};
use saltbridge::fault::Fault as _;
use saltbridge::ledger::{AppInfo, DeviceFault, Session, Wanted};
use saltbridge::text::printable_name;
use scripted::{ADDRESS, ADDRESS_TEXT, ETHEREUM, Reply, ScriptedServer, framed};
use stage::asker;
use support::{Vectors, text, unhex_any};

/// The most bytes that the device sends at once: 255, their header, and the status word within them (Ledger's SDK).
const LONGEST_ANSWER: usize = 260;

const SUCCESS: [u8; 2] = [0x90, 0x00];

/// The answers that the device gives now: to app info, to GET ADDRESS, and to the signature.
type Replies = [Reply; 3];

/// One device for all cases of a test.
struct Bench {
    replies: Arc<Mutex<Replies>>,
    session: Session,
    _server: ScriptedServer,
}

impl Bench {
    fn new() -> Self {
        let replies = Arc::new(Mutex::new([const { Reply::Silence }; 3]));
        let now = Arc::clone(&replies);
        let server = ScriptedServer::start(move |command| {
            let [info, address, sign] = now.lock().unwrap().clone();
            match command {
                [0xb0, 0x01, ..] => info,
                [0xe0, 0x02, ..] => address,
                [0xe0, 0x08, ..] => sign,
                other => panic!("no command that the client needs: {other:02x?}"),
            }
        });
        let session = Session::start(server.endpoint()).unwrap();
        Self {
            replies,
            session,
            _server: server,
        }
    }

    /// All that the client can be asked for without waiting, each in a conversation of its own.
    fn ask(&self, replies: Replies) -> Asked {
        *self.replies.lock().unwrap() = replies;
        let session = &self.session;
        let path = || "m/44'/60'/0'/0/0".parse::<DerivationPath>().unwrap();
        Asked {
            info: session.converse(asker(), |conversation| conversation.app_info()),
            ready: session.converse(asker(), |conversation| conversation.ready(&Wanted::default())),
            address: session.converse(asker(), move |conversation| conversation.address(&path())),
            confirmed: session.converse(asker(), move |conversation| {
                let address = ADDRESS_TEXT.parse().unwrap();
                conversation.confirm_address(&stage::account(path(), address))
            }),
            signature: session.converse(asker(), move |conversation| {
                let address = ADDRESS_TEXT.parse().unwrap();
                conversation.personal_sign(&stage::account(path(), address), b"a message")
            }),
        }
    }
}

static BENCH: LazyLock<Mutex<Bench>> = LazyLock::new(|| Mutex::new(Bench::new()));

struct Asked {
    info: Result<AppInfo, DeviceFault>,
    ready: Result<AppInfo, DeviceFault>,
    address: Result<Address, DeviceFault>,
    confirmed: Result<(), DeviceFault>,
    signature: Result<Signature, DeviceFault>,
}

/// The data of an answer that says success.
fn success(reply: &Reply) -> Option<&[u8]> {
    match reply {
        Reply::Answer(answer) => answer.strip_suffix(&SUCCESS),
        Reply::Broken(_) | Reply::Silence => None,
    }
}

/// The name and the version of an app, if that is what this is.
fn app_info_in(data: &[u8]) -> Option<(&[u8], &[u8])> {
    let [1, length, rest @ ..] = data else { return None };
    let (name, rest) = rest.split_at_checked((*length).into())?;
    let [length, rest @ ..] = rest else { return None };
    Some((name, rest.get(..usize::from(*length))?))
}

/// A fault has a remedy, and a sentence that a terminal can be shown.
fn is_sound(fault: &DeviceFault) {
    let sentence = fault.to_string();
    assert_eq!(printable_name(OsStr::new(&sentence)), sentence);
    assert!(!fault.explain().help.is_empty() && !fault.explain().code.is_empty());
}

/// Every value that was returned stands in the answer, and every answer that holds one was understood.
fn is_right(replies: &Replies, asked: &Asked) {
    let [info, address, sign] = replies;
    let expected = success(info).and_then(app_info_in);
    match (&asked.info, expected) {
        (Err(fault), None) => is_sound(fault),
        (Ok(found), Some((name, _))) => {
            for text in [&found.name, &found.version] {
                assert_eq!(printable_name(OsStr::new(text)), *text);
            }
            assert_eq!(found.is_ethereum(), name == b"Ethereum");
        }
        (found, expected) => panic!("{found:?}, where it should be {expected:?}"),
    }
    match &asked.ready {
        Ok(found) => assert_eq!(Some(b"Ethereum".as_slice()), expected.map(|(name, _)| name), "{found:?}"),
        Err(fault) => is_sound(fault),
    }
    let digits = success(address).filter(|data| data.len() == 107 && data[0] == 65 && data[66] == 40);
    let expected = digits.and_then(|data| {
        format!("0x{}", str::from_utf8(&data[67..]).ok()?)
            .parse::<Address>()
            .ok()
    });
    assert_eq!(asked.address.as_ref().ok(), expected.as_ref());
    let is_the_account = expected.is_some_and(|address| address.to_string() == ADDRESS_TEXT);
    assert_eq!(asked.confirmed.is_ok(), is_the_account);
    for fault in [asked.address.as_ref().err(), asked.confirmed.as_ref().err()] {
        fault.into_iter().for_each(is_sound);
    }
    match &asked.signature {
        Err(fault) => {
            assert!(!is_the_account || success(sign) != Some(SIGNATURE.as_slice()), "{fault:?}");
            is_sound(fault);
        }
        Ok(signature) => {
            // Nothing else is one over this message by this account, as far as a test can come upon it.
            assert_eq!(success(sign).unwrap(), SIGNATURE.as_slice());
            assert_eq!(expected.unwrap().to_string(), ADDRESS_TEXT);
            let data = success(sign).unwrap();
            assert_eq!((data.len(), data[0] == 27 || data[0] == 28), (65, true));
            let [r_and_s @ .., v] = signature.expose_bytes();
            assert_eq!((v, r_and_s.as_slice()), (&data[0], &data[1..]));
        }
    }
}

fn status_word() -> impl Strategy<Value = [u8; 2]> {
    prop_oneof![
        4 => Just(SUCCESS),
        1 => select(vec![0x6985_u16, 0x5515, 0x6511, 0x6a15, 0x6a87, 0x6a84, 0x6f00]).prop_map(u16::to_be_bytes),
        1 => any::<[u8; 2]>(),
    ]
}

/// A few bytes of an answer changed, removed or added.
fn changed(original: Vec<u8>) -> impl Strategy<Value = Vec<u8>> {
    vec((any::<Index>(), any::<u8>(), 0..3_u8), 0..3).prop_map(move |changes| {
        let mut bytes = original.clone();
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len() + 1);
            match (kind, at < bytes.len()) {
                (0, true) => bytes[at] = byte,
                (1, true) => drop(bytes.remove(at)),
                _ => bytes.insert(at, byte),
            }
        }
        bytes
    })
}

fn data_of(answer: &str) -> Vec<u8> {
    let bytes = base16ct::lower::decode_vec(answer).unwrap();
    bytes[..bytes.len() - 2].to_vec()
}

/// v ‖ r ‖ s over the message that is asked for, by the account of [`ADDRESS`]: RFC 6979, as every Ledger signs.
static SIGNATURE: LazyLock<Vec<u8>> = LazyLock::new(|| {
    let key = k256::ecdsa::SigningKey::from_slice(&private_key()).unwrap();
    let (scalars, recovery) = key.sign_prehash_recoverable(&personal_message_hash(b"a message"));
    [&[27 + u8::from(recovery.is_y_odd())], scalars.to_bytes().as_slice()].concat()
});

/// That of the account of [`ADDRESS`], publicly known as its seed is.
fn private_key() -> Vec<u8> {
    let vectors = Vectors::numerbay();
    let wallet = vectors
        .section("wallets")
        .iter()
        .find(|wallet| wallet["address"] == ADDRESS_TEXT);
    unhex_any(text(wallet.unwrap(), "eth_private_key"))
}

/// A signature, or nearly one.
fn near_signature() -> impl Strategy<Value = Vec<u8>> {
    let right = changed(SIGNATURE.clone());
    prop_oneof![1 => Just(SIGNATURE.clone()), 2 => right, 3 => like_a_signature()]
}

fn like_a_signature() -> impl Strategy<Value = Vec<u8>> {
    let v = prop_oneof![4 => select(vec![27, 28]), 1 => select(vec![0, 1, 26, 29, 255])];
    let length = prop_oneof![4 => Just(64_usize), 1 => 62..67_usize];
    let bytes = prop_oneof![4 => vec(any::<u8>(), 67), 1 => select(vec![0, 255]).prop_map(|byte| vec![byte; 67])];
    (v, length, bytes).prop_map(|(v, length, bytes)| [&[v], &bytes[..length]].concat())
}

fn data() -> impl Strategy<Value = Vec<u8>> {
    let name = select(vec!["Ethereum", "Ethereum ", "ethereum", "BOLOS", "OLOS-1", "Bitcoin", "\u{1b}[2J", ""]);
    let info = (name, vec(any::<u8>(), 0..9)).prop_map(|(name, version)| {
        let length = |bytes: &[u8]| u8::try_from(bytes.len()).unwrap();
        [&[1, length(name.as_bytes())], name.as_bytes(), &[length(&version)], &version].concat()
    });
    prop_oneof![
        3 => vec(any::<u8>(), 0..260),
        2 => info.prop_flat_map(changed),
        2 => changed(data_of(ETHEREUM)),
        3 => changed(data_of(ADDRESS)),
        3 => near_signature(),
    ]
}

/// An answer, a frame that breaks off or lies about its length, or the end of the connection.
fn reply() -> impl Strategy<Value = Reply> {
    let answer = (data(), status_word()).prop_map(|(mut data, status)| {
        data.truncate(LONGEST_ANSWER - 1);
        [data.as_slice(), &status].concat()
    });
    let broken = (data(), status_word(), any::<Index>()).prop_map(|(data, status, end)| {
        let frame = framed(&[data.as_slice(), &status].concat());
        frame[..end.index(frame.len())].to_vec()
    });
    let lying = (prop_oneof![any::<u32>(), 100..300_u32, Just(u32::MAX)], vec(any::<u8>(), 0..100))
        .prop_map(|(length, bytes)| [length.to_be_bytes().as_slice(), &bytes].concat());
    prop_oneof![
        12 => answer.prop_map(Reply::Answer),
        2 => broken.prop_map(Reply::Broken),
        1 => lying.prop_map(Reply::Broken),
        1 => Just(Reply::hang_up()),
    ]
}

/// Often the right answer, so that the next one counts.
fn mostly(right: &'static str) -> impl Strategy<Value = Reply> {
    prop_oneof![2 => Just(Reply::hex(right)), 3 => reply()]
}

fn config(cases: u32) -> ProptestConfig {
    ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(config(1024))]

    #[test]
    fn any_answer_is_a_fault_or_a_right_value(info in mostly(ETHEREUM), address in mostly(ADDRESS), sign in reply()) {
        let replies = [info, address, sign];
        let bench = BENCH.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        is_right(&replies, &bench.ask(replies.clone()));
    }

    #[test]
    fn only_sixty_five_bytes_with_a_known_v_are_a_signature(data in near_signature(), status in status_word()) {
        let sign = Reply::Answer([data.as_slice(), &status].concat());
        let replies = [Reply::hex(ETHEREUM), Reply::hex(ADDRESS), sign];
        let bench = BENCH.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        is_right(&replies, &bench.ask(replies.clone()));
    }
}
