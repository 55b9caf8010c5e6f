//! Several transactions in one, of which all take effect or none does.

use bytes::Bytes;

use super::TxnBody;
use crate::code::OpCode;
use crate::error::DecodeError;
use crate::jute::{Reader, record};

record! {
    /// Several transactions under one header. With an error among them none takes effect.
    MultiTxn {
        /// Them, in order.
        parts: Vec<PartTxn>,
    }
}

record! {
    /// One of several transactions: it has no header of its own.
    PartTxn {
        /// The operation's number, which says what the body is.
        kind: i32,
        /// Its body.
        body: Bytes,
    }
}

record! {
    /// A node's version was compared.
    CheckTxn {
        /// Its path.
        path: String,
        /// The version.
        version: i32,
    }
}

impl PartTxn {
    /// A part with this body.
    #[must_use]
    pub fn new(kind: OpCode, body: &TxnBody) -> Self {
        let mut bytes = bytes::BytesMut::new();
        body.encode(&mut bytes);
        Self { kind: kind.number(), body: bytes.freeze() }
    }

    /// What it changes; [`TxnBody::Other`] if its kind has no place in a `Multi`.
    ///
    /// # Errors
    /// If the bytes are no body of this kind.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "operations of clients, most of which are no transactions"
    )]
    pub fn decode_body(&self) -> Result<TxnBody, DecodeError> {
        let Some(kind) = OpCode::from_number(self.kind) else {
            return Ok(TxnBody::Other(self.body.clone()));
        };
        let mut reader = Reader::new(&self.body);
        let body = match kind {
            OpCode::Create | OpCode::Create2 => TxnBody::Create(reader.read()?),
            OpCode::CreateContainer => TxnBody::CreateContainer(reader.read()?),
            OpCode::CreateTtl => TxnBody::CreateTtl(reader.read()?),
            OpCode::Delete | OpCode::DeleteContainer => TxnBody::Delete(reader.read()?),
            OpCode::SetData => TxnBody::SetData(reader.read()?),
            OpCode::Check => TxnBody::Check(reader.read()?),
            OpCode::Error => TxnBody::Error(reader.read()?),
            _ => return Ok(TxnBody::Other(self.body.clone())),
        };
        reader.finish()?;
        Ok(body)
    }
}
