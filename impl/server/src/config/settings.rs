//! Every setting that is not understood: refused if the operator would rely on it in vain, noted
//! if nothing depends on it here, and told if nobody knows it.

use super::parse::{JAVA_PROPERTIES, UNDERSTOOD};
use crate::properties::{Place, Property};

/// A setting that promises something this server does not do.
struct Promise {
    /// The key; with a dot at its end, all keys that begin with it.
    key: &'static str,
    /// Values by which nothing is promised, in lower case.
    harmless: &'static [&'static str],
    /// What is missing.
    missing: &'static str,
}

const fn promise(
    key: &'static str,
    harmless: &'static [&'static str],
    missing: &'static str,
) -> Promise {
    Promise { key, harmless, missing }
}

const NO: &[&str] = &["false"];
const TLS: &str = "there is no TLS here, and connections would be in the clear";
const TLS_SETTING: &str = "of TLS only PEM files and clientAuth can be set; certificates are checked, \
                           names too, and protocols are 1.2 and 1.3";
const LOGIN: &str =
    "clients are known by digest and address only, and servers are not authenticated";
const RECONFIG: &str = "the ensemble cannot be changed while it runs; list it in server.N lines";
const SESSIONS: &str = "every session is known to the whole ensemble";

/// What would be relied on in vain. The keys are ZooKeeper's; each may also be written with
/// `zookeeper.` before it, as the Java property that it becomes there.
const PROMISES: &[Promise] = &[
    promise("sslQuorumReloadCertFiles", NO, TLS),
    promise("portUnification", NO, TLS),
    promise("client.portUnification", NO, TLS),
    promise("ssl.hostnameVerification", &["true"], TLS_SETTING),
    promise("ssl.quorum.hostnameVerification", &["true"], TLS_SETTING),
    promise("ssl.", &[], TLS_SETTING),
    promise("client.secure", NO, TLS),
    promise("fips-mode", NO, TLS),
    promise("quorum.auth.enableSasl", NO, LOGIN),
    promise("quorum.auth.learnerRequireSasl", NO, LOGIN),
    promise("quorum.auth.serverRequireSasl", NO, LOGIN),
    promise("quorum.auth.", &[], LOGIN),
    promise("authProvider", &[], LOGIN),
    promise("authProvider.", &[], LOGIN),
    promise("requireClientAuthScheme", &[], LOGIN),
    promise("sessionRequireClientSASLAuth", NO, LOGIN),
    promise("allowSaslFailedClients", &["true"], LOGIN),
    promise("enforce.auth.enabled", NO, LOGIN),
    promise("enforce.auth.schemes", &[], LOGIN),
    promise("DigestAuthenticationProvider.digestAlg", &["sha1"], "digests are SHA-1"),
    promise("X509AuthenticationProvider.", &[], LOGIN),
    promise("ensembleAuthName", &[], LOGIN),
    promise("superUser", &[], LOGIN),
    promise("skipACL", &["no"], "the access control lists of nodes are always checked"),
    promise("admin.forceHttps", NO, TLS),
    promise("admin.portUnification", NO, TLS),
    promise("admin.needClientAuth", NO, TLS),
    promise("metricsProvider.httpsPort", &[], TLS),
    promise("audit.enable", NO, "there is no audit log"),
    promise("forceSync", &["yes"], "every write is synced before it is acknowledged"),
    promise("electionAlg", &["3"], "only fast leader election, 3, is supported"),
    promise("jute.maxbuffer", &["1048575", "0xfffff"], "a request has at most 1,048,575 bytes"),
    promise("snapshot.compression.method", &["", "checked"], "snapshots are not compressed"),
    promise("leaderServes", &["yes"], "a leader always serves clients"),
    promise("reconfigEnabled", NO, RECONFIG),
    promise("dynamicConfigFile", &[], RECONFIG),
    promise("standaloneEnabled", &["true"], RECONFIG),
    promise("observerMasterPort", &["0"], "observers learn from the leader only"),
    promise("localSessionsEnabled", NO, SESSIONS),
    promise("localSessionsUpgradingEnabled", NO, SESSIONS),
    promise("readonlymode.enabled", NO, "clients are not served without a quorum"),
    promise("multiAddress.enabled", NO, "a server has one address"),
    promise("quorumListenOnAllIPs", NO, "a server listens at the address of its server line"),
    promise("RequestThrottler.", &[], "requests are not throttled"),
    promise("request_throttle_", &[], "requests are not throttled"),
];

/// Settings of ZooKeeper that nothing depends on here; with a dot at the end, all that begin so.
const UNUSED: &[&str] = &[
    "admin.",
    "clientPortListenBacklog",
    "closeSessionTxn.enabled",
    "cnxTimeout",
    "commitProcessor.",
    "connectToLearnerMasterLimit",
    "electionPortBindRetry",
    "fastleader.",
    "flushDelay",
    "fsync.warningthresholdms",
    "globalOutstandingLimit",
    "jmx.",
    "jute.maxbuffer.extrasize",
    "learner.asyncSending",
    "leader.",
    "maxBatchSize",
    "maxResponseCacheSize",
    "maxGetChildrenResponseCacheSize",
    "metricsProvider.",
    "multiAddress.",
    "netty.",
    "nio.",
    "observer.",
    "preAllocSize",
    "quorum.cnxnThreadsSize",
    "serverCnxnFactory",
    "serializeLastProcessedZxid.enabled",
    "snapshot.",
    "syncEnabled",
    "tcpKeepAlive",
    "throttledOpWaitTime",
    "txnLogSizeLimitInKb",
    "watchManagerName",
];

/// What is said about a setting.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is understood, or says what is so anyway.
    Fine,
    /// It is ignored; the operator is told this.
    Noted(String),
    /// The server does not start; the operator is told this.
    Refused(String),
}

/// What to do about one line.
pub(super) fn check(property: &Property) -> Verdict {
    let Property { place, key, value } = property;
    let short = key.strip_prefix("zookeeper.").unwrap_or(key);
    // All other settings of TLS are promises.
    if short.starts_with("ssl.") && JAVA_PROPERTIES.contains(&short) {
        return Verdict::Fine;
    }
    if let Some(promise) = PROMISES.iter().find(|promise| matches(promise.key, short)) {
        if promise.harmless.contains(&value.to_ascii_lowercase().as_str()) {
            return Verdict::Fine;
        }
        let Promise { harmless, missing, .. } = promise;
        let values: Vec<&str> =
            harmless.iter().copied().filter(|value| !value.is_empty()).collect();
        let instead = match &*values {
            [] => String::new(),
            values => format!(", or set it to {}", values.join(" or ")),
        };
        let it = match place {
            Place::Line(_) => "the line",
            Place::Argument => "the argument",
        };
        return Verdict::Refused(format!(
            "{place}: {key}={value}: {missing}; remove {it}{instead}"
        ));
    }
    let is_understood = UNDERSTOOD.contains(&key.as_str()) || JAVA_PROPERTIES.contains(&short);
    let is_member = ["server.", "group.", "weight."].iter().any(|part| key.starts_with(part));
    if is_understood || is_member {
        return Verdict::Fine;
    }
    if UNUSED.iter().any(|unused| matches(unused, short)) {
        return Verdict::Noted(format!("{place}: {key} is not used by this server"));
    }
    Verdict::Noted(format!("{place}: {key} is no setting that is known; is it spelled right?"))
}

/// Whether the operator said that a setting of TLS does not matter: then it is not used, as if TLS
/// were not supported.
pub(super) fn is_unused_tls(key: &str, tolerated: &[String]) -> bool {
    let short = key.strip_prefix("zookeeper.").unwrap_or(key);
    let is_tls = short.starts_with("ssl.")
        || ["sslQuorum", "secureClientPort", "secureClientPortAddress"].contains(&short);
    is_tls && is_tolerated(key, tolerated)
}

/// Whether the operator said that it does not matter that this setting is not supported.
pub(super) fn is_tolerated(key: &str, tolerated: &[String]) -> bool {
    let short = key.strip_prefix("zookeeper.").unwrap_or(key);
    tolerated.iter().any(|pattern| matches(pattern, short) || matches(pattern, key))
}

fn matches(pattern: &str, key: &str) -> bool {
    key == pattern || pattern.ends_with(['.', '_']) && key.starts_with(pattern)
}
