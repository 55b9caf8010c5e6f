//! Annotations of GitHub Actions: workflow commands on standard output.
//!
//! The format is GitHub's: `::error file=…,line=…,title=…::message`, with `%`, carriage return and
//! line feed escaped everywhere, and `:` and `,` in the properties too.

use super::Finding;

/// The line for a finding.
pub(super) fn annotation(finding: &Finding) -> String {
    let level = if finding.is_error { "error" } else { "warning" };
    let mut properties = Vec::new();
    if let Some((file, line)) = &finding.place {
        properties.push(format!("file={}", property(file)));
        properties.extend(line.map(|line| format!("line={line}")));
    }
    properties.push(format!("title={}", property(&format!("zabcheck: {}", finding.rule))));
    format!("::{level} {}::{}", properties.join(","), message(&finding.text))
}

fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_finding_can_end_its_annotation() {
        let finding = Finding {
            place: Some(("a,b:c%.ndjson".to_owned(), Some(5))),
            ..Finding::error("l.3.2", "100% of 1, 2\nand 3: no")
        };
        assert_eq!(
            annotation(&finding),
            "::error file=a%2Cb%3Ac%25.ndjson,line=5,title=zabcheck%3A l.3.2::100%25 of 1, 2%0Aand \
             3: no"
        );
    }
}
