//! What a Handshake says: who its sender is.

use uspec_usp::endpoint_id::EndpointId;

/// Longest Endpoint ID that is taken, in octets: far more than R-ARC.6 allows, and little enough to be kept.
const MAX_ENDPOINT_ID: usize = 1024;

/// What a Handshake says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Introduction {
    /// The sender's Endpoint ID.
    pub(super) endpoint_id: String,
    /// The rules of Endpoint IDs that it breaks without being unusable: requirement and what is wrong.
    pub(super) remarks: Vec<(&'static str, String)>,
}

/// Reads the value of a Handshake. An error says why it cannot be processed (R-UDS.21).
///
/// What only breaks a rule of R-ARC.3 to R-ARC.6 is taken nevertheless: the peer is known by it, and a wrong character in its
/// name is no reason to test nothing else of it.
pub(super) fn read(value: &[u8]) -> Result<Introduction, String> {
    if value.len() > MAX_ENDPOINT_ID {
        let length = value.len();
        return Err(format!("a Handshake has {length} octets, more than the {MAX_ENDPOINT_ID} that are taken"));
    }
    let text = std::str::from_utf8(value).map_err(|error| format!("a Handshake is not UTF-8: {error}"))?;
    if text.split(':').count() < 3 || text.ends_with(':') {
        return Err(format!(
            "a Handshake has {text:?}, which is no Endpoint ID (authority-scheme:[authority-id]:instance-id)"
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(format!("a Handshake has {text:?}, which is no Endpoint ID: it has a control character"));
    }
    let remarks = match EndpointId::parse(text) {
        Ok(_) => Vec::new(),
        Err(error) => error
            .violations
            .into_iter()
            .map(|violation| (violation.requirement, format!("the Endpoint ID {text:?}: {}", violation.message)))
            .collect(),
    };
    Ok(Introduction { endpoint_id: text.to_owned(), remarks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("os::00256D-0123456789", 0)]
    #[case("self::controller", 0)]
    #[case("proto::a-b_c.d", 0)]
    #[case("nobody::x", 1)]
    #[case("os::00256D-01 23", 1)]
    fn usable(#[case] text: &str, #[case] remarks: usize) {
        let read = read(text.as_bytes()).unwrap();
        assert_eq!(read.endpoint_id, text);
        assert!(read.remarks.len() >= remarks && (remarks > 0 || read.remarks.is_empty()), "{:?}", read.remarks);
    }

    #[rstest]
    #[case::empty(b"", "no Endpoint ID")]
    #[case::word(b"agent", "no Endpoint ID")]
    #[case::no_instance(b"os::", "no Endpoint ID")]
    #[case::c_string(b"os::00256D-1\0", "control character")]
    #[case::latin(b"os::\xE4", "not UTF-8")]
    #[case::long(&[b':'; 2000], "2000 octets")]
    fn unusable(#[case] value: &[u8], #[case] text: &str) {
        let error = read(value).unwrap_err();
        assert!(error.contains(text), "{error}");
    }
}
