//! Programs: what sessions and groups do, one operation after the other.
//!
//! An operation that makes no sense where it stands (a commit without a transaction, a lock that another session has) does
//! nothing. So any operation can be left out of a program, which is how one that fails is made smaller.

use std::fmt;

use fastrand::Rng;

pub(crate) const SESSIONS: u8 = 4;
pub(crate) const SUBJECTS: u8 = 5;
pub(crate) const GROUPS: [&str; 2] = ["a", "b"];
/// The points at which opening a window can be halted.
pub(crate) const HALTS: u8 = 3;

#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) seed: u64,
    pub(crate) groups: [Plan; GROUPS.len()],
    pub(crate) ops: Vec<Op>,
}

/// How a group is made at its first run.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    pub(crate) ranges: u16,
    pub(crate) from_now: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Isolation {
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

/// What becomes of an event in each group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Handled,
    /// Its handler publishes an event, too.
    Answered,
    /// Its first calls fail.
    Fails(u8),
    /// Its second call fails, and is to be repeated after a moment.
    FailsLater,
    /// Its first calls put it off.
    Snoozes(u8),
    /// Its first call leaves the transaction aborted and says nothing.
    Aborts,
    /// Refused until a person has it tried again.
    Rejected,
    /// Fails until a person has it tried again.
    Hopeless,
}

/// How far a worker runs: until it is in this handler call, counted from now, or until nothing is left to do.
pub(crate) type Calls = Option<u8>;

#[derive(Debug, Clone, Copy)]
pub(crate) enum Op {
    Begin(u8, Isolation),
    Look(u8),
    TakeXid(u8),
    Lock(u8, u8),
    Publish(u8, u8, Fate),
    Savepoint(u8),
    Undo(u8),
    Keep(u8),
    Commit(u8),
    Rollback(u8),
    Vanish(u8),
    Prepare(u8),
    CommitPrepared(u8),
    RollbackPrepared(u8),
    OpenHere(u8),
    SpendXid,
    Open(u8),
    Opened,
    Run { group: u8, chunk: u16, calls: Calls },
    Contend { group: u8, chunk: u16 },
    Resume { group: u8, calls: Calls },
    Drop(u8),
    Kill(u8),
    SetRanges(u8, u8),
    Redrive(u8),
    Discard(u8),
}

impl Program {
    pub(crate) fn random(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed);
        let groups = [(); GROUPS.len()].map(|()| Plan { ranges: rng.u16(1..=3), from_now: rng.u8(..10) < 2 });
        let mut likely = Likely::default();
        let length = rng.usize(20..70);
        let ops = (0..length).map(|_| likely.next(&mut rng)).collect();
        Self { seed, groups, ops }
    }

    /// The same without some of its operations.
    pub(crate) fn without(&self, left_out: std::ops::Range<usize>) -> Self {
        let kept = self.ops.iter().enumerate().filter(|(at, _)| !left_out.contains(at)).map(|(_, op)| *op);
        Self { ops: kept.collect(), ..self.clone() }
    }
}

/// Roughly what a program is at, so that most of its operations make sense.
#[derive(Default)]
struct Likely {
    /// The subjects that each session's transaction has locked.
    sessions: [Option<Vec<u8>>; SESSIONS as usize],
    /// A window is being opened: workers would have to wait.
    opening: bool,
}

impl Likely {
    fn next(&mut self, rng: &mut Rng) -> Op {
        match rng.u8(..100) {
            0..72 => self.of_session(rng),
            72..75 => Op::SpendXid,
            75..77 if rng.bool() => Op::CommitPrepared(rng.u8(..4)),
            75..77 => Op::RollbackPrepared(rng.u8(..4)),
            _ if self.opening && rng.u8(..4) > 0 => self.of_session(rng),
            _ if self.opening => self.opened(),
            77..83 => {
                self.opening = true;
                Op::Open(rng.u8(..HALTS))
            }
            83..95 => of_worker(rng),
            _ => of_operator(rng),
        }
    }

    fn opened(&mut self) -> Op {
        self.opening = false;
        Op::Opened
    }

    fn of_session(&mut self, rng: &mut Rng) -> Op {
        let session = rng.u8(..SESSIONS);
        let Some(locked) = &mut self.sessions[usize::from(session)] else {
            self.sessions[usize::from(session)] = Some(Vec::new());
            let isolation = match rng.u8(..10) {
                0..7 => Isolation::ReadCommitted,
                7..9 => Isolation::RepeatableRead,
                _ => Isolation::Serializable,
            };
            return Op::Begin(session, isolation);
        };
        let op = match rng.u8(..100) {
            0..4 => Op::Look(session),
            4..12 => Op::TakeXid(session),
            12..58 => match rng.choice(&*locked) {
                Some(subject) if rng.u8(..4) > 0 => Op::Publish(session, *subject, fate(rng)),
                _ => {
                    let subject = rng.u8(..SUBJECTS);
                    locked.push(subject);
                    Op::Lock(session, subject)
                }
            },
            58..63 => Op::Savepoint(session),
            63..66 => Op::Undo(session),
            66..68 => Op::Keep(session),
            68..74 => Op::OpenHere(session),
            74..88 => Op::Commit(session),
            88..92 => Op::Rollback(session),
            92..94 => Op::Vanish(session),
            _ => Op::Prepare(session),
        };
        if matches!(op, Op::Commit(_) | Op::Rollback(_) | Op::Vanish(_) | Op::Prepare(_)) {
            self.sessions[usize::from(session)] = None;
        }
        op
    }
}

fn of_worker(rng: &mut Rng) -> Op {
    let group = group(rng);
    let chunk = [1, 2, 3, 100][rng.usize(..4)];
    let calls = rng.bool().then(|| rng.u8(1..6));
    match rng.u8(..100) {
        0..56 => Op::Run { group, chunk, calls },
        56..80 => Op::Resume { group, calls },
        80..88 => Op::Drop(group),
        88..94 => Op::Kill(group),
        _ => Op::Contend { group, chunk },
    }
}

fn of_operator(rng: &mut Rng) -> Op {
    let group = group(rng);
    match rng.u8(..4) {
        0..2 => Op::SetRanges(group, rng.u8(1..=4)),
        2 => Op::Redrive(group),
        _ => Op::Discard(group),
    }
}

fn group(rng: &mut Rng) -> u8 {
    rng.u8(..GROUPS.len() as u8)
}

fn fate(rng: &mut Rng) -> Fate {
    match rng.u8(..100) {
        0..60 => Fate::Handled,
        60..70 => Fate::Answered,
        70..76 => Fate::FailsLater,
        76..83 => Fate::Fails(rng.u8(1..3)),
        83..89 => Fate::Snoozes(rng.u8(1..3)),
        89..92 => Fate::Aborts,
        92..98 => Fate::Rejected,
        _ => Fate::Hopeless,
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, plan) in GROUPS.iter().zip(self.groups) {
            let from = if plan.from_now { "now" } else { "the beginning" };
            writeln!(f, "  group {name}: {} ranges, from {from}", plan.ranges)?;
        }
        self.ops.iter().enumerate().try_for_each(|(at, op)| writeln!(f, "  {:>2}  {op}", at + 1))
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |group: &u8| GROUPS[usize::from(*group)];
        let until =
            |calls: &Calls| calls.map_or("to the end".into(), |calls| format!("until in its handler, call {calls}"));
        match self {
            Self::Begin(session, isolation) => write!(f, "session {session}: begin {isolation:?}"),
            Self::Look(session) => write!(f, "session {session}: read something, which takes its snapshot"),
            Self::TakeXid(session) => write!(f, "session {session}: take an xid"),
            Self::Lock(session, subject) => write!(f, "session {session}: lock s{subject}"),
            Self::Publish(session, subject, fate) => write!(f, "session {session}: publish about s{subject}, {fate:?}"),
            Self::Savepoint(session) => write!(f, "session {session}: savepoint"),
            Self::Undo(session) => write!(f, "session {session}: back to the savepoint"),
            Self::Keep(session) => write!(f, "session {session}: release the savepoint"),
            Self::Commit(session) => write!(f, "session {session}: commit"),
            Self::Rollback(session) => write!(f, "session {session}: roll back"),
            Self::Vanish(session) => write!(f, "session {session}: vanish"),
            Self::Prepare(session) => write!(f, "session {session}: prepare the transaction"),
            Self::CommitPrepared(at) => write!(f, "commit a prepared transaction, number {at}"),
            Self::RollbackPrepared(at) => write!(f, "roll back a prepared transaction, number {at}"),
            Self::OpenHere(session) => write!(f, "session {session}: try to open a window in the transaction"),
            Self::SpendXid => write!(f, "give out an xid"),
            Self::Open(halt) => write!(f, "open a window, halting at point {halt}"),
            Self::Opened => write!(f, "have the window opened"),
            Self::Run { group, chunk, calls } => {
                write!(f, "group {}: run by chunks of {chunk}, {}", name(group), until(calls))
            }
            Self::Contend { group, chunk } => {
                write!(f, "group {}: another worker tries, by chunks of {chunk}", name(group))
            }
            Self::Resume { group, calls } => write!(f, "group {}: run on, {}", name(group), until(calls)),
            Self::Drop(group) => write!(f, "group {}: drop the worker", name(group)),
            Self::Kill(group) => write!(f, "group {}: cut the worker's connections", name(group)),
            Self::SetRanges(group, ranges) => write!(f, "group {}: split or join to {ranges} ranges", name(group)),
            Self::Redrive(group) => write!(f, "group {}: redrive all dead letters", name(group)),
            Self::Discard(group) => write!(f, "group {}: discard a dead letter", name(group)),
        }
    }
}
