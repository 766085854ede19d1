//! What a broker keeps of all its clients, and who has subscribed to what.
//!
//! The one decision behind it: a message visits only the clients that may want it. A filter without wildcards is found by its name, and only clients
//! with a wildcard or a shared subscription are asked each time, so that what a message costs does not grow with the clients that are connected.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::store::{Grant, Store};
use crate::mqtt::topic;

/// What is kept of every client, by its Client Identifier.
#[derive(Debug, Default)]
pub(super) struct Stores {
    kept: BTreeMap<String, Store>,
    /// Clients by the filters that are a Topic Name, and match only that.
    by_name: BTreeMap<String, BTreeSet<String>>,
    /// Clients by how many of their filters have wildcards or are shared.
    asked_always: BTreeMap<String, usize>,
}

impl Stores {
    /// What is kept of a client. Its subscriptions change through [`Stores::subscribe`] and [`Stores::unsubscribe`] only.
    pub(super) fn get_mut(&mut self, client: &str) -> Option<&mut Store> {
        self.kept.get_mut(client)
    }

    /// What is kept of every client.
    pub(super) fn all(&self) -> impl Iterator<Item = &Store> {
        self.kept.values()
    }

    /// Keeps this of a client, in place of what was kept.
    pub(super) fn put(&mut self, client: &str, store: Store) {
        self.remove(client);
        for filter in store.filters() {
            enter(&mut self.by_name, &mut self.asked_always, client, filter);
        }
        self.kept.insert(client.to_owned(), store);
    }

    /// Keeps nothing of a client any more.
    pub(super) fn remove(&mut self, client: &str) -> Option<Store> {
        let store = self.kept.remove(client)?;
        for filter in store.filters() {
            self.forget(client, filter);
        }
        Some(store)
    }

    /// Drops the sessions without a connection whose time is over.
    pub(super) fn expire(&mut self, now: Instant) {
        let over = |store: &Store| store.live.is_none() && store.until.is_some_and(|until| until <= now);
        let clients: Vec<_> =
            self.kept.iter().filter(|(_, store)| over(store)).map(|(client, _)| client.clone()).collect();
        for client in clients {
            self.remove(&client);
        }
    }

    /// Enters a subscription of a client; none if it is one too many or the client is not there. Tells whether the filter is new.
    pub(super) fn subscribe(&mut self, client: &str, filter: &str, grant: Grant) -> Option<bool> {
        let is_new = self.kept.get_mut(client)?.subscribe(filter, grant)?;
        if is_new {
            enter(&mut self.by_name, &mut self.asked_always, client, filter);
        }
        Some(is_new)
    }

    /// Removes a subscription of a client; false if there is none.
    pub(super) fn unsubscribe(&mut self, client: &str, filter: &str) -> bool {
        let existed = self.kept.get_mut(client).is_some_and(|store| store.unsubscribe(filter));
        if existed {
            self.forget(client, filter);
        }
        existed
    }

    /// The clients that may have subscribed to a topic, in the order of their names: all that have, and few others.
    pub(super) fn interested(&self, name: &str) -> BTreeSet<String> {
        let by_name = self.by_name.get(name).into_iter().flatten();
        by_name.chain(self.asked_always.keys()).cloned().collect()
    }

    fn forget(&mut self, client: &str, filter: &str) {
        if is_name(filter) {
            if let Some(clients) = self.by_name.get_mut(filter) {
                clients.remove(client);
                if clients.is_empty() {
                    self.by_name.remove(filter);
                }
            }
        } else if let Some(count) = self.asked_always.get_mut(client) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.asked_always.remove(client);
            }
        }
    }
}

fn enter(
    by_name: &mut BTreeMap<String, BTreeSet<String>>,
    asked_always: &mut BTreeMap<String, usize>,
    client: &str,
    filter: &str,
) {
    if is_name(filter) {
        by_name.entry(filter.to_owned()).or_default().insert(client.to_owned());
    } else {
        *asked_always.entry(client.to_owned()).or_default() += 1;
    }
}

/// Whether a filter matches the topic of its own name and no other.
fn is_name(filter: &str) -> bool {
    !topic::has_wildcard(filter) && topic::shared(filter).is_none()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)] // a test may stop on the first surprise
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What may be done with the subscriptions of two clients.
    #[derive(Debug, Clone)]
    enum Deed {
        Subscribe(&'static str, &'static str),
        Unsubscribe(&'static str, &'static str),
        Renew(&'static str),
        Remove(&'static str),
    }

    fn client() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["one", "two"])
    }

    fn filter() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec!["a", "a/b", "a/+", "#", "$share/g/a", "$share/g/a/#", "b"])
    }

    fn deed() -> impl Strategy<Value = Deed> {
        prop_oneof![
            4 => (client(), filter()).prop_map(|(client, filter)| Deed::Subscribe(client, filter)),
            3 => (client(), filter()).prop_map(|(client, filter)| Deed::Unsubscribe(client, filter)),
            1 => client().prop_map(Deed::Renew),
            1 => client().prop_map(Deed::Remove),
        ]
    }

    proptest! {
        /// Whoever has a filter that matches is among the interested, and nobody without any filter is.
        #[test]
        fn nobody_who_subscribed_is_left_out(deeds in prop::collection::vec(deed(), 0..40)) {
            let mut stores = Stores::default();
            stores.put("one", Store::default());
            stores.put("two", Store::default());
            for deed in deeds {
                match deed {
                    Deed::Subscribe(client, filter) => {
                        stores.subscribe(client, filter, Grant::default());
                    }
                    Deed::Unsubscribe(client, filter) => {
                        stores.unsubscribe(client, filter);
                    }
                    Deed::Renew(client) => {
                        let store = stores.remove(client).unwrap_or_default();
                        stores.put(client, store);
                    }
                    Deed::Remove(client) => {
                        stores.remove(client);
                    }
                }
                for name in ["a", "a/b", "b", "c"] {
                    let interested = stores.interested(name);
                    for (client, store) in &stores.kept {
                        if store.filters().any(|filter| topic::matches(filter, name)) {
                            prop_assert!(interested.contains(client), "{client} wants {name}");
                        }
                    }
                    for client in &interested {
                        let store = stores.kept.get(client);
                        prop_assert!(store.is_some_and(|store| store.filters().next().is_some()), "{client} left");
                    }
                }
            }
        }
    }

    #[test]
    fn a_message_visits_only_those_who_may_want_it() {
        let mut stores = Stores::default();
        for number in 0..100 {
            let client = format!("client-{number}");
            stores.put(&client, Store::default());
            stores.subscribe(&client, &format!("agent/{number}"), Grant::default()).unwrap();
        }
        stores.subscribe("client-9", "agent/+", Grant::default()).unwrap();
        let interested: Vec<_> = stores.interested("agent/7").into_iter().collect();
        assert_eq!(interested, ["client-7", "client-9"]);
        assert_eq!(stores.interested("elsewhere").len(), 1);
    }
}
