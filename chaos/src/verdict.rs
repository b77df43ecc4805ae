//! What became of what was booked.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use sqlx::PgConnection;
use sqlx::types::Uuid;

use crate::Result;
use crate::faults::{Fault, Happened, TAKEN_OVER_WITHIN};
use crate::world::GROUPS;

/// So many events that are out of order, or were not handled, are shown.
const SHOWN: usize = 5;

pub(crate) struct Booking {
    account: String,
    n: i64,
    booked_at: i64,
}

struct Effect {
    event_id: Uuid,
    account: String,
    n: i64,
    handled_at: i64,
}

pub(crate) struct Verdict {
    bookings: HashMap<Uuid, Booking>,
    /// Of each group, in the order of handling.
    effects: [Vec<Effect>; GROUPS.len()],
    /// What was committed, and lost when the log went back in time. Who had handled it then is not to blame.
    lost: HashSet<Uuid>,
    held: i64,
}

/// In milliseconds.
struct Recovery {
    first: i64,
    every: i64,
    since_back: Option<i64>,
}

/// How many events went wrong, and how.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wrong {
    lost: usize,
    doubled: usize,
    /// Handled, and never committed.
    made_up: usize,
    out_of_order: usize,
}

pub(crate) async fn booked(log: &mut PgConnection) -> Result<HashMap<Uuid, Booking>> {
    let rows: Vec<(Uuid, String, i64, i64)> =
        sqlx::query_as("SELECT event_id, account, n, booked_at FROM bookings").fetch_all(&mut *log).await?;
    Ok(rows.into_iter().map(|(id, account, n, booked_at)| (id, Booking { account, n, booked_at })).collect())
}

pub(crate) async fn of(
    log: &mut PgConnection,
    home: &mut PgConnection,
    bookings: HashMap<Uuid, Booking>,
    lost: HashSet<Uuid>,
) -> Result<Verdict> {
    let mut effects = [Vec::new(), Vec::new()];
    let mut held = 0;
    for (group, db) in [&mut *log, &mut *home].into_iter().enumerate() {
        let rows: Vec<(String, String, i64, i64)> =
            sqlx::query_as("SELECT event_id, account, n, handled_at FROM effects WHERE grp = $1 ORDER BY k")
                .bind(GROUPS[group])
                .fetch_all(&mut *db)
                .await?;
        for (event_id, account, n, handled_at) in rows {
            let event_id = event_id.strip_prefix("evt_").unwrap_or(&event_id).parse()?;
            effects[group].push(Effect { event_id, account, n, handled_at });
        }
        held += sqlx::query_scalar::<_, i64>("SELECT count(*) FROM eventwright.held").fetch_one(db).await?;
    }
    Ok(Verdict { bookings, effects, lost, held })
}

impl Verdict {
    /// Prints it, and returns whether all is well.
    pub(crate) async fn tell(&self, happened: &[Happened], log: &mut PgConnection) -> Result<bool> {
        println!("{} events published, {} held back at the end", self.bookings.len(), self.held);
        println!("{} more were lost when the log went back in time", self.lost.len());
        let mut well = self.held == 0 && !self.bookings.is_empty();
        for (group, name) in GROUPS.iter().enumerate() {
            let wrong = self.wrong(group);
            println!(
                "group {name}: {} handled, lost {}, double {}, made up {}, out of order {}",
                self.effects[group].len(),
                wrong.lost,
                wrong.doubled,
                wrong.made_up,
                wrong.out_of_order
            );
            well &= wrong == Wrong::default();
            self.tell_disorder(group);
            self.tell_lost(group, log).await?;
        }
        for one in happened {
            println!("{} {:?} {:?}", one.at, one.fault, one.group.map(|group| GROUPS[group]));
        }
        Ok(well & self.tell_recoveries(happened))
    }

    /// Prints what was handled around the first events that came too late.
    fn tell_disorder(&self, group: usize) {
        let mut last: HashMap<&str, i64> = HashMap::new();
        let late = self.effects[group].iter().filter(|effect| !self.lost.contains(&effect.event_id)).filter(|effect| {
            let before = last.insert(&effect.account, effect.n).unwrap_or(0);
            effect.n <= before
        });
        for effect in late.take(SHOWN) {
            println!(
                "  {} {} came too late; handled around it, as number, times of booking and handling:",
                effect.account, effect.n
            );
            let around = self.effects[group].iter().filter(|other| other.account == effect.account);
            for other in around.filter(|other| other.n.abs_diff(effect.n) <= 3) {
                let booked_at = self.bookings.get(&other.event_id).map_or(0, |booking| booking.booked_at);
                println!("    {} {booked_at} {} {}", other.n, other.handled_at, other.event_id);
            }
        }
    }

    /// Prints which events of each account were not handled, where the log has them, and what was handled around them.
    async fn tell_lost(&self, group: usize, log: &mut PgConnection) -> Result {
        let handled: HashSet<Uuid> = self.effects[group].iter().map(|effect| effect.event_id).collect();
        let mut lost: Vec<_> = self.bookings.iter().filter(|(id, _)| !handled.contains(id)).collect();
        lost.sort_by_key(|(_, booking)| (&booking.account, booking.n));
        for (id, Booking { account, n, booked_at }) in lost.into_iter().take(SHOWN) {
            let place: Option<(i64, String, i16)> =
                sqlx::query_as("SELECT seq, xid::text, bucket FROM eventwright.outbox WHERE event_id = $1")
                    .bind(id)
                    .fetch_optional(&mut *log)
                    .await?;
            println!(
                "  {account} {n} was not handled, booked at {booked_at}; seq, xid and bucket in the log: {place:?}"
            );
            println!("    around it, as number, seq and xid, times of booking and handling:");
            let of_account = self.effects[group].iter().filter(|other| other.account == *account);
            for other in of_account.filter(|other| other.n.abs_diff(*n) <= 3) {
                let place: Option<(i64, String)> =
                    sqlx::query_as("SELECT seq, xid::text FROM eventwright.outbox WHERE event_id = $1")
                        .bind(other.event_id)
                        .fetch_optional(&mut *log)
                        .await?;
                let booked_at = self.bookings.get(&other.event_id).map_or(0, |booking| booking.booked_at);
                println!("    {} {place:?} {booked_at} {}", other.n, other.handled_at);
            }
        }
        Ok(())
    }

    fn wrong(&self, group: usize) -> Wrong {
        let mut wrong = Wrong::default();
        let mut times: HashMap<Uuid, u32> = HashMap::new();
        let mut last: HashMap<&str, i64> = HashMap::new();
        for effect in &self.effects[group] {
            let count = times.entry(effect.event_id).or_default();
            *count += 1;
            wrong.doubled += usize::from(*count > 1);
            if self.lost.contains(&effect.event_id) {
                continue;
            }
            wrong.made_up += usize::from(!self.bookings.contains_key(&effect.event_id));
            let before = last.insert(&effect.account, effect.n).unwrap_or(0);
            wrong.out_of_order += usize::from(effect.n <= before);
        }
        wrong.lost = self.bookings.keys().filter(|id| !times.contains_key(id)).count();
        wrong
    }

    /// For each kind of fault: from the fault until an event was handled that was published after it, and until that was so for
    /// each account; and the latter from when the database was there again, if it was gone. Returns whether others took over in
    /// time from who was silent.
    fn tell_recoveries(&self, happened: &[Happened]) -> bool {
        let mut by_fault: BTreeMap<Fault, Vec<Recovery>> = BTreeMap::new();
        for one in happened {
            let groups = one.group.map_or(0..GROUPS.len(), |group| group..group + 1);
            let worst_since = |at| {
                let recoveries = groups.clone().filter_map(|group| self.recovery(group, at));
                recoveries.reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
            };
            if let Some((first, every)) = worst_since(one.at) {
                let since_back = one.back_at.and_then(worst_since).map(|(_, every)| every);
                by_fault.entry(one.fault).or_default().push(Recovery { first, every, since_back });
            }
        }
        println!("\n| fault | times | recovered, longest | every account, longest | after the database, longest |");
        println!("| --- | ---: | ---: | ---: | ---: |");
        let mut in_time = true;
        for (fault, recoveries) in by_fault {
            let longest = |of: fn(&Recovery) -> Option<i64>| recoveries.iter().filter_map(of).max();
            let [first, every, since_back] = [
                longest(|recovery| Some(recovery.first)),
                longest(|recovery| Some(recovery.every)),
                longest(|recovery| recovery.since_back),
            ];
            let [a, b, c] = [first, every, since_back].map(|time| time.map_or(String::new(), seconds));
            println!("| {fault:?} | {} | {a} | {b} | {c} |", recoveries.len());
            let silent_for = Duration::from_millis(every.unwrap_or_default().unsigned_abs());
            if fault.is_silent() && silent_for > TAKEN_OVER_WITHIN {
                println!("not taken over within {TAKEN_OVER_WITHIN:?}");
                in_time = false;
            }
        }
        in_time
    }

    /// Milliseconds until the first event was handled that was booked later, and until the first of each account was.
    fn recovery(&self, group: usize, at: i64) -> Option<(i64, i64)> {
        let mut first_of: HashMap<&str, i64> = HashMap::new();
        for effect in &self.effects[group] {
            let Some(booking) = self.bookings.get(&effect.event_id).filter(|booking| booking.booked_at > at) else {
                continue;
            };
            let first = first_of.entry(&booking.account).or_insert(i64::MAX);
            *first = effect.handled_at.min(*first);
        }
        let times = first_of.values().map(|handled_at| handled_at - at);
        Some((times.clone().min()?, times.max()?))
    }
}

#[expect(clippy::cast_precision_loss, reason = "to be read")]
fn seconds(milliseconds: i64) -> String {
    format!("{:.1} s", milliseconds as f64 / 1000.0)
}
