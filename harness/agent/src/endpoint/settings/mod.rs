//! What the ends do in handshakes, in sessions and between them, with and without faults; one file for each MTP.

pub(super) mod mqtt;
pub(super) mod stomp;
pub(super) mod uds;
pub(super) mod websocket;
