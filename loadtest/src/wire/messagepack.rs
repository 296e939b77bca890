//! The fast reader for MessagePack: maps in the server's order, every header in its shortest form.

use salon_protocol::{Cid, RoomId, UserId};

use super::scan::Scan;
use super::{Acknowledged, PlainMessage};

fn number(scan: &mut Scan<'_>) -> Option<u64> {
    let width = match scan.byte()? {
        small @ 0x00..=0x7F => return Some(u64::from(small)),
        0xCC => 1,
        0xCD => 2,
        0xCE => 4,
        0xCF => 8,
        _ => return None,
    };
    let bytes = scan.take(width)?;
    Some(bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn text<'a>(scan: &mut Scan<'a>) -> Option<&'a [u8]> {
    let len = match scan.byte()? {
        short @ 0xA0..=0xBF => u64::from(short & 0x1F),
        0xD9 => u64::from(scan.byte()?),
        0xDA => big_endian(scan, 2)?,
        0xDB => big_endian(scan, 4)?,
        _ => return None,
    };
    scan.take(usize::try_from(len).ok()?)
}

fn big_endian(scan: &mut Scan<'_>, width: usize) -> Option<u64> {
    Some(scan.take(width)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn event<'a>(scan: &mut Scan<'a>) -> Option<PlainMessage<'a>> {
    scan.literal(b"\x85\xA4type\xABnew_message\xA4room\xD9\x24")?;
    let room = RoomId::new(scan.uuid()?);
    scan.literal(b"\xA3seq")?;
    let seq = number(scan)?;
    scan.literal(b"\xA2at")?;
    let at = i64::try_from(number(scan)?).ok()?;
    scan.literal(b"\xA4data\x84\xA6sender\xD9\x24")?;
    let sender = UserId::new(scan.uuid()?);
    scan.literal(b"\xA3cid\xD9\x24")?;
    let cid = Cid::new(scan.uuid()?);
    scan.literal(b"\xA4kind\xA4text\xA4text")?;
    let text = text(scan)?;
    Some(PlainMessage { room, seq, at, sender, cid, text })
}

pub(super) fn message(bytes: &[u8]) -> Option<PlainMessage<'_>> {
    let mut scan = Scan::new(bytes);
    let message = event(&mut scan)?;
    scan.end().map(|()| message)
}

pub(super) fn acknowledged(bytes: &[u8]) -> Option<Acknowledged> {
    let mut scan = Scan::new(bytes);
    scan.literal(b"\x83\xA4type\xA2ok\xA3ref")?;
    let reference = number(&mut scan)?;
    scan.literal(b"\xA4data")?;
    let fields = scan.byte()?;
    scan.literal(b"\xA4room\xD9\x24")?;
    let room = RoomId::new(scan.uuid()?);
    scan.literal(b"\xA3seq")?;
    let seq = number(&mut scan)?;
    scan.literal(b"\xA2at")?;
    let at = i64::try_from(number(&mut scan)?).ok()?;
    match fields {
        0x83 => {}
        0x84 => scan.literal(b"\xA9duplicate\xC3")?,
        _ => return None,
    }
    scan.end().map(|()| Acknowledged { reference, room, seq, at })
}

pub(super) fn page(bytes: &[u8]) -> Option<(Vec<PlainMessage<'_>>, bool)> {
    let mut scan = Scan::new(bytes);
    scan.literal(b"\x83\xA4type\xA2ok\xA3ref")?;
    number(&mut scan)?;
    scan.literal(b"\xA4data\x82\xA6events")?;
    let count = match scan.byte()? {
        few @ 0x90..=0x9F => u64::from(few & 0x0F),
        0xDC => big_endian(&mut scan, 2)?,
        _ => return None,
    };
    let messages: Option<Vec<_>> = (0..count).map(|_| event(&mut scan)).collect();
    scan.literal(b"\xA4more")?;
    let more = match scan.byte()? {
        0xC2 => false,
        0xC3 => true,
        _ => return None,
    };
    scan.end()?;
    messages.map(|messages| (messages, more))
}
