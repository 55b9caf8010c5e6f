//! TLS for clients and between servers, by rustls. Certificates and keys are PEM files, as
//! ZooKeeper reads since 3.5 (`PEMFileLoader`); stores of Java are refused.
//!
//! Between servers both ends show a certificate (mutual TLS): whoever has one that the trust store
//! leads to is a member, and nobody else gets to say a word of the protocol. That needs neither
//! passwords in a file nor a second handshake, as SASL's DIGEST-MD5 would, which is broken besides.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::rustls::client::WebPkiServerVerifier;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{self, ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::config::{ClientAuth, ConfigError, TlsFiles};
use crate::transport::Transport;

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(5);

/// Both ends of TLS between servers.
#[derive(Clone)]
pub(crate) struct Mutual {
    acceptor: TlsAcceptor,
    connector: TlsConnector,
}

impl std::fmt::Debug for Mutual {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mutual").finish_non_exhaustive()
    }
}

impl Mutual {
    /// From the files of `ssl.quorum.*`.
    pub(crate) fn new(files: &TlsFiles) -> Result<Self, ConfigError> {
        let (chain, key) = identity(files)?;
        let roots = Arc::new(roots(files)?);
        let builder = WebPkiServerVerifier::builder_with_provider(roots, provider());
        let verifier = builder.build().map_err(|error| trouble(files.trust(), error))?;
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(|error| trouble(&files.key_store, error))?
            .with_webpki_verifier(verifier)
            .with_client_auth_cert(chain, key)
            .map_err(|error| trouble(&files.key_store, error))?;
        let connector = TlsConnector::from(Arc::new(config));
        Ok(Self { acceptor: acceptor(files)?, connector })
    }

    /// The handshake of who was dialled.
    pub(crate) async fn accept(&self, stream: TcpStream) -> std::io::Result<Transport> {
        accept(&self.acceptor, stream).await
    }

    /// The handshake of who dials. The other end's certificate must name `host`.
    pub(crate) async fn connect(
        &self,
        stream: TcpStream,
        host: &str,
    ) -> std::io::Result<Transport> {
        let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
        let stream = timeout(HANDSHAKE, self.connector.connect(name, stream)).await??;
        Ok(Transport::Tls(Box::new(stream.into())))
    }
}

/// What takes connections, from the files of `ssl.*` or `ssl.quorum.*`.
pub(crate) fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, ConfigError> {
    let (chain, key) = identity(files)?;
    let builder = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(|error| trouble(&files.key_store, error))?;
    let builder = if files.client_auth == ClientAuth::None {
        builder.with_no_client_auth()
    } else {
        let roots = Arc::new(roots(files)?);
        let mut verifier = WebPkiClientVerifier::builder_with_provider(roots, provider());
        if files.client_auth == ClientAuth::Want {
            verifier = verifier.allow_unauthenticated();
        }
        let verifier = verifier.build().map_err(|error| trouble(files.trust(), error))?;
        builder.with_client_cert_verifier(verifier)
    };
    let config =
        builder.with_single_cert(chain, key).map_err(|error| trouble(&files.key_store, error))?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A handshake within its time.
pub(crate) async fn accept(
    acceptor: &TlsAcceptor,
    stream: TcpStream,
) -> std::io::Result<Transport> {
    let stream = timeout(HANDSHAKE, acceptor.accept(stream)).await??;
    Ok(Transport::Tls(Box::new(stream.into())))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// The certificates and the key of the key store.
fn identity(files: &TlsFiles) -> Result<Identity, ConfigError> {
    let path = &files.key_store;
    let chain = certificates(path)?;
    let key = PrivateKeyDer::from_pem_file(path).map_err(|error| {
        trouble(path, format!("has no private key without a password: {error}"))
    })?;
    Ok((chain, key))
}

fn roots(files: &TlsFiles) -> Result<RootCertStore, ConfigError> {
    let path = files.trust();
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots.add(certificate).map_err(|error| trouble(path, error))?;
    }
    Ok(roots)
}

/// The certificates of a PEM file, at least one.
fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path)
        .map_err(|error| trouble(path, format!("cannot be read as PEM: {error}")))?
        .collect();
    let found = found.map_err(|error| trouble(path, format!("is malformed PEM: {error}")))?;
    if found.is_empty() {
        return Err(trouble(path, "has no certificate in PEM; stores of Java are not read"));
    }
    Ok(found)
}

fn trouble(path: &Path, reason: impl ToString) -> ConfigError {
    ConfigError { path: PathBuf::from(path), reason: reason.to_string() }
}
