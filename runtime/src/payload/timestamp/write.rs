//! Parts to texts.

use super::parts::{DateParts, DateTimeParts};

/// A text being written: `9999-12-31T23:59:59.999999999+23:59` at the longest.
pub(super) struct Text {
    bytes: [u8; 35],
    len: usize,
}

/// None where the year has no form in RFC 3339.
pub(super) fn date(date: DateParts) -> Option<Text> {
    date.exists().then(|| {
        let mut out = Text::empty();
        out.date(date);
        out
    })
}

/// None where the year, the one in UTC or the offset has no form in RFC 3339.
pub(super) fn date_time(at: DateTimeParts) -> Option<Text> {
    at.has_form().then(|| {
        let mut out = Text::empty();
        out.date(at.date);
        for (mark, number) in [(b'T', at.hour), (b':', at.minute), (b':', at.second)] {
            out.push(mark);
            out.number(number.into(), 2);
        }
        out.fraction(at.nanosecond);
        out.offset(at.offset_minutes);
        out
    })
}

impl Text {
    fn empty() -> Self {
        Self { bytes: [0; 35], len: 0 }
    }

    fn push(&mut self, byte: u8) {
        self.bytes[self.len] = byte;
        self.len += 1;
    }

    fn number(&mut self, mut number: u32, digits: usize) {
        for place in self.bytes[self.len..][..digits].iter_mut().rev() {
            *place = b'0' + (number % 10) as u8;
            number /= 10;
        }
        self.len += digits;
    }

    fn date(&mut self, date: DateParts) {
        self.number(date.year.into(), 4);
        self.push(b'-');
        self.number(date.month.into(), 2);
        self.push(b'-');
        self.number(date.day.into(), 2);
    }

    fn fraction(&mut self, nanoseconds: u32) {
        if nanoseconds == 0 {
            return;
        }
        let (mut fraction, mut digits) = (nanoseconds, 9);
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            digits -= 1;
        }
        self.push(b'.');
        self.number(fraction, digits);
    }

    fn offset(&mut self, minutes: i16) {
        if minutes == 0 {
            return self.push(b'Z');
        }
        self.push(if minutes < 0 { b'-' } else { b'+' });
        let minutes = u32::from(minutes.unsigned_abs());
        self.number(minutes / 60, 2);
        self.push(b':');
        self.number(minutes % 60, 2);
    }

    pub(super) fn as_str(&self) -> &str {
        // only ASCII goes in
        str::from_utf8(&self.bytes[..self.len]).unwrap_or_default()
    }
}
