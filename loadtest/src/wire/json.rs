//! The fast reader for JSON: fields in the server's order, no white space, no escapes.

use salon_protocol::{Cid, RoomId, UserId};

use super::scan::Scan;
use super::{Acknowledged, PlainMessage};

/// Digits of a number that surely fits.
const DIGITS_MAX: usize = 18;

fn number(scan: &mut Scan<'_>) -> Option<u64> {
    let digits = scan.rest().iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits == 0 || digits > DIGITS_MAX {
        return None;
    }
    let digits = scan.take(digits)?;
    Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

fn event<'a>(scan: &mut Scan<'a>) -> Option<PlainMessage<'a>> {
    scan.literal(br#"{"type":"new_message","room":""#)?;
    let room = RoomId::new(scan.uuid()?);
    scan.literal(br#"","seq":"#)?;
    let seq = number(scan)?;
    scan.literal(br#","at":"#)?;
    let at = i64::try_from(number(scan)?).ok()?;
    scan.literal(br#","data":{"sender":""#)?;
    let sender = UserId::new(scan.uuid()?);
    scan.literal(br#"","cid":""#)?;
    let cid = Cid::new(scan.uuid()?);
    scan.literal(br#"","kind":"text","text":""#)?;
    let len = scan.rest().iter().position(|byte| *byte == b'"' || *byte == b'\\')?;
    let text = scan.take(len)?;
    // A backslash is no quote, so a text with escapes ends here.
    scan.literal(br#""}}"#)?;
    Some(PlainMessage { room, seq, at, sender, cid, text })
}

pub(super) fn message(bytes: &[u8]) -> Option<PlainMessage<'_>> {
    let mut scan = Scan::new(bytes);
    let message = event(&mut scan)?;
    scan.end().map(|()| message)
}

pub(super) fn acknowledged(bytes: &[u8]) -> Option<Acknowledged> {
    let mut scan = Scan::new(bytes);
    scan.literal(br#"{"type":"ok","ref":"#)?;
    let reference = number(&mut scan)?;
    scan.literal(br#","data":{"room":""#)?;
    let room = RoomId::new(scan.uuid()?);
    scan.literal(br#"","seq":"#)?;
    let seq = number(&mut scan)?;
    scan.literal(br#","at":"#)?;
    let at = i64::try_from(number(&mut scan)?).ok()?;
    if scan.peek() == Some(b',') {
        scan.literal(br#","duplicate":true"#)?;
    }
    scan.literal(b"}}")?;
    scan.end().map(|()| Acknowledged { reference, room, seq, at })
}

pub(super) fn page(bytes: &[u8]) -> Option<(Vec<PlainMessage<'_>>, bool)> {
    let mut scan = Scan::new(bytes);
    scan.literal(br#"{"type":"ok","ref":"#)?;
    number(&mut scan)?;
    scan.literal(br#","data":{"events":["#)?;
    let mut messages = Vec::new();
    while scan.peek()? != b']' {
        if !messages.is_empty() {
            scan.literal(b",")?;
        }
        messages.push(event(&mut scan)?);
    }
    scan.literal(br#"],"more":"#)?;
    let more = scan.peek()? == b't';
    scan.literal(if more { b"true}}" } else { b"false}}" })?;
    scan.end().map(|()| (messages, more))
}
