//! Names for files that are saved.
//!
//! Promises  a name is one component of a path on every system, shows its letters in the order in which they are,
//!           and ends like what the file is: what somebody uploaded as `a.exe` is saved as `a.exe.jpg`.

use std::fmt::Write as _;

use actix_web::http::header::HeaderValue;

/// Characters of a name without its ending. With four bytes each still less than what filesystems take.
const CHARS_MAX: usize = 60;

/// What is put into `Content-Disposition` (RFC 6266): the name in ASCII for old clients, and as it is (RFC 8187).
pub(crate) fn disposition(attachment: bool, name: &str) -> HeaderValue {
    let kind = if attachment { "attachment" } else { "inline" };
    let plain =
        |c: char| if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' { c } else { '_' };
    let ascii: String = name.chars().map(plain).collect();
    let mut text = format!("{kind}; filename=\"{ascii}\"; filename*=UTF-8''");
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing to a text cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
    }
    HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("attachment"))
}

/// A name with one of the endings; with the first if it has none of them.
pub(crate) fn with_one_of(name: &str, endings: &[&str]) -> String {
    match name.rsplit_once('.') {
        Some((stem, ending)) if endings.iter().any(|one| ending.eq_ignore_ascii_case(one)) => {
            format!("{}.{ending}", safe(stem))
        }
        _ => format!("{}.{}", safe(name), endings.first().unwrap_or(&"bin")),
    }
}

/// The name of a variant, which is a JPEG whatever its original is.
pub(crate) fn of_variant(name: &str) -> String {
    let ending = |ending: &str| {
        (1..=5).contains(&ending.len()) && ending.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    match name.rsplit_once('.') {
        Some((stem, found)) if ending(found) => format!("{}.jpg", safe(stem)),
        _ => format!("{}.jpg", safe(name)),
    }
}

/// One component of a path, without an ending of ours.
pub(crate) fn safe(name: &str) -> String {
    let name = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let name: String = name
        .chars()
        .filter(|c| !c.is_control() && !turns(*c))
        .map(|c| if ":*?\"<>|".contains(c) { '_' } else { c })
        .take(CHARS_MAX)
        .collect();
    let name = name.trim_matches(['.', ' ']);
    // What Windows takes for devices, whatever the ending.
    let device = name.split('.').next().unwrap_or_default().to_ascii_uppercase();
    let numbered = |word| device.strip_prefix(word).is_some_and(|rest| rest.len() == 1);
    if ["CON", "PRN", "AUX", "NUL"].contains(&device.as_str()) || numbered("COM") || numbered("LPT")
    {
        return format!("_{name}");
    }
    if name.is_empty() { "photo".into() } else { name.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JPEG: &[&str] = &["jpg", "jpeg"];

    #[test]
    fn names_are_one_component_with_the_right_ending() {
        for (given, expected) in [
            ("IMG_0001.JPG", "IMG_0001.JPG"),
            ("a.exe", "a.exe.jpg"),
            ("../../etc/passwd", "passwd.jpg"),
            ("C:\\photos\\b.jpeg", "b.jpeg"),
            ("婚礼 1.jpg", "婚礼 1.jpg"),
            ("evil\u{202e}gpj.exe", "evilgpj.exe.jpg"),
            ("a\r\nSet-Cookie: x.jpg", "aSet-Cookie_ x.jpg"),
            ("", "photo.jpg"),
            (".jpg", "photo.jpg"),
            ("con.jpg", "_con.jpg"),
            ("COM1.x", "_COM1.x.jpg"),
        ] {
            assert_eq!(with_one_of(given, JPEG), expected, "{given:?}");
        }
        assert_eq!(of_variant("DSC1.PNG"), "DSC1.jpg");
        assert_eq!(of_variant("St. Moritz"), "St. Moritz.jpg");
        assert!(with_one_of(&"ü".repeat(400), JPEG).len() < 255);
    }

    #[test]
    fn dispositions_are_one_line_of_ascii() {
        let text = |name| disposition(true, name).to_str().unwrap().to_owned();
        assert_eq!(
            text("a \"b\" é.jpg"),
            "attachment; filename=\"a _b_ _.jpg\"; filename*=UTF-8''a%20%22b%22%20%C3%A9.jpg"
        );
        assert!(disposition(false, "a.jpg").to_str().unwrap().starts_with("inline; "));
        assert!(text("a\r\nb").is_ascii() && !text("a\r\nb").contains('\n'));
    }
}
