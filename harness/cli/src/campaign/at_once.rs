//! Several EUTs at the same time.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Does `work` for every item, for `jobs` of them at the same time, each on a thread of its own; gives back what came of them in their
/// order. At least one is at work.
pub fn at_once<T: Sync, R: Send>(items: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, items.len().max(1)) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(at) else { return };
                    let result = work(item);
                    done.lock().unwrap_or_else(PoisonError::into_inner).push((at, result));
                }
            });
        }
    });
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(at, _)| *at);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::at_once;
    use std::sync::{
        Barrier,
        atomic::{AtomicUsize, Ordering},
    };

    #[test]
    fn all_are_at_work_together_and_stay_in_order() {
        let (items, meet) = ([1, 2, 3], Barrier::new(3));
        let twice = at_once(&items, 3, |item| {
            meet.wait();
            item * 2
        });
        assert_eq!(twice, [2, 4, 6]);
    }

    #[test]
    fn no_more_than_so_many_are_at_work() {
        let (working, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let items: Vec<_> = (0..50).collect();
        let same = at_once(&items, 2, |item| {
            most.fetch_max(working.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            std::thread::yield_now();
            working.fetch_sub(1, Ordering::SeqCst);
            *item
        });
        assert_eq!(same, items);
        assert!(most.load(Ordering::SeqCst) <= 2);
        assert!(at_once(&[0; 0], 0, |item| *item).is_empty());
    }
}
