//! Dates and times as plain numbers, whatever crate they come from or go to.

/// A day of the Gregorian calendar.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct DateParts {
    pub(super) year: u16,
    pub(super) month: u8,
    pub(super) day: u8,
}

/// A local time and its offset from UTC. Seconds go up to 59.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct DateTimeParts {
    pub(super) date: DateParts,
    pub(super) hour: u8,
    pub(super) minute: u8,
    pub(super) second: u8,
    pub(super) nanosecond: u32,
    pub(super) offset_minutes: i16,
}

const LAST_YEAR: u16 = 9999;
const MINUTES_OF_A_DAY: i16 = 24 * 60;

impl DateParts {
    /// Whether the calendar has the day, within the years of four digits.
    pub(super) fn exists(self) -> bool {
        self.year <= LAST_YEAR && (1..=12).contains(&self.month) && (1..=self.days_of_month()).contains(&self.day)
    }

    /// Of a month from 1 to 12.
    fn days_of_month(self) -> u8 {
        let has_leap_day =
            self.year.is_multiple_of(4) && (!self.year.is_multiple_of(100) || self.year.is_multiple_of(400));
        match self.month {
            2 if has_leap_day => 29,
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }

    fn next(self) -> Self {
        if self.day < self.days_of_month() {
            return Self { day: self.day + 1, ..self };
        }
        if self.month < 12 {
            return Self { month: self.month + 1, day: 1, ..self };
        }
        Self { year: self.year + 1, month: 1, day: 1 }
    }
}

impl DateTimeParts {
    /// Whether RFC 3339 has a form for it, and others can count on its UTC: that has at most four digits of a year, too.
    pub(super) fn has_form(self) -> bool {
        const LAST_DAY: DateParts = DateParts { year: LAST_YEAR, month: 12, day: 31 };
        self.date.exists()
            && self.offset_minutes.abs() < MINUTES_OF_A_DAY
            && (self.date != LAST_DAY || self.utc_minute() < MINUTES_OF_A_DAY)
    }

    /// What begins where the minute ends; none where that has no leap second, since it is not the last of a day in UTC.
    pub(super) fn after_leap_second(self) -> Option<Self> {
        if self.utc_minute().rem_euclid(MINUTES_OF_A_DAY) != MINUTES_OF_A_DAY - 1 {
            return None;
        }
        let next = Self { second: 0, ..self };
        Some(match (self.hour, self.minute) {
            (23, 59) => Self { date: self.date.next(), hour: 0, minute: 0, ..next },
            (hour, 59) => Self { hour: hour + 1, minute: 0, ..next },
            (_, minute) => Self { minute: minute + 1, ..next },
        })
    }

    /// Counted from the local day's midnight: the day before is below 0, the day after is beyond a day's minutes.
    fn utc_minute(self) -> i16 {
        i16::from(self.hour) * 60 + i16::from(self.minute) - self.offset_minutes
    }
}
