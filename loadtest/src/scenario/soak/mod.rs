//! `soak`: people who come and go, while the server is killed and tormented.
//!
//! Two threads play: one is all the people ([`people`]), the other does things to the server and
//! keeps the time ([`torment`]). What they have to know of each other goes through [`weather`].
//!
//! Owns      the judgement of reliability: nothing lost, doubled, reordered or shown after its
//!           recall, whatever happens to the server, its disk and the connections.
//! Promises  everything that a client sees passes the oracle; what was not acknowledged is sent
//!           again under its old cid; at the end every room is read from its first event to its last.
//! Does not  measure speed: its traffic is paced and small.

mod answers;
mod arguments;
mod course;
mod device;
mod errand;
mod figures;
mod last;
mod links;
mod nemesis;
mod people;
mod recent;
mod storm;
mod toll;
mod torment;
mod weather;
mod whim;
mod words;

use crate::crowd::{Account, RoomPlan, enrol, found};
use crate::failure::Failure;
use crate::measure::Progress;
use crate::names::{self, Cids};
use crate::random::Random;
use crate::report::Report;
use crate::stage::{Stage, raise_descriptors};
use salon_protocol::RoomId;

pub use arguments::SoakArguments;
use figures::Seen;
use people::People;
use storm::Storm;
use toll::Toll;
use torment::Tormentor;
use weather::Weather;

/// Of every five rooms, each user is a member of so many.
const ROOMS_OF_FIVE: usize = 3;

/// Tells the tormentor's decisions from the people's.
const TORMENTOR: u64 = 0x7072_6574_6e65_6d74;

/// Where the people live.
#[derive(Debug)]
struct Scene {
    /// By device, then by user: each device is a login of its own.
    accounts: Vec<Vec<Account>>,
    rooms: Vec<RoomPlan>,
    ids: Vec<RoomId>,
}

/// What the two threads bring home.
enum Part {
    Seen(Box<Seen>),
    Toll(Box<Toll>),
}

/// Plays it.
pub fn run(arguments: &SoakArguments, stage: &mut Stage) -> Result<Report, Failure> {
    arguments.check()?;
    let sockets = arguments.users * arguments.devices + arguments.storm_sockets;
    raise_descriptors(sockets)?;
    let scene = set_up(arguments, stage)?;
    let storm = Storm::gather(arguments, &stage.target)?;
    let (users, rooms) = (arguments.users, arguments.rooms);
    let devices = users * arguments.devices;
    stage.live.phase(format!("soak of {users} people on {devices} devices in {rooms} rooms"));
    let (progress, weather) = (Progress::default(), Weather::new(stage.target.clock.now_ns()));
    let mut server = stage.server.take();
    let (target, live) = (stage.target.clone(), stage.live.clone());
    let people = {
        let (target, live) = (&target, &live);
        let (scene, progress, weather) = (&scene, &progress, &weather);
        move || {
            let _ended = weather.abandoned_unless_over();
            let people = People::new(arguments, target, scene, weather);
            let seen = people.live(progress, weather, live)?;
            weather.end();
            Ok(Part::Seen(Box::new(seen)))
        }
    };
    let tormentor = {
        let (target, server) = (&target, server.as_mut());
        let (progress, weather, live) = (&progress, &weather, &live);
        move || {
            let _ended = weather.abandoned_unless_over();
            let random = Random::new(arguments.common.seed ^ TORMENTOR);
            let toll = Toll::default();
            let tormentor = Tormentor {
                arguments,
                target,
                server,
                weather,
                progress,
                live,
                storm,
                random,
                toll,
            };
            Ok(Part::Toll(Box::new(tormentor.keep_time()?)))
        }
    };
    type Member<'a> = Box<dyn FnOnce() -> Result<Part, Failure> + Send + 'a>;
    // In this order: of two failures the first is told, and people fail when there is no server.
    let members: Vec<Member<'_>> = vec![Box::new(tormentor), Box::new(people)];
    let parts = stage.crew(&progress, members);
    stage.server = server;
    let (mut seen, mut toll) = (Seen::default(), Toll::default());
    for part in parts? {
        match part {
            Part::Seen(part) => seen = *part,
            Part::Toll(part) => toll = *part,
        }
    }
    Ok(figures::report(arguments, stage, seen, toll))
}

/// Accounts and rooms.
fn set_up(arguments: &SoakArguments, stage: &Stage) -> Result<Scene, Failure> {
    let SoakArguments { users, devices, rooms, .. } = *arguments;
    stage.live.phase(format!("making {users} accounts on {devices} devices each"));
    let names: Vec<_> = (0..users).map(|number| names::user(&stage.common.run, number)).collect();
    let logins = |device| enrol(&stage.target, &names, &device_name(device));
    let accounts: Vec<_> = (0..devices).map(logins).collect::<Result<_, _>>()?;
    stage.live.phase(format!("founding {rooms} rooms"));
    let salt = crate::clock::epoch_ms();
    let cids = Cids::new(salt ^ stage.common.seed);
    let plan = |room: usize| RoomPlan {
        name: format!("soak {room}"),
        cid: cids.cid(room as u32, salt),
        members: (0..users).filter(|user| is_member(*user, room, rooms)).collect(),
    };
    let rooms: Vec<_> = (0..rooms).map(plan).collect();
    let ids = found(&stage.target, &accounts[0], &rooms)?;
    Ok(Scene { accounts, rooms, ids })
}

/// What the `number`-th device of every user is called.
fn device_name(number: usize) -> String {
    format!("soak-{number}")
}

/// Every user is in several rooms, every room has several users.
fn is_member(user: usize, room: usize, rooms: usize) -> bool {
    (user + room) % rooms < (rooms * ROOMS_OF_FIVE).div_ceil(5)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_is_in_several_rooms_and_every_room_has_members() {
        for rooms in 1..8 {
            for user in 0..16 {
                let count = (0..rooms).filter(|room| is_member(user, *room, rooms)).count();
                assert_eq!(count, (rooms * 3).div_ceil(5));
            }
            assert!((0..rooms).all(|room| (0..rooms).any(|user| is_member(user, room, rooms))));
        }
    }
}
