//! `zabcheck explore` in a browser: a page over one model, and the questions that it asks.
//!
//! The page is three files in this program. The server is tiny_http: stateright needs it in any case,
//! so that it costs no time to compile. It listens on this machine only unless it is told otherwise,
//! answers questions and changes nothing; and it answers only where the `Host` of a request is an
//! address or `localhost`, so that no page of another name can read it (DNS rebinding).
//!
//! Every connection has a thread of tiny_http. If many connections open at the same moment and say
//! nothing, a later one may wait until one of them ends (tiny_http counts a thread as free until it
//! has begun its next task).

mod answer;

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use tiny_http::{Header, Request, Response, Server};
use zab_presets::{Exploration, Look};

use answer::{Answer, Site};

/// How many requests are answered at the same time.
const THREADS: usize = 4;

/// Longer addresses than this are refused.
const URL_MAX: usize = 16 << 10;

/// What is sent with every answer: nothing is loaded from elsewhere, and nothing is kept.
const HEADERS: [(&str, &str); 4] = [
    ("Cache-Control", "no-store"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; \
         connect-src 'self'; img-src data:; frame-ancestors 'none'; base-uri 'none'",
    ),
];

/// Serves a model until the process ends.
///
/// # Errors
/// When the listener cannot be used; in words.
pub(crate) fn serve(
    exploration: &Exploration,
    model: &dyn Look,
    listener: TcpListener,
) -> Result<(), String> {
    let server = Server::from_listener(listener, None).map_err(|error| error.to_string())?;
    let (server, site) = (Arc::new(server), Site::new(exploration, model));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                while let Ok(request) = server.recv() {
                    respond(&site, request);
                }
            });
        }
    });
    Err("the server has ended".to_owned())
}

fn respond(site: &Site<'_>, request: Request) {
    let hosts = request.headers().iter().filter(|header| header.field.equiv("Host"));
    let hosts: Vec<&str> = hosts.map(|header| header.value.as_str()).collect();
    let answer = answer_to(site, request.method().as_str(), request.url(), &hosts);
    let mut response = Response::from_string(answer.body).with_status_code(answer.status);
    let headers = HEADERS.iter().copied().chain([("Content-Type", answer.kind)]);
    for header in headers.filter_map(|(name, value)| Header::from_bytes(name, value).ok()) {
        response.add_header(header);
    }
    // Somebody who does not wait for the answer does not need it.
    let _ = request.respond(response);
}

/// The answer to any request at all.
fn answer_to(site: &Site<'_>, method: &str, url: &str, hosts: &[&str]) -> Answer {
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
        let site = Site::new(&exploration, &*model);
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
