//! The ports for those who watch servers.

use super::*;

#[test]
fn there_is_no_admin_port_unless_it_is_asked_for() {
    for (lines, expected) in [
        ("", None),
        ("admin.enableServer=false\nadmin.serverPort=9000", None),
        ("admin.enableServer=true", Some("0.0.0.0:8080 /commands")),
        ("zookeeper.admin.serverPort=9000", Some("0.0.0.0:9000 /commands")),
        ("admin.serverAddress=::1\nadmin.commandURL=/a/b/", Some("[::1]:8080 /a/b")),
    ] {
        let admin = with("none", lines).unwrap().admin;
        let shown = admin.map(|admin| format!("{} {}", admin.endpoint, admin.command_url));
        assert_eq!(shown.as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn the_numbers_are_for_prometheus() {
    const CLASS: &str = "metricsProvider.className=org.apache.zookeeper.metrics";
    for (lines, expected) in [
        (String::new(), None),
        (format!("{CLASS}.impl.DefaultMetricsProvider"), None),
        (format!("{CLASS}.prometheus.PrometheusMetricsProvider"), Some("0.0.0.0:7000")),
        (
            format!(
                "{CLASS}.prometheus.PrometheusMetricsProvider\nmetricsProvider.httpPort=1\n\
                 metricsProvider.httpHost=a"
            ),
            Some("a:1"),
        ),
    ] {
        let metrics = with("none", &lines).unwrap().metrics;
        assert_eq!(metrics.map(|at| at.to_string()).as_deref(), expected, "{lines:?}");
    }
}

#[test]
fn ports_that_make_no_sense_are_refused() {
    for (lines, expected) in [
        ("admin.serverPort=0", "must not be 0"),
        ("admin.serverPort=70000", "not a number in its range"),
        ("admin.enableServer=perhaps", "neither true nor false"),
        ("admin.serverPort=1\nadmin.commandURL=commands", "is no path"),
        ("admin.serverPort=1\nadmin.commandURL=/a\"b", "is no path"),
        ("metricsProvider.className=a.b.C", "is not supported"),
        ("admin.forceHttps=true", "TLS"),
    ] {
        let reason = refusal(with("none", lines));
        assert!(reason.contains(expected), "{lines:?}: {reason}");
    }
}
