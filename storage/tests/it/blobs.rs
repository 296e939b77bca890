//! The contract of the blob store, on a local folder.

use bytes::Bytes;
use salon_protocol::BlobId;
use salon_storage::blob::ObjectBlobs;
use salon_storage::contract::{BlobError, Blobs};
use uuid::Uuid;

#[tokio::test]
async fn files_are_written_read_and_deleted() {
    let folder = tempfile::tempdir().unwrap();
    let blobs = ObjectBlobs::local(folder.path()).unwrap();
    let blob = BlobId::new(Uuid::now_v7());
    let missing = blobs.get(blob, "original", 0..10).await;
    assert!(matches!(missing, Err(BlobError::NotFound)), "{missing:?}");
    blobs.put(blob, "original", Bytes::from_static(b"0123456789")).await.unwrap();
    blobs.put(blob, "400", Bytes::from_static(b"small")).await.unwrap();
    assert_eq!(blobs.size(blob, "original").await.unwrap(), 10);
    assert_eq!(blobs.get(blob, "original", 2..5).await.unwrap(), "234");
    assert_eq!(blobs.get(blob, "original", 8..99).await.unwrap(), "89");
    assert_eq!(blobs.get(blob, "original", 10..20).await.unwrap(), "");
    blobs.put(blob, "400", Bytes::from_static(b"other")).await.unwrap();
    assert_eq!(blobs.get(blob, "400", 0..9).await.unwrap(), "other");
    // Another store on the same folder sees the same.
    let again = ObjectBlobs::local(folder.path()).unwrap();
    assert_eq!(again.size(blob, "original").await.unwrap(), 10);
    blobs.delete(blob).await.unwrap();
    blobs.delete(blob).await.unwrap();
    let gone = blobs.size(blob, "original").await;
    assert!(matches!(gone, Err(BlobError::NotFound)), "{gone:?}");
    blobs.probe().await.unwrap();
}
