//! Every bound of the runner in one place, each with its reason: nothing an EUT does can hold a run up or fill the memory.

use std::time::Duration;
use tokio::time::Instant;

/// Octets of the octet log that one Trace keeps. A whole GetSupportedDM is about 1 MiB; the log is for looking at, the Records are
/// the evidence, so that a cut costs nothing but convenience.
pub(crate) const OCTET_LOG: usize = 2 * 1024 * 1024;

/// Octets of frames that one Trace keeps; as for the octet log, but frames are also judged (R-WS.14).
pub(crate) const FRAME_LOG: usize = 8 * 1024 * 1024;

/// Octets of Records that one Trace keeps besides those that a step waits for. No case of the plan comes near it; an EUT that
/// floods us does.
pub(crate) const RECORD_LOG: usize = 8 * 1024 * 1024;

/// Connection events and notes that one Trace keeps. An EUT that connects and is refused ten times a second for a quarter of an
/// hour stays below.
pub(crate) const OTHER_LOG: usize = 10_000;

/// What every logged event costs besides its octets, so that a flood of empty ones is bounded as well.
pub(crate) const EVENT_OVERHEAD: usize = 256;

/// Notifications of one case that no step has taken yet. Cases await a handful.
pub(crate) const INBOX: usize = 4096;

/// Events of the MTP that the steps of one case may ask for and none has taken yet. Cases await a handful.
pub(crate) const SIGHTINGS: usize = 4096;

/// Notify Responses that may be on their way at once. The EUT's Notifications are answered one by one, so that this is reached only
/// when it does not read what we send.
pub(crate) const PENDING_ANSWERS: usize = 64;

/// How long our Close frame waits for the answers that were to go out before it. A peer that reads takes them in milliseconds.
pub(crate) const ANSWERS_FIRST: Duration = Duration::from_secs(2);

/// How long one Record may take to be written. A peer that reads takes a Record in milliseconds; TCP's own retries would take minutes.
pub(crate) const SEND_LIMIT: Duration = Duration::from_secs(10);

/// How long the event of a Record that was written may be under way to the Trace: it passes through one task of this process.
pub(crate) const RELAY_LIMIT: Duration = Duration::from_secs(1);

/// After the connection on which an answer was due has ended and the EUT is back, how long the answer is still waited for: an Agent that
/// queues its answers sends them at once.
pub(crate) const RECONNECT_GRACE: Duration = Duration::from_secs(5);

/// How long the Connect Record is waited for after a session has opened; it is the first that an Agent sends (R-MTP.6 and the like).
pub(crate) const CONNECT_RECORD_WAIT: Duration = Duration::from_secs(1);

/// How long we go on waiting for the EUT after somebody else has connected in its place.
pub(crate) const STRANGER_GRACE: Duration = Duration::from_secs(5);

/// What the whole clean-up of an interrupted case may take: long enough for a few Deletes, short enough for a person who pressed Ctrl-C.
pub(crate) const INTERRUPTED_CLEAN_UP: Duration = Duration::from_secs(10);

/// Added to the sum of a case's own limits, for what is not counted in them.
pub(crate) const CASE_MARGIN: Duration = Duration::from_secs(30);

/// The longest that a program of the profile may run. Power switches and hypervisors answer within a minute.
pub(crate) const PROGRAM_LIMIT: Duration = Duration::from_secs(120);

/// Octets kept of each output of a program of the profile: enough for its error message.
pub(crate) const PROGRAM_OUTPUT: usize = 16 * 1024;

/// Leftover objects that are deleted after one case; more than that is another kind of trouble.
pub(crate) const LEFTOVERS: usize = 256;

/// Differences that are listed one by one; the rest is counted.
pub(crate) const DIFFERENCES: usize = 50;

/// Longest value that a variable takes from a Message, in octets. It comes from the EUT and goes into each later Request and the Trace.
pub(crate) const CAPTURED: usize = 64 * 1024;

/// Octets of the Notifications of one case that no step has taken yet, as [`INBOX`] bounds their number.
pub(crate) const INBOX_OCTETS: usize = 16 * 1024 * 1024;

/// Octets of Notifications that a Trace keeps because a step waits for them or forbids them, besides what it keeps anyway.
pub(crate) const WANTED_LOG: usize = 16 * 1024 * 1024;

/// The longest that anything is waited for, whatever a test case or profile says. No campaign lasts a month.
const LONGEST_WAIT: Duration = Duration::from_secs(30 * 24 * 3600);

/// The moment that lies `wait` after `from`.
pub(crate) fn after(from: Instant, wait: Duration) -> Instant {
    from + wait.min(LONGEST_WAIT)
}

/// A wait that ends so much after its limit was not ours to end: the machine slept, or the process was stopped.
const OVERSLEPT: Duration = Duration::from_millis(500);

/// How long is still looked after such a wait: what came in time lies in buffers that nobody has read yet.
const CATCH_UP: Duration = Duration::from_secs(1);

/// Until when to look on after a wait to `limit`, when its end was overslept.
pub(crate) fn overslept(limit: Instant) -> Option<Instant> {
    let now = Instant::now();
    (now.saturating_duration_since(limit) > OVERSLEPT).then(|| now + CATCH_UP)
}

/// How exactly the whole of a case is bounded. A clock that jumps costs one of these and not what it jumped over.
const TICK: Duration = Duration::from_secs(5);

/// Lets so much time pass in which the process was awake.
pub(crate) async fn awake_for(wait: Duration) {
    let mut left = wait.min(LONGEST_WAIT);
    while !left.is_zero() {
        let now = left.min(TICK);
        tokio::time::sleep(now).await;
        left = left.saturating_sub(now);
    }
}

/// Warnings that a run keeps.
pub(crate) const WARNINGS: usize = 200;

/// How long a case stays open after its last answer: an EUT that dies of what it was sent does so at once, and its end belongs there.
pub(crate) const AFTERMATH: Duration = Duration::from_millis(10);

/// Values of the trust configuration that are compared: some hundred Roles with a dozen Permissions each.
pub(crate) const TRUST_VALUES: usize = 20_000;
