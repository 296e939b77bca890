//! The log by itself: events per second that the writer of an SQLite store takes, as the table grows,
//! and what a page of it costs to read.
//!
//! `cargo bench -p salon-storage --bench log -- --events 20000000 --cids random`
//!
//! One caller writes batches and waits for each; everything that a message writes is in it. Processor
//! time is that of the whole process (caller, writer, checkpoints, search index).

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement: it stops when something is wrong"
)]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::{Parser, ValueEnum};
use futures_util::future::join_all;
use rustix::time::{ClockId, clock_gettime};
use salon_protocol::content::{Content, HistoryFor, MessageKind};
use salon_protocol::{Cid, LogId, RoomId, UserId, request};
use salon_storage::contract::{Accounts as _, Log as _, Meta as _, Rooms as _};
use salon_storage::model::{AccountRole, Change, NewAccount, NewGroup, RoomOp, RoomRef, UserRef};
use salon_storage::sql::{Database, OpenOptions, SqlStore};
use uuid::{NoContext, Timestamp, Uuid};

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Cids {
    /// UUID v4.
    Random,
    /// UUID v7 from one clock.
    Ordered,
    /// UUID v7 from clocks that are up to a second wrong.
    Skewed,
}

/// Messages of the room beside which the others are large.
const SMALL_EVENTS: u64 = 1_000;

#[derive(Debug, Parser)]
struct Arguments {
    /// Messages in all.
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// Messages per commit.
    #[arg(long, default_value_t = 100)]
    batch: usize,
    /// Rooms, which get messages in turn by chance.
    #[arg(long, default_value_t = 100)]
    rooms: usize,
    /// Members who write, in each room.
    #[arg(long, default_value_t = 10)]
    senders: usize,
    /// Bytes of a message's text.
    #[arg(long, default_value_t = 100)]
    text: usize,
    /// What clients make their ids of.
    #[arg(long, value_enum, default_value = "random")]
    cids: Cids,
    /// Lines of the table.
    #[arg(long, default_value_t = 10)]
    lines: u64,
    /// Pages that are read at the end.
    #[arg(long, default_value_t = 500)]
    pages: usize,
    /// Lets the search index follow.
    #[arg(long)]
    index: bool,
    /// Where the store is put; a temporary folder otherwise.
    #[arg(long)]
    folder: Option<PathBuf>,
    /// What cargo adds.
    #[arg(long, hide = true)]
    bench: bool,
}

/// xorshift64*: the same run every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

struct Place {
    room: RoomRef,
    members: Vec<UserRef>,
}

fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

fn cid(kind: Cids, random: &mut Random) -> Cid {
    Cid::new(match kind {
        Cids::Random => uuid::Builder::from_random_bytes(random_bytes(random)).into_uuid(),
        Cids::Ordered => Uuid::now_v7(),
        Cids::Skewed => {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
            let at =
                now + Duration::from_micros(random.next() % 2_000_000) - Duration::from_secs(1);
            Uuid::new_v7(Timestamp::from_unix(NoContext, at.as_secs(), at.subsec_nanos()))
        }
    })
}

fn random_bytes(random: &mut Random) -> [u8; 16] {
    let (one, two) = (random.next().to_le_bytes(), random.next().to_le_bytes());
    std::array::from_fn(|place| if place < 8 { one[place] } else { two[place - 8] })
}

async fn places(
    store: &SqlStore,
    rooms: std::ops::Range<usize>,
    arguments: &Arguments,
) -> Vec<Place> {
    let mut places = Vec::with_capacity(rooms.len());
    for number in rooms {
        let mut members = Vec::with_capacity(arguments.senders);
        for member in 0..arguments.senders {
            let name = format!("user-{number}-{member}");
            let new = NewAccount {
                id: UserId::new(Uuid::now_v7()),
                username: Some(name.clone()),
                phone: None,
                password_hash: None,
                nickname: name,
                role: AccountRole::User,
            };
            members.push(store.create_account(new).await.unwrap().user);
        }
        let new = NewGroup {
            id: RoomId::new(Uuid::now_v7()),
            cid: Cid::new(Uuid::now_v7()),
            name: "room".into(),
            members: members.iter().map(|user| user.id).collect(),
            history: HistoryFor::All,
        };
        let room = store.create_group(members[0], new).await.unwrap().room;
        places.push(Place { room, members });
    }
    places
}

/// Writes `count` messages and gives how long each commit took.
async fn write(
    store: &SqlStore,
    places: &[Place],
    arguments: &Arguments,
    random: &mut Random,
    count: u64,
) -> Vec<Duration> {
    let text = "x".repeat(arguments.text);
    let mut took = Vec::new();
    let mut left = count;
    while left > 0 {
        let size = arguments.batch.min(usize::try_from(left).unwrap_or(usize::MAX));
        left -= size as u64;
        let mut rooms: Vec<(usize, Vec<RoomOp>)> = Vec::new();
        for _ in 0..size {
            let at = random.below(places.len());
            let by = places[at].members[random.below(places[at].members.len())];
            let content = Content { text: Some(text.clone()), ..Content::empty(MessageKind::Text) };
            let op = RoomOp::new(by, Change::Send { cid: cid(arguments.cids, random), content });
            match rooms.iter_mut().find(|(room, _)| *room == at) {
                Some((_, ops)) => ops.push(op),
                None => rooms.push((at, vec![op])),
            }
        }
        let started = Instant::now();
        let commits = rooms.into_iter().map(|(at, ops)| store.commit(places[at].room, ops));
        for answers in join_all(commits).await {
            assert!(
                answers
                    .unwrap()
                    .iter()
                    .all(|answer| answer.as_ref().is_ok_and(|done| !done.duplicate))
            );
        }
        took.push(started.elapsed());
    }
    took
}

fn percentile(sorted: &[Duration], per_cent: usize) -> f64 {
    let place = (sorted.len() * per_cent / 100).min(sorted.len().saturating_sub(1));
    sorted.get(place).map_or(0.0, |took| took.as_secs_f64() * 1_000.0)
}

/// Reads pages of 100 somewhere in rooms.
async fn read(
    store: &SqlStore,
    places: &[Place],
    arguments: &Arguments,
    random: &mut Random,
) -> Vec<Duration> {
    let mut took = Vec::with_capacity(arguments.pages);
    for _ in 0..arguments.pages {
        let place = &places[random.below(places.len())];
        let head = store.room(place.room.id).await.unwrap().unwrap().head;
        let page = request::History {
            room: LogId::Room(place.room.id),
            before: Some(2 + random.next() % head.max(1)),
            after: None,
            types: None,
            limit: Some(100),
        };
        let started = Instant::now();
        store.history(place.members[0].into(), page).await.unwrap();
        took.push(started.elapsed());
    }
    took
}

fn bytes_in(folder: &std::path::Path) -> u64 {
    let files = std::fs::read_dir(folder).unwrap();
    files
        .map(|file| file.unwrap())
        .filter(|file| file.file_name() == "salon.db")
        .map(|file| file.metadata().unwrap().len())
        .sum()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments = Arguments::parse();
    let temporary = tempfile::tempdir().unwrap();
    let folder = arguments.folder.clone().unwrap_or_else(|| temporary.path().into());
    let database = Database::Sqlite(folder.clone());
    let options = OpenOptions { index: arguments.index, ..OpenOptions::new(database) };
    let store = SqlStore::open(options).await.unwrap();
    let large = places(&store, 0..arguments.rooms, &arguments).await;
    let small = places(&store, arguments.rooms..arguments.rooms + 1, &arguments).await;
    let mut random = Random(0x5A10);
    println!("    events   events/s   CPU µs each   commit p50 ms   p99 ms   max ms   file MB");
    let mut written = 0;
    for line in 1..=arguments.lines {
        let upto = arguments.events * line / arguments.lines;
        let (cpu_before, started) = (cpu(), Instant::now());
        let count = upto - written;
        let mut took = write(&store, &large, &arguments, &mut random, count).await;
        let (wall, used) = (started.elapsed().as_secs_f64(), (cpu() - cpu_before).as_secs_f64());
        took.sort_unstable();
        written = upto;
        println!(
            "{written:>10} {:>10.0} {:>13.1} {:>15.2} {:>8.2} {:>8.1} {:>9.0}",
            count as f64 / wall,
            used * 1e6 / count as f64,
            percentile(&took, 50),
            percentile(&took, 99),
            percentile(&took, 100),
            bytes_in(&folder) as f64 / 1e6,
        );
    }
    write(&store, &small, &arguments, &mut random, SMALL_EVENTS).await;
    for (places, name) in [(&large, "the rooms"), (&small, "a small room")] {
        let mut pages = read(&store, places, &arguments, &mut random).await;
        pages.sort_unstable();
        let [p50, p99] = [50, 99].map(|per_cent| percentile(&pages, per_cent));
        println!("page of 100 anywhere in {name}: p50 {p50:.2} ms, p99 {p99:.2} ms");
    }
    store.close().await;
}
