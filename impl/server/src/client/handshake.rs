//! A connection's beginning: a new session, or one that its client goes on with.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::oneshot;
use zab_wire::client::{ConnectRequest, ConnectResponse};
use zab_wire::{Id, OpCode, Reader, Record as _};

use super::service::{Service, Serving, Submission};
use crate::session;
use crate::tree::Tree;

/// A session, on a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Session {
    pub(super) id: i64,
    /// Granted timeout in milliseconds.
    pub(super) timeout_ms: i32,
    /// Whether the client said if it takes a read-only server; then it is told what this is.
    knows_read_only: bool,
}

/// What a connection request comes to.
#[derive(Debug)]
pub(super) enum Greeting {
    /// Go on with this session.
    Welcome(Session),
    /// Tell the client that its session is no more, and close.
    Expired {
        /// As in [`Session`].
        knows_read_only: bool,
    },
    /// Close without an answer.
    Refused,
}

/// Greets a client by its first frame.
pub(super) async fn greet(
    service: &Service,
    serving: Serving,
    frame: &Bytes,
    ids: &Arc<[Id]>,
) -> Greeting {
    // What a newer client may say after the fields that are known is left unread.
    let Ok(request) = Reader::new(frame).read::<ConnectRequest>() else {
        return Greeting::Refused;
    };
    // The client has seen a later state than this server's: here it would see the past.
    match service.look(serving, Tree::last_zxid) {
        Some(last) if request.last_zxid_seen <= last => {}
        Some(_) | None => return Greeting::Refused,
    }
    let limits = service.limits();
    let timeout_ms =
        session::granted_timeout_ms(request.timeout_ms, limits.timeout_min, limits.timeout_max);
    let knows_read_only = request.read_only.is_some();
    if request.session == 0 {
        let session = Session { id: service.session_ids.next(), timeout_ms, knows_read_only };
        return create(service, serving, session, ids).await;
    }
    let session = Session { id: request.session, timeout_ms, knows_read_only };
    if request.password.as_deref() != Some(&session::password(session.id)) {
        return Greeting::Expired { knows_read_only };
    }
    reopen(service, serving, session).await
}

/// A new session is a transaction like any other write.
async fn create(
    service: &Service,
    serving: Serving,
    session: Session,
    ids: &Arc<[Id]>,
) -> Greeting {
    let request = (session.id, OpCode::CreateSession.number(), session.timeout_ms.to_bytes());
    let Some(submitted) = service.write(serving, request, Arc::clone(ids), None).await else {
        return Greeting::Refused;
    };
    match submitted.outcome.await {
        Ok(outcome) if outcome.result.is_ok() => Greeting::Welcome(session),
        Ok(_) | Err(_) => Greeting::Refused,
    }
}

/// Whether a session lives is for the leader to say.
async fn reopen(service: &Service, serving: Serving, session: Session) -> Greeting {
    let (done, answer) = oneshot::channel();
    let Session { id, timeout_ms, knows_read_only } = session;
    if !service.submit(serving, Submission::Revalidate { session: id, timeout_ms, done }).await {
        return Greeting::Refused;
    }
    match answer.await {
        Ok(true) => Greeting::Welcome(session),
        Ok(false) => Greeting::Expired { knows_read_only },
        Err(_) => Greeting::Refused,
    }
}

/// The answer to a client that is welcome.
pub(super) fn welcome(session: Session) -> ConnectResponse {
    ConnectResponse {
        protocol_version: 0,
        timeout_ms: session.timeout_ms,
        session: session.id,
        password: Some(Bytes::copy_from_slice(&session::password(session.id))),
        read_only: session.knows_read_only.then_some(false),
    }
}

/// The answer to a client whose session is no more.
pub(super) fn expired(knows_read_only: bool) -> ConnectResponse {
    ConnectResponse {
        protocol_version: 0,
        timeout_ms: 0,
        session: 0,
        password: Some(Bytes::from_static(&[0; 16])),
        read_only: knows_read_only.then_some(false),
    }
}
