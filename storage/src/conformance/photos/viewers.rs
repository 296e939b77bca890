//! What viewers see, mark and take along.

use salon_protocol::limits::{LISTS_PER_USER_MAX, MEDIA_LIFE_MS};
use salon_protocol::photo::{Download, Permissions, PermissionsByRole, PhotoState};
use salon_protocol::request::{
    ExportFormat, FAVOURITES, Mark, PhotoDownload, PhotoList, PhotoMark, PhotoSelectionExport,
    SessionSettings,
};
use salon_protocol::{ErrorCode, PhotoId};

use super::{Cast, all_permitted, edit, list_of, photo_id, update};
use crate::conformance::{World, cid, refused};
use crate::model::{PhotoChange, Visitor};

fn mark(cast: &Cast, photos: &[PhotoId], list: Option<&str>, on: bool) -> PhotoMark {
    let mark = if list.is_some() { Mark::Select } else { Mark::Like };
    let list = list.filter(|list| *list != FAVOURITES).map(str::to_owned);
    PhotoMark { session: cast.room.id, photos: photos.to_vec(), mark, list, on }
}

async fn set_state(cast: &Cast, photo: PhotoId, state: PhotoState) {
    let mut change = edit(cast.room, &[photo]);
    change.state = Some(state);
    cast.done(cast.editor, PhotoChange::Edit(change)).await;
}

pub(in super::super) async fn photos_have_pages(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let mut photos = Vec::new();
    for number in 0..7 {
        photos.push(
            cast.add_taken(number, Some(1_000 * number.cast_signed()), "x").await.photo.unwrap(),
        );
    }
    let mut change = edit(cast.room, &[photos[2], photos[5]]);
    (change.pinned, change.tags) = (Some(true), Some(vec!["best".into()]));
    cast.done(cast.editor, PhotoChange::Edit(change)).await;
    let pages = async |list: PhotoList| {
        let (mut all, mut list) = (Vec::new(), list);
        loop {
            let page = cast.world.store.photo_list(cast.guest, list.clone()).await.unwrap();
            assert!(page.items.len() <= 3);
            all.extend(page.items.iter().map(|photo| photo.photo));
            list.cursor = page.cursor;
            if list.cursor.is_none() {
                return all;
            }
        }
    };
    let expect = |order: &[usize]| order.iter().map(|place| photos[*place]).collect::<Vec<_>>();
    let list = |newest_first| PhotoList { newest_first, limit: Some(3), ..list_of(cast.room) };
    assert_eq!(pages(list(false)).await, expect(&[2, 5, 0, 1, 3, 4, 6]));
    assert_eq!(pages(list(true)).await, expect(&[5, 2, 6, 4, 3, 1, 0]));
    let tagged = PhotoList { tag: Some("best".into()), ..list(false) };
    assert_eq!(pages(tagged).await, expect(&[2, 5]));
    set_state(&cast, photos[1], PhotoState::Hidden).await;
    assert_eq!(pages(list(false)).await, expect(&[2, 5, 0, 3, 4, 6]));
    let hidden = PhotoList { state: Some(PhotoState::Hidden), ..list_of(cast.room) };
    let found = cast.world.store.photo_list(cast.photographer.into(), hidden).await.unwrap();
    assert_eq!(found.items[0].photo, photos[1]);
    let wrong = PhotoList { cursor: Some("x".into()), ..list(false) };
    let refusal = refused(cast.world.store.photo_list(cast.guest, wrong).await);
    assert_eq!(refusal.code, ErrorCode::BadRequest);
    // Somebody's own invention, of the right length: it must not become a long search.
    let far = [0x80_u8, 0, 0, 0].into_iter().chain([0; 28]);
    let far = base64::Engine::encode(
        &base64::engine::general_purpose::URL_SAFE_NO_PAD,
        far.collect::<Vec<u8>>(),
    );
    let far = PhotoList { cursor: Some(far), ..list(false) };
    let refusal = refused(cast.world.store.photo_list(cast.guest, far).await);
    assert_eq!(refusal.code, ErrorCode::BadRequest);
}

pub(in super::super) async fn photos_are_liked(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let (store, one, two) = (&cast.world.store, cast.add(1).await, cast.add(2).await);
    set_state(&cast, two, PhotoState::Hidden).await;
    let both = [one, two, photo_id()];
    let marked = store.mark_photos(cast.guest, mark(&cast, &both, None, true)).await.unwrap();
    assert_eq!(marked.log, Some(cast.room));
    let counts: Vec<_> = marked.counts.iter().map(|count| (count.photo, count.likes)).collect();
    assert_eq!(counts, [(one, 1)], "the other is not his to see");
    let again = store.mark_photos(cast.guest, mark(&cast, &both, None, true)).await.unwrap();
    assert_eq!(again.counts, []);
    let by_editor = mark(&cast, &both, None, true);
    let marked = store.mark_photos(cast.editor.into(), by_editor).await.unwrap();
    assert_eq!(marked.counts.len(), 2);
    let [seen] = &cast.listed(cast.guest).await[..] else { panic!() };
    assert_eq!((seen.likes, seen.liked, seen.selected), (Some(2), true, None));
    let off = mark(&cast, &[one], None, false);
    let marked = store.mark_photos(cast.guest, off).await.unwrap();
    assert_eq!(marked.counts[0].likes, 1);
    assert!(!cast.listed(cast.guest).await[0].liked);

    let guest = Permissions { like: false, select: false, ..Permissions::default() };
    let permissions = Some(PermissionsByRole { guest, ..PermissionsByRole::default() });
    let settings = SessionSettings { permissions, ..SessionSettings::default() };
    let change = PhotoChange::Update { update: update(cast.room, settings), code: None };
    cast.done(cast.owner, change).await;
    for list in [None, Some("x")] {
        let refusal = refused(store.mark_photos(cast.guest, mark(&cast, &[one], list, true)).await);
        assert_eq!(refusal.code, ErrorCode::Forbidden);
    }
}

pub(in super::super) async fn photos_are_selected(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let (store, one, two) = (&cast.world.store, cast.add(1).await, cast.add(2).await);
    let select = async |who: Visitor, photos: &[PhotoId], list, on| {
        store.mark_photos(who, mark(&cast, photos, Some(list), on)).await.unwrap()
    };
    let marked = select(cast.guest, &[one, two], FAVOURITES, true).await;
    let told = marked.selection.unwrap();
    assert_eq!((told.user, told.list.as_str(), told.count), (cast.guest.user.id, FAVOURITES, 2));
    assert_eq!(marked.staff.len(), 3);
    let again = select(cast.guest, &[one, two], FAVOURITES, true).await;
    assert_eq!((again.staff.len(), again.selection.unwrap().count), (0, 2));
    cast.world.clock.advance(10);
    select(cast.guest, &[one], "album", true).await;
    select(cast.client.into(), &[one], "album", true).await;
    let selected = async || {
        let photos = cast.listed(cast.photographer).await;
        photos.iter().map(|photo| photo.selected.unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(selected().await, [2, 1], "by how many, not in how many lists");
    let [first, _] = &cast.listed(cast.guest).await[..] else { panic!() };
    assert_eq!(first.lists, ["album", FAVOURITES]);
    let mine = PhotoList { list: Some("album".into()), ..list_of(cast.room) };
    let found = store.photo_list(cast.guest, mine).await.unwrap();
    assert_eq!(found.items.len(), 1);

    let lists = async |who: Visitor| {
        let found = store.selections(who, cast.room.id).await.unwrap().items;
        found.iter().map(|item| (item.user.id, item.list.clone(), item.count)).collect::<Vec<_>>()
    };
    let guest = cast.guest.user.id;
    assert_eq!(
        lists(cast.guest).await,
        [(guest, "album".to_owned(), 1), (guest, FAVOURITES.to_owned(), 2)]
    );
    assert_eq!(lists(cast.photographer.into()).await.len(), 3);
    set_state(&cast, two, PhotoState::Hidden).await;
    assert_eq!(lists(cast.guest).await[1].2, 1, "not those that are hidden now");
    select(cast.guest, &[one], "album", false).await;
    assert_eq!(selected().await, [2, 1]);
    select(cast.guest, &[one], FAVOURITES, false).await;
    assert_eq!(selected().await, [1, 1]);

    for number in 0..LISTS_PER_USER_MAX {
        let more = mark(&cast, &[one], Some(&number.to_string()), true);
        store.mark_photos(cast.guest, more).await.unwrap();
    }
    let refusal =
        refused(store.mark_photos(cast.guest, mark(&cast, &[one], Some("x"), true)).await);
    assert_eq!(refusal.code, ErrorCode::LimitReached);
    select(cast.guest, &[one], FAVOURITES, true).await;
    select(cast.guest, &[one], "0", true).await;
}

pub(in super::super) async fn selections_are_exported(world: World) {
    let cast = Cast::new(world, SessionSettings::default()).await;
    let (store, one, two) = (&cast.world.store, cast.add(1).await, cast.add(2).await);
    let all = mark(&cast, &[two, one], Some(FAVOURITES), true);
    store.mark_photos(cast.guest, all).await.unwrap();
    let export =
        |user, format| PhotoSelectionExport { session: cast.room.id, user, list: None, format };
    let mine = export(None, ExportFormat::Lightroom);
    let text = store.export_selection(cast.guest, mine).await.unwrap();
    assert_eq!((text.text.as_str(), text.count), ("DSC_1, DSC_2", 2));
    assert_eq!(text.name, "wedding - favourites.txt");
    let his = export(Some(cast.guest.user.id), ExportFormat::Csv);
    let csv = store.export_selection(cast.photographer.into(), his.clone()).await.unwrap();
    assert_eq!((csv.text.lines().count(), csv.count), (3, 2));
    let refusal = refused(store.export_selection(cast.client.into(), his).await);
    assert_eq!(refusal.code, ErrorCode::Forbidden);
    set_state(&cast, one, PhotoState::Hidden).await;
    let mine = export(None, ExportFormat::Finder);
    assert_eq!(store.export_selection(cast.guest, mine).await.unwrap().text, "DSC_2");
}

pub(in super::super) async fn downloads_have_what_is_there_now(world: World) {
    let settings =
        SessionSettings { permissions: Some(all_permitted()), ..SessionSettings::default() };
    let cast = Cast::new(world, settings).await;
    let (store, one, two) = (&cast.world.store, cast.add(1).await, cast.add(2).await);
    let wanted = |photos: Option<&[PhotoId]>, original| PhotoDownload {
        session: cast.room.id,
        photos: photos.map(<[PhotoId]>::to_vec),
        list: None,
        original,
    };
    let begin = async |who: Visitor, wanted| {
        let name = cid();
        store.begin_download(who, wanted, name).await.map(|download| (name, download))
    };
    let nothing = refused(begin(cast.guest, wanted(None, false)).await);
    assert_eq!(nothing.code, ErrorCode::NotFound, "there are no variants yet");
    let (name, begun) = begin(cast.guest, wanted(None, true)).await.unwrap();
    assert_eq!((begun.title.as_str(), begun.files.len(), begun.original), ("wedding", 2, true));
    set_state(&cast, one, PhotoState::Hidden).await;
    let files = async |name| {
        let download = store.download(name).await.unwrap();
        download.map(|download| download.files.iter().map(|file| file.photo).collect::<Vec<_>>())
    };
    assert_eq!(files(name).await, Some(vec![two]));
    assert_eq!(files(cid()).await, None);
    let hidden = begin(cast.guest, wanted(Some(&[one]), true)).await;
    assert_eq!(refused(hidden).code, ErrorCode::NotFound);
    let (of_staff, _) = begin(cast.editor.into(), wanted(Some(&[one]), true)).await.unwrap();
    assert_eq!(files(of_staff).await, Some(vec![one]));
    store.count_downloads(vec![two, two]).await.unwrap();
    let view = store.session(cast.owner.into(), cast.room.id).await.unwrap();
    assert_eq!(view.info.settings.unwrap().downloads, 4);
    let info = salon_protocol::request::OnePhoto { session: cast.room.id, photo: two };
    assert_eq!(store.photo(cast.owner.into(), info).await.unwrap().downloads, Some(3));

    let list = PhotoDownload { list: Some("x".into()), ..wanted(None, true) };
    assert_eq!(refused(begin(cast.guest, list.clone()).await).code, ErrorCode::NotFound);
    store.mark_photos(cast.guest, mark(&cast, &[two], Some("x"), true)).await.unwrap();
    assert_eq!(begin(cast.guest, list).await.unwrap().1.files.len(), 1);

    cast.world.clock.advance(MEDIA_LIFE_MS);
    assert_eq!(files(name).await, None, "its time is over");
    let (name, _) = begin(cast.guest, wanted(None, true)).await.unwrap();
    let guest = Permissions { download: Download::Preview, ..Permissions::default() };
    let permissions = Some(PermissionsByRole { guest, ..PermissionsByRole::default() });
    let settings = SessionSettings { permissions, ..SessionSettings::default() };
    let change = PhotoChange::Update { update: update(cast.room, settings), code: None };
    cast.done(cast.owner, change).await;
    assert_eq!(files(name).await, None, "he may no longer");
    assert_eq!(refused(begin(cast.guest, wanted(None, true)).await).code, ErrorCode::Forbidden);
    let processed = PhotoChange::Processed { photo: two, variants: vec![400], failed: None };
    cast.done(cast.photographer, processed).await;
    assert_eq!(begin(cast.guest, wanted(None, false)).await.unwrap().1.files.len(), 1);
}
