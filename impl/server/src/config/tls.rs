//! `ssl.*`, `ssl.quorum.*`, `secureClientPort`, `sslQuorum`. Source: `X509Util`, `ClientX509Util`,
//! `QuorumX509Util`.

use std::path::{Path, PathBuf};

use super::Endpoint;
use super::parse::Draft;

/// Files in PEM, and whose certificates are asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// `keyStore.location`: the own certificates and the key.
    pub key_store: PathBuf,
    /// `trustStore.location`: the certificates that others' lead to.
    pub trust_store: Option<PathBuf>,
    /// `clientAuth`; `need` unless given.
    pub client_auth: ClientAuth,
}

/// Whether who connects shows a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClientAuth {
    /// It is not asked for.
    None,
    /// It is checked if it is there.
    Want,
    /// Without one nobody gets in.
    Need,
}

impl TlsFiles {
    /// The trust store, or in its place the file that is certainly there.
    pub(crate) fn trust(&self) -> &Path {
        self.trust_store.as_deref().unwrap_or(&self.key_store)
    }
}

impl Draft {
    /// Where clients connect under TLS, and with which files.
    pub(super) fn secure_client(&self) -> Result<Option<(Endpoint, TlsFiles)>, String> {
        let host = self.text("secureClientPortAddress");
        let Some(port): Option<u16> = self.number("secureClientPort")? else {
            return match host {
                None => Ok(None),
                Some(_) => {
                    Err("secureClientPortAddress is set, but secureClientPort is not".to_owned())
                }
            };
        };
        if port == 0 {
            return Err("secureClientPort must not be 0".to_owned());
        }
        let endpoint = Endpoint { host: host.unwrap_or("0.0.0.0").to_owned(), port };
        Ok(Some((endpoint, self.tls_files("ssl", "secureClientPort")?)))
    }

    /// The files of TLS between servers, if there is any.
    pub(super) fn quorum_tls(&self) -> Result<Option<TlsFiles>, String> {
        if !self.flag("sslQuorum")?.unwrap_or(false) {
            return Ok(None);
        }
        let files = self.tls_files("ssl.quorum", "sslQuorum")?;
        if files.client_auth != ClientAuth::Need {
            return Err("ssl.quorum.clientAuth must be need: without certificates at both ends \
                        anybody could be a server"
                .to_owned());
        }
        Ok(Some(files))
    }

    fn tls_files(&self, prefix: &str, wanted_by: &str) -> Result<TlsFiles, String> {
        let text = |key: &str| self.java_value::<String>(&format!("{prefix}.{key}"));
        for store in ["keyStore", "trustStore"] {
            if let Some(kind) = text(&format!("{store}.type"))?
                && !kind.eq_ignore_ascii_case("PEM")
            {
                let kind = kind.escape_debug();
                return Err(format!("{prefix}.{store}.type={kind} is not supported; PEM is"));
            }
        }
        let key_store = text("keyStore.location")?.filter(|path| !path.is_empty()).ok_or_else(|| {
            format!("{wanted_by} needs {prefix}.keyStore.location, a PEM file with certificates and key")
        })?;
        let trust_store = text("trustStore.location")?.filter(|path| !path.is_empty());
        let client_auth = match text("clientAuth")?.as_deref() {
            None | Some("need") => ClientAuth::Need,
            Some("want") => ClientAuth::Want,
            Some("none") => ClientAuth::None,
            Some(other) => {
                let other = other.escape_debug();
                return Err(format!("{prefix}.clientAuth={other} is none of none, want, need"));
            }
        };
        if client_auth != ClientAuth::None && trust_store.is_none() {
            return Err(format!(
                "{prefix}.trustStore.location is not set: certificates of those who connect are \
                 asked for, unless {prefix}.clientAuth=none"
            ));
        }
        let key_store = PathBuf::from(key_store);
        Ok(TlsFiles { key_store, trust_store: trust_store.map(PathBuf::from), client_auth })
    }
}
