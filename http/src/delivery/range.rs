//! Parts of files, and copies that a client has already (RFC 9110, sections 13 and 14).

use std::ops::Range;

/// What of a file is to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// All of it, with 200.
    Whole,
    /// With 206; not empty, and within the file.
    Of(Range<u64>),
    /// The range begins behind the end: 416.
    Nothing,
}

/// Whether `If-None-Match` names what would be sent.
pub(crate) fn is_known(if_none_match: Option<&str>, tag: &str) -> bool {
    let Some(list) = if_none_match else { return false };
    list.trim() == "*"
        || list.split(',').any(|one| one.trim().strip_prefix("W/").unwrap_or(one.trim()) == tag)
}

/// What `Range` and `If-Range` ask for. Several ranges at once are answered with the whole, as is what
/// cannot be read.
pub(crate) fn part(range: Option<&str>, if_range: Option<&str>, tag: &str, size: u64) -> Part {
    let Some(range) = range else { return Part::Whole };
    // A date never matches: there is none that it could be compared with.
    if if_range.is_some_and(|condition| condition.trim() != tag) {
        return Part::Whole;
    }
    parse(range, size).unwrap_or(Part::Whole)
}

/// `None` for what is no single range of bytes.
fn parse(range: &str, size: u64) -> Option<Part> {
    let (unit, spec) = range.split_once('=')?;
    if !unit.trim().eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (first, last) = spec.trim().split_once('-')?;
    let number = |text: &str| -> Option<u64> {
        let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        // More digits than fit are behind every end.
        digits.then(|| text.parse().unwrap_or(u64::MAX))
    };
    let found = match (first, last) {
        ("", last) => size.saturating_sub(number(last)?)..size,
        (first, "") => number(first)?..size,
        (first, last) => {
            let (first, last) = (number(first)?, number(last)?);
            if last < first {
                return None;
            }
            first..last.saturating_add(1).min(size)
        }
    };
    Some(if found.is_empty() { Part::Nothing } else { Part::Of(found) })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "\"a-400\"";

    #[test]
    fn ranges() {
        let of = |text| part(Some(text), None, TAG, 100);
        for (text, range) in [
            ("bytes=0-0", 0..1),
            ("bytes=0-", 0..100),
            ("bytes=40-59", 40..60),
            ("bytes=90-500", 90..100),
            ("bytes=-10", 90..100),
            ("bytes=-500", 0..100),
            ("Bytes = 99-99999999999999999999999", 99..100),
        ] {
            assert_eq!(of(text), Part::Of(range), "{text}");
        }
        for behind in ["bytes=100-", "bytes=100-200", "bytes=-0", "bytes=99999999999999999999-"] {
            assert_eq!(of(behind), Part::Nothing, "{behind}");
        }
        for odd in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "lines=0-1",
            "bytes=0-1,3-4",
            "bytes=+1-2",
        ] {
            assert_eq!(of(odd), Part::Whole, "{odd}");
        }
        assert_eq!(part(Some("bytes=0-0"), None, TAG, 0), Part::Nothing);
        assert_eq!(part(None, None, TAG, 100), Part::Whole);
    }

    #[test]
    fn a_range_of_something_else_is_the_whole() {
        let of = |condition| part(Some("bytes=0-9"), Some(condition), TAG, 100);
        assert_eq!(of(TAG), Part::Of(0..10));
        for other in ["\"b-400\"", "W/\"a-400\"", "Thu, 01 Jan 2026 00:00:00 GMT"] {
            assert_eq!(of(other), Part::Whole, "{other}");
        }
    }

    #[test]
    fn copies_that_a_client_has() {
        for known in [TAG, "*", "\"x\", \"a-400\"", "W/\"a-400\""] {
            assert!(is_known(Some(known), TAG), "{known}");
        }
        assert!(!is_known(Some("\"a-1024\""), TAG) && !is_known(None, TAG));
    }
}
