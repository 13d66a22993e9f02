//! Which of a device's accounts is meant: the path is found, not asked for.

use super::conversation::{Conversation, Event};
use super::fault::DeviceFault;
use crate::ethereum::{Address, DerivationPath};

const HARDENED: u32 = DerivationPath::HARDENED;

/// How many accounts of each kind of path are looked through.
const ACCOUNTS: u32 = 20;

/// A path and the address that it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The path.
    pub path: DerivationPath,
    /// Its address.
    pub address: Address,
}

/// Which account is wanted. Without address and path that is m/44'/60'/0'/0/0, the first in every wallet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// The one with this address.
    pub address: Option<Address>,
    /// The one at this path.
    pub path: Option<DerivationPath>,
}

impl Conversation<'_> {
    /// Finds the account, without a prompt. With an address and no path, the paths of Ledger Live (m/44'/60'/x'/0/0),
    /// BIP-44 (m/44'/60'/0'/0/x) and Ledger's older software (m/44'/60'/0'/x) are looked through, x from 0 to 19, the
    /// smaller x first.
    ///
    /// # Errors
    /// [`DeviceFault::AccountNotFound`], [`DeviceFault::WrongAccount`] if the path has another address than the wanted
    /// one, and those of [`Conversation::address`].
    pub fn find(&mut self, wanted: &Wanted) -> Result<Account, DeviceFault> {
        let account = self.look_for(wanted)?;
        self.be_sure(wanted.address.is_some());
        Ok(account)
    }

    fn look_for(&mut self, wanted: &Wanted) -> Result<Account, DeviceFault> {
        let path = match (&wanted.path, wanted.address) {
            (Some(path), _) => path.clone(),
            (None, None) => path(&[HARDENED, 0, 0]),
            (None, Some(expected)) => return self.search(expected),
        };
        let found = self.address(&path)?;
        let account = Account {
            path,
            address: wanted.address.unwrap_or(found),
        };
        self.is_expected(&account, found)?;
        Ok(account)
    }

    fn search(&mut self, expected: Address) -> Result<Account, DeviceFault> {
        for index in 0..ACCOUNTS {
            if index == 1 {
                (self.asker.tell)(&Event::Searching { address: expected });
            }
            for path in usual_paths(index) {
                let address = self.address(&path)?;
                if address == expected {
                    return Ok(Account { path, address });
                }
            }
        }
        Err(DeviceFault::AccountNotFound { expected })
    }
}

/// The paths of the account `index` in the three customs; for the first account two of them are the same.
fn usual_paths(index: u32) -> Vec<DerivationPath> {
    let mut paths = vec![path(&[HARDENED | index, 0, 0]), path(&[HARDENED, 0, index]), path(&[HARDENED, index])];
    paths.dedup();
    paths
}

/// m/44'/60' and these elements.
fn path(elements: &[u32]) -> DerivationPath {
    let all = [&[HARDENED | 44, HARDENED | 60], elements].concat();
    match DerivationPath::from_elements(&all) {
        Ok(path) => path,
        Err(error) => unreachable!("two to ten elements: {error}"),
    }
}
