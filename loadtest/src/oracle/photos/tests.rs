//! Stories of a session: a right one, and the same with one thing wrong in it.

use salon_protocol::UserId;

use super::*;

const VIEWERS: usize = 2;

fn id(number: u8) -> PhotoId {
    PhotoId::from_bytes([number; 16])
}

fn photo(number: u8) -> Photo {
    Photo {
        photo: id(number),
        by: UserId::from_bytes([9; 16]),
        name: String::new(),
        title: None,
        tags: Vec::new(),
        width: 4,
        height: 3,
        thumbhash: String::new(),
        colour: String::new(),
        taken_at: None,
        order: 0,
        pinned: false,
        status: PhotoStatus::Ready,
        variants: vec![2048, 1024, 400],
        state: None,
        seq: None,
        likes: None,
        comments: None,
        selected: None,
        liked: false,
        lists: Vec::new(),
    }
}

/// Three photos, the third of which is taken back: what viewers are told, and what is read later.
struct Story {
    told: [Vec<(Seq, Told)>; VIEWERS],
    history: Vec<(Seq, Told)>,
    list: Vec<Photo>,
}

impl Story {
    fn right() -> Story {
        let told = vec![
            (2, Told::Shown(id(1))),
            (3, Told::Shown(id(2))),
            (4, Told::Ready(id(1))),
            (5, Told::Shown(id(3))),
            (6, Told::Gone(vec![id(3)])),
            (7, Told::Ready(id(2))),
        ];
        let mut history = told.clone();
        history[3].1 = Told::Shell(id(3));
        history.insert(0, (1, Told::Other));
        Story { told: [told.clone(), told], history, list: vec![photo(1), photo(2)] }
    }

    fn photos(&self) -> Photos {
        let mut photos = Photos::new(VIEWERS);
        for viewer in 0..VIEWERS {
            photos.joining(viewer);
            photos.joined(viewer, 1, false);
        }
        for (upload, seq) in [2, 3, 5].into_iter().enumerate() {
            photos.begun();
            photos.committed(upload, id(upload as u8 + 1), seq);
        }
        photos.retracting(id(3));
        for (viewer, told) in self.told.iter().enumerate() {
            told.iter().for_each(|(seq, told)| photos.saw(viewer, *seq, told));
        }
        photos.retracted(id(3));
        photos
    }

    fn verdict(&self) -> Verdict {
        self.photos().finish(&self.history, &self.list)
    }
}

#[track_caller]
fn is_found(check: Check, change: impl FnOnce(&mut Story)) {
    let mut story = Story::right();
    change(&mut story);
    let verdict = story.verdict();
    assert!(verdict.count(check) > 0, "{check}: {verdict}");
}

#[test]
fn a_right_story_is_clean() {
    let story = Story::right();
    assert!(story.photos().is_settled());
    let verdict = story.verdict();
    assert!(verdict.is_clean(), "{verdict}");
    let totals = verdict.totals;
    assert_eq!((totals.messages, totals.acked, totals.recalls), (3, 3, 1));
    assert_eq!((totals.deliveries, totals.history_events, totals.sessions), (12, 7, 2));
}

#[test]
fn a_lost_photo() {
    is_found(Check::Missed, |story| drop(story.told[1].remove(1)));
    is_found(Check::Lost, |story| story.history[2].1 = Told::Other);
    is_found(Check::Lost, |story| drop(story.list.pop()));
    is_found(Check::Lost, |story| story.history[1].1 = Told::Shell(id(1)));
    is_found(Check::Gap, |story| drop(story.history.remove(2)));
    // The last of all.
    is_found(Check::Missed, |story| drop(story.told[0].pop()));
    let mut story = Story::right();
    story.told[0].pop();
    assert!(!story.photos().is_settled());
}

#[test]
fn a_photo_twice() {
    is_found(Check::Doubled, |story| story.told[0].push((8, Told::Shown(id(1)))));
    is_found(Check::Doubled, |story| story.history.push((8, Told::Shown(id(1)))));
    is_found(Check::Doubled, |story| story.list.push(photo(1)));
    is_found(Check::Repeated, |story| {
        let again = story.told[0][1].clone();
        story.told[0].push(again);
    });
}

#[test]
fn photos_in_another_order() {
    is_found(Check::Reordered, |story| story.told[0].swap(0, 1));
    is_found(Check::AckMismatch, |story| {
        story.history[1].1 = Told::Shown(id(2));
        story.history[2].1 = Told::Shown(id(1));
    });
    is_found(Check::Divergent, |story| {
        story.told[1][0].1 = Told::Shown(id(2));
        story.told[1][1].1 = Told::Shown(id(1));
    });
}

#[test]
fn a_retracted_photo_that_is_still_shown() {
    is_found(Check::Unrecalled, |story| story.history[4].1 = Told::Shown(id(3)));
    is_found(Check::Unrecalled, |story| story.list.push(photo(3)));
    is_found(Check::Unrecalled, |story| story.told[0][4].1 = Told::Other);
    let story = Story::right();
    let mut photos = story.photos();
    photos.was_given(id(3), 200);
    let verdict = photos.finish(&story.history, &story.list);
    assert_eq!(verdict.count(Check::Unrecalled), 1);
}

#[test]
fn a_replay_must_not_show_what_is_gone() {
    for (told, findings) in [(Told::Shown(id(3)), 1), (Told::Shell(id(3)), 0)] {
        let mut story = Story::right();
        let missed = story.told[0].split_off(3);
        let mut photos = story.photos();
        photos.joining(0);
        photos.joined(0, 7, true);
        assert!(photos.is_replay(0, 5) && photos.position(0) == 4);
        photos.saw(0, 5, &told);
        missed[1..].iter().for_each(|(seq, told)| photos.saw(0, *seq, told));
        let verdict = photos.finish(&story.history, &story.list);
        assert_eq!(verdict.findings(), findings, "{verdict}");
        assert_eq!(verdict.count(Check::Unrecalled), findings);
    }
}

#[test]
fn photos_that_nobody_committed() {
    is_found(Check::Phantom, |story| story.told[0].push((8, Told::Shown(id(7)))));
    is_found(Check::Phantom, |story| story.history.push((8, Told::Shown(id(7)))));
    is_found(Check::Phantom, |story| story.list.push(photo(7)));
}

#[test]
fn answers_that_disagree() {
    for (upload, number, seq) in [(0, 1, 3), (0, 2, 2), (3, 1, 2)] {
        let story = Story::right();
        let mut photos = story.photos();
        photos.committed(upload, id(number), seq);
        let verdict = photos.finish(&story.history, &story.list);
        assert_eq!(verdict.count(Check::AckMismatch), 1, "{verdict}");
    }
}

#[test]
fn a_photo_without_its_pictures() {
    is_found(Check::Unready, |story| story.list[0].status = PhotoStatus::Processing);
    is_found(Check::Unready, |story| story.list[0].variants.truncate(2));
}
