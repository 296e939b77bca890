//! The thinking of an upload, without disk and store.

use salon_protocol::reply::PhotoMade;
use salon_protocol::{Encoding, ErrorCode, ErrorData, PhotoId, UploadId, UserId};
use salon_storage::model::{UserKey, UserRef};

use super::messages::{Effect, Opened, Reply, UploadInput, UploadRequest};
use super::state::{Uploading, WAITING_MAX};
use crate::caller::{Caller, ConnId};

const ID: UploadId = UploadId::from_bytes([7; 16]);

fn user(number: u8) -> UserRef {
    UserRef { key: UserKey(number.into()), id: UserId::from_bytes([number; 16]) }
}

fn caller(number: u8) -> Caller {
    let conn = ConnId { worker: 0, slot: number.into(), generation: 0 };
    let (encoding, user) = (Encoding::Json, user(number));
    Caller { conn, ticket: 0, reference: None, encoding, user, pass: None, guest: false }
}

fn opened(received: u64) -> Opened {
    Opened { owner: user(1), size: 10, name: "a.jpg".into(), received, done: None }
}

fn made() -> PhotoMade {
    PhotoMade { photo: PhotoId::from_bytes([9; 16]), seq: 4, duplicate: false }
}

struct Stage {
    upload: Uploading,
}

impl Stage {
    fn new() -> Self {
        Stage { upload: Uploading::new(ID, 60_000, 0) }
    }

    /// An upload of ten bytes, of which so many are there.
    fn with(received: u64) -> Self {
        let mut stage = Stage::new();
        let effects = stage.ask(1, UploadRequest::Chunk { offset: 99, bytes: vec![0] });
        assert_eq!(effects, [Effect::Open(user(1), None)]);
        let effects = stage.hear(UploadInput::Opened(Ok(opened(received))));
        assert!(matches!(&effects[..], [Effect::Answer(_, Err(_))]), "{effects:?}");
        stage
    }

    fn hear(&mut self, input: UploadInput) -> Vec<Effect> {
        let mut effects = Vec::new();
        self.upload.handle(input, 1_000, &mut effects);
        effects
    }

    fn ask(&mut self, who: u8, request: UploadRequest) -> Vec<Effect> {
        self.hear(UploadInput::Request(caller(who), request))
    }

    fn chunk(&mut self, offset: u64, count: usize) -> Vec<Effect> {
        self.ask(1, UploadRequest::Chunk { offset, bytes: vec![1; count] })
    }
}

#[track_caller]
fn answer(effects: &[Effect]) -> Result<Reply, ErrorData> {
    let answers = effects.iter().find_map(|effect| match effect {
        Effect::Answer(_, result) => Some(result.clone()),
        _ => None,
    });
    answers.expect("an answer")
}

#[track_caller]
fn offset(effects: &[Effect]) -> u64 {
    match answer(effects) {
        Ok(Reply::At(at)) => at.offset,
        Ok(Reply::Begun(begun)) => begun.offset,
        other => panic!("{other:?}"),
    }
}

#[test]
fn pieces_are_written_one_after_the_other_and_answered_when_they_are_there() {
    let mut stage = Stage::with(0);
    assert_eq!(stage.chunk(0, 4), [Effect::Write(vec![1; 4])]);
    assert_eq!(stage.chunk(4, 6), [], "it waits for the first");
    let effects = stage.hear(UploadInput::Written(Ok(4)));
    assert_eq!(offset(&effects), 4);
    assert!(effects.contains(&Effect::Write(vec![1; 6])));
    let effects = stage.hear(UploadInput::Written(Ok(10)));
    assert_eq!(offset(&effects), 10);
    let told = effects.iter().any(|e| matches!(e, Effect::Progress { received: 10, .. }));
    assert!(told, "the end is always told: {effects:?}");
}

#[test]
fn a_piece_at_another_place_is_refused_with_the_right_one() {
    let mut stage = Stage::with(4);
    for (at, count) in [(0, 4), (5, 1)] {
        let error = answer(&stage.chunk(at, count)).unwrap_err();
        assert_eq!(error.code, ErrorCode::Conflict);
        assert_eq!(error.details.unwrap()["offset"], 4);
    }
    let error = answer(&stage.chunk(4, 7)).unwrap_err();
    assert_eq!(error.code, ErrorCode::BadRequest, "longer than was said");
    let error = answer(&stage.ask(1, UploadRequest::Commit)).unwrap_err();
    assert_eq!(
        (error.code, error.details.unwrap()["offset"].clone()),
        (ErrorCode::Conflict, 4.into())
    );
}

#[test]
fn a_commit_is_answered_the_same_however_often() {
    let mut stage = Stage::with(10);
    assert_eq!(stage.ask(1, UploadRequest::Commit), [Effect::Finish(caller(1))]);
    assert_eq!(stage.ask(1, UploadRequest::Commit), [], "the first is under way");
    let effects = stage.hear(UploadInput::Finished(Ok(made())));
    let answers: Vec<_> = effects.iter().filter(|e| matches!(e, Effect::Answer(..))).collect();
    assert_eq!(answers.len(), 2);
    assert_eq!(*answers[0], Effect::Answer(caller(1), Ok(Reply::Made(made()))));
    let again = PhotoMade { duplicate: true, ..made() };
    assert_eq!(*answers[1], Effect::Answer(caller(1), Ok(Reply::Made(again))));
    assert_eq!(offset(&stage.chunk(0, 1)), 10, "nothing is missing");
    assert!(answer(&stage.ask(1, UploadRequest::Abort)).is_ok(), "it stays");
}

#[test]
fn what_is_on_disk_is_looked_at_again_after_a_failure() {
    let mut stage = Stage::with(10);
    stage.ask(1, UploadRequest::Commit);
    let error = ErrorData::new(ErrorCode::Unavailable, "later").retry_after(1);
    answer(&stage.hear(UploadInput::Finished(Err(error.clone())))).unwrap_err();
    assert_eq!(stage.ask(1, UploadRequest::Commit), [Effect::Open(user(1), None)]);
    let done = Opened { done: Some(made()), ..opened(10) };
    let effects = stage.hear(UploadInput::Opened(Ok(done)));
    assert!(answer(&effects).is_ok(), "it was done all the same");
    let mut stage = Stage::with(4);
    stage.chunk(4, 2);
    answer(&stage.hear(UploadInput::Written(Err(error)))).unwrap_err();
    assert_eq!(stage.chunk(4, 2), [Effect::Open(user(1), None)]);
}

#[test]
fn an_upload_is_its_owners() {
    let mut stage = Stage::with(4);
    for request in [UploadRequest::Commit, UploadRequest::Abort] {
        assert_eq!(answer(&stage.ask(2, request)).unwrap_err().code, ErrorCode::NotFound);
    }
    assert_eq!(stage.chunk(4, 1), [Effect::Write(vec![1])]);
}

#[test]
fn waiting_has_a_bound_and_resting_too() {
    let mut stage = Stage::with(0);
    for _ in 0..WAITING_MAX {
        stage.chunk(0, 1);
    }
    let error = answer(&stage.chunk(0, 1)).unwrap_err();
    assert_eq!(error.code, ErrorCode::Overloaded);
    let mut stage = Stage::new();
    let mut effects = Vec::new();
    stage.upload.handle(UploadInput::Wake, 1, &mut effects);
    assert_eq!(effects, [], "not yet");
    stage.upload.handle(UploadInput::Wake, 60_000, &mut effects);
    assert_eq!(effects, [Effect::Sleep]);
}

#[test]
fn after_a_panic_whoever_waits_is_told_to_try_again() {
    let mut stage = Stage::with(0);
    stage.chunk(0, 1);
    stage.chunk(1, 1);
    let mut effects = Vec::new();
    stage.upload.recover(&mut effects);
    assert_eq!(effects.len(), 2);
    assert_eq!(stage.chunk(0, 1), [Effect::Open(user(1), None)]);
}
