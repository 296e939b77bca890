//! Uploads and photos: added, let through, taken back, put in order.

use std::collections::BTreeMap;

use salon_protocol::event::NewPhoto as PhotoShown;
use salon_protocol::photo::{PhotoState, PhotoStatus};
use salon_protocol::request::{OnePhoto, Purpose, SessionSettings};
use salon_protocol::{ErrorCode, EventData, PhotoId, UploadId};
use uuid::Uuid;

use super::{Cast, edit, file, list_of, photo_id, taken, update};
use crate::conformance::{START, World, code, refused, types};
use crate::model::{NewUpload, PhotoChange, UploadDone};

pub(in super::super) async fn uploads_begin_and_go_on(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let new = file(cast.room, 1);
    for by in [cast.client, cast.stranger] {
        let refusal = refused(store.begin_upload(by, new.clone()).await);
        assert_eq!(refusal.code, ErrorCode::Forbidden);
    }
    let by = cast.photographer;
    let begun = store.begin_upload(by, new.clone()).await.unwrap();
    assert_eq!((begun.id, begun.done, &begun.request), (new.id, None, &new.request));
    let again = NewUpload { id: UploadId::new(Uuid::now_v7()), ..new.clone() };
    assert_eq!(store.begin_upload(by, again).await.unwrap(), begun, "the same cid goes on");
    let mut other = new.clone();
    other.request.size += 1;
    assert_eq!(refused(store.begin_upload(by, other).await).code, ErrorCode::Conflict);
    assert_eq!(store.upload(by, new.id).await.unwrap(), begun);
    assert_eq!(refused(store.upload(cast.owner, new.id).await).code, ErrorCode::NotFound);
    for number in 2..=4 {
        store.begin_upload(by, file(cast.room, number)).await.unwrap();
    }
    let fifth = file(cast.room, 5);
    let refusal = refused(store.begin_upload(by, fifth.clone()).await);
    assert_eq!(refusal.code, ErrorCode::LimitReached);
    store.abort_upload(cast.owner, new.id).await.unwrap();
    assert!(store.upload(by, new.id).await.is_ok(), "it is not his");
    store.abort_upload(by, new.id).await.unwrap();
    store.abort_upload(by, new.id).await.unwrap();
    assert_eq!(refused(store.upload(by, new.id).await).code, ErrorCode::NotFound);
    store.begin_upload(by, fifth).await.unwrap();
    assert_eq!(store.old_uploads(START).await.unwrap(), []);
    assert_eq!(store.old_uploads(START + 1).await.unwrap().len(), 4);
    assert_eq!(store.old_uploads(START + 1).await.unwrap(), []);
}

pub(in super::super) async fn an_upload_becomes_one_photo(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let (store, by) = (&cast.world.store, cast.photographer);
    let new = file(cast.room, 1);
    let upload = store.begin_upload(by, new.clone()).await.unwrap();
    let photo = taken(upload.id, None, "x");
    let add = PhotoChange::Add(Box::new(photo.clone()));
    let refusal = cast.ask(cast.editor, add.clone()).await;
    assert_eq!(code(refusal), ErrorCode::NotFound, "it is not his upload");
    let done = cast.done(by, add.clone()).await;
    assert_eq!((done.photo, done.duplicate), (Some(photo.photo), false));
    let EventData::NewPhoto(PhotoShown::Shown(shown)) = &done.events[0].data else { panic!() };
    assert_eq!((shown.name.as_str(), shown.order), ("DSC_1.JPG", START * 1_024));
    assert_eq!(cast.world.page(cast.client, cast.room).await.last(), done.events.last());

    let again = cast.done(by, add).await;
    assert_eq!((again.photo, again.seq, again.at), (done.photo, done.seq, done.at));
    assert!(again.duplicate && again.events.is_empty());
    let done_of_upload = UploadDone { photo: photo.photo, seq: done.seq, had: false };
    assert_eq!(store.upload(by, upload.id).await.unwrap().done, Some(done_of_upload));
    // The same bytes again: had before a byte is sent, and also when two were on their way.
    let same = |cast: &Cast| {
        let mut same = file(cast.room, 1);
        same.request.name = "copy.jpg".into();
        same
    };
    let had = store.begin_upload(cast.editor, same(&cast)).await.unwrap();
    assert_eq!(had.done, Some(UploadDone { had: true, ..done_of_upload }));
    // Long after, the cid is known by the photo.
    assert_eq!(store.old_uploads(START + 1).await.unwrap().len(), 2);
    let late = store.begin_upload(by, new).await.unwrap();
    assert_eq!((late.id, late.done), (upload.id, Some(done_of_upload)));
    assert_eq!(cast.seen(cast.guest).await, [photo.photo]);

    let (one, other) = (file(cast.room, 2), file(cast.room, 2));
    let one = store.begin_upload(by, one).await.unwrap();
    let other = store.begin_upload(cast.editor, other).await.unwrap();
    let first = cast.done(by, PhotoChange::Add(Box::new(taken(one.id, None, "x")))).await;
    let second = PhotoChange::Add(Box::new(taken(other.id, None, "x")));
    let second = cast.done(cast.editor, second).await;
    assert_eq!((second.photo, second.seq, second.duplicate), (first.photo, first.seq, true));
    assert!(store.upload(cast.editor, other.id).await.unwrap().done.unwrap().had);
    // A deleted one is not had.
    cast.done(by, PhotoChange::Delete { photos: vec![photo.photo] }).await;
    assert_eq!(store.begin_upload(by, same(&cast)).await.unwrap().done, None);
}

pub(in super::super) async fn a_watermark_is_uploaded_by_the_owner(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let mut new = file(cast.room, 1);
    new.request.purpose = Purpose::Watermark;
    let refusal = refused(store.begin_upload(cast.editor, new.clone()).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    let upload = store.begin_upload(cast.owner, new.clone()).await.unwrap();
    let image = photo_id();
    store.finish_watermark(cast.owner, upload.id, image).await.unwrap();
    assert_eq!(store.old_uploads(START + 1).await.unwrap(), [], "the image is in use");
    let again = store.begin_upload(cast.owner, new).await.unwrap();
    assert_eq!(again.done, Some(UploadDone { photo: image, seq: 0, had: false }));
    let add = PhotoChange::Add(Box::new(taken(upload.id, None, "x")));
    assert!(cast.done(cast.owner, add).await.events.is_empty(), "it is no photo");
    let watermark = salon_protocol::photo::Watermark { image: Some(image), ..Default::default() };
    let settings = SessionSettings { watermark: Some(watermark.clone()), ..Default::default() };
    let change = PhotoChange::Update { update: update(cast.room, settings), code: None };
    cast.done(cast.owner, change).await;
    cast.add(2).await;
    let jobs = store.claim_photos(START + 10, false, 9).await.unwrap();
    assert_eq!(jobs[0].watermark, watermark);
}

pub(in super::super) async fn the_gate_keeps_photos_back(world: World) {
    let cast = Cast::gated(world).await;
    let photo = cast.add(1).await;
    let events = cast.world.page(cast.client, cast.room).await;
    assert_eq!(types(&events).last(), Some(&"photo_pending"));
    let store = &cast.world.store;
    for viewer in [cast.guest, cast.client.into()] {
        assert_eq!(cast.seen(viewer).await, []);
        let one = OnePhoto { session: cast.room.id, photo };
        assert_eq!(refused(store.photo(viewer, one).await).code, ErrorCode::NotFound);
        let pending = salon_protocol::request::PhotoList {
            state: Some(PhotoState::Pending),
            ..list_of(cast.room)
        };
        assert_eq!(refused(store.photo_list(viewer, pending).await).code, ErrorCode::Forbidden);
        let info = store.session(viewer, cast.room.id).await.unwrap().info;
        assert_eq!((info.photos, info.pending), (0, 0));
    }
    let [pending] = &cast.listed(cast.photographer).await[..] else { panic!() };
    assert_eq!((pending.state, pending.seq), (Some(PhotoState::Pending), None));
    let info = store.session(cast.editor.into(), cast.room.id).await.unwrap().info;
    assert_eq!((info.photos, info.pending), (0, 1));

    let mut show = edit(cast.room, &[photo]);
    (show.state, show.title) = (Some(PhotoState::Live), Some("kiss".into()));
    let refusal = cast.ask(cast.photographer, PhotoChange::Edit(show.clone())).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden);
    let done = cast.done(cast.editor, PhotoChange::Edit(show.clone())).await;
    assert_eq!(types(&done.events), ["photos_updated", "new_photo"]);
    let EventData::PhotosUpdated(told) = &done.events[0].data else { panic!() };
    assert_eq!(told.title, None, "viewers do not see it yet");
    let EventData::NewPhoto(PhotoShown::Shown(shown)) = &done.events[1].data else { panic!() };
    assert_eq!(shown.title.as_deref(), Some("kiss"));
    let again = cast.done(cast.editor, PhotoChange::Edit(show)).await;
    assert_eq!((again.events.len(), again.seq), (0, done.seq));
    let [live] = &cast.listed(cast.guest).await[..] else { panic!() };
    assert_eq!((live.state, live.seq), (None, Some(done.seq)));
}

pub(in super::super) async fn what_is_taken_back_leaves_shells(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let (one, two) = (cast.add(1).await, cast.add(2).await);
    let mut hide = edit(cast.room, &[one]);
    hide.state = Some(PhotoState::Hidden);
    let shown = cast.listed(cast.guest).await[0].seq.unwrap();
    let done = cast.done(cast.editor, PhotoChange::Edit(hide.clone())).await;
    let EventData::PhotoDeleted(told) = &done.events[0].data else { panic!("{done:?}") };
    assert_eq!(
        (&told.photos[..], &told.targets[..], told.hidden),
        (&[one][..], &[shown][..], true)
    );
    assert!(cast.done(cast.editor, PhotoChange::Edit(hide)).await.events.is_empty());
    let shells = async || {
        let events = cast.world.page(cast.client, cast.room).await;
        let shells = events.iter().filter_map(|event| match &event.data {
            EventData::NewPhoto(PhotoShown::Retracted(shell)) => Some((event.seq, shell.photo)),
            _ => None,
        });
        shells.collect::<Vec<_>>()
    };
    assert_eq!(shells().await, [(shown, one)]);
    assert_eq!(cast.seen(cast.guest).await, [two]);
    assert_eq!(cast.seen(cast.photographer).await, [one, two]);
    assert_eq!(store.photo_file(one).await.unwrap().unwrap().state, Some(PhotoState::Hidden));

    let mut show = edit(cast.room, &[one]);
    show.state = Some(PhotoState::Live);
    let again = cast.done(cast.editor, PhotoChange::Edit(show)).await;
    assert_eq!(types(&again.events), ["new_photo"]);
    assert_eq!(shells().await, [(shown, one)], "the new event shows it");
    assert_eq!(cast.seen(cast.guest).await, [one, two]);

    let delete = |photo| PhotoChange::Delete { photos: vec![photo] };
    let by_editor = cast.world.store.begin_upload(cast.editor, file(cast.room, 3)).await.unwrap();
    let add = PhotoChange::Add(Box::new(taken(by_editor.id, None, "x")));
    let others = cast.done(cast.editor, add).await.photo.unwrap();
    assert_eq!(code(cast.ask(cast.photographer, delete(others)).await), ErrorCode::Forbidden);
    assert_eq!(code(cast.ask(cast.client, delete(one)).await), ErrorCode::Forbidden);
    let done = cast.done(cast.photographer, delete(one)).await;
    let EventData::PhotoDeleted(told) = &done.events[0].data else { panic!("{done:?}") };
    assert_eq!((&told.targets[..], told.hidden), (&[again.seq][..], false));
    assert_eq!(code(cast.ask(cast.photographer, delete(one)).await), ErrorCode::NotFound);
    assert_eq!(shells().await.len(), 2);
    assert_eq!(cast.seen(cast.owner).await, [two, others]);
    assert_eq!(store.files_to_delete(9).await.unwrap(), [one]);
    let late = PhotoChange::Processed { photo: one, variants: vec![400], failed: None };
    assert_eq!(cast.done(cast.photographer, late).await, Default::default());
    assert_eq!(store.photo_file(photo_id()).await.unwrap(), None);
}

pub(in super::super) async fn photos_are_claimed_and_processed(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let store = &cast.world.store;
    let photos = [cast.add(1).await, cast.add(2).await, cast.add(3).await];
    let claim = async |until, all, limit| {
        let jobs = store.claim_photos(until, all, limit).await.unwrap();
        jobs.iter().map(|job| job.photo).collect::<Vec<PhotoId>>()
    };
    assert_eq!(claim(START + 100, false, 2).await, photos[..2]);
    assert_eq!(claim(START + 100, false, 9).await, photos[2..]);
    assert_eq!(claim(START + 100, false, 9).await, []);
    assert_eq!(claim(START + 200, true, 2).await, photos[..2]);
    assert_eq!(claim(START + 200, true, 2).await, photos[2..]);
    assert_eq!(claim(START + 200, true, 2).await, [], "all are this call's");
    let processed = |photo, variants, failed| PhotoChange::Processed { photo, variants, failed };
    let sides = vec![2_048, 1_024, 400];
    let done = cast.done(cast.photographer, processed(photos[0], sides.clone(), None)).await;
    let EventData::PhotoStatusUpdated(told) = &done.events[0].data else { panic!("{done:?}") };
    assert_eq!((told.status, &told.variants), (PhotoStatus::Ready, &sides));
    let again = processed(photos[0], sides.clone(), None);
    assert_eq!(cast.done(cast.photographer, again).await, Default::default());
    // Whoever added it has gone.
    let out = PhotoChange::Member { user: cast.photographer.id, role: None };
    cast.done(cast.owner, out).await;
    let failed = processed(photos[1], vec![], Some("too dark".into()));
    cast.done(cast.photographer, failed).await;
    cast.world.clock.advance(201);
    assert_eq!(claim(START + 500, false, 9).await, photos[2..]);
    let file = store.photo_file(photos[0]).await.unwrap().unwrap();
    assert_eq!((file.variants, file.session, file.bytes), (sides.clone(), cast.room.id, 1_001));
    let one = OnePhoto { session: cast.room.id, photo: photos[1] };
    let info = store.photo(cast.owner.into(), one.clone()).await.unwrap();
    assert_eq!(
        (info.photo.status, info.failed.as_deref()),
        (PhotoStatus::Failed, Some("too dark"))
    );
    assert_eq!(info.metadata, Some(serde_json::json!({ "iso": 100 })));
    let info = store.photo(cast.guest, one).await.unwrap();
    assert_eq!((info.metadata, info.downloads), (None, None), "that is the staff's");
    // A page shows it as it is now.
    let events = cast.world.page(cast.client, cast.room).await;
    let ready = events.iter().any(|event| match &event.data {
        EventData::NewPhoto(PhotoShown::Shown(photo)) => photo.variants == sides,
        _ => false,
    });
    assert!(ready);
}

pub(in super::super) async fn photos_have_an_order(world: World) {
    let cameras = BTreeMap::from([("one".to_owned(), 5_000)]);
    let settings = SessionSettings { cameras: Some(cameras), ..SessionSettings::default() };
    let cast = Cast::new(world, settings).await;
    let add = async |number, at, camera: &str| {
        cast.add_taken(number, Some(START + at), camera).await.photo.unwrap()
    };
    let a = add(1, 3_000, "two").await;
    let b = add(2, 1_000, "two").await;
    let c = add(3, 0, "one").await;
    let d = cast.add(4).await;
    let order = async || cast.seen(cast.guest).await;
    assert_eq!(order().await, [d, b, a, c]);
    let change = async |by, change| cast.done(by, PhotoChange::Edit(change)).await;
    let mut pin = edit(cast.room, &[c]);
    pin.pinned = Some(true);
    assert_eq!(types(&change(cast.editor, pin).await.events), ["photos_updated"]);
    assert_eq!(order().await, [c, d, b, a]);
    // The clock of camera two is a minute slow.
    let cameras = Some(BTreeMap::from([("two".to_owned(), 60_000)]));
    let settings = SessionSettings { cameras, ..SessionSettings::default() };
    let clocks = PhotoChange::Update { update: update(cast.room, settings), code: None };
    let done = cast.done(cast.editor, clocks).await;
    assert_eq!(types(&done.events), ["photos_updated", "session_updated"]);
    let EventData::PhotosUpdated(told) = &done.events[0].data else { panic!() };
    assert_eq!((told.photos.len(), told.order.as_ref().unwrap().len()), (3, 3));
    let mut unpin = edit(cast.room, &[c]);
    unpin.pinned = Some(false);
    change(cast.editor, unpin).await;
    assert_eq!(order().await.len(), 4);
    assert_eq!(order().await[2..], [b, a]);

    // In the order of the request, behind another one.
    let mut behind = edit(cast.room, &[a, c]);
    behind.behind = Some(d);
    let refusal = cast.ask(cast.photographer, PhotoChange::Edit(behind.clone())).await;
    assert_eq!(code(refusal), ErrorCode::Forbidden);
    let done = change(cast.editor, behind.clone()).await;
    let EventData::PhotosUpdated(told) = &done.events[0].data else { panic!("{done:?}") };
    assert_eq!(told.photos, [a, c]);
    let places: Vec<i64> = cast.listed(cast.guest).await.iter().map(|photo| photo.order).collect();
    let orders = told.order.clone().unwrap();
    assert_eq!(order().await, [d, a, c, b]);
    assert_eq!(places[1..3], orders);
    // Photos that were moved stay where they are when clocks are set.
    let settings = SessionSettings { cameras: Some(BTreeMap::new()), ..Default::default() };
    let clocks = PhotoChange::Update { update: update(cast.room, settings), code: None };
    cast.done(cast.editor, clocks).await;
    assert_eq!(order().await, [d, a, c, b]);
    behind.behind = Some(photo_id());
    let refusal = cast.ask(cast.editor, PhotoChange::Edit(behind)).await;
    assert_eq!(code(refusal), ErrorCode::NotFound);
}

pub(in super::super) async fn a_burst_is_put_in_order(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let mut photos = Vec::new();
    for number in 0..5 {
        photos.push(cast.add_taken(number, Some(START), "x").await.photo.unwrap());
    }
    photos.sort_unstable();
    assert_eq!(cast.seen(cast.guest).await, photos);
    let mut behind = edit(cast.room, &[photos[4], photos[0]]);
    behind.behind = Some(photos[1]);
    let done = cast.done(cast.editor, PhotoChange::Edit(behind)).await;
    assert_eq!(types(&done.events), ["photos_updated", "photos_updated"], "others made room");
    let expected = [1, 4, 0, 2, 3].map(|place: usize| photos[place]);
    assert_eq!(cast.seen(cast.guest).await, expected);
    assert_eq!(cast.seen(cast.owner).await, expected);
}
