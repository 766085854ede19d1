//! Both ends of the MQTT MTP, against each other, against rumqttc, and against peers that send whatever they like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod agent;
mod beside;
mod broker;
mod controllers;
mod kit;
mod misbehaviour;
mod opening;
mod records;
mod rumqttc_client;
mod tls;
