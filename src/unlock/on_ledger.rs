//! The wallet that is a Ledger.

use super::Wallet;
use crate::encryption::SignableMessage;
use crate::ethereum::{Address, Signature};
use crate::ledger::{Account, Asker, DeviceFault, Session, Wanted};

/// What the person is about to be asked on the device.
pub struct Request<'a> {
    /// The account that will sign.
    pub account: &'a Account,
    /// The message, word for word.
    pub message: &'a SignableMessage,
    /// Which request of this wallet it is, from 1.
    pub number: usize,
}

/// One account of a Ledger, as a wallet.
///
/// The device is looked for at the first question, and the account then found without a prompt. Each signature is a
/// conversation of its own: in between, other programs may use the device.
pub struct LedgerWallet<A> {
    session: Session,
    asker: Asker,
    wanted: Wanted,
    announce: A,
    account: Option<Account>,
    requests: usize,
}

impl<A: FnMut(&Request<'_>)> LedgerWallet<A> {
    /// The wallet of the wanted account. `announce` is called before the device shows anything, so that the person knows
    /// what to compare.
    pub fn new(session: Session, asker: Asker, wanted: Wanted, announce: A) -> Self {
        Self {
            session,
            asker,
            wanted,
            announce,
            account: None,
            requests: 0,
        }
    }

    /// The account, looked for if it is not known yet.
    ///
    /// # Errors
    /// [`DeviceFault`].
    pub fn account(&mut self) -> Result<Account, DeviceFault> {
        if let Some(account) = &self.account {
            return Ok(account.clone());
        }
        let wanted = self.wanted.clone();
        let account = self.session.converse_through(&self.asker, move |device| {
            device.ready(&wanted)?;
            device.find(&wanted)
        })?;
        Ok(self.account.insert(account).clone())
    }
}

impl<A: FnMut(&Request<'_>)> Wallet for LedgerWallet<A> {
    type Error = DeviceFault;

    fn address(&mut self) -> Result<Option<Address>, DeviceFault> {
        Ok(Some(self.account()?.address))
    }

    fn personal_sign(&mut self, message: &SignableMessage) -> Result<Signature, DeviceFault> {
        let account = self.account()?;
        self.requests += 1;
        (self.announce)(&Request {
            account: &account,
            message,
            number: self.requests,
        });
        let text = message.as_str().as_bytes().to_vec();
        let wanted = Wanted {
            address: Some(account.address),
            path: Some(account.path.clone()),
        };
        self.session.converse_through(&self.asker, move |device| {
            device.ready(&wanted)?;
            device.personal_sign(&account, &text)
        })
    }
}
