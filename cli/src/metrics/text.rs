//! Prometheus' text exposition format, version 0.0.4.

use std::fmt::Write;

use eventwright::{GroupStatus, LogStatus, OffsetDateTime};

/// One family of gauges after the other.
#[derive(Default)]
struct Page(String);

type Labels<'a> = Vec<(&'static str, &'a str)>;

impl Page {
    /// A family without samples is left out.
    fn gauge<'a>(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels<'a>, f64)>) {
        let mut samples = samples.into_iter().peekable();
        if samples.peek().is_none() {
            return;
        }
        // writing to a String does not fail
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} gauge");
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            let _ = writeln!(self.0, "{name}{labels} {value}");
        }
    }
}

fn escape(label: &str) -> String {
    label.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// All that the database tells, as a page to scrape.
pub(super) fn page(log: &LogStatus, groups: &[GroupStatus], now: OffsetDateTime) -> String {
    let mut page = Page::default();
    let alone = |value: f64| [(Vec::new(), value)];
    page.gauge("eventwright_log_last_seq", "The last number that the log has given out.", alone(log.last_seq as f64));
    page.gauge(
        "eventwright_log_room_events",
        "For how many more events the log has partitions.",
        alone(log.room as f64),
    );
    page.gauge("eventwright_log_partitions", "Partitions of the log.", alone(log.partitions.into()));
    page.gauge("eventwright_log_windows", "Windows that are kept.", alone(log.windows as f64));
    let age = log.oldest_window_at.map_or(0.0, |opened| (now - opened).as_seconds_f64().max(0.0));
    page.gauge(
        "eventwright_log_oldest_window_seconds",
        "Age of the window at which the last of the attached groups stands; 0: all stand at the newest.",
        alone(age),
    );
    of_groups(&mut page, groups);
    page.0
}

fn of_groups(page: &mut Page, groups: &[GroupStatus]) {
    let lag = |value: fn(&eventwright::GroupLag) -> f64| {
        groups.iter().filter_map(move |group| Some((labels(group), value(group.lag.as_ref()?))))
    };
    page.gauge(
        "eventwright_group_lag_events",
        "Numbers of the log that the group has not passed.",
        lag(|lag| lag.events as f64),
    );
    page.gauge(
        "eventwright_group_lag_seconds",
        "Age of the first event that the group has not passed.",
        lag(|lag| lag.time.as_secs_f64()),
    );
    // other databases' groups hold their events back there
    let here = || groups.iter().filter(|group| group.home.is_none());
    let held = here().flat_map(|group| {
        group.held.by_reason().map(|(reason, count)| {
            let mut labels = labels(group);
            labels.push(("reason", reason));
            (labels, count as f64)
        })
    });
    page.gauge("eventwright_group_held_events", "Events that the group holds back and has not given up.", held);
    page.gauge(
        "eventwright_group_dead_letters",
        "Events that the group has given up.",
        here().map(|group| (labels(group), group.held.dead as f64)),
    );
    page.gauge(
        "eventwright_group_paused",
        "Whether an operator has paused the group.",
        here().map(|group| (labels(group), f64::from(group.paused_at.is_some()))),
    );
    page.gauge(
        "eventwright_group_detached",
        "Whether the log no longer waits for the group.",
        groups.iter().map(|group| (labels(group), f64::from(group.detached_at.is_some()))),
    );
}

fn labels(group: &GroupStatus) -> Labels<'_> {
    let mut labels = vec![("group", group.name.as_str())];
    labels.extend(group.home.as_deref().map(|home| ("home", home)));
    labels
}

#[cfg(test)]
mod tests {
    use super::{Page, escape};

    #[test]
    fn a_family_has_its_help_once_and_is_left_out_where_it_is_empty() {
        let mut page = Page::default();
        page.gauge("a", "A.", [(vec![("group", "x")], 1.0), (vec![("group", "y"), ("reason", "dead")], 0.5)]);
        page.gauge("b", "B.", []);
        page.gauge("c", "C.", [(Vec::new(), 123_456_789.0)]);
        assert_eq!(
            page.0,
            "# HELP a A.\n# TYPE a gauge\na{group=\"x\"} 1\na{group=\"y\",reason=\"dead\"} 0.5\n\
             # HELP c C.\n# TYPE c gauge\nc 123456789\n"
        );
    }

    #[test]
    fn a_label_is_escaped() {
        assert_eq!(escape("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
