//! The course of a soak: people write, then everything comes to rest.
//!
//! Owns      the loop, the pace, and when everybody has everything.
//! Promises  an open loop: the people write on whatever happens to the server. At the end everybody is
//!           awake, everything was answered, and every device holds every room to its end; or it
//!           is told what is missing.
//! Does not  do anything to the server.

use std::time::Duration;

use super::device::Link;
use super::figures::Seen;
use super::people::People;
use super::weather::Weather;
use crate::client::Net;
use crate::clock::{MILLISECOND_NS, SECOND_NS, until};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::pace::Schedule;
use crate::report::Live;

/// The longest turn of the loop: what is due later than a message is due within it.
const TURN_MAX: Duration = Duration::from_millis(5);
/// How often it is looked for connections on which nothing comes.
const LOOK_EVERY_NS: u64 = 250 * MILLISECOND_NS;
/// How long it is listened for what should not come any more.
const LISTEN_NS: u64 = 300 * MILLISECOND_NS;
/// Until everybody is back after the server has come back.
const BACK_WITHIN_NS: u64 = 10 * SECOND_NS;

/// What is looked at from time to time.
#[derive(Default)]
struct Looks {
    looked_ns: u64,
    told_ns: u64,
    connected: u64,
    cuts: u64,
    /// Since when the server is back for which not everybody has come back.
    fair_ns: Option<u64>,
    /// The same, when everybody has.
    all_back_ns: Option<u64>,
}

impl People<'_> {
    /// Lives until the weather is over, comes to rest, and is judged.
    pub(super) fn live(
        mut self,
        progress: &Progress,
        weather: &Weather,
        live: &Live,
    ) -> Result<Seen, Failure> {
        let mut net = self.target.net()?;
        self.now_ns = self.target.clock.now_ns();
        let begun_ns = self.now_ns;
        let mut schedule = Schedule::new(begun_ns + SECOND_NS / 2, self.arguments.rate);
        let mut looks = Looks { all_back_ns: weather.fair_since_ns(), ..Looks::default() };
        while !weather.is_over() {
            while let Some((_, due_ns)) = schedule.take(self.now_ns) {
                self.feel_like_it(due_ns);
            }
            self.turn(&mut net, &mut looks, progress, schedule.next_ns())?;
        }
        self.seen.seconds = (self.now_ns - begun_ns) as f64 / SECOND_NS as f64;
        live.phase("everything comes to rest");
        self.come_to_rest(&mut net, &mut looks, progress)?;
        live.phase("reading the histories");
        self.last_look(net)
    }

    fn turn(
        &mut self,
        net: &mut Net,
        looks: &mut Looks,
        progress: &Progress,
        due_ns: u64,
    ) -> Result<(), Failure> {
        self.check()?;
        let cuts = self.weather.cuts();
        if std::mem::replace(&mut looks.cuts, cuts) != cuts && !self.weather.is_over() {
            self.cut_some(net);
        }
        self.connect_due(net)?;
        for device in 0..self.devices.len() {
            self.pump(net, device);
        }
        let wait = until(self.now_ns, due_ns, TURN_MAX);
        net.turn(self, wait).map_err(Failure::system("waiting for sockets"))?;
        self.now_ns = self.target.clock.now_ns();
        self.look(net, looks, progress);
        Ok(())
    }

    fn look(&mut self, net: &mut Net, looks: &mut Looks, progress: &Progress) {
        progress.publish(self.counts, &mut self.told);
        progress.publish_connected(net.count() as u64, &mut looks.connected);
        self.look_who_is_back(looks);
        if self.now_ns - looks.looked_ns > LOOK_EVERY_NS {
            looks.looked_ns = self.now_ns;
            self.look_for_silence(net);
        }
        if self.now_ns - looks.told_ns > SECOND_NS {
            looks.told_ns = self.now_ns;
            progress.set_ack_p99_ms(self.lately.quantile_ms(0.99));
            self.lately.clear();
        }
    }

    /// How long it takes after the server has come back until everybody has.
    fn look_who_is_back(&mut self, looks: &mut Looks) {
        looks.fair_ns = self.weather.fair_since_ns();
        let Some(fair_ns) = looks.fair_ns.filter(|_| looks.fair_ns != looks.all_back_ns) else {
            return;
        };
        if self.devices.iter().all(|device| device.is_asleep || device.online().is_some()) {
            looks.all_back_ns = looks.fair_ns;
            let took_ns = self.now_ns.saturating_sub(fair_ns);
            self.seen.all_back.record_ns(took_ns);
            if took_ns > BACK_WITHIN_NS {
                let seconds = took_ns / SECOND_NS;
                self.trouble(format!("it took {seconds} s until everybody was back"));
            }
        }
    }

    /// Nobody begins anything new; ends when nothing is missing, or nothing comes any more.
    fn come_to_rest(
        &mut self,
        net: &mut Net,
        looks: &mut Looks,
        progress: &Progress,
    ) -> Result<(), Failure> {
        for device in &mut self.devices {
            if device.is_asleep {
                device.link = Link::Away { until_ns: self.now_ns };
            }
        }
        let patience_ns = self.target.patience.as_nanos() as u64;
        let (mut last, mut since_ns) = (self.counts, self.now_ns);
        let mut complete_ns = None;
        loop {
            self.turn(net, looks, progress, u64::MAX)?;
            if self.counts != last {
                (last, since_ns) = (self.counts, self.now_ns);
            }
            match self.missing() {
                None => {
                    let complete_ns = *complete_ns.get_or_insert(self.now_ns);
                    if self.now_ns - complete_ns > LISTEN_NS {
                        return Ok(());
                    }
                }
                Some(what) => {
                    complete_ns = None;
                    if self.now_ns - since_ns > patience_ns {
                        let seconds = patience_ns / SECOND_NS;
                        self.trouble(format!("nothing came for {seconds} s, and {what}"));
                        return Ok(());
                    }
                }
            }
        }
    }

    /// What keeps somebody from having everything.
    fn missing(&mut self) -> Option<String> {
        for device in 0..self.devices.len() {
            let of = &self.devices[device];
            let name = format!("{} on {}", of.account.name, of.name);
            if of.online().is_none() {
                return Some(format!("{name} is not online"));
            }
            if !of.is_content() {
                return Some(format!("{name} waits for answers"));
            }
            for room in of.rooms.clone() {
                let (held, head) = (self.held(device, room), self.rooms[room as usize].head);
                if held.is_some_and(|held| held < head) {
                    let held = held.unwrap_or(0);
                    return Some(format!("{name} holds seq {held} of {head} in room {room}"));
                }
            }
        }
        None
    }
}
