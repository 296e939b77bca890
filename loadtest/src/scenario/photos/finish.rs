//! The last look at the session.
//!
//! Owns      reading its list and its history, whole, as a viewer, and asking once more for what was
//!           taken back.
//! Promises  begins anew when the reader's connection is lost.
//! Does not  judge.

use salon_protocol::limits::{LIST_ITEMS_MAX, PAGE_EVENTS_MAX};
use salon_protocol::photo::Photo;
use salon_protocol::reply::{History as Page, Items};
use salon_protocol::request::{History, PhotoList};
use salon_protocol::{LogId, Seq};

use super::course::{Phase, Show};
use crate::client::Net;
use crate::oracle::Told;

pub(super) const LIST_REFERENCE: u64 = 5;
pub(super) const HISTORY_REFERENCE: u64 = 6;

impl Show<'_> {
    /// Asks once more for the pictures of what was taken back.
    pub(super) fn fetch_what_is_gone(&mut self, net: &mut Net) {
        for number in 0..self.retractions.len() {
            let photo = self.retractions[number].photo;
            self.fetch(net, number % self.fetchers.len(), photo, true);
        }
    }

    /// Begins to read.
    pub(super) fn look(&mut self, net: &mut Net) {
        if self.phase == Phase::Looking {
            self.list.clear();
            self.history.clear();
            self.ask_list(net, None);
        }
    }

    fn ask_list(&mut self, net: &mut Net, cursor: Option<String>) {
        let reader = self.tag_of(self.viewers.len() - 1);
        let (Some(session), Some(id)) = (self.session, self.links.up(reader)) else { return };
        let request = PhotoList {
            session,
            state: None,
            tag: None,
            list: None,
            newest_first: false,
            cursor,
            limit: Some(LIST_ITEMS_MAX),
        };
        net.request(id, self.scene.target.encoding, "photo_list", LIST_REFERENCE, &request);
    }

    pub(super) fn took_list(&mut self, net: &mut Net, page: Items<Photo>) {
        self.list.extend(page.items);
        match page.cursor {
            Some(cursor) => self.ask_list(net, Some(cursor)),
            None => self.ask_history(net, 0),
        }
    }

    fn ask_history(&mut self, net: &mut Net, after: Seq) {
        let reader = self.tag_of(self.viewers.len() - 1);
        let (Some(session), Some(id)) = (self.session, self.links.up(reader)) else { return };
        let request = History {
            room: LogId::Room(session),
            before: None,
            after: Some(after),
            types: None,
            limit: Some(PAGE_EVENTS_MAX),
        };
        net.request(id, self.scene.target.encoding, "history", HISTORY_REFERENCE, &request);
    }

    pub(super) fn took_history(&mut self, net: &mut Net, page: Page) {
        let last = page.events.last().map(|event| event.seq);
        self.history.extend(page.events.iter().map(|event| (event.seq, Told::of(&event.data))));
        match last {
            Some(last) if page.more => self.ask_history(net, last),
            _ if page.more => self.fail("a page of history is empty, and there is more".to_owned()),
            _ => self.enter(Phase::Over, "judging"),
        }
    }
}
