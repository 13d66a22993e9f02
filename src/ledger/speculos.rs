//! A link to an emulator that speaks Speculos's TCP protocol, by coins-ledger's transport.
//!
//! That transport does not wipe what it read, so a signature of an emulated device stays in memory until the process
//! ends. An emulator's seeds are test seeds, and its connection is never encrypted; no real device is reached this way.

use std::net::SocketAddr;
use std::time::Duration;

use coins_ledger::common::ApduCommand;
use coins_ledger::errors::LedgerError;
use coins_ledger::transports::{LedgerTransport as _, SpeculosError, SpeculosTransport};
use coins_ledger::{Model, common::StatusWord};
use tokio::runtime::{Builder, Runtime};
use zeroize::Zeroizing;

use super::link::{Answer, Link, LinkError};

/// How long connecting may take on the same machine, and how long a late answer is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct SpeculosLink {
    runtime: Runtime,
    transport: SpeculosTransport,
    /// Whether the answer to an earlier command is still to come.
    owed: bool,
}

impl SpeculosLink {
    pub(super) fn open(address: SocketAddr) -> Result<Self, LinkError> {
        let absent = |error: &dyn std::fmt::Display| LinkError::Absent(error.to_string());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| absent(&error))?;
        // The protocol does not tell the model, and nothing here depends on it.
        let connect = SpeculosTransport::connect(address, Model::Unknown(0));
        let transport = runtime
            .block_on(async { tokio::time::timeout(PATIENCE, connect).await })
            .map_err(|_| LinkError::Silent(PATIENCE))?
            .map_err(|error| absent(&error))?;
        Ok(Self {
            runtime,
            transport,
            owed: false,
        })
    }

    /// Reads the answer that nobody waits for any more and throws it away: coins-ledger refuses to go on before.
    fn discard_owed(&mut self) -> Result<(), LinkError> {
        if self.owed {
            self.runtime
                .block_on(self.transport.discard_pending(PATIENCE))
                .map_err(|error| match error {
                    SpeculosError::NoReply(time) => LinkError::Silent(time),
                    other => LinkError::Lost(other.to_string()),
                })?;
            self.owed = false;
        }
        Ok(())
    }
}

/// Speculos sends a late answer to whoever is connected, so the connection that it is owed to is kept.
impl Link for SpeculosLink {
    fn is_owed_an_answer(&self) -> bool {
        self.owed
    }

    fn exchange(&mut self, command: ApduCommand, deadline: Option<Duration>) -> Result<Answer, LinkError> {
        self.discard_owed()?;
        let answered = self.runtime.block_on(self.transport.exchange(command, deadline));
        match answered {
            Ok(answer) => Ok(Answer {
                data: Zeroizing::new(answer.data().to_vec()),
                status: StatusWord::SUCCESS.raw(),
            }),
            Err(LedgerError::BadRetcode(status)) => Ok(Answer {
                data: Zeroizing::default(),
                status: status.raw(),
            }),
            Err(LedgerError::Timeout(time)) => {
                self.owed = true;
                Err(LinkError::Silent(time))
            }
            Err(LedgerError::Transport(error)) => Err(match error.downcast_ref() {
                Some(SpeculosError::Io(_) | SpeculosError::Broken) => LinkError::Lost(error.to_string()),
                _ => LinkError::OtherProtocol(error.to_string()),
            }),
            Err(error) => Err(LinkError::OtherProtocol(error.to_string())),
        }
    }
}
