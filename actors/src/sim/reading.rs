//! What a device does with what it reads: events, answers, refusals, pages of what was stale.

use std::collections::VecDeque;

use salon_loadtest::oracle::Start;
use salon_protocol::envelope::ServerEnvelope;
use salon_protocol::event::MemberAction;
use salon_protocol::reply::{AuthOk, History};
use salon_protocol::{ErrorCode, ErrorData, Event, EventData, LogId, Request, request};

use super::device::{Hello, Read, Wish};
use super::happening::Happening;
use super::wire::unframed;
use super::world::World;

impl World {
    /// A device reads frames.
    pub(super) fn client_gets(&mut self, number: usize, socket: usize, bytes: &[u8]) {
        for payload in unframed(bytes) {
            let device = &self.devices[number];
            if device.socket != Some(socket) {
                return;
            }
            let envelope = ServerEnvelope::decode(device.encoding, payload).unwrap();
            let reference = envelope.reference;
            if EventData::NAMES.contains(&&*envelope.kind) {
                self.client_hears(number, &Event::decode(&envelope).unwrap());
            } else if envelope.kind == "error" {
                let error: ErrorData = envelope.data.decode().unwrap();
                self.agenda
                    .say(|| format!("    {} is refused {reference:?}: {error:?}", device.name));
                self.client_refused(number, reference.unwrap_or(0), &error);
            } else if envelope.kind == "ok" {
                self.agenda.say(|| format!("    {} has its answer {reference:?}", device.name));
                self.client_answered(number, reference.unwrap_or(0), &envelope);
            }
        }
    }

    fn client_hears(&mut self, number: usize, event: &Event) {
        let name = &self.devices[number].name;
        self.agenda
            .say(|| format!("    {name} gets {:?} {} {:?}", event.room, event.seq, event.data));
        self.oracle.delivered(self.devices[number].known, event);
        let device = &mut self.devices[number];
        match (event.room, &event.data) {
            (LogId::Room(room), EventData::MemberChanged(change)) if change.user == device.user => {
                match change.action {
                    MemberAction::Joined => drop(device.rooms.insert(room)),
                    MemberAction::Left | MemberAction::Kicked => {
                        device.rooms.remove(&room);
                        device.positions.remove(&room);
                    }
                    _ => {}
                }
            }
            (LogId::Room(room), _) => drop(device.rooms.insert(room)),
            (LogId::Inbox, _) => {}
        }
    }

    fn client_refused(&mut self, number: usize, reference: u64, error: &ErrorData) {
        let again = matches!(
            error.code,
            ErrorCode::Unavailable | ErrorCode::Internal | ErrorCode::Overloaded
        );
        let wait_us = error.retry_after_ms.unwrap_or(300) * 1_000;
        let device = &mut self.devices[number];
        if device.auth.as_ref().is_some_and(|hello| hello.reference == reference) {
            device.auth = None;
            return self.agenda.between_us(wait_us, wait_us * 2, Happening::Retry(number));
        }
        if let Some(read) = device.reads.remove(&reference) {
            if !read.fills {
                return;
            }
            if again {
                return self.agenda.between_us(wait_us, wait_us * 2, Happening::Retry(number));
            }
            // Not a member for a while: what is stale is best found out anew.
            if let Some(socket) = device.socket {
                self.drop_socket(socket);
            }
            return;
        }
        let place = device.wishes.iter().position(|wish| wish.reference == Some(reference));
        let Some(place) = place else { return };
        if again {
            let wish = &mut device.wishes[place];
            wish.reference = None;
            wish.doubt |= error.code != ErrorCode::Overloaded;
            return self.agenda.between_us(wait_us, wait_us * 2, Happening::Retry(number));
        }
        let wish = device.wishes.remove(place);
        if let (Request::SendMessage(send), false) = (&wish.request, wish.doubt) {
            self.oracle.refused(device.user, send.cid);
        }
    }

    fn client_answered(&mut self, number: usize, reference: u64, frame: &ServerEnvelope<'_>) {
        let device = &mut self.devices[number];
        if let Some(hello) = device.auth.take_if(|hello| hello.reference == reference) {
            let opened: AuthOk = frame.data.decode().unwrap();
            return self.session_opens(number, &hello, &opened);
        }
        if let Some(read) = device.reads.remove(&reference) {
            let page: History = frame.data.decode().unwrap();
            return self.page_read(number, &read, &page);
        }
        let place = device.wishes.iter().position(|wish| wish.reference == Some(reference));
        let Some(place) = place else { return };
        let wish = device.wishes.remove(place);
        self.granted(number, &wish.request, frame);
    }

    fn session_opens(&mut self, number: usize, hello: &Hello, opened: &AuthOk) {
        let mut starts = Vec::new();
        let mut pages = VecDeque::new();
        let stale = |log: &str| opened.stale.iter().any(|one| one == log);
        for room in &opened.rooms {
            let index = self.oracle.room(room.id);
            let named = hello.named.get(&room.id);
            let start = match named.map(|seq| (*seq).max(room.first_seq.saturating_sub(1))) {
                Some(held) if stale(&room.id.to_string()) => {
                    pages.push_back((LogId::Room(room.id), held, room.seq));
                    Start::Stale { held, head: room.seq }
                }
                Some(held) => Start::After(held),
                None => Start::After(room.seq),
            };
            starts.push((index, start));
        }
        let inbox = self.oracle.inbox(self.devices[number].user);
        let head = opened.inbox;
        starts.push((
            inbox,
            match hello.inbox {
                Some(held) if stale(salon_protocol::ids::INBOX) => {
                    pages.push_back((LogId::Inbox, held, head));
                    Start::Stale { held, head }
                }
                Some(held) => Start::After(held),
                None => Start::After(head),
            },
        ));
        pages.retain(|(_, held, head)| held < head);
        self.oracle.session_opened(self.devices[number].known, hello.asked, &starts);
        let device = &mut self.devices[number];
        device.is_open = true;
        device.rooms = opened.rooms.iter().map(|room| room.id).collect();
        device.positions.clear();
        device.pages = pages;
        self.fill(number);
        self.repeat_wishes(number);
    }

    /// Reads on in a stale log.
    pub(super) fn fill(&mut self, number: usize) {
        let device = &self.devices[number];
        if !device.is_open || device.reads.values().any(|read| read.fills) {
            return;
        }
        let Some((log, after, _)) = device.pages.front().copied() else { return };
        let limit = self.agenda.random.between(1, 20) as usize;
        let page = request::History {
            room: log,
            before: None,
            after: Some(after),
            types: None,
            limit: Some(limit),
        };
        self.read(number, page, true);
    }

    pub(super) fn read(&mut self, number: usize, page: request::History, fills: bool) {
        let (asked, log) = (self.oracle.moment(), page.room);
        let reference = self.devices[number].next_reference();
        self.devices[number].reads.insert(reference, Read { asked, log, fills });
        self.write(number, reference, &Request::History(page));
    }

    fn page_read(&mut self, number: usize, read: &Read, page: &History) {
        let index = self.log_index(number, read.log);
        if !read.fills {
            return self.oracle.read(read.asked, index, &page.events);
        }
        let known = self.devices[number].known;
        self.oracle.caught_up(known, read.asked, index, &page.events);
        let device = &mut self.devices[number];
        if let Some((_, after, head)) = device.pages.front_mut() {
            *after = page.events.last().map_or(*head, |event| event.seq);
            if *after >= *head {
                device.pages.pop_front();
            }
        }
        self.fill(number);
    }

    /// Asks again for what was refused for a while.
    pub(super) fn retry(&mut self, number: usize) {
        let device = &self.devices[number];
        if device.socket.is_some() && !device.is_open && device.auth.is_none() {
            return self.say_hello(number);
        }
        if device.is_open {
            self.fill(number);
            self.repeat_wishes(number);
        }
    }

    fn repeat_wishes(&mut self, number: usize) {
        for place in 0..self.devices[number].wishes.len() {
            if self.devices[number].wishes[place].reference.is_none() {
                self.ask_for(number, place);
            }
        }
    }

    /// A new wish.
    pub(super) fn wish(&mut self, number: usize, request: Request) {
        let device = &mut self.devices[number];
        device.wishes.push(Wish { request, reference: None, doubt: false });
        if device.is_open {
            self.ask_for(number, self.devices[number].wishes.len() - 1);
        }
    }

    fn ask_for(&mut self, number: usize, place: usize) {
        let reference = self.devices[number].next_reference();
        let wish = &mut self.devices[number].wishes[place];
        wish.reference = Some(reference);
        let request = wish.request.clone();
        self.report_wish(number, &request);
        self.write(number, reference, &request);
    }
}
