//! The contract of the blob store: on a local folder, in memory, and on a bucket.

use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use salon_protocol::BlobId;
use salon_storage::blob::{ObjectBlobs, S3Config};
use salon_storage::contract::{BlobError, Blobs, PIECE_BYTES_MAX};
use uuid::Uuid;

use crate::fake_s3::FakeS3;

async fn read(blobs: &dyn Blobs, blob: BlobId, range: std::ops::Range<u64>) -> (u64, Vec<u8>) {
    let reading = blobs.stream(blob, "original", range).await.unwrap();
    let pieces: Vec<Bytes> = reading.pieces.try_collect().await.unwrap();
    assert!(pieces.iter().all(|piece| (1..=PIECE_BYTES_MAX).contains(&piece.len())));
    (reading.size, pieces.concat())
}

/// Bytes of which no two pieces are alike.
fn picture(length: usize) -> Vec<u8> {
    (0..length).map(|place| (place % 251) as u8).collect()
}

async fn files_are_written_read_and_deleted(blobs: &dyn Blobs) {
    let blob = BlobId::new(Uuid::now_v7());
    let missing = blobs.get(blob, "original", 0..10).await;
    assert!(matches!(missing, Err(BlobError::NotFound)), "{missing:?}");
    let missing = blobs.stream(blob, "original", 0..u64::MAX).await;
    assert!(matches!(missing, Err(BlobError::NotFound)), "{missing:?}");
    blobs.put(blob, "original", Bytes::from_static(b"0123456789")).await.unwrap();
    blobs.put(blob, "400", Bytes::from_static(b"small")).await.unwrap();
    assert_eq!(blobs.size(blob, "original").await.unwrap(), 10);
    assert_eq!(blobs.get(blob, "original", 2..5).await.unwrap(), "234");
    assert_eq!(blobs.get(blob, "original", 8..99).await.unwrap(), "89");
    assert_eq!(blobs.get(blob, "original", 10..20).await.unwrap(), "");
    assert_eq!(read(blobs, blob, 0..u64::MAX).await, (10, b"0123456789".to_vec()));
    assert_eq!(read(blobs, blob, 3..5).await, (10, b"34".to_vec()));
    assert_eq!(read(blobs, blob, 8..99).await, (10, b"89".to_vec()));
    assert_eq!(read(blobs, blob, 10..u64::MAX).await, (10, Vec::new()));
    blobs.put(blob, "400", Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(blobs.get(blob, "400", 0..9).await.unwrap(), "other");
    blobs.delete(blob).await.unwrap();
    blobs.delete(blob).await.unwrap();
    let gone = blobs.size(blob, "original").await;
    assert!(matches!(gone, Err(BlobError::NotFound)), "{gone:?}");
    blobs.probe().await.unwrap();
}

async fn finished_files_are_moved_in(blobs: &dyn Blobs, folder: &Path) {
    for length in [0, 7, 3 * PIECE_BYTES_MAX, 20_000_000] {
        let (blob, bytes) = (BlobId::new(Uuid::now_v7()), picture(length));
        let file = folder.join("upload");
        std::fs::write(&file, &bytes).unwrap();
        blobs.put_file(blob, "original", &file).await.unwrap();
        assert!(!file.exists());
        assert_eq!(blobs.size(blob, "original").await.unwrap(), length as u64);
        let (size, read_back) = read(blobs, blob, 0..u64::MAX).await;
        assert!(size == length as u64 && read_back == bytes);
        let middle = length / 3..length / 2;
        let (_, part) = read(blobs, blob, middle.start as u64..middle.end as u64).await;
        assert!(part == bytes[middle]);
        blobs.delete(blob).await.unwrap();
    }
    let missing = blobs.put_file(BlobId::new(Uuid::now_v7()), "original", &folder.join("no")).await;
    assert!(matches!(missing, Err(BlobError::NotFound)), "{missing:?}");
}

#[tokio::test]
async fn on_a_local_folder() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("blobs");
    let blobs = ObjectBlobs::local(&place).unwrap();
    files_are_written_read_and_deleted(&blobs).await;
    finished_files_are_moved_in(&blobs, folder.path()).await;
    // Another store on the same folder sees the same.
    let blob = BlobId::new(Uuid::now_v7());
    blobs.put(blob, "400", Bytes::from_static(b"small")).await.unwrap();
    let again = ObjectBlobs::local(&place).unwrap();
    assert_eq!(again.size(blob, "400").await.unwrap(), 5);
}

#[tokio::test]
async fn in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::in_memory();
    files_are_written_read_and_deleted(&blobs).await;
    finished_files_are_moved_in(&blobs, folder.path()).await;
}

#[tokio::test]
async fn on_a_bucket() {
    let (folder, fake) = (tempfile::tempdir().unwrap(), FakeS3::start().await);
    let config = S3Config {
        endpoint: Some(fake.endpoint.clone()),
        key: Some(("test".into(), "secret".into())),
        ..S3Config::of("s3://pictures/of/ours/").unwrap()
    };
    assert!(!format!("{config:?}").contains("secret"));
    let blobs = ObjectBlobs::s3(&config).unwrap();
    files_are_written_read_and_deleted(&blobs).await;
    finished_files_are_moved_in(&blobs, folder.path()).await;
    assert_eq!(fake.asked("POST uploads"), 1, "only the large one goes in parts");
    assert_eq!(fake.asked("PUT partNumber"), 3);
    assert_eq!(fake.keys(), Vec::<String>::new());
    blobs.put(BlobId::new(Uuid::now_v7()), "400", Bytes::from_static(b"x")).await.unwrap();
    assert!(fake.keys()[0].starts_with("of/ours/"), "{:?}", fake.keys());
}

#[test]
fn addresses_of_buckets() {
    let of = |address| S3Config::of(address).map(|config| (config.bucket, config.prefix));
    assert_eq!(of("s3://photos"), Some(("photos".into(), String::new())));
    assert_eq!(of("s3://photos/a/b/"), Some(("photos".into(), "a/b".into())));
    for wrong in ["", "photos", "s3://", "s3:///a", "https://photos", "s3://user@host/a"] {
        assert_eq!(of(wrong), None, "{wrong}");
    }
}
