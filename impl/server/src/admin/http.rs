//! One request on one connection. HTTP itself is hyper's: small, maintained, and it has limits for
//! heads that never end; a framework around it would have nothing to do here.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::transport::Transport;

/// Most bytes of a request's head.
const HEAD_MAX: usize = 8192;

/// How long a head may take.
const HEAD_TIME: Duration = Duration::from_secs(2);

/// What is answered.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

/// The bytes of an answer, and its room in memory.
struct Answer {
    bytes: Option<Bytes>,
    _room: Option<OwnedSemaphorePermit>,
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.bytes.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.bytes.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}

/// Reads one request and answers it. `answer` gives the page of a path.
pub(super) async fn serve<F>(stream: Transport, answer: Arc<F>, room: Arc<Semaphore>)
where
    F: Fn(&str) -> Option<Page> + Send + Sync + 'static,
{
    let respond = service_fn(|request: Request<Incoming>| {
        let (answer, room) = (Arc::clone(&answer), Arc::clone(&room));
        async move { Ok::<_, Infallible>(respond(&request, &*answer, room).await) }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .max_buf_size(HEAD_MAX)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), respond);
    // What is wrong with the other end is nobody's business here.
    let _ = connection.await;
}

async fn respond<F>(
    request: &Request<Incoming>,
    answer: &F,
    room: Arc<Semaphore>,
) -> Response<Answer>
where
    F: Fn(&str) -> Option<Page>,
{
    let status = |status, bytes: &'static str| {
        let mut response = Response::new(Answer {
            bytes: Some(Bytes::from_static(bytes.as_bytes())),
            _room: None,
        });
        *response.status_mut() = status;
        response
    };
    if request.method() != Method::GET {
        let mut response = status(StatusCode::METHOD_NOT_ALLOWED, "only GET is answered\n");
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET"));
        return response;
    }
    // Never closed.
    let room = room.acquire_owned().await.ok();
    let Some(page) = answer(request.uri().path()) else {
        return status(StatusCode::NOT_FOUND, "there is no such page\n");
    };
    let mut response = Response::new(Answer { bytes: Some(page.text.into()), _room: room });
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(page.kind));
    response
}
