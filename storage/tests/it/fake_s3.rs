//! A bucket on a port of this machine: the little of S3 that the store uses.
//!
//! Owns      the objects, and what was asked for. Does not check signatures, but that there are some.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

#[derive(Debug, Default)]
struct Bucket {
    objects: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<usize, Vec<u8>>,
    /// Methods and what is behind the question mark.
    asked: Vec<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct FakeS3 {
    bucket: Arc<Mutex<Bucket>>,
    pub(crate) endpoint: String,
}

struct Request {
    method: String,
    key: String,
    query: String,
    range: Option<(usize, usize)>,
    body: Vec<u8>,
}

type Answer = (u16, Vec<(&'static str, String)>, Vec<u8>);

impl FakeS3 {
    pub(crate) async fn start() -> FakeS3 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let fake = FakeS3 { bucket: Arc::default(), endpoint };
        let serving = fake.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let fake = serving.clone();
                tokio::spawn(async move { fake.connection(stream).await });
            }
        });
        fake
    }

    pub(crate) fn keys(&self) -> Vec<String> {
        self.bucket.lock().unwrap().objects.keys().cloned().collect()
    }

    pub(crate) fn asked(&self, what: &str) -> usize {
        self.bucket.lock().unwrap().asked.iter().filter(|asked| asked.starts_with(what)).count()
    }

    async fn connection(&self, stream: TcpStream) {
        let mut stream = BufReader::new(stream);
        while let Some(request) = read(&mut stream).await {
            let head = request.method == "HEAD";
            let (status, headers, body) = self.answer(request);
            let mut text = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\n", body.len());
            for (name, value) in headers {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("\r\n");
            let mut bytes = text.into_bytes();
            if !head {
                bytes.extend(body);
            }
            if stream.write_all(&bytes).await.is_err() {
                return;
            }
        }
    }

    fn answer(&self, request: Request) -> Answer {
        let mut bucket = self.bucket.lock().unwrap();
        let Request { method, key, query, range, body } = request;
        bucket.asked.push(format!("{method} {}", query.split(['=', '&']).next().unwrap()));
        let tag = || vec![("etag", "\"x\"".to_owned())];
        let xml = |text: &str| (200, vec![], text.as_bytes().to_vec());
        match (method.as_str(), query.split(['=', '&']).next().unwrap()) {
            ("PUT", "") => {
                bucket.objects.insert(key, body);
                (200, tag(), vec![])
            }
            ("POST", "uploads") => {
                bucket.parts.clear();
                xml("<InitiateMultipartUploadResult><UploadId>one</UploadId>\
                     </InitiateMultipartUploadResult>")
            }
            ("PUT", _) => {
                let number = query.split("partNumber=").nth(1).unwrap();
                let number = number.split('&').next().unwrap().parse().unwrap();
                bucket.parts.insert(number, body);
                (200, tag(), vec![])
            }
            ("POST", "uploadId") => {
                let whole = std::mem::take(&mut bucket.parts).into_values().flatten().collect();
                bucket.objects.insert(key, whole);
                xml("<CompleteMultipartUploadResult><ETag>x</ETag>\
                     </CompleteMultipartUploadResult>")
            }
            ("POST", "delete") => {
                let text = String::from_utf8(body).unwrap();
                let mut told = String::new();
                for key in text.split("<Key>").skip(1) {
                    let key = key.split('<').next().unwrap();
                    bucket.objects.remove(key);
                    told.push_str(&format!("<Deleted><Key>{key}</Key></Deleted>"));
                }
                xml(&format!("<DeleteResult>{told}</DeleteResult>"))
            }
            ("DELETE", "") => {
                bucket.objects.remove(&key);
                (204, vec![], vec![])
            }
            ("GET", text) if text.contains("list-type") || query.contains("list-type") => {
                let prefix = query.split("prefix=").nth(1).unwrap().split('&').next().unwrap();
                let prefix = prefix.replace("%2F", "/");
                let found = bucket.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
                let items: String = found
                    .map(|(key, bytes)| {
                        format!(
                            "<Contents><Key>{key}</Key><Size>{}</Size><ETag>x</ETag>\
                             <LastModified>2026-01-01T00:00:00.000Z</LastModified></Contents>",
                            bytes.len()
                        )
                    })
                    .collect();
                xml(&format!("<ListBucketResult>{items}</ListBucketResult>"))
            }
            ("GET" | "HEAD", _) => found(bucket.objects.get(&key), range),
            _ => (400, vec![], vec![]),
        }
    }
}

fn found(object: Option<&Vec<u8>>, range: Option<(usize, usize)>) -> Answer {
    let Some(object) = object else { return (404, vec![], vec![]) };
    let mut headers = vec![
        ("etag", "\"x\"".to_owned()),
        ("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT".to_owned()),
    ];
    match range {
        None => (200, headers, object.clone()),
        Some((start, end)) if start < object.len() => {
            let end = end.min(object.len() - 1);
            headers.push(("content-range", format!("bytes {start}-{end}/{}", object.len())));
            (206, headers, object[start..=end].to_vec())
        }
        Some(_) => (416, vec![], vec![]),
    }
}

async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut line = String::new();
    if stream.read_line(&mut line).await.ok()? == 0 {
        return None;
    }
    let mut words = line.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let (mut length, mut range, mut signed) = (0, None, false);
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let line = line.trim_end().to_owned();
        let Some((name, value)) = line.split_once(": ") else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => signed = value.starts_with("AWS4-HMAC-SHA256 Credential=test/"),
            "range" => {
                let (start, end) = value.strip_prefix("bytes=")?.split_once('-')?;
                range = Some((start.parse().ok()?, end.parse().ok()?));
            }
            _ => {}
        }
    }
    assert!(signed, "{method} {target} was not signed");
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let key = path.strip_prefix("/pictures").unwrap().trim_start_matches('/').to_owned();
    Some(Request { method, key, query: query.to_owned(), range, body })
}
