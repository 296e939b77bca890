//! ZIPs, under the random names that `photo_download` gives.

use actix_web::HttpResponse;
use actix_web::http::header;
use actix_web::web::{Data, Path};
use salon_protocol::{Cid, ErrorCode};

use crate::delivery::{Delivery, disposition, file_name};
use crate::error::{ApiError, ApiResult};
use crate::extract::Client;
use crate::state::AppState;

pub(crate) async fn get(
    state: Data<AppState>,
    _: Client,
    name: Path<String>,
) -> ApiResult<HttpResponse> {
    deliver(&state.delivery, &name).await
}

async fn deliver(delivery: &Delivery, name: &str) -> ApiResult<HttpResponse> {
    let missing =
        || ApiError::new(ErrorCode::NotFound, "there is no such download, or not any more");
    let name = name.strip_suffix(".zip").and_then(Cid::parse).ok_or_else(missing)?;
    // Before the store is asked, which counts it.
    let place = delivery.zip_place()?;
    let download = delivery.files.download(name).await?.ok_or_else(missing)?;
    let title = format!("{}.zip", file_name(&download.title));
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/zip"))
        .insert_header((header::CONTENT_DISPOSITION, disposition(true, &title)))
        .insert_header((header::ACCEPT_RANGES, "none"))
        .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"))
        .streaming(delivery.zip(download, place)))
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use salon_protocol::photo::PhotoState;
    use salon_storage::model::{Download, PhotoFile};
    use uuid::Uuid;

    use super::*;
    use crate::delivery::fake::{House, PNG, file};

    /// Names and bytes of the files in a ZIP, read from its list.
    fn read(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
        let u16_at = |place: usize| usize::from(u16::from_le_bytes([zip[place], zip[place + 1]]));
        let u32_at = |place: usize| u32::from_le_bytes(zip[place..place + 4].try_into().unwrap());
        let end = zip.len() - 22;
        assert_eq!(u32_at(end), 0x0605_4b50);
        let mut place = u32_at(end + 16) as usize;
        let entry = |_| {
            assert_eq!(u32_at(place), 0x0201_4b50);
            let (sum, size) = (u32_at(place + 16), u32_at(place + 24) as usize);
            let (name, extra) = (u16_at(place + 28), u16_at(place + 30));
            let local = u32_at(place + 42) as usize;
            let text = String::from_utf8(zip[place + 46..place + 46 + name].to_vec()).unwrap();
            place += 46 + name + extra;
            assert_eq!(u32_at(local), 0x0403_4b50);
            let start = local + 30 + u16_at(local + 26) + u16_at(local + 28);
            let bytes = zip[start..start + size].to_vec();
            assert_eq!(crc32fast::hash(&bytes), sum);
            (text, bytes)
        };
        (0..u16_at(end + 10)).map(entry).collect()
    }

    async fn zip(house: &House, files: Vec<PhotoFile>, original: bool) -> Vec<u8> {
        let name = Cid::new(Uuid::now_v7());
        let download = Download { title: "Ann & Bob".into(), original, files };
        house.files.downloads.lock().unwrap().insert(name, download);
        let answer = deliver(&house.delivery, &format!("{name}.zip")).await.unwrap();
        let shown = answer.headers().get(header::CONTENT_DISPOSITION).unwrap().to_str().unwrap();
        assert!(shown.starts_with("attachment; filename=\"Ann & Bob.zip\""), "{shown}");
        to_bytes(answer.into_body()).await.unwrap().to_vec()
    }

    #[actix_rt::test]
    async fn a_zip_has_what_is_there_when_its_turn_comes() {
        let house = House::new();
        let [one, two, three] =
            ["a.jpg", "A.JPG", "婚礼.png"].map(|name| file(name, PhotoState::Live));
        for (file, bytes) in [(&one, &b"one"[..]), (&two, b"two"), (&three, b"three")] {
            house.add(file, bytes).await;
        }
        let all = vec![one.clone(), two.clone(), three.clone()];
        let found = read(&zip(&house, all.clone(), false).await);
        let expected = [("a.jpg", &b"one"[..]), ("A (2).jpg", b"two"), ("婚礼.jpg", b"three")];
        assert_eq!(found, expected.map(|(name, bytes)| (name.to_owned(), bytes.to_vec())));
        house.set(&PhotoFile { state: Some(PhotoState::Hidden), ..two.clone() });
        house.set(&PhotoFile { state: None, ..three.clone() });
        let found = read(&zip(&house, all, false).await);
        assert_eq!(found.len(), 1, "{found:?}");
    }

    #[actix_rt::test]
    async fn originals_are_stripped() {
        let (house, one) = (House::new(), file("a.png", PhotoState::Live));
        house.add(&one, b"one").await;
        let found = read(&zip(&house, vec![one], true).await);
        assert_eq!(found, [("a.png".to_owned(), salon_actors::strip_picture(PNG).unwrap())]);
        assert!(read(&zip(&house, Vec::new(), true).await).is_empty());
    }

    #[actix_rt::test]
    async fn what_fails_on_the_way_is_no_whole_file() {
        let (house, one) = (House::new(), file("a.jpg", PhotoState::Live));
        house.add(&one, b"one").await;
        let id = one.photo.to_string();
        let place = house.folder.path().join(&id[34..]).join(&id).join("2048");
        std::fs::remove_file(&place).unwrap();
        std::os::unix::fs::symlink(&place, &place).unwrap();
        let name = Cid::new(Uuid::now_v7());
        let download = Download { title: String::new(), original: false, files: vec![one] };
        house.files.downloads.lock().unwrap().insert(name, download);
        let answer = deliver(&house.delivery, &format!("{name}.zip")).await.unwrap();
        assert!(to_bytes(answer.into_body()).await.is_err());
    }

    #[actix_rt::test]
    async fn there_are_places_for_so_many() {
        let house = House::new();
        let places: Vec<_> = std::iter::from_fn(|| house.delivery.zip_place().ok()).collect();
        assert_eq!(places.len(), 16);
        let name = format!("{}.zip", Cid::new(Uuid::now_v7()));
        let error = deliver(&house.delivery, &name).await.unwrap_err();
        assert_eq!((error.0.code, error.retry_after_seconds()), (ErrorCode::Overloaded, Some(5)));
        drop(places);
        let error = deliver(&house.delivery, &name).await.unwrap_err();
        assert_eq!(error.0.code, ErrorCode::NotFound);
        for wrong in ["", "x.zip", &name[..36]] {
            let error = deliver(&house.delivery, wrong).await.unwrap_err();
            assert_eq!(error.0.code, ErrorCode::NotFound, "{wrong}");
        }
    }
}
