//! Pictures, by signed addresses.

use actix_web::body::SizedStream;
use actix_web::http::header::{self, HeaderName};
use actix_web::http::{Method, StatusCode};
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use salon_protocol::{ErrorCode, Millis, PhotoId};
use salon_storage::contract::{BlobError, Pieces};
use serde::Deserialize;

use crate::delivery::{
    Delivery, Part, Wanted, blob_error, disposition, is_known, missing, part, wanted,
};
use crate::error::{ApiError, ApiResult};
use crate::extract::Onlooker;
use crate::state::AppState;

/// What is behind the question mark.
#[derive(Debug, Deserialize)]
struct Signed {
    e: String,
    s: String,
    /// `1`: to be saved.
    download: Option<String>,
}

pub(crate) async fn get(
    state: Data<AppState>,
    _: Onlooker,
    request: HttpRequest,
    path: Path<(String, String)>,
) -> ApiResult<HttpResponse> {
    let (photo, variant) = path.into_inner();
    deliver(&state.delivery, &request, &photo, &variant, state.node.now()).await
}

/// The answer to a request for a variant of a photo.
async fn deliver(
    delivery: &Delivery,
    request: &HttpRequest,
    photo: &str,
    variant: &str,
    now: Millis,
) -> ApiResult<HttpResponse> {
    let photo = PhotoId::parse(photo).ok_or_else(missing)?;
    let file = delivery.files.photo_file(photo).await?.ok_or_else(missing)?;
    let unsigned =
        || ApiError::new(ErrorCode::Forbidden, "this address is not good, or not any more");
    let signed = Query::<Signed>::from_query(request.query_string()).map_err(|_| unsigned())?;
    let signature = (signed.e.as_str(), signed.s.as_str());
    let scope = delivery.keys.check_media(file.session, file.media_version, signature, now);
    let scope = scope.ok_or_else(unsigned)?;
    let wanted = wanted(&file, scope, variant, signed.download.as_deref() == Some("1"))?;
    let expires_at = signed.e.parse().unwrap_or(0_i64).saturating_mul(1_000);
    let picture = Picture {
        delivery,
        photo,
        tag: format!("\"{photo}-{}\"", wanted.variant),
        wanted,
        seconds: (expires_at - now).max(0) / 1_000,
    };
    picture.answer(request).await
}

/// A picture that its asker may have.
struct Picture<'a> {
    delivery: &'a Delivery,
    photo: PhotoId,
    wanted: Wanted,
    tag: String,
    /// How long the address is good.
    seconds: Millis,
}

impl Picture<'_> {
    async fn answer(&self, request: &HttpRequest) -> ApiResult<HttpResponse> {
        let asked = |name: HeaderName| request.headers().get(name)?.to_str().ok();
        if is_known(asked(header::IF_NONE_MATCH), &self.tag) {
            return Ok(self.begin(StatusCode::NOT_MODIFIED).finish());
        }
        if self.wanted.is_stripped {
            self.delivery.strip(self.photo).await?;
        }
        let (blob, variant) = (self.photo.blob(), self.wanted.variant.as_str());
        let is_head = request.method() == Method::HEAD;
        let range = asked(header::RANGE).filter(|_| !is_head);
        if !is_head && range.is_none() {
            let reading = self.delivery.blobs.stream(blob, variant, 0..u64::MAX).await;
            let reading = reading.map_err(blob_error)?;
            return Ok(self.whole(reading.size, reading.pieces));
        }
        let size = self.delivery.blobs.size(blob, variant).await.map_err(blob_error)?;
        if is_head {
            let body = SizedStream::new(size, stream::empty::<Result<_, BlobError>>());
            return Ok(self.begin(StatusCode::OK).body(body));
        }
        match part(range, asked(header::IF_RANGE), &self.tag, size) {
            Part::Nothing => {
                let mut answer = self.begin(StatusCode::RANGE_NOT_SATISFIABLE);
                answer.insert_header((header::CONTENT_RANGE, format!("bytes */{size}")));
                answer.insert_header((header::CACHE_CONTROL, "no-store"));
                Ok(answer.finish())
            }
            Part::Whole => {
                let reading = self.delivery.blobs.stream(blob, variant, 0..u64::MAX).await;
                let reading = reading.map_err(blob_error)?;
                Ok(self.whole(reading.size, reading.pieces))
            }
            Part::Of(range) => {
                let reading = self.delivery.blobs.stream(blob, variant, range.clone()).await;
                let reading = reading.map_err(blob_error)?;
                let mut answer = self.begin(StatusCode::PARTIAL_CONTENT);
                let (first, last) = (range.start, range.end - 1);
                let told = format!("bytes {first}-{last}/{size}");
                answer.insert_header((header::CONTENT_RANGE, told));
                Ok(answer.body(SizedStream::new(range.end - range.start, reading.pieces)))
            }
        }
    }

    fn whole(&self, size: u64, pieces: Pieces) -> HttpResponse {
        let pieces = if self.wanted.attachment { self.counted(size, pieces) } else { pieces };
        self.begin(StatusCode::OK).body(SizedStream::new(size, pieces))
    }

    /// A download counts when its last piece has gone out.
    fn counted(&self, size: u64, pieces: Pieces) -> Pieces {
        let (delivery, photo, mut left) = (self.delivery.clone(), self.photo, size);
        pieces
            .inspect_ok(move |piece| {
                left = left.saturating_sub(piece.len() as u64);
                if left == 0 {
                    delivery.count(photo);
                }
            })
            .boxed()
    }

    fn begin(&self, status: StatusCode) -> HttpResponseBuilder {
        let mut answer = HttpResponse::build(status);
        let kept = format!("private, max-age={}, immutable", self.seconds);
        let name = disposition(self.wanted.attachment, &self.wanted.name);
        answer
            .insert_header((header::ETAG, self.tag.as_str()))
            .insert_header((header::CACHE_CONTROL, kept))
            .insert_header((header::ACCEPT_RANGES, "bytes"))
            .insert_header((header::CONTENT_DISPOSITION, name))
            // Should a browser show it as a page, it is one that can do nothing.
            .insert_header((header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'"));
        if status != StatusCode::NOT_MODIFIED {
            answer.insert_header((header::CONTENT_TYPE, self.wanted.content_type));
        }
        answer
    }
}

#[cfg(test)]
mod tests {
    use actix_web::body::to_bytes;
    use actix_web::test::TestRequest;
    use salon_actors::MediaScope;
    use salon_protocol::photo::PhotoState;
    use salon_storage::model::PhotoFile;

    use super::*;
    use crate::delivery::fake::{House, NOW, PNG, file};

    const BYTES: &[u8] = b"0123456789";

    struct Got {
        status: u16,
        headers: header::HeaderMap,
        body: Vec<u8>,
    }

    impl Got {
        fn header(&self, name: HeaderName) -> &str {
            self.headers.get(name).map_or("", |value| value.to_str().unwrap())
        }
    }

    async fn ask(house: &House, file: &PhotoFile, rest: &str, request: TestRequest) -> Got {
        let (variant, query) = rest.split_once('?').unwrap_or((rest, ""));
        let request = request.uri(&format!("/blobs/x/{variant}?{query}")).to_http_request();
        let photo = file.photo.to_string();
        let answer = deliver(&house.delivery, &request, &photo, variant, NOW).await;
        let answer =
            answer.unwrap_or_else(|error| actix_web::ResponseError::error_response(&error));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        let body = to_bytes(answer.into_body()).await.unwrap_or_default().to_vec();
        Got { status, headers, body }
    }

    async fn get(house: &House, file: &PhotoFile, rest: &str) -> Got {
        ask(house, file, rest, TestRequest::get()).await
    }

    #[actix_rt::test]
    async fn a_variant_comes_with_what_browsers_must_know() {
        let (house, file) = (House::new(), file("IMG 1.PNG", PhotoState::Live));
        house.add(&file, BYTES).await;
        let query = house.query(&file, MediaScope::Preview);
        let got = get(&house, &file, &format!("400?{query}")).await;
        assert_eq!((got.status, got.body.as_slice()), (200, BYTES));
        assert_eq!(got.header(header::CONTENT_TYPE), "image/jpeg");
        assert_eq!(got.header(header::ETAG), format!("\"{}-400\"", file.photo));
        assert!(
            got.header(header::CONTENT_DISPOSITION).starts_with("inline; filename=\"IMG 1.jpg\"")
        );
        assert!(got.header(header::CONTENT_SECURITY_POLICY).starts_with("sandbox"));
        let kept = got.header(header::CACHE_CONTROL);
        let seconds = kept.strip_prefix("private, max-age=").unwrap();
        let seconds: i64 = seconds.strip_suffix(", immutable").unwrap().parse().unwrap();
        assert!((1..=600).contains(&seconds), "{kept}");
        assert!(house.files.counted.lock().unwrap().is_empty());
        let saved = get(&house, &file, &format!("400?{query}&download=1")).await;
        assert!(saved.header(header::CONTENT_DISPOSITION).starts_with("attachment; "));
        tokio::task::yield_now().await;
        assert_eq!(*house.files.counted.lock().unwrap(), [file.photo]);
    }

    #[actix_rt::test]
    async fn parts_and_copies() {
        let (house, file) = (House::new(), file("a.jpg", PhotoState::Live));
        house.add(&file, BYTES).await;
        let rest = format!("400?{}", house.query(&file, MediaScope::Preview));
        let with = |name: HeaderName, value: &str| TestRequest::get().insert_header((name, value));
        let part = ask(&house, &file, &rest, with(header::RANGE, "bytes=2-4")).await;
        assert_eq!((part.status, part.body.as_slice()), (206, &b"234"[..]));
        assert_eq!(part.header(header::CONTENT_RANGE), "bytes 2-4/10");
        let behind = ask(&house, &file, &rest, with(header::RANGE, "bytes=10-")).await;
        assert_eq!((behind.status, behind.header(header::CONTENT_RANGE)), (416, "bytes */10"));
        let tag = part.header(header::ETAG).to_owned();
        let known = ask(&house, &file, &rest, with(header::IF_NONE_MATCH, &tag)).await;
        assert_eq!((known.status, known.body.len()), (304, 0));
        assert_eq!(known.header(header::ETAG), tag);
        let other = with(header::RANGE, "bytes=2-4").insert_header((header::IF_RANGE, "\"x\""));
        assert_eq!(ask(&house, &file, &rest, other).await.status, 200);
        // A part is no download.
        let saved = with(header::RANGE, "bytes=0-4");
        let got = ask(&house, &file, &format!("{rest}&download=1"), saved).await;
        tokio::task::yield_now().await;
        assert!(got.status == 206 && house.files.counted.lock().unwrap().is_empty());
    }

    #[actix_rt::test]
    async fn viewers_get_originals_without_metadata_and_the_staff_as_they_are() {
        let (house, file) = (House::new(), file("a.png", PhotoState::Live));
        house.add(&file, BYTES).await;
        let rest = |scope| format!("original?{}", house.query(&file, scope));
        let bare = get(&house, &file, &rest(MediaScope::Original)).await;
        assert_eq!((bare.status, bare.header(header::CONTENT_TYPE)), (200, "image/png"));
        assert_eq!(bare.body, salon_actors::strip_picture(PNG).unwrap());
        let whole = get(&house, &file, &rest(MediaScope::Staff)).await;
        assert_eq!(whole.body, PNG);
        assert_ne!(whole.header(header::ETAG), bare.header(header::ETAG));
        assert_eq!(
            house.delivery.blobs.size(file.photo.blob(), "stripped").await.unwrap(),
            bare.body.len() as u64
        );
        tokio::task::yield_now().await;
        assert_eq!(house.files.counted.lock().unwrap().len(), 2);
        assert_eq!(get(&house, &file, &rest(MediaScope::Preview)).await.status, 403);
    }

    #[actix_rt::test]
    async fn nothing_is_opened_by_what_was_good_once() {
        let (house, mut file) = (House::new(), file("a.jpg", PhotoState::Live));
        house.add(&file, BYTES).await;
        let rest = format!("400?{}", house.query(&file, MediaScope::Original));
        let tag = format!("\"{}-400\"", file.photo);
        assert_eq!(get(&house, &file, &rest).await.status, 200);
        for wrong in ["400", "400?e=1&s=v.x", "400?e=&s=", "400?s=v.x"] {
            let got = get(&house, &file, wrong).await;
            assert_eq!(got.status, 403, "{wrong}");
            assert!(String::from_utf8(got.body).unwrap().contains("\"forbidden\""));
        }
        // Taken back: also for whoever has a copy.
        for (state, status) in
            [(Some(PhotoState::Hidden), 410), (Some(PhotoState::Pending), 404), (None, 410)]
        {
            file.state = state;
            house.set(&file);
            let known = TestRequest::get().insert_header((header::IF_NONE_MATCH, tag.as_str()));
            assert_eq!(ask(&house, &file, &rest, known).await.status, status);
        }
        file.state = Some(PhotoState::Live);
        file.media_version += 1;
        house.set(&file);
        assert_eq!(get(&house, &file, &rest).await.status, 403);
        let nobodys = PhotoFile { photo: PhotoId::new(uuid::Uuid::now_v7()), ..file };
        assert_eq!(get(&house, &nobodys, &rest).await.status, 404);
    }

    /// Over a connection, because what HEAD sends is decided there.
    #[actix_rt::test]
    async fn head_tells_the_size_and_sends_nothing() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

        let (house, file) = (House::new(), file("a.jpg", PhotoState::Live));
        house.add(&file, BYTES).await;
        let (delivery, photo) = (house.delivery.clone(), file.photo.to_string());
        let server = actix_web::HttpServer::new(move || {
            let (delivery, photo) = (delivery.clone(), photo.clone());
            let answer = move |request: HttpRequest| {
                let (delivery, photo) = (delivery.clone(), photo.clone());
                async move { deliver(&delivery, &request, &photo, "400", NOW).await }
            };
            actix_web::App::new().default_service(actix_web::web::to(answer))
        });
        let server = server.workers(1).disable_signals().bind(("127.0.0.1", 0)).unwrap();
        let address = server.addrs()[0];
        let server = server.run();
        let handle = server.handle();
        actix_rt::spawn(server);
        let query = house.query(&file, MediaScope::View);
        for (method, body) in [("HEAD", ""), ("GET", "0123456789")] {
            let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
            let request =
                format!("{method} /?{query} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut text = String::new();
            stream.read_to_string(&mut text).await.unwrap();
            let (head, sent) = text.split_once("\r\n\r\n").unwrap();
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            assert!(head.contains("content-length: 10\r\n"), "{text}");
            assert_eq!(sent, body, "{method}");
        }
        handle.stop(false).await;
    }

    /// What one picture costs without its socket and its store: to be run by hand, with `--nocapture`.
    #[actix_rt::test]
    #[ignore = "a measurement"]
    async fn cost_of_a_small_variant() {
        const COUNT: u32 = 20_000;
        static PICTURE: [u8; 40_000] = [7; 40_000];
        let ticks = || -> u64 {
            let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
            let words: Vec<_> = stat.rsplit(')').next().unwrap().split(' ').collect();
            words[12].parse::<u64>().unwrap() + words[13].parse::<u64>().unwrap()
        };
        let (house, file) = (House::new(), file("a.jpg", PhotoState::Live));
        house.add(&file, &PICTURE).await;
        let rest = format!("400?{}", house.query(&file, MediaScope::View));
        let before = ticks();
        for _ in 0..COUNT {
            assert_eq!(get(&house, &file, &rest).await.body.len(), PICTURE.len());
        }
        let cost_us = (ticks() - before) * 10_000 / u64::from(COUNT);
        println!("{cost_us} µs of processor time each");
    }
}
