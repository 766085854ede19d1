//! What fuzzing asks of the opening handshake.

use super::super::eid::{decode_eid, eid_of, path_of};
use super::{extension, head, server};

/// Octets in place of a request's or a response's head.
///
/// # Panics
/// When a head is longer than its octets, or is not what is written of it.
pub fn heads(octets: &[u8]) {
    for parse in [head::request, head::response] {
        let Ok(Some((head, length))) = parse(octets) else {
            continue;
        };
        assert!(length <= octets.len());
        let _ = (extension::names(&head), extension::eid_in(&head), extension::is_in(&head));
        let _ = server::check_upgrade(&head);
        if let Some(target) = head.target() {
            let _ = (path_of(target), eid_of(target), decode_eid(target));
        }
        let written = head::format(&head);
        let again = parse(written.as_bytes());
        assert_eq!(again.ok().flatten().map(|(head, _)| head), Some(head), "what is read is written otherwise");
    }
}
