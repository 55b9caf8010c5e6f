//! Numbers in the form that Prometheus reads. The names are those of `mntr`, so that a number has
//! one name wherever it is asked for.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::http::Page;
use crate::client::Service;
use crate::four_letter;

/// The content type of the text that [`encode`] writes.
const KIND: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All numbers. While clients are not served there is only one, `zk_serving` 0.
pub(super) fn answer(service: &Service) -> Page {
    let mut registry = Registry::with_prefix("zk");
    let mode = service.mode();
    let serving = Gauge::<i64>::default();
    serving.set(i64::from(mode.is_some()));
    registry.register("serving", "Whether clients are served", serving);
    for (name, value) in mode.into_iter().flat_map(|mode| four_letter::numbers(service, mode)) {
        // What is no number has no place here: the version, and the state.
        if let Ok(value) = value.parse::<f64>() {
            let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
            gauge.set(value);
            registry.register(name, format!("As zk_{name} of mntr"), gauge);
        }
    }
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = encode(&mut text, &registry);
    Page { kind: KIND, text }
}
