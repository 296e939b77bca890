//! How a run begins, what befalls it, and how it is brought to an end and judged.

use salon_protocol::{Encoding, LogId, Millis, RoomId, UserId};

use super::agenda::Agenda;
use super::device::Device;
use super::fate::Fate;
use super::happening::Happening;
use super::world::{Node, Sum, World, new_node};

/// Virtual time within which all must be quiet when nothing breaks any more. Longer than a request
/// waits for an answer that never comes.
const HEALED_WITHIN_MS: Millis = 180_000;
/// So long must nothing be left to do: longer than what is tried again every second.
const QUIET_MS: Millis = 2_500;

impl World {
    /// Devices, their first rooms, and what is to befall them.
    pub(super) fn found(&mut self) {
        let people: Vec<UserId> = self.store.people.keys().copied().collect();
        for (number, user) in people.iter().enumerate() {
            for which in 0..self.agenda.random.between(1, 3) {
                let name = format!("user-{}-device-{which}", number + 1);
                let encoding = *self.agenda.random.pick(&Encoding::ALL).unwrap();
                let known = self.oracle.device(*user, &name);
                let mut device = Device::new(*user, name, encoding, known);
                device.acts_left = self.fate.acts;
                if self.agenda.random.chance(20) {
                    device.pace_us = 200_000;
                }
                self.devices.push(device);
            }
        }
        for number in 0..self.devices.len() {
            self.agenda.between_us(1_000, 400_000, Happening::Connect(number));
            self.agenda.between_us(500_000, 2_000_000, Happening::Act(number));
        }
        for _ in 0..self.agenda.random.between(1, 3) {
            let number = self.agenda.random.index(self.devices.len());
            self.create_room(number);
        }
        for node in 0..self.nodes.len() {
            let at = self.node_life(node);
            self.agenda.between_us(1, 1_000_000, Happening::Tick(at));
        }
        for _ in 0..self.fate.faults {
            self.agenda.between_us(500_000, 12_000_000, Happening::Fault);
        }
    }

    /// Something large breaks.
    pub(super) fn fault(&mut self) {
        if self.fate.faults == 0 {
            return;
        }
        let node = self.agenda.random.index(self.nodes.len());
        let at = self.node_life(node);
        let Node { rooms, users, up, .. } = &self.nodes[node];
        if !up {
            return;
        }
        let rooms: Vec<u64> = rooms.lives.keys().copied().collect();
        let users: Vec<u64> = users.lives.keys().copied().collect();
        match self.agenda.random.below(10) {
            0..5 => {
                if let Some(life) = self.agenda.random.pick(&rooms).copied() {
                    self.fate.note("deaths of rooms");
                    self.agenda.say(|| format!("    !! room {life} of node {node} dies"));
                    self.room_ends(at, life);
                }
            }
            5..8 => {
                if let Some(life) = self.agenda.random.pick(&users).copied() {
                    self.fate.note("deaths of users");
                    self.agenda.say(|| format!("    !! user {life} of node {node} dies"));
                    self.user_ends(at, life);
                }
            }
            _ => self.crash(node),
        }
    }

    fn crash(&mut self, number: usize) {
        self.fate.note("crashes of nodes");
        let at = self.node_life(number);
        self.agenda.say(|| format!("    !! node {number} crashes"));
        self.nodes[number] = new_node(&self.fate, at.life + 1);
        self.nodes[number].up = false;
        for socket in 0..self.net.sockets.len() {
            if self.net.sockets[socket].node == at && !self.net.sockets[socket].ended {
                self.net.end(socket);
                self.lose_socket(socket);
            }
        }
        self.agenda.between_us(50_000, 3_000_000, Happening::Start(number));
    }

    pub(super) fn start(&mut self, number: usize) {
        self.nodes[number].up = true;
        let at = self.node_life(number);
        self.agenda.after_us(1_000_000, Happening::Tick(at));
    }

    /// Runs to the end; an error says what is wrong.
    pub(super) fn run(mut self) -> Result<Sum, String> {
        while self.devices.iter().any(|device| device.acts_left > 0) && self.step() {}
        self.fate.relent();
        for number in 0..self.devices.len() {
            self.devices[number].pace_us = 2_000;
        }
        self.come_to_rest("after the last fault")?;
        if !self.fate.can_be_late() {
            self.everybody_has_all_rooms("before the last messages")?;
        }
        self.last_messages();
        self.come_to_rest("after the last messages")?;
        self.everybody_has_everything("after the last messages")?;
        for socket in 0..self.net.sockets.len() {
            self.drop_socket(socket);
        }
        self.come_to_rest("after everybody came back")?;
        self.untold.clear();
        self.everybody_has_everything("after everybody came back")?;
        self.everybody_leaves()?;
        self.judged()
    }

    fn come_to_rest(&mut self, when: &str) -> Result<(), String> {
        let until = self.agenda.now() + HEALED_WITHIN_MS;
        let mut quiet_since = None;
        while self.agenda.now() < until {
            self.step();
            let quiet = self.agenda.pending == 0 && self.devices.iter().all(Device::is_content);
            if !quiet {
                quiet_since = None;
            } else if self.agenda.now() - *quiet_since.get_or_insert(self.agenda.now()) > QUIET_MS {
                return Ok(());
            }
        }
        let restless = self.devices.iter().filter(|device| !device.is_content());
        let restless: Vec<String> = restless.map(|device| format!("{device:?}")).collect();
        let pending = self.agenda.pending;
        Err(format!("{when} there is no end: {pending} on their way,\n{}", restless.join("\n")))
    }

    fn everybody_has_all_rooms(&mut self, when: &str) -> Result<(), String> {
        for number in 0..self.devices.len() {
            let user = self.devices[number].user;
            for room in self.store.rooms.keys().copied().collect::<Vec<RoomId>>() {
                let row = &self.store.rooms[&room];
                let member = row.members.get(&user).is_some_and(|member| member.role.is_some());
                let head = self.store.head(row.room.key);
                let has = self.position(number, LogId::Room(room));
                let name = &self.devices[number].name;
                let untold = has.is_none() && self.untold.contains(&(user, room));
                if member && has != Some(head) && !untold {
                    return Err(format!("{when}: {name} has {has:?} of {head} in {room}"));
                }
                if !member && self.devices[number].rooms.contains(&room) {
                    return Err(format!("{when}: {name} does not know that it is out of {room}"));
                }
            }
        }
        Ok(())
    }

    fn everybody_has_everything(&mut self, when: &str) -> Result<(), String> {
        self.everybody_has_all_rooms(when)?;
        for number in 0..self.devices.len() {
            let user = self.devices[number].user;
            let head = self.store.head(self.store.people[&user].inbox);
            let has = self.position(number, LogId::Inbox);
            if has != Some(head) {
                let name = &self.devices[number].name;
                return Err(format!("{when}: {name} has {has:?} of {head} in its inbox"));
            }
        }
        Ok(())
    }

    /// One message in every room, after which nobody may have missed anything before; and one
    /// event in every inbox.
    fn last_messages(&mut self) {
        for room in self.store.rooms.keys().copied().collect::<Vec<RoomId>>() {
            let members = &self.store.rooms[&room].members;
            let is_member = |device: &Device| {
                members.get(&device.user).is_some_and(|member| member.role.is_some())
            };
            if let Some(number) = self.devices.iter().position(is_member) {
                self.send(number, room);
            }
        }
        self.create_room_for_all();
    }

    /// No socket, no actor, no entry may be left.
    fn everybody_leaves(&mut self) -> Result<(), String> {
        for device in &mut self.devices {
            device.is_away = true;
        }
        for socket in 0..self.net.sockets.len() {
            self.drop_socket(socket);
        }
        let until = self.agenda.now() + 30_000 + super::ROOM_IDLE_MS.max(super::USER_IDLE_MS);
        while self.agenda.now() < until && self.step() {}
        for node in &self.nodes {
            let actors = node.rooms.lives.len() + node.users.lives.len();
            let logs = crate::publish::Reach::directory(&node.hall).len();
            let workers = node.workers.iter().all(|worker| worker.is_empty());
            if (actors, logs, workers) != (0, 0, true) {
                return Err(format!(
                    "left behind: {logs} logs, {:?}, {:?}, {:?}",
                    node.rooms.lives, node.users.lives, node.workers
                ));
            }
        }
        Ok(())
    }

    fn judged(mut self) -> Result<Sum, String> {
        let asked = self.oracle.moment();
        for row in self.store.rooms.values() {
            let room = self.oracle.room(row.room.id);
            self.oracle.history(asked, room, &self.store.whole(row.room.key));
            self.oracle.history_ended(room);
        }
        let (trace, happenings) = (self.agenda.trace(), self.agenda.count);
        let verdict = self.oracle.finish();
        if !verdict.is_clean() {
            return Err(verdict.to_string());
        }
        Ok(Sum {
            trace,
            happenings,
            messages: verdict.totals.messages,
            deliveries: verdict.totals.deliveries,
            faults: self.fate.happened(),
        })
    }
}

/// One run of a seed; `change` changes its fate.
pub(super) fn run(seed: u64, loud: bool, change: impl FnOnce(&mut Fate)) -> Result<Sum, String> {
    let fate = |agenda: &mut Agenda| {
        let mut fate = Fate::of(agenda);
        change(&mut fate);
        fate
    };
    World::new(seed, loud, fate).run()
}
