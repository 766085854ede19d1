//! Strong references follow their targets (R-ARC.12).

use super::{RowKey, Store};
use crate::model::{Dangling, value};
use std::sync::Arc;

impl Store {
    /// Empties references whose target is gone and removes the rows that cannot be without theirs. Each removal can only leave
    /// fewer rows, so this ends.
    pub(super) fn tidy_references(&mut self) {
        let model = Arc::clone(&self.model);
        let mut orphans = Vec::new();
        let mut cleared = Vec::new();
        for (key, row) in self.rows.iter() {
            for param in model.object(key.object).params.iter().filter(|param| param.references.is_some()) {
                let items = value::items(row.value(param));
                let kept: Vec<&str> = items.iter().copied().filter(|item| self.refers(item)).collect();
                if kept.len() == items.len() {
                    continue;
                }
                match param.dangling {
                    Dangling::Delete => orphans.push(key.clone()),
                    Dangling::Clear => cleared.push((key.clone(), param.name.clone(), kept.join(","))),
                }
            }
        }
        for (key, name, value) in cleared {
            self.set(&key, &name, value);
        }
        for key in orphans {
            self.remove(&key);
        }
    }

    fn refers(&self, item: &str) -> bool {
        RowKey::parse(item, &self.model).is_some_and(|target| self.contains(&target))
    }
}
