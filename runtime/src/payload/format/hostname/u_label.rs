//! What RFC 5891 section 4.2 and RFC 5892 ask of a decoded label.

use unicode_general_category::{GeneralCategory, get_general_category};

/// Whether a label is one that may be looked up and registered.
pub(super) fn is_u_label(label: &[char]) -> bool {
    let [first, ..] = label else {
        return false;
    };
    has_allowed_hyphens(label)
        && !is_mark(*first) // RFC 5891 section 4.2.3.2
        && (0..label.len()).all(|at| is_allowed(label, at))
        && !mixes_arabic_digits(label)
}

/// RFC 5891 section 4.2.3.1.
fn has_allowed_hyphens(label: &[char]) -> bool {
    label.first() != Some(&'-') && label.last() != Some(&'-') && label.get(2..4) != Some(&['-', '-'])
}

fn is_mark(c: char) -> bool {
    use GeneralCategory::{EnclosingMark, NonspacingMark, SpacingMark};
    matches!(get_general_category(c), EnclosingMark | NonspacingMark | SpacingMark)
}

/// The derived property of RFC 5892 section 3, and the rules of its appendix A for what depends on the characters around.
fn is_allowed(label: &[char], at: usize) -> bool {
    let before = &label[..at];
    let after = &label[at + 1..];
    match label[at] {
        'a'..='z' | '0'..='9' | '-' => true,
        '\u{200C}' => is_virama_last(before) || joins(before, after),
        '\u{200D}' => is_virama_last(before),
        // MIDDLE DOT, as in Catalan
        '\u{B7}' => before.last() == Some(&'l') && after.first() == Some(&'l'),
        // GREEK LOWER NUMERAL SIGN
        '\u{375}' => after.first().is_some_and(|next| is_greek(*next)),
        // HEBREW PUNCTUATION GERESH and GERSHAYIM
        '\u{5F3}' | '\u{5F4}' => before.last().is_some_and(|last| is_hebrew(*last)),
        // KATAKANA MIDDLE DOT
        '\u{30FB}' => label.iter().any(|c| is_hiragana_katakana_or_han(*c)),
        // section 2.6, exceptions that are allowed
        '\u{DF}' | '\u{3C2}' | '\u{6FD}' | '\u{6FE}' | '\u{F0B}' | '\u{3007}' => true,
        // section 2.6, exceptions that are not
        '\u{640}' | '\u{7FA}' | '\u{302E}' | '\u{302F}' | '\u{3031}'..='\u{3035}' | '\u{303B}' => false,
        // section 2.3, marks that are ignored when they are shown
        '\u{34F}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{E0100}'..='\u{E01EF}' => false,
        // section 2.9, the jamo of old Hangul
        '\u{1100}'..='\u{11FF}' | '\u{A960}'..='\u{A97F}' | '\u{D7B0}'..='\u{D7FF}' => false,
        other => is_stable(other) && is_letter_or_digit(other),
    }
}

/// Section 2.2, as far as it is about case.
fn is_stable(c: char) -> bool {
    match c {
        // Cherokee folds to its capitals (CaseFolding.txt), since its small letters are younger
        '\u{13A0}'..='\u{13F5}' => true,
        '\u{13F8}'..='\u{13FD}' | '\u{AB70}'..='\u{ABBF}' => false,
        // COMBINING GREEK YPOGEGRAMMENI folds to iota
        '\u{345}' => false,
        _ => {
            let mut lower = c.to_lowercase();
            lower.next() == Some(c) && lower.next().is_none()
        }
    }
}

/// Section 2.1.
fn is_letter_or_digit(c: char) -> bool {
    use GeneralCategory::{
        DecimalNumber, LowercaseLetter, ModifierLetter, NonspacingMark, OtherLetter, SpacingMark, UppercaseLetter,
    };
    matches!(
        get_general_category(c),
        LowercaseLetter | UppercaseLetter | OtherLetter | DecimalNumber | ModifierLetter | NonspacingMark | SpacingMark
    )
}

/// Appendix A.8 and A.9: not both kinds of digits in one label.
fn mixes_arabic_digits(label: &[char]) -> bool {
    let has = |zero: char, nine: char| label.iter().any(|c| (zero..=nine).contains(c));
    has('\u{660}', '\u{669}') && has('\u{6F0}', '\u{6F9}')
}

/// Appendix A.1, for letters of the scripts whose letters join.
fn joins(before: &[char], after: &[char]) -> bool {
    let is_joining = |c: Option<&char>| c.is_some_and(|c| is_cursive_letter(*c));
    is_joining(before.iter().rfind(|c| !is_mark(**c))) && is_joining(after.iter().find(|c| !is_mark(**c)))
}

/// Letters of Arabic, Syriac, N'Ko, Mandaic, Mongolian, Phags-pa, Manichaean, Psalter Pahlavi, Rohingya, Sogdian and Adlam. Which
/// of them join on one side only is not looked at.
fn is_cursive_letter(c: char) -> bool {
    let is_of_script = matches!(c,
        '\u{600}'..='\u{77F}' | '\u{7C0}'..='\u{7FF}' | '\u{840}'..='\u{8FF}' | '\u{1800}'..='\u{18AF}'
        | '\u{A840}'..='\u{A87F}' | '\u{10AC0}'..='\u{10AFF}' | '\u{10B80}'..='\u{10BAF}'
        | '\u{10D00}'..='\u{10D3F}' | '\u{10F30}'..='\u{10FDF}' | '\u{1E900}'..='\u{1E95F}');
    is_of_script && c.is_alphabetic()
}

/// What of these blocks is of no script is not allowed anyway.
fn is_greek(c: char) -> bool {
    matches!(c, '\u{370}'..='\u{3FF}' | '\u{1F00}'..='\u{1FFF}')
}

fn is_hebrew(c: char) -> bool {
    matches!(c, '\u{591}'..='\u{5F4}' | '\u{FB1D}'..='\u{FB4F}')
}

fn is_hiragana_katakana_or_han(c: char) -> bool {
    matches!(c,
        '\u{3005}' | '\u{3007}' | '\u{3021}'..='\u{3029}' | '\u{3038}'..='\u{303A}' // Han
        | '\u{3041}'..='\u{3096}' | '\u{309D}'..='\u{309F}' // Hiragana
        | '\u{30A1}'..='\u{30FA}' | '\u{30FD}'..='\u{30FF}' | '\u{31F0}'..='\u{31FF}' // Katakana
        | '\u{1AFF0}'..='\u{1AFFE}' | '\u{1B000}'..='\u{1B16F}' // both
        | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}' | '\u{20000}'..='\u{3FFFD}')
}

fn is_virama_last(before: &[char]) -> bool {
    before.last().is_some_and(|last| VIRAMAS.binary_search(last).is_ok())
}

/// The characters of Canonical_Combining_Class 9, sorted (UnicodeData.txt of Unicode 14).
const VIRAMAS: [char; 63] = [
    '\u{94D}',
    '\u{9CD}',
    '\u{A4D}',
    '\u{ACD}',
    '\u{B4D}',
    '\u{BCD}',
    '\u{C4D}',
    '\u{CCD}',
    '\u{D3B}',
    '\u{D3C}',
    '\u{D4D}',
    '\u{DCA}',
    '\u{E3A}',
    '\u{EBA}',
    '\u{F84}',
    '\u{1039}',
    '\u{103A}',
    '\u{1714}',
    '\u{1715}',
    '\u{1734}',
    '\u{17D2}',
    '\u{1A60}',
    '\u{1B44}',
    '\u{1BAA}',
    '\u{1BAB}',
    '\u{1BF2}',
    '\u{1BF3}',
    '\u{2D7F}',
    '\u{A806}',
    '\u{A82C}',
    '\u{A8C4}',
    '\u{A953}',
    '\u{A9C0}',
    '\u{AAF6}',
    '\u{ABED}',
    '\u{10A3F}',
    '\u{11046}',
    '\u{11070}',
    '\u{1107F}',
    '\u{110B9}',
    '\u{11133}',
    '\u{11134}',
    '\u{111C0}',
    '\u{11235}',
    '\u{112EA}',
    '\u{1134D}',
    '\u{11442}',
    '\u{114C2}',
    '\u{115BF}',
    '\u{1163F}',
    '\u{116B6}',
    '\u{1172B}',
    '\u{11839}',
    '\u{1193D}',
    '\u{1193E}',
    '\u{119E0}',
    '\u{11A34}',
    '\u{11A47}',
    '\u{11A99}',
    '\u{11C3F}',
    '\u{11D44}',
    '\u{11D45}',
    '\u{11D97}',
];
