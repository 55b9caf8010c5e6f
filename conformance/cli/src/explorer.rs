//! `zabcheck explore` in a browser: a page over one model, and the questions that it asks.
//!
//! The page is three files in this program. The server listens on this machine only unless it is told
//! otherwise, answers questions and changes nothing; and it answers only where the `Host` of a request
//! is an address or `localhost`, so that no page of another name can read it (DNS rebinding).
//!
//! A connection is a task of hyper's, for one request. One that says nothing, or does not read its
//! answer, keeps no other waiting: it is closed after [`CONNECTION_MAX`], or before that if there are
//! more than [`CONNECTIONS_MAX`], the oldest first. Answers are found on [`THREADS`] threads, and none
//! for a connection that is closed.

mod answer;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::Future;
use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::{AbortHandle, spawn_blocking};
use tokio::time::{sleep, timeout};
use zab_presets::{Exploration, Look};

use answer::{Answer, Site};

/// How many answers are looked for at the same time.
const THREADS: usize = 4;

/// A browser has six connections to a page at most.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection lives.
const CONNECTION_MAX: Duration = Duration::from_secs(30);

/// How long it takes until there may be room for another connection in this process.
const ROOM: Duration = Duration::from_millis(50);

/// Longer addresses than this are refused.
const URL_MAX: usize = 16 << 10;

/// What is sent with every answer: nothing is loaded from elsewhere, and nothing is kept.
const HEADERS: [(&str, &str); 4] = [
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    (
        "content-security-policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
    ),
];

/// Serves a model until `end` is over.
///
/// # Errors
/// When the listener cannot be used; in words.
pub(crate) fn serve(
    exploration: Exploration,
    model: Box<dyn Look>,
    listener: TcpListener,
    end: impl Future<Output = ()>,
) -> Result<(), String> {
    let mut runtime = Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(THREADS).build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    let site = Arc::new(Site::new(exploration, model));
    let served = runtime.block_on(async {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        tokio::select! {
            () = accept(&listener, &site) => {}
            () = end => {}
        }
        Ok(())
    });
    // Nobody waits for an answer that is still looked for.
    runtime.shutdown_background();
    served.map_err(|error: std::io::Error| error.to_string())
}

/// Takes every connection, for ever.
async fn accept(listener: &tokio::net::TcpListener, site: &Arc<Site>) {
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // This process has no room for it, or its other end is gone already.
            sleep(ROOM).await;
            continue;
        };
        open.retain(|connection| !connection.is_finished());
        if open.len() >= CONNECTIONS_MAX
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let site = Arc::clone(site);
        let connection =
            tokio::spawn(async move { timeout(CONNECTION_MAX, one(stream, site)).await });
        open.push_back(connection.abort_handle());
    }
}

/// One connection, with one request.
async fn one(stream: TcpStream, site: Arc<Site>) {
    let respond = service_fn(|request| respond(Arc::clone(&site), request));
    let mut server = http1::Builder::new();
    let server = server.timer(TokioTimer::new()).keep_alive(false).title_case_headers(true);
    // Somebody who does not wait for the answer does not need it.
    let _ = server.serve_connection(TokioIo::new(stream), respond).await;
}

async fn respond(
    site: Arc<Site>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let asked_for = Arc::new(());
    let is_asked_for = Arc::downgrade(&asked_for);
    let answer = spawn_blocking(move || {
        let (head, _) = request.into_parts();
        let hosts: Vec<&str> =
            head.headers.get_all(HOST).iter().map(|host| host.to_str().unwrap_or("")).collect();
        let url = head.uri.path_and_query().map_or("", |url| url.as_str());
        is_asked_for.upgrade().map(|_| answer_to(&site, head.method.as_str(), url, &hosts))
    });
    let answer = answer.await.ok().flatten();
    let answer =
        answer.unwrap_or_else(|| Answer::refusal(500, "the model failed while it answered"));
    let mut response = Response::new(Full::new(Bytes::from(answer.body)));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    drop(asked_for);
    Ok(response)
}

/// The answer to any request at all.
fn answer_to(site: &Site, method: &str, url: &str, hosts: &[&str]) -> Answer {
    let allowed = matches!(hosts, [host] if is_local_name(host));
    if !allowed {
        let why = "the Host of a request must be an IP address or localhost";
        return Answer::refusal(403, why);
    }
    if !["GET", "HEAD"].contains(&method) {
        return Answer::refusal(405, "only GET and HEAD are answered");
    }
    if url.len() > URL_MAX {
        return Answer::refusal(414, &format!("an address has at most {URL_MAX} bytes"));
    }
    site.answer(url)
}

/// Whether a `Host` is an address or `localhost`, with or without a port.
fn is_local_name(host: &str) -> bool {
    let without_port = match host.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok() => name,
        _ => host,
    };
    let bare = without_port.strip_prefix('[').and_then(|name| name.strip_suffix(']'));
    bare.unwrap_or(without_port).parse::<IpAddr>().is_ok()
        || without_port.eq_ignore_ascii_case("localhost")
}

/// The numbers of a path such as `0/4/1`.
///
/// # Errors
/// When one of them is none; in words.
pub(crate) fn numbers(path: &str) -> Result<Vec<usize>, String> {
    let number = |part: &str| {
        part.parse().map_err(|_| {
            let part: String = part.chars().take(40).collect();
            format!("`{part}` is no number; expected 0/N/N…")
        })
    };
    path.trim_matches('/').split('/').map(number).collect()
}

#[cfg(test)]
mod tests {
    use zab_presets::Preset;

    use super::*;

    #[test]
    fn only_addresses_and_localhost_are_hosts() {
        let good = ["127.0.0.1:3000", "localhost", "LOCALHOST:1", "[::1]:3000", "10.0.0.7"];
        let bad =
            ["", "evil.example", "evil.example:3000", "localhost.evil.example", "localhost:x"];
        assert!(good.iter().all(|host| is_local_name(host)));
        assert!(!bad.iter().any(|host| is_local_name(host)));
    }

    /// Whatever is asked, there is an answer with a reason.
    #[test]
    fn what_cannot_be_answered_is_refused_with_a_reason() {
        let exploration = Preset::Quick.explorations().swap_remove(0);
        let model = exploration.family.clone().look().expect("it fits");
        let site = Site::new(exploration, model);
        let local = ["127.0.0.1:3000"];
        let long = format!("/api/state?path=0{}", "/0".repeat(URL_MAX));
        let deep = format!("/api/state?path=0{}", "/0".repeat(answer::STEPS_MAX + 1));
        let cases: [(&str, &str, &[&str], u16, &str); 14] = [
            ("GET", "/", &[], 403, "Host"),
            ("GET", "/", &["evil.example"], 403, "Host"),
            ("GET", "/", &["localhost", "localhost"], 403, "Host"),
            ("POST", "/", &local, 405, "GET"),
            ("GET", "/nothing", &local, 404, "nothing here"),
            ("GET", "/../../etc/passwd", &local, 404, "nothing here"),
            ("GET", "/api/run.png?path=0", &local, 404, "nothing here"),
            ("GET", "/api/state?path=0/x", &local, 400, "`x` is no number"),
            ("GET", "/api/state?path=0/-1", &local, 400, "`-1` is no number"),
            ("GET", "/api/state?path=%00%ff", &local, 400, "is no number"),
            ("GET", "/api/state?path=0/99999999999999999999999", &local, 400, "is no number"),
            ("GET", "/api/state?path=0/18446744073709551615", &local, 404, "0 to"),
            ("GET", &long, &local, 414, "at most"),
            ("GET", &deep, &local, 400, "steps"),
        ];
        for (method, url, hosts, status, words) in cases {
            let answer = answer_to(&site, method, url, hosts);
            assert_eq!(answer.status, status, "{method} {url}");
            assert!(answer.body.contains(words), "{url}: {}", answer.body);
        }
        assert_eq!(answer_to(&site, "GET", "/", &local).status, 200);
    }
}
