//! The ports for those who watch servers. Source: `JettyAdminServer`, `PrometheusMetricsProvider`.

use super::parse::Draft;
use super::{Admin, Endpoint};

/// The provider that this server has.
const PROMETHEUS: &str = "org.apache.zookeeper.metrics.prometheus.PrometheusMetricsProvider";

/// The providers that give nothing to the outside.
const SILENT: [&str; 2] = [
    "org.apache.zookeeper.metrics.impl.DefaultMetricsProvider",
    "org.apache.zookeeper.metrics.impl.NullMetricsProvider",
];

impl Draft {
    /// Where commands are answered, if the file asks for it. ZooKeeper does so at port 8080 even if
    /// it does not: a port without any authentication that nobody asked for.
    pub(super) fn admin(&self) -> Result<Option<Admin>, String> {
        let is_enabled = self.flag("admin.enableServer")?;
        let port: Option<u16> = self.java_value("admin.serverPort")?;
        let host: Option<String> = self.java_value("admin.serverAddress")?;
        let is_asked = is_enabled.unwrap_or(port.is_some() || host.is_some());
        if !is_asked {
            return Ok(None);
        }
        let port = port.unwrap_or(8080);
        if port == 0 {
            return Err("admin.serverPort must not be 0".to_owned());
        }
        let url: String = self.java_value("admin.commandURL")?.unwrap_or("/commands".to_owned());
        if !url.starts_with('/')
            || url.contains(|c: char| c.is_whitespace() || "<>\"?#".contains(c))
        {
            return Err(format!("admin.commandURL={} is no path", url.escape_debug()));
        }
        let endpoint = Endpoint { host: host.unwrap_or("0.0.0.0".to_owned()), port };
        Ok(Some(Admin { endpoint, command_url: url.trim_end_matches('/').to_owned() }))
    }

    /// Where Prometheus finds the numbers.
    pub(super) fn metrics(&self) -> Result<Option<Endpoint>, String> {
        match self.text("metricsProvider.className") {
            None => return Ok(None),
            Some(name) if SILENT.contains(&name) => return Ok(None),
            Some(PROMETHEUS) => {}
            Some(other) => {
                let other = other.escape_debug();
                return Err(format!(
                    "metricsProvider.className={other} is not supported; {PROMETHEUS} is"
                ));
            }
        }
        let port: u16 = self.number("metricsProvider.httpPort")?.unwrap_or(7000);
        if port == 0 {
            return Err("metricsProvider.httpPort must not be 0".to_owned());
        }
        let host = self.text("metricsProvider.httpHost").unwrap_or("0.0.0.0").to_owned();
        Ok(Some(Endpoint { host, port }))
    }
}
