//! The rows that GetInstances showed, by table.

use std::collections::{BTreeMap, BTreeSet};

/// For each table, as GetSupportedDM writes it, its first row and how many there are.
pub(super) struct Rows {
    tables: BTreeMap<String, (String, usize)>,
}

impl Rows {
    pub(super) fn new(instances: &BTreeSet<String>) -> Self {
        let mut tables: BTreeMap<String, (String, usize)> = BTreeMap::new();
        for path in instances {
            let entry = tables.entry(supported(path)).or_insert_with(|| (path.clone(), 0));
            entry.1 += 1;
        }
        Self { tables }
    }

    /// The first row of a table.
    pub(super) fn first(&self, table: &str) -> Option<&str> {
        self.tables.get(table).map(|(first, _)| first.as_str())
    }

    /// How many rows a table has.
    pub(super) fn count(&self, table: &str) -> usize {
        self.tables.get(table).map_or(0, |(_, count)| *count)
    }

    /// Every table that has rows, with the first of them.
    pub(super) fn tables(&self) -> impl Iterator<Item = (&str, &str)> {
        self.tables.iter().map(|(table, (first, _))| (table.as_str(), first.as_str()))
    }
}

/// `Device.LocalAgent.MTP.{i}.` for `Device.LocalAgent.MTP.1.`.
fn supported(path: &str) -> String {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|octet| octet.is_ascii_digit());
    path.split('.').map(|part| if number(part) { "{i}" } else { part }).collect::<Vec<_>>().join(".")
}
