//! Many seeds, the same seed twice, and proof that the simulation can fail.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::ends::run;
use super::fate::Fate;
use super::net::Noise;
use super::store::Lie;
use super::world::Sum;

/// Seeds of all parts together, unless `SIM_SEEDS` says another number.
const SEEDS: u64 = 300;
/// Parts, each a test, so that they run side by side.
const PARTS: u64 = 6;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// One run; a panic is an error, too.
fn outcome(seed: u64, loud: bool, change: impl FnOnce(&mut Fate)) -> Result<Sum, String> {
    let outcome = catch_unwind(AssertUnwindSafe(|| run(seed, loud, change)));
    outcome.unwrap_or_else(|_| Err("it panicked, see above".to_owned()))
}

fn seeds(part: u64) {
    let one = variable("SIM_SEED");
    let count = variable("SIM_SEEDS").unwrap_or(SEEDS);
    let seeds: Vec<u64> = match one {
        Some(seed) => (seed % PARTS == part).then_some(seed).into_iter().collect(),
        None => (0..count).filter(|seed| seed % PARTS == part).collect(),
    };
    let mut sum = Sum::default();
    let mut faults: BTreeMap<&str, u64> = BTreeMap::new();
    for seed in &seeds {
        let run = outcome(*seed, one.is_some(), |_| {}).unwrap_or_else(|wrong| {
            panic!(
                "seed {seed}: {wrong}\n\
                 repeat with SIM_SEED={seed} cargo nextest run -p salon-actors --no-capture sim"
            )
        });
        sum.happenings += run.happenings;
        sum.messages += run.messages;
        sum.deliveries += run.deliveries;
        for (name, count) in run.faults {
            *faults.entry(name).or_default() += count;
        }
    }
    let Sum { happenings, messages, deliveries, .. } = sum;
    let count = seeds.len();
    println!(
        "{count} seeds, {happenings} happenings, {messages} messages, {deliveries} deliveries"
    );
    println!("{faults:#?}");
    if one.is_none() && count >= 40 {
        assert!(messages > 40 * count as u64 && deliveries > 5 * messages, "too little happens");
        assert!(faults.len() >= 10, "too little breaks: {faults:?}");
    }
}

#[test]
fn hundreds_of_seeds_part_0() {
    seeds(0);
}

#[test]
fn hundreds_of_seeds_part_1() {
    seeds(1);
}

#[test]
fn hundreds_of_seeds_part_2() {
    seeds(2);
}

#[test]
fn hundreds_of_seeds_part_3() {
    seeds(3);
}

#[test]
fn hundreds_of_seeds_part_4() {
    seeds(4);
}

#[test]
fn hundreds_of_seeds_part_5() {
    seeds(5);
}

#[test]
fn the_same_seed_is_the_same_run() {
    let trace = |seed| outcome(seed, false, |_| {}).unwrap().trace;
    for seed in 0..8 {
        assert_eq!(trace(seed), trace(seed), "seed {seed}");
    }
    assert_ne!(trace(1), trace(2));
}

/// Something is made wrong; one of the first seeds notices.
#[track_caller]
fn is_noticed(expected: &[&str], change: impl Fn(&mut Fate)) {
    const TRIES: u64 = 12;
    let wrong: Vec<String> =
        (0..TRIES).filter_map(|seed| outcome(seed, false, &change).err()).collect();
    let found = |wrong: &String| expected.iter().any(|word| wrong.contains(word));
    assert!(wrong.iter().any(found), "expected {expected:?}, {TRIES} seeds found {wrong:#?}");
}

#[test]
fn a_store_that_forgets_is_noticed() {
    is_noticed(&["LOST"], |fate| fate.lie = Lie::Forgets);
}

#[test]
fn a_store_that_tells_before_it_commits_is_noticed() {
    is_noticed(&["PHANTOM", "DIVERGENT"], |fate| fate.lie = Lie::Hurries);
}

#[test]
fn a_store_that_takes_a_repetition_for_new_is_noticed() {
    is_noticed(&["DOUBLED"], |fate| (fate.lie, fate.drops) = (Lie::Repeats, 12));
}

#[test]
fn a_store_that_shows_what_was_recalled_is_noticed() {
    is_noticed(&["UNRECALLED"], |fate| fate.lie = Lie::Remembers);
}

#[test]
fn a_network_that_doubles_is_noticed() {
    is_noticed(&["REPEATED"], |fate| fate.noise = Noise::Doubles);
}

#[test]
fn a_network_that_swaps_is_noticed() {
    is_noticed(&["REORDERED"], |fate| fate.noise = Noise::Swaps);
}

#[test]
fn a_network_that_swallows_is_noticed() {
    is_noticed(&["there is no end", "MISSED"], |fate| fate.noise = Noise::Swallows);
}
