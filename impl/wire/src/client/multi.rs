//! Several operations in one request: `multi`, whose writes happen together or not at all, and
//! `multiRead`, whose reads stand each for itself. Source: `MultiOperationRecord`,
//! `MultiResponse`.

use bytes::{Bytes, BytesMut};

use super::{
    CheckVersionRequest, Create2Response, CreateRequest, CreateTtlRequest, DeleteRequest,
    ReadRequest, SetDataRequest,
};
use crate::code::OpCode;
use crate::data::Stat;
use crate::error::{DecodeError, Found};
use crate::jute::{Reader, Record, record};

record! {
    /// In front of every operation and every result; the last one has `done` and nothing behind it.
    #[derive(Copy)]
    MultiHeader {
        /// The operation's number; −1 with an error, and at the end.
        op: i32,
        /// Nothing follows.
        done: bool,
        /// In a result: its error's number, or 0. Elsewhere −1.
        err: i32,
    }
}

impl MultiHeader {
    /// What comes last.
    const END: Self = Self { op: -1, done: true, err: -1 };
}

/// An operation of a `multi` or a `multiRead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// `Create`, `Create2` or `CreateContainer`: which of them decides about kind and answer.
    Create(OpCode, CreateRequest),
    /// `CreateTtl`.
    CreateTtl(CreateTtlRequest),
    /// `Delete`.
    Delete(DeleteRequest),
    /// `SetData`.
    SetData(SetDataRequest),
    /// `Check`.
    Check(CheckVersionRequest),
    /// `GetData`, in a `multiRead` only.
    GetData(ReadRequest),
    /// `GetChildren`, in a `multiRead` only.
    GetChildren(ReadRequest),
}

impl Op {
    /// Its operation.
    #[must_use]
    pub fn code(&self) -> OpCode {
        match self {
            Self::Create(code, _) => *code,
            Self::CreateTtl(_) => OpCode::CreateTtl,
            Self::Delete(_) => OpCode::Delete,
            Self::SetData(_) => OpCode::SetData,
            Self::Check(_) => OpCode::Check,
            Self::GetData(_) => OpCode::GetData,
            Self::GetChildren(_) => OpCode::GetChildren,
        }
    }

    /// Whether it changes nothing and checks nothing.
    #[must_use]
    pub fn is_read(&self) -> bool {
        matches!(self, Self::GetData(_) | Self::GetChildren(_))
    }

    fn decode(op: i32, reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let at = reader.clone();
        match OpCode::from_number(op) {
            Some(code @ (OpCode::Create | OpCode::Create2 | OpCode::CreateContainer)) => {
                reader.read().map(|request| Self::Create(code, request))
            }
            Some(OpCode::CreateTtl) => reader.read().map(Self::CreateTtl),
            Some(OpCode::Delete) => reader.read().map(Self::Delete),
            Some(OpCode::SetData) => reader.read().map(Self::SetData),
            Some(OpCode::Check) => reader.read().map(Self::Check),
            Some(OpCode::GetData) => reader.read().map(Self::GetData),
            Some(OpCode::GetChildren) => reader.read().map(Self::GetChildren),
            _ => Err(at.refuse("an operation of a multi", Found::Number(op.into()))),
        }
    }

    fn encode(&self, out: &mut BytesMut) {
        match self {
            Self::Create(_, request) => request.encode(out),
            Self::CreateTtl(request) => request.encode(out),
            Self::Delete(request) => request.encode(out),
            Self::SetData(request) => request.encode(out),
            Self::Check(request) => request.encode(out),
            Self::GetData(request) | Self::GetChildren(request) => request.encode(out),
        }
    }
}

/// Requests `Multi` and `MultiRead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiRequest {
    /// The operations, in order.
    pub ops: Vec<Op>,
}

impl Record for MultiRequest {
    fn encode(&self, out: &mut BytesMut) {
        for op in &self.ops {
            MultiHeader { op: op.code().number(), done: false, err: -1 }.encode(out);
            op.encode(out);
        }
        MultiHeader::END.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut ops = Vec::new();
        loop {
            let header: MultiHeader = reader.read()?;
            if header.done {
                return Ok(Self { ops });
            }
            ops.push(Op::decode(header.op, reader)?);
        }
    }
}

/// What became of one operation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OpResult {
    /// `Create`: the new node's path.
    Created(String),
    /// `Create2`, `CreateContainer` or `CreateTtl`.
    CreatedWithStat(OpCode, Create2Response),
    /// `Delete` or `Check`.
    Done(OpCode),
    /// `SetData`.
    Replaced(Stat),
    /// `GetData`.
    Data(Option<Bytes>, Stat),
    /// `GetChildren`.
    Children(Vec<String>),
    /// It failed with this number; or, with 0, it would not have failed.
    Error(i32),
}

/// Answers to `Multi` and `MultiRead`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MultiResponse {
    /// One result for each operation, in order.
    pub results: Vec<OpResult>,
}

impl Record for MultiResponse {
    fn encode(&self, out: &mut BytesMut) {
        for result in &self.results {
            let mut head =
                |code: OpCode| MultiHeader { op: code.number(), done: false, err: 0 }.encode(out);
            match result {
                OpResult::Created(path) => {
                    head(OpCode::Create);
                    path.encode(out);
                }
                OpResult::CreatedWithStat(code, response) => {
                    head(*code);
                    response.encode(out);
                }
                OpResult::Done(code) => head(*code),
                OpResult::Replaced(stat) => {
                    head(OpCode::SetData);
                    stat.encode(out);
                }
                OpResult::Data(data, stat) => {
                    head(OpCode::GetData);
                    data.encode(out);
                    stat.encode(out);
                }
                OpResult::Children(names) => {
                    head(OpCode::GetChildren);
                    names.encode(out);
                }
                OpResult::Error(number) => {
                    MultiHeader { op: -1, done: false, err: *number }.encode(out);
                    number.encode(out);
                }
            }
        }
        MultiHeader::END.encode(out);
    }

    fn decode(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let mut results = Vec::new();
        loop {
            let at = reader.clone();
            let header: MultiHeader = reader.read()?;
            if header.done {
                return Ok(Self { results });
            }
            results.push(match OpCode::from_number(header.op) {
                Some(OpCode::Create) => OpResult::Created(reader.read()?),
                Some(code @ (OpCode::Create2 | OpCode::CreateContainer | OpCode::CreateTtl)) => {
                    OpResult::CreatedWithStat(code, reader.read()?)
                }
                Some(code @ (OpCode::Delete | OpCode::Check)) => OpResult::Done(code),
                Some(OpCode::SetData) => OpResult::Replaced(reader.read()?),
                Some(OpCode::GetData) => OpResult::Data(reader.read()?, reader.read()?),
                Some(OpCode::GetChildren) => OpResult::Children(reader.read()?),
                Some(OpCode::Error) => OpResult::Error(reader.read()?),
                _ => {
                    let found = Found::Number(header.op.into());
                    return Err(at.refuse("a result of a multi", found));
                }
            });
        }
    }
}
