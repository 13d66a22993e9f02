//! Keys that are unlocked, in memory alone.
//!
//! Promises: a key has one owner, and only that owner uses it or learns that it is there; it is forgotten when it was not
//! used for a while, after an hour however much it is used, when its owner's pairing ends, when the device is unplugged,
//! after the machine was suspended, and when the bridge stops. Time is measured by the clock that goes on during suspend.
//! Refuses to tell a handle of somebody else's from one that never was.
//!
//! A key lies in memory that is locked and left out of dumps where the system allows it, and is wiped when the last call
//! that uses it ends: such a call is ended when the key is forgotten.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::ops::Deref;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::caller::{Ending, Owner, Standing};
use super::clock::Instant;
use crate::encryption::{Envelope, KeyPair, PublicKey, RandomError};
use crate::ethereum::{Address, VForm};
use crate::fault::{Class, Explanation, Fault};

/// How many keys one owner may hold, and how many there may be.
const MOST_OF_ONE: usize = 64;
const MOST: usize = 1024;

/// How long keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keeping {
    /// Since it was last used. Five minutes unless another time is given.
    pub idle: Duration,
    /// Since it was unlocked. One hour unless another time is given; nothing: for one use.
    pub at_most: Duration,
    /// Whether it is kept when the device is unplugged.
    pub when_unplugged: bool,
}

impl Default for Keeping {
    fn default() -> Self {
        Self {
            idle: Duration::from_secs(5 * 60),
            at_most: Duration::from_secs(60 * 60),
            when_unplugged: false,
        }
    }
}

impl Keeping {
    /// How long a key is kept that is for one use and is not used: until it would have been idle for too long.
    fn is_for_one_use(&self) -> bool {
        self.at_most.is_zero() || self.idle.is_zero()
    }

    fn until(&self, unlocked: Instant, used: Instant) -> Instant {
        if self.is_for_one_use() {
            return unlocked + Self::default().idle;
        }
        (used + self.idle).min(unlocked + self.at_most)
    }
}

/// Names a key that is held: 16 random bytes, shown as 22 characters of base64url.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Handle([u8; 16]);

impl Handle {
    fn new() -> Result<Self, RandomError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes).map_err(|_| RandomError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl FromStr for Handle {
    type Err = NoSuchKey;

    fn from_str(text: &str) -> Result<Self, NoSuchKey> {
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| NoSuchKey)?;
        bytes.try_into().map(Self).map_err(|_| NoSuchKey)
    }
}

/// A key that was unlocked.
pub struct Unlock {
    /// The key pair.
    pub key_pair: KeyPair,
    /// The address that signed.
    pub address: Address,
    /// The form of the v byte that the envelope was made with.
    pub v_form: VForm,
    /// The envelope, to be opened anew before the key is given away.
    pub envelope: Envelope,
    /// The text that the owner sent for it: the same one is not asked for twice.
    pub text: String,
    /// Whether the person was told that the key would be given away.
    pub for_export: bool,
}

/// What is told of a key that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its handle.
    pub handle: Handle,
    /// Its public key.
    pub public_key: PublicKey,
    /// The address that signed.
    pub address: Address,
    /// The form of the v byte.
    pub v_form: VForm,
    /// For how long it is kept if it is not used.
    pub expires_in: Duration,
}

/// A key in use. What uses it ends when the key is forgotten; one that is for one use ends with this.
pub struct InUse {
    key_pair: Arc<KeyPair>,
    standing: Standing,
    _ending: Option<Ending>,
}

impl InUse {
    /// Whether it is still held, and when not any more.
    pub(super) fn standing(&self) -> Standing {
        self.standing.clone()
    }
}

impl Deref for InUse {
    type Target = KeyPair;

    fn deref(&self) -> &KeyPair {
        &self.key_pair
    }
}

struct Entry {
    owner: Owner,
    standing: Standing,
    ending: Ending,
    key_pair: Arc<KeyPair>,
    address: Address,
    v_form: VForm,
    envelope: Envelope,
    text: String,
    for_export: bool,
    unlocked: Instant,
    used: Instant,
}

/// All keys that are unlocked.
pub struct Keyring {
    keeping: Keeping,
    keys: HashMap<Handle, Entry>,
    /// How long the machine had been suspended when it was last looked.
    suspended: Duration,
}

impl Keyring {
    /// An empty one; `suspended` is how long the machine has been suspended so far.
    pub fn new(keeping: Keeping, suspended: Duration) -> Self {
        Self {
            keeping,
            keys: HashMap::new(),
            suspended,
        }
    }

    /// Forgets what is to be forgotten by now: called before every use, and every second while keys are held. How many
    /// there are left.
    pub fn tend(&mut self, now: Instant, suspended: Duration) -> usize {
        // The two clocks are not read at the same moment.
        const APART: Duration = Duration::from_millis(500);
        if suspended > self.suspended + APART {
            self.keys.clear();
        }
        self.suspended = suspended;
        let keeping = self.keeping;
        self.keys.retain(|_, entry| {
            // A call that lasts long uses it all the time.
            if Arc::strong_count(&entry.key_pair) > 1 {
                entry.used = now;
            }
            keeping.until(entry.unlocked, entry.used) > now
        });
        self.keys.len()
    }

    /// That there is room for another key of this owner: asked before a person is.
    ///
    /// # Errors
    /// [`KeyringError::Full`].
    pub fn check_room(&self, owner: Owner) -> Result<(), KeyringError> {
        let own = self.keys.values().filter(|entry| entry.owner == owner).count();
        match own >= MOST_OF_ONE || self.keys.len() >= MOST {
            true => Err(KeyringError::Full),
            false => Ok(()),
        }
    }

    /// Holds a key for its owner.
    ///
    /// # Errors
    /// [`KeyringError`].
    pub fn hold(&mut self, now: Instant, owner: Owner, unlock: Unlock) -> Result<Held, KeyringError> {
        self.check_room(owner)?;
        let handle = Handle::new()?;
        let (ending, standing) = Standing::new();
        let entry = Entry {
            owner,
            standing,
            ending,
            key_pair: Arc::new(unlock.key_pair.lock_in_memory()),
            address: unlock.address,
            v_form: unlock.v_form,
            envelope: unlock.envelope,
            text: unlock.text,
            for_export: unlock.for_export,
            unlocked: now,
            used: now,
        };
        let held = self.held(now, handle, &entry);
        self.keys.insert(handle, entry);
        Ok(held)
    }

    /// The key of this envelope that the owner holds already, if that is one that serves what is expected of it.
    pub fn find(&mut self, now: Instant, owner: Owner, text: &str, fits: impl Fn(&Held) -> bool) -> Option<Held> {
        let keeping = self.keeping;
        if keeping.is_for_one_use() {
            return None;
        }
        let own = self
            .keys
            .iter()
            .filter(|(_, entry)| entry.owner == owner && entry.text == text);
        let (handle, _) = own.max_by_key(|(_, entry)| entry.unlocked)?;
        let handle = *handle;
        let entry = self.keys.get_mut(&handle)?;
        entry.used = now;
        let entry = self.keys.get(&handle)?;
        Some(self.held(now, handle, entry)).filter(fits)
    }

    /// The key behind a handle of this owner, which is used now.
    ///
    /// # Errors
    /// [`NoSuchKey`].
    pub fn key(&mut self, now: Instant, owner: Owner, handle: Handle) -> Result<InUse, NoSuchKey> {
        let entry = self.entry(owner, handle)?;
        entry.used = now;
        let (key_pair, standing) = (Arc::clone(&entry.key_pair), entry.standing.clone());
        let used_up = match self.keeping.is_for_one_use() {
            true => self.keys.remove(&handle),
            false => None,
        };
        Ok(InUse {
            key_pair,
            standing,
            _ending: used_up.map(|entry| entry.ending),
        })
    }

    /// The key behind a handle of this owner, if the person was told that it would be given away, and it was not yet.
    ///
    /// # Errors
    /// [`NoSuchKey`].
    pub fn key_to_export(&mut self, owner: Owner, handle: Handle) -> Result<Option<Arc<KeyPair>>, NoSuchKey> {
        let entry = self.entry(owner, handle)?;
        let granted = std::mem::take(&mut entry.for_export).then(|| Arc::clone(&entry.key_pair));
        if granted.is_some() && self.keeping.is_for_one_use() {
            self.keys.remove(&handle);
        }
        Ok(granted)
    }

    /// The envelope behind a handle of this owner, the address that opens it, and the public key that it holds.
    ///
    /// # Errors
    /// [`NoSuchKey`].
    pub fn envelope(&mut self, owner: Owner, handle: Handle) -> Result<(Envelope, Address, PublicKey), NoSuchKey> {
        let entry = self.entry(owner, handle)?;
        Ok((entry.envelope.clone(), entry.address, entry.key_pair.public_key()))
    }

    /// Forgets one key of this owner.
    ///
    /// # Errors
    /// [`NoSuchKey`].
    pub fn forget(&mut self, owner: Owner, handle: Handle) -> Result<(), NoSuchKey> {
        self.entry(owner, handle)?;
        self.keys.remove(&handle);
        Ok(())
    }

    /// Forgets all keys of these owners; how many.
    pub fn forget_all_of(&mut self, is_one: impl Fn(Owner) -> bool) -> usize {
        let before = self.keys.len();
        self.keys.retain(|_, entry| !is_one(entry.owner));
        before - self.keys.len()
    }

    /// Forgets all keys because the device is gone, unless they are kept then; how many.
    pub fn unplugged(&mut self) -> usize {
        match self.keeping.when_unplugged {
            true => 0,
            false => self.forget_all_of(|_| true),
        }
    }

    /// How many an owner holds.
    pub fn count_of(&self, owner: Owner) -> usize {
        self.keys.values().filter(|entry| entry.owner == owner).count()
    }

    /// How many each owner holds that holds any.
    pub fn counts(&self) -> BTreeMap<Owner, usize> {
        let mut counts = BTreeMap::new();
        for entry in self.keys.values() {
            *counts.entry(entry.owner).or_default() += 1;
        }
        counts
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.keys.len()
    }

    fn entry(&mut self, owner: Owner, handle: Handle) -> Result<&mut Entry, NoSuchKey> {
        self.keys
            .get_mut(&handle)
            .filter(|entry| entry.owner == owner)
            .ok_or(NoSuchKey)
    }

    fn held(&self, now: Instant, handle: Handle, entry: &Entry) -> Held {
        Held {
            handle,
            public_key: entry.key_pair.public_key(),
            address: entry.address,
            v_form: entry.v_form,
            expires_in: self.keeping.until(entry.unlocked, entry.used).since(now),
        }
    }
}

/// There is no such key, or it is somebody else's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no key is held under this handle")]
pub struct NoSuchKey;

impl Fault for NoSuchKey {
    fn explain(&self) -> Explanation {
        Explanation::new("no-such-key", Class::Usage, "it was forgotten, or never was: unwrap the envelope again")
    }
}

/// Why a key is not held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyringError {
    /// There are as many as there may be.
    #[error("too many keys are held")]
    Full,
    /// No handle.
    #[error(transparent)]
    Random(#[from] RandomError),
}

impl Fault for KeyringError {
    fn explain(&self) -> Explanation {
        match self {
            Self::Full => Explanation::new(
                "too-many-keys",
                Class::Policy,
                "forget keys that are not needed any more: DELETE /v1/keys, or saltbridge lock",
            ),
            Self::Random(error) => error.explain(),
        }
    }
}
