//! From bytes to messages.
//!
//! Owns      the state of one connection's incoming half: an unfinished header, frame or message.
//! Promises  pure (bytes in, events out) and indifferent to how the bytes are cut; memory grows with
//!           what has arrived, never with what was announced; between two messages the state is
//!           one word; a message that is in the input whole is not copied.
//! Does not  read, answer or close.

use std::{mem, ops::ControlFlow};

use super::{
    close,
    header::{self, HEADER_BYTES_MAX, Header, Kind},
    utf8,
};

/// Bounds of what a peer may send, in bytes of payload.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) frame_bytes_max: usize,
    pub(super) message_bytes_max: usize,
}

/// What the peer said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
    /// With the code, if one was given. Nothing that follows it means anything.
    Close(Option<u16>),
}

/// Why nothing more can be read from this peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    Protocol(&'static str),
    NotUtf8,
    TooBig,
}

impl Failure {
    /// The close code that tells it to the peer.
    pub(super) fn code(self) -> u16 {
        match self {
            Failure::Protocol(_) => close::PROTOCOL_ERROR,
            Failure::NotUtf8 => close::NOT_UTF8,
            Failure::TooBig => close::TOO_BIG,
        }
    }

    pub(super) fn reason(self) -> &'static str {
        match self {
            Failure::Protocol(what) => what,
            Failure::NotUtf8 => "text is not UTF-8",
            Failure::TooBig => "message is too big",
        }
    }
}

/// What a call to [`Parser::feed`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Fed {
    /// Bytes taken from the input: all, unless the sink stopped it.
    pub(super) bytes: usize,
    /// Frames that came to their end.
    pub(super) frames: u64,
}

/// The parser of one connection.
#[derive(Debug, Default)]
pub(super) struct Parser {
    unfinished: Option<Box<Unfinished>>,
}

/// What is kept between two reads when a message is under way.
#[derive(Debug, Default)]
struct Unfinished {
    head: [u8; HEADER_BYTES_MAX],
    head_bytes: usize,
    frame: Option<Frame>,
    /// The payload of a control frame that is under way.
    control: Vec<u8>,
    message: Option<Message>,
}

/// A frame whose payload is under way.
#[derive(Clone, Copy, Debug)]
struct Frame {
    kind: Kind,
    last: bool,
    mask: [u8; 4],
    rest_bytes: usize,
}

/// A message that did not come in one piece.
#[derive(Debug, Default)]
struct Message {
    text: bool,
    payload: Vec<u8>,
    checked: utf8::Progress,
}

impl Parser {
    /// Takes `input` apart (and unmasks it in place) and hands every event to `sink`, until the
    /// input ends, the sink breaks, or the peer has failed. After a failure or a Close the parser
    /// must not be fed again.
    pub(super) fn feed(
        &mut self,
        limits: Limits,
        input: &mut [u8],
        mut sink: impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<Fed, Failure> {
        let mut state = self.unfinished.take().map_or_else(Unfinished::default, |boxed| *boxed);
        let mut fed = Fed::default();
        while let Some(mut frame) = state.begin(limits, input, &mut fed.bytes)? {
            let rest = &mut input[fed.bytes..];
            let chunk_bytes = frame.rest_bytes.min(rest.len());
            let chunk = &mut rest[..chunk_bytes];
            frame.unmask(chunk);
            fed.bytes += chunk_bytes;
            let whole = frame.rest_bytes == 0;
            let flow = if frame.kind.is_control() {
                state.control(frame, chunk, &mut sink)?
            } else {
                state.data(frame, chunk, limits, &mut sink)?
            };
            state.frame = (!whole).then_some(frame);
            fed.frames += u64::from(whole);
            if !whole || flow.is_break() {
                break;
            }
        }
        if !state.is_idle() {
            self.unfinished = Some(Box::new(state));
        }
        Ok(fed)
    }
}

impl Unfinished {
    fn is_idle(&self) -> bool {
        self.head_bytes == 0 && self.frame.is_none() && self.message.is_none()
    }

    /// The frame that the next bytes of `input` belong to, or `None` when its header is not whole.
    fn begin(
        &mut self,
        limits: Limits,
        input: &[u8],
        at: &mut usize,
    ) -> Result<Option<Frame>, Failure> {
        if let Some(frame) = self.frame.take() {
            return Ok(Some(frame));
        }
        let Some(header) = self.header(input, at)? else { return Ok(None) };
        let begun = self.message.as_ref().map_or(0, |message| message.payload.len());
        let in_message = if header.kind.is_control() { 0 } else { begun };
        let rest_bytes = usize::try_from(header.payload_bytes).map_err(|_| Failure::TooBig)?;
        if rest_bytes > limits.frame_bytes_max || rest_bytes > limits.message_bytes_max - in_message
        {
            return Err(Failure::TooBig);
        }
        let Header { kind, last, mask, .. } = header;
        Ok(Some(Frame { kind, last, mask, rest_bytes }))
    }

    fn header(&mut self, input: &[u8], at: &mut usize) -> Result<Option<Header>, Failure> {
        let input = &input[*at..];
        let in_message = self.message.is_some();
        let kept = self.head_bytes;
        if kept == 0
            && let Some((header, header_bytes)) = header::parse(input, in_message)?
        {
            *at += header_bytes;
            return Ok(Some(header));
        }
        let fresh = input.len().min(HEADER_BYTES_MAX - kept);
        self.head[kept..kept + fresh].copy_from_slice(&input[..fresh]);
        self.head_bytes = kept + fresh;
        let parsed = header::parse(&self.head[..self.head_bytes], in_message)?;
        let Some((header, header_bytes)) = parsed else {
            *at += fresh;
            return Ok(None);
        };
        *at += header_bytes - kept;
        self.head_bytes = 0;
        Ok(Some(header))
    }

    fn control(
        &mut self,
        frame: Frame,
        chunk: &[u8],
        sink: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        if frame.rest_bytes > 0 || !self.control.is_empty() {
            self.control.extend_from_slice(chunk);
        }
        if frame.rest_bytes > 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let kept = mem::take(&mut self.control);
        let payload = if kept.is_empty() { chunk } else { &kept };
        Ok(match frame.kind {
            Kind::Ping => sink(Event::Ping(payload)),
            Kind::Close => {
                let flow = sink(Event::Close(close::parse(payload)?));
                debug_assert!(flow.is_break(), "nothing is read after a Close");
                flow
            }
            _ => sink(Event::Pong),
        })
    }

    fn data(
        &mut self,
        frame: Frame,
        chunk: &[u8],
        limits: Limits,
        sink: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Failure> {
        let ends = frame.last && frame.rest_bytes == 0;
        if ends && self.message.is_none() {
            return deliver(frame.kind == Kind::Text, chunk, sink);
        }
        let message = self.message.get_or_insert_with(|| Message {
            text: frame.kind == Kind::Text,
            ..Message::default()
        });
        message.append(chunk, frame, limits)?;
        match self.message.take_if(|_| ends) {
            Some(message) => deliver(message.text, &message.payload, sink),
            None => Ok(ControlFlow::Continue(())),
        }
    }
}

fn deliver(
    text: bool,
    payload: &[u8],
    sink: &mut impl FnMut(Event<'_>) -> ControlFlow<()>,
) -> Result<ControlFlow<()>, Failure> {
    if !text {
        return Ok(sink(Event::Binary(payload)));
    }
    match std::str::from_utf8(payload) {
        Ok(text) => Ok(sink(Event::Text(text))),
        Err(_) => Err(Failure::NotUtf8),
    }
}

impl Message {
    fn append(&mut self, chunk: &[u8], frame: Frame, limits: Limits) -> Result<(), Failure> {
        let payload = &mut self.payload;
        let needed = payload.len() + chunk.len();
        if needed > payload.capacity() {
            // Doubling, as a Vec does, but never past what can still come.
            let announced = needed + frame.rest_bytes;
            let more_frames = !frame.last && frame.rest_bytes == 0;
            let most = if more_frames { limits.message_bytes_max } else { announced };
            let target = (payload.capacity() * 2).min(most).max(needed);
            payload.reserve_exact(target - payload.len());
        }
        payload.extend_from_slice(chunk);
        if self.text { self.checked.check(payload).map_err(|_| Failure::NotUtf8) } else { Ok(()) }
    }
}

impl Frame {
    /// Unmasks the next bytes of the payload and turns the mask to where the ones after them begin.
    fn unmask(&mut self, chunk: &mut [u8]) {
        let [a, b, c, d] = self.mask;
        let key = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
        let (words, tail) = chunk.as_chunks_mut::<8>();
        for word in words {
            *word = (u64::from_ne_bytes(*word) ^ key).to_ne_bytes();
        }
        for (byte, mask) in tail.iter_mut().zip(self.mask.iter().cycle()) {
            *byte ^= mask;
        }
        self.mask.rotate_left(chunk.len() % 4);
        self.rest_bytes -= chunk.len();
    }
}

#[cfg(test)]
#[path = "frame_tests.rs"]
mod tests;
