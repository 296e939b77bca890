//! The settings of a bucket: whether they make sense together.

use anyhow::{Context as _, bail};
use salon_storage::blob::S3Config;

use crate::config::Hidden;

/// Half a bucket is a mistake, also when nothing would use it.
pub(crate) fn bucket(
    blobs: Option<String>,
    (endpoint, region): (Option<String>, Option<String>),
    key: (Option<Hidden>, Option<Hidden>),
) -> anyhow::Result<Option<S3Config>> {
    let key = match key {
        (Some(Hidden(id)), Some(Hidden(secret))) => Some((id, secret)),
        (None, None) => None,
        _ => bail!("s3_key_id, s3_secret: one is of no use without the other"),
    };
    match blobs.as_deref() {
        None | Some("local") if endpoint.is_some() || region.is_some() || key.is_some() => {
            bail!("blobs: settings of a bucket, but no s3://bucket")
        }
        None | Some("local") => Ok(None),
        Some(address) => {
            let named = S3Config::of(address)
                .with_context(|| format!("blobs: {address:?} is neither local nor s3://bucket"))?;
            let is_address = endpoint.as_deref().is_none_or(|endpoint| {
                endpoint.starts_with("https://") || endpoint.starts_with("http://")
            });
            if !is_address {
                bail!("s3_endpoint: expected https://…");
            }
            Ok(Some(S3Config { endpoint, region, key, ..named }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(blobs: &str, endpoint: &str, key: (&str, &str)) -> anyhow::Result<Option<S3Config>> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let hidden = |text: &str| given(text).map(Hidden);
        bucket(given(blobs), (given(endpoint), None), (hidden(key.0), hidden(key.1)))
    }

    #[test]
    fn a_bucket_is_whole_or_there_is_none() {
        assert_eq!(of("", "", ("", "")).unwrap(), None);
        assert_eq!(of("local", "", ("", "")).unwrap(), None);
        let found = of("s3://photos/of/ours", "https://r2.example", ("id", "hush")).unwrap();
        let found = found.unwrap();
        assert_eq!((found.bucket.as_str(), found.prefix.as_str()), ("photos", "of/ours"));
        assert!(!format!("{found:?}").contains("hush"));
        assert_eq!(found.key, Some(("id".into(), "hush".into())));
        let error = |outcome: anyhow::Result<_>| outcome.unwrap_err().to_string();
        assert!(error(of("ftp://photos", "", ("", ""))).contains("blobs"));
        assert!(error(of("", "https://r2.example", ("", ""))).contains("blobs"));
        assert!(error(of("s3://a", "", ("id", ""))).contains("s3_secret"));
        assert!(error(of("s3://a", "r2.example", ("", ""))).contains("s3_endpoint"));
    }
}
