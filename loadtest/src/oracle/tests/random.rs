//! A correct server in a few lines, driven by chance; and the same server with one fault.

use std::collections::VecDeque;

use salon_protocol::{Event, Seq};

use super::story::*;
use crate::oracle::{Change, Start, Verdict};
use crate::random::Random;

/// One thing that the server does wrong, at its n-th chance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    DropDelivery,
    DoubleDelivery,
    SwapDeliveries,
    ForgetCommit,
    CommitTwice,
    AckElsewhere,
    ShowRecalled,
    DeliverUncommitted,
}

enum Entry {
    Message { number: u64, recalled: bool, edits: Vec<String>, reactions: u64 },
    Recall { target: Seq },
    Edit { target: Seq, version: u64 },
    Reaction { target: Seq },
}

struct World {
    story: Story,
    random: Random,
    log: Vec<Entry>,
    /// Events that are on their way to each device.
    queues: [VecDeque<Event>; 3],
    /// Messages without an answer, and where they stand if they do.
    open: Vec<(u64, Option<Seq>)>,
    numbers: u64,
    fault: Fault,
    /// Chances that pass before the fault happens.
    patience: u64,
    happened: bool,
}

impl World {
    fn new(seed: u64, fault: Fault) -> World {
        let mut random = Random::new(seed);
        let patience = random.between(0, 8);
        World {
            story: Story::new(),
            random,
            log: Vec::new(),
            queues: Default::default(),
            open: Vec::new(),
            numbers: 0,
            fault,
            patience,
            happened: false,
        }
    }

    fn strikes(&mut self, fault: Fault) -> bool {
        if self.fault != fault || self.happened {
            return false;
        }
        self.happened = self.patience == 0;
        self.patience = self.patience.saturating_sub(1);
        self.happened
    }

    fn head(&self) -> Seq {
        self.log.len() as Seq
    }

    /// What a page shows now at `seq`.
    fn shown(&self, seq: Seq) -> Event {
        match &self.log[seq as usize - 1] {
            Entry::Message { number, recalled: true, .. } => tombstone(seq, *number),
            Entry::Message { number, edits, reactions, .. } => match edits.last() {
                Some(text) => edited(seq, *number, edits.len() as u64, text),
                None if *reactions > 0 => reacted(seq, *number, *reactions),
                None => message(seq, *number),
            },
            Entry::Recall { target } => recall(seq, *target),
            Entry::Edit { target, version } => match &self.log[*target as usize - 1] {
                Entry::Message { recalled: false, edits, .. } => {
                    edit(seq, *target, *version, edits.last().map(String::as_str))
                }
                _ => edit(seq, *target, *version, None),
            },
            Entry::Reaction { target } => reaction(seq, *target, true),
        }
    }

    fn commit(&mut self, entry: Entry) -> Seq {
        self.log.push(entry);
        let seq = self.head();
        let event = self.shown(seq);
        for queue in &mut self.queues {
            queue.push_back(event.clone());
        }
        seq
    }

    fn commit_message(&mut self, number: u64) -> Seq {
        let message =
            || Entry::Message { number, recalled: false, edits: Vec::new(), reactions: 0 };
        if self.strikes(Fault::ForgetCommit) {
            return self.head() + 1;
        }
        if self.strikes(Fault::CommitTwice) {
            self.commit(message());
        }
        if self.strikes(Fault::AckElsewhere) {
            return self.commit(message()) + 1;
        }
        self.commit(message())
    }

    fn send(&mut self) {
        let number = self.numbers;
        self.numbers += 1;
        self.story.sends(number);
        match self.random.below(10) {
            0 => self.open.push((number, None)),
            1 => {
                let seq = self.commit_message(number);
                self.open.push((number, Some(seq)));
            }
            _ => {
                let seq = self.commit_message(number);
                self.story.acks(number, seq);
            }
        }
    }

    fn resend(&mut self) {
        let Some((number, seq)) = self.open.pop() else { return };
        self.story.sends(number);
        let seq = match seq {
            Some(seq) => seq,
            None => self.commit_message(number),
        };
        self.story.acks(number, seq);
    }

    fn deliver(&mut self, device: usize) {
        if self.queues[device].len() > 1 && self.strikes(Fault::SwapDeliveries) {
            self.queues[device].swap(0, 1);
        }
        let Some(event) = self.queues[device].pop_front() else { return };
        // A delivery that is cut off by the end of the connection is no fault; the next one shows it.
        if !self.queues[device].is_empty() && self.strikes(Fault::DropDelivery) {
            return self.deliver(device);
        }
        self.story.pushes(device, std::slice::from_ref(&event));
        if self.strikes(Fault::DoubleDelivery) {
            self.story.pushes(device, &[event]);
        }
        if self.queues[device].is_empty() && self.strikes(Fault::DeliverUncommitted) {
            self.numbers += 1;
            let (seq, number) = (self.head() + 1, self.numbers - 1);
            self.story.sends(number);
            self.story.pushes(device, &[message(seq, number)]);
        }
    }

    fn reconnect(&mut self, device: usize) {
        let head = self.head();
        let oracle = &mut self.story.oracle;
        let held = oracle.position(self.story.devices[device], self.story.room).unwrap_or(0);
        // Some devices have lost what they held.
        let held = if self.random.chance(30) { head.saturating_sub(30) } else { held };
        let asked = oracle.moment();
        self.queues[device].clear();
        if head - held.min(head) > 30 {
            self.story.opens_at(asked, device, Start::Stale { held, head });
            let pages: Vec<_> = (held + 1..=head).map(|seq| self.shown(seq)).collect();
            for page in pages.chunks(7) {
                let (to, room) = (self.story.devices[device], self.story.room);
                self.story.oracle.caught_up(to, asked, room, page);
            }
        } else {
            self.story.opens_at(asked, device, Start::After(held));
            for seq in held + 1..=head {
                let event = self.replayed(seq);
                self.queues[device].push_back(event);
            }
            // What was shown must arrive, or it was never shown.
            while self.fault == Fault::ShowRecalled && !self.queues[device].is_empty() {
                self.deliver(device);
            }
        }
    }

    fn replayed(&mut self, seq: Seq) -> Event {
        let recalled = match &self.log[seq as usize - 1] {
            Entry::Message { number, recalled: true, .. } => Some(*number),
            _ => None,
        };
        match recalled {
            Some(number) if self.strikes(Fault::ShowRecalled) => message(seq, number),
            _ => self.shown(seq),
        }
    }

    /// Recalls, edits or reacts to a message.
    fn change(&mut self) {
        let target = self.random.below(self.head()) + 1;
        if self.log.is_empty() {
            return;
        }
        let kind = self.random.below(3);
        let Entry::Message { recalled: recalled @ false, edits, reactions, .. } =
            &mut self.log[target as usize - 1]
        else {
            return;
        };
        let (entry, change) = match kind {
            0 => {
                self.story.oracle.recall_sent(self.story.room, target);
                *recalled = true;
                (Entry::Recall { target }, Change::Recall { target })
            }
            1 => {
                edits.push(format!("edit {} of {target}", edits.len() + 1));
                let text = &edits[edits.len() - 1];
                self.story.oracle.edit_sent(self.story.room, target, text);
                let version = edits.len() as u64;
                (Entry::Edit { target, version }, Change::Edit { target })
            }
            _ => {
                *reactions += 1;
                (Entry::Reaction { target }, Change::Reaction { target })
            }
        };
        let seq = self.commit(entry);
        if kind == 0 && (self.fault == Fault::ShowRecalled || self.random.chance(80)) {
            self.story.oracle.recall_acked(self.story.room, target);
        }
        self.story.oracle.change_acked(self.story.room, seq, change);
    }

    fn read(&mut self) {
        let asked = self.story.oracle.moment();
        let first = self.random.below(self.head()) + 1;
        let last = (first + 5).min(self.head());
        let page: Vec<_> = (first..=last).map(|seq| self.shown(seq)).collect();
        self.story.oracle.read(asked, self.story.room, &page);
    }

    fn step(&mut self) {
        let device = self.random.index(3);
        match self.random.below(20) {
            0..6 => self.send(),
            6 => self.resend(),
            7 => self.change(),
            8 => self.read(),
            9 if self.random.chance(50) => self.reconnect(device),
            _ => self.deliver(device),
        }
    }

    fn run(mut self, steps: usize) -> (Verdict, bool) {
        for _ in 0..steps {
            self.step();
        }
        while !self.open.is_empty() {
            self.resend();
        }
        for device in 0..3 {
            while !self.queues[device].is_empty() {
                self.deliver(device);
            }
        }
        let history: Vec<_> = (1..=self.head()).map(|seq| self.shown(seq)).collect();
        (self.story.ends(&history), self.happened)
    }
}

#[test]
fn a_correct_server_is_never_accused() {
    for seed in 0..200 {
        let (verdict, _) = World::new(seed, Fault::None).run(600);
        assert!(verdict.is_clean(), "seed {seed}: {verdict}");
    }
    let (verdict, _) = World::new(1_000, Fault::None).run(20_000);
    clean(&verdict);
    assert!(verdict.totals.deliveries > 10_000 && verdict.totals.recalls > 100);
}

#[test]
fn one_fault_is_always_caught() {
    use Fault::*;
    let faults = [
        DropDelivery,
        DoubleDelivery,
        SwapDeliveries,
        ForgetCommit,
        CommitTwice,
        AckElsewhere,
        ShowRecalled,
        DeliverUncommitted,
    ];
    for fault in faults {
        let mut happened = 0;
        for seed in 0..150 {
            let (verdict, struck) = World::new(seed, fault).run(600);
            assert_eq!(verdict.is_clean(), !struck, "{fault:?}, seed {seed}: {verdict}");
            happened += u32::from(struck);
        }
        assert!(happened > 20, "{fault:?} happened {happened} times");
    }
}

/// Not a test of correctness: how fast the hot path is. Run with
/// `cargo test --release -p salon-loadtest -- --ignored --nocapture oracle_speed`.
#[test]
#[ignore = "a measurement, for release builds"]
fn oracle_speed() {
    let mut story = Story::new();
    let devices: Vec<_> = (0..1_000)
        .map(|number| {
            let device = story.oracle.device(user(number), "one of many");
            let start = [(story.room, Start::After(0))];
            let asked = story.oracle.moment();
            story.oracle.session_opened(device, asked, &start);
            device
        })
        .collect();
    let words = "x".repeat(128);
    let rounds = 2_000;
    let begun = std::time::Instant::now();
    for number in 0..rounds {
        story.oracle.sent(devices[0], story.room, cid(number), &words);
        let seen = crate::oracle::MessageSeen::plain(
            number + 1,
            5,
            user(0),
            cid(number),
            words.as_bytes(),
        );
        for device in &devices {
            story.oracle.delivered_message(*device, story.room, &seen);
        }
    }
    let full = begun.elapsed();
    let begun = std::time::Instant::now();
    for seq in rounds + 1..=2 * rounds {
        for device in &devices {
            story.oracle.delivered_same(*device, story.room, seq);
        }
    }
    let deliveries = (rounds * devices.len() as u64) as f64;
    println!("delivered_message: {:.1} ns", full.as_nanos() as f64 / deliveries);
    println!("delivered_same:    {:.1} ns", begun.elapsed().as_nanos() as f64 / deliveries);
}
