//! S3, and what speaks like it: R2, MinIO.
//!
//! Owns      how a bucket is named and reached, and uploads of large files in parts.
//! Promises  a part at a time in memory; an upload that fails is given up, so that nobody pays for its parts.
//!           No time limit on a whole answer: a viewer may read a large original slowly. What is silent for
//!           [`SILENCE_MAX`] is broken.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use object_store::aws::AmazonS3Builder;
use object_store::path::Path as ObjectPath;
use object_store::prefix::PrefixStore;
use object_store::{ClientOptions, ObjectStore, ObjectStoreExt as _};

use super::blob_error;
use super::local::blocking;
use crate::contract::BlobError;

const SILENCE_MAX: Duration = Duration::from_secs(30);
const CONNECT_MAX: Duration = Duration::from_secs(10);

/// Parts of an upload but the last, in bytes. S3 takes none below 5 MiB, and R2 wants all of one size.
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html>
const PART_BYTES: usize = 8 * 1024 * 1024;

/// A bucket, and how it is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct S3Config {
    /// Its name.
    pub bucket: String,
    /// What the names of all files begin with; may be empty.
    pub prefix: String,
    /// Where it is, if not at Amazon: `https://account.r2.cloudflarestorage.com`.
    pub endpoint: Option<String>,
    /// Its region; `us-east-1` if absent, which R2 takes, too.
    pub region: Option<String>,
    /// The id of an access key and its secret; absent: what the machine is given by Amazon.
    pub key: Option<(String, String)>,
}

impl std::fmt::Debug for S3Config {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let S3Config { bucket, prefix, endpoint, region, key: _ } = self;
        out.debug_struct("S3Config")
            .field("bucket", bucket)
            .field("prefix", prefix)
            .field("endpoint", endpoint)
            .field("region", region)
            .finish_non_exhaustive()
    }
}

impl S3Config {
    /// Bucket and prefix of an address such as `s3://bucket/prefix`; `None` if it is not one.
    pub fn of(address: &str) -> Option<Self> {
        let rest = address.strip_prefix("s3://")?;
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let named = !bucket.is_empty()
            && bucket.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_".contains(&byte));
        named.then(|| S3Config {
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            endpoint: None,
            region: None,
            key: None,
        })
    }
}

pub(super) fn open(config: &S3Config) -> Result<Arc<dyn ObjectStore>, BlobError> {
    let options = ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(SILENCE_MAX)
        .with_connect_timeout(CONNECT_MAX);
    let mut builder = AmazonS3Builder::new()
        .with_client_options(options)
        .with_bucket_name(&config.bucket)
        .with_region(config.region.as_deref().unwrap_or("us-east-1"));
    if let Some(endpoint) = &config.endpoint {
        // In the clear only when the operator writes it so: MinIO on the same machine.
        builder = builder
            .with_endpoint(endpoint.trim_end_matches('/'))
            .with_allow_http(endpoint.starts_with("http://"));
    }
    if let Some((id, secret)) = &config.key {
        builder = builder.with_access_key_id(id).with_secret_access_key(secret);
    }
    let bucket = builder.build().map_err(blob_error)?;
    if config.prefix.is_empty() {
        return Ok(Arc::new(bucket));
    }
    let prefix = ObjectPath::parse(&config.prefix)
        .map_err(|error| BlobError::Unavailable(error.to_string()))?;
    Ok(Arc::new(PrefixStore::new(bucket, prefix)))
}

/// Sends a file in parts and removes it.
pub(super) async fn upload(
    store: &dyn ObjectStore,
    path: &ObjectPath,
    file: &Path,
) -> Result<(), BlobError> {
    let source = file.to_owned();
    let (opened, first) = blocking(move || part(File::open(source)?)).await?;
    if first.len() < PART_BYTES {
        store.put(path, first.into()).await.map_err(blob_error)?;
    } else {
        let mut parts = store.put_multipart(path).await.map_err(blob_error)?;
        let sent = send(&mut *parts, opened, first).await;
        if let Err(error) = sent {
            if let Err(error) = parts.abort().await {
                tracing::warn!(%error, "an upload to the bucket was not given up");
            }
            return Err(error);
        }
    }
    let file = file.to_owned();
    blocking(move || std::fs::remove_file(file)).await
}

async fn send(
    parts: &mut dyn object_store::MultipartUpload,
    mut file: File,
    mut bytes: Bytes,
) -> Result<(), BlobError> {
    while !bytes.is_empty() {
        parts.put_part(bytes.into()).await.map_err(blob_error)?;
        (file, bytes) = blocking(move || part(file)).await?;
    }
    parts.complete().await.map(|_| ()).map_err(blob_error)
}

/// The next part of a file; empty at its end.
fn part(mut file: File) -> std::io::Result<(File, Bytes)> {
    let mut bytes = Vec::new();
    file.by_ref().take(PART_BYTES as u64).read_to_end(&mut bytes)?;
    Ok((file, bytes.into()))
}
